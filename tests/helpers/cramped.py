"""A device whose memory does not suffice until one of the savings is switched on."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch

from core.memory import DevicePlan, Placement
from core.pipelines import PipelineCache

SIGNALS: dict[str, Callable[[], BaseException]] = {
    "cuda": lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    "mps": lambda: RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
    "cpu": lambda: RuntimeError(
        "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you"
        " tried to allocate 99 bytes"
    ),
}


class CrampedDevice:
    """Stands in for `core.pipelines.placing.place`; everything stays on the CPU.

    Attributes:
        signal: How it says so, one of `SIGNALS`; at first that of the plan's device.
        phase: Where memory runs out: ``"load"``, ``"step"``, ``"decode"``, or nowhere if empty.
        step: In which denoising step, from 1, if `phase` says so.
        relief: What suffices: the name of a rung; ``"again"`` for a single failure.
        failures: How often memory ran out since `cramp`.
        placements: Where pipelines were brought, in order.
        ran_out: Called each time, on the thread that computes.
        pinned: Tensors of failed attempts that were still alive when the next one began.
    """

    def __init__(self, name: str) -> None:
        self.signal = name
        self.plan = DevicePlan(name, "float32", "A test's.", 8 << 30, 8 << 30)
        self.placements: list[Placement] = []
        self.ran_out: Callable[[], None] = lambda: None
        self.pinned = 0
        self._filling: list[weakref.ref[Any]] = []
        self._calls = 0
        self.cramp("", "")

    def new_cache(self) -> PipelineCache:
        """A cache of pipelines on this device."""
        return PipelineCache(None, self.plan, self)

    def cramp(self, phase: str, relief: str, step: int = 1) -> None:
        """Let memory run out from now on; with no phase, never."""
        self.phase, self.relief, self.step = phase, relief, step
        self.failures = 0

    def __call__(self, pipe: Any, plan: DevicePlan) -> None:
        """Place the pipeline."""
        self.placements.append(plan.placement)
        if self.phase == "load" and not self._is_relieved(pipe, plan.placement):
            self._run_out()
        # One batch of the U-Net is one call of its first convolution, two with "one by one".
        pipe.unet.conv_in.register_forward_pre_hook(
            lambda _, arguments: self._on_denoising(pipe, plan, arguments[0])
        )
        pipe.vae.decoder.mid_block.register_forward_pre_hook(
            lambda *_: self._on_decoding(pipe, plan)
        )
        first = pipe.text_encoder or pipe.text_encoder_2  # a refiner has the second alone
        first.register_forward_pre_hook(lambda *_: self._on_beginning())

    def _on_beginning(self) -> None:
        self._calls = 0
        self.pinned += sum(filling() is not None for filling in self._filling)
        self._filling.clear()

    def _on_denoising(self, pipe: Any, plan: DevicePlan, sample: Any) -> None:
        self._calls += 1
        is_due = self.phase == "step" and self._calls >= self.step
        if is_due and not self._is_relieved(pipe, plan.placement, len(sample)):
            self._run_out()

    def _on_decoding(self, pipe: Any, plan: DevicePlan) -> None:
        if self.phase == "decode" and not self._is_relieved(pipe, plan.placement):
            self._run_out()

    def _is_relieved(self, pipe: Any, placement: Placement, batch: int = 2) -> bool:
        processors = {type(one).__name__ for one in pipe.unet.attn_processors.values()}
        return {
            "again": self.failures > 0,
            "VAE tiling": pipe.vae.use_tiling,
            "fewer at a time": batch <= 2,
            "one by one": batch == 1,
            "attention slicing": processors == {"SlicedAttnProcessor"},
            "model offload": placement is Placement.MODEL_OFFLOAD,
            "layerwise casting": placement is Placement.LAYERWISE_CASTING,
            "sequential offload": placement is Placement.SEQUENTIAL_OFFLOAD,
        }.get(self.relief, False)

    def _run_out(self) -> None:
        filling = torch.zeros(1 << 16)  # lives in this frame, which the error will carry
        self._filling.append(weakref.ref(filling))
        self.failures += 1
        self.ran_out()
        raise SIGNALS[self.signal]()
