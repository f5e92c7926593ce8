"""Requests for the tiny zoo, and those who listen to a generation or stop it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.abilities import GenerationKind
from core.checkpoints import Checkpoint, describe
from core.geometry import Size
from core.inference import generate
from core.memory import DevicePlan
from core.pipelines import PipelineCache
from core.request import GenerationRequest, Pixels
from core.result import (
    GenerationResult,
    LoadingProgress,
    MemoryRanShort,
    PreviewFrame,
    StepProgress,
)

CPU = DevicePlan("cpu", "float32", "Tests compare bits.", 8 << 30, 8 << 30)
SIZE = Size(64, 64)


def new_cache(folder: Path | None = None) -> PipelineCache:
    """An empty cache that computes in float32 on the CPU, whatever this computer has."""
    return PipelineCache(folder, CPU)


def picture(size: Size = SIZE) -> Pixels:
    """A gradient with some noise, so that no two pixels are alike by chance."""
    y, x = np.mgrid[0 : size.height, 0 : size.width]
    noise = np.random.default_rng(3).integers(0, 32, (size.height, size.width))
    return np.stack([x * 3 % 224 + noise, y * 3 % 224 + noise, noise * 6], -1).astype(np.uint8)


def round_mask(size: Size = SIZE) -> Pixels:
    """A disc in the middle, a third of the picture wide."""
    y, x = np.mgrid[0 : size.height, 0 : size.width]
    inside = (x - size.width / 2) ** 2 + (y - size.height / 2) ** 2 < (size.width / 6) ** 2
    return np.where(inside, np.uint8(255), np.uint8(0))


def a_request(kind: GenerationKind = GenerationKind.TEXT_TO_IMAGE, **changes: Any) -> Any:
    """A small request of that kind that the zoo's models can carry out."""
    values: dict[str, Any] = {
        "kind": kind,
        "checkpoint": "sd15",
        "prompt": "a cat in a castle",
        "num_inference_steps": 4,
        "seed": 7,
        "size": SIZE,
    }
    values |= changes
    values.setdefault("denoising_size", values["size"])
    if kind is not GenerationKind.TEXT_TO_IMAGE:
        values.setdefault("init_image", picture(values["size"]))
    if kind is GenerationKind.INPAINTING:
        values.setdefault("mask_image", round_mask(values["size"]))
    return GenerationRequest(**values)


@dataclass
class Diary:
    """A listener that keeps everything; `on_step` is called after each step it hears of."""

    previews: bool = True
    on_step: Callable[[StepProgress], None] = lambda progress: None
    loading: list[LoadingProgress] = field(default_factory=list)
    steps: list[StepProgress] = field(default_factory=list)
    frames: list[PreviewFrame] = field(default_factory=list)
    savings: list[str] = field(default_factory=list)

    def loading_progressed(self, progress: LoadingProgress) -> None:
        self.loading.append(progress)

    def step_completed(self, progress: StepProgress) -> None:
        self.steps.append(progress)
        self.on_step(progress)

    def memory_ran_short(self, event: MemoryRanShort) -> None:
        self.savings.append(event.saving)

    def preview_ready(self, frame: PreviewFrame) -> None:
        self.frames.append(frame)

    def wants_preview(self) -> bool:
        return self.previews


class CountedEvent(threading.Event):
    """Sets itself when it is looked at for the nth time."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.looks = 0
        self._at = at

    def is_set(self) -> bool:
        self.looks += 1
        if self.looks == self._at:
            self.set()
        return super().is_set()


def make(
    request: GenerationRequest,
    checkpoint: Checkpoint | Path,
    cache: PipelineCache | None = None,
    listener: Diary | None = None,
    stop: threading.Event | None = None,
) -> GenerationResult:
    """`core.inference.generate` with everything that was left out made fresh."""
    if isinstance(checkpoint, Path):
        checkpoint = describe(checkpoint)
    return generate(
        request,
        checkpoint,
        new_cache() if cache is None else cache,
        Diary() if listener is None else listener,
        threading.Event() if stop is None else stop,
    )
