"""Generation through the engine with a preview of every step, over bare diffusers.

    python -m tests.benchmarks.bench_engine [PAIRS]

The embedded model, then one of Stable Diffusion 1.5's size whose weights are all zero. Both ways
use the same pipeline object, so dtype, memory format and weights are the same; threads, seed and
scheduler too. Pairs alternate. No picture is written: that has a line of its own. `cpu` lines
count the processor time of the whole process, so that a busy machine shows as wall time only.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
from PySide6.QtCore import QCoreApplication, QEventLoop, QObject, Slot

from core.abilities import GenerationKind
from core.checkpoints import Checkpoint, describe
from core.engine import EngineEvent, Failed, Finished, InferenceThread
from core.geometry import Size
from core.pipelines import PipelineCache, import_libraries
from core.request import GenerationRequest, Pixels
from core.result import PreviewFrame
from core.schedulers import make_scheduler
from core.settings import RESOURCES
from tests.benchmarks.full_size import write_full_size

STEPS = 12
FEW_STEPS, FEW_PAIRS = 3, 2
SIDE = 256
STARTER = RESOURCES / "models" / "starter"
PROMISE = 1.02
PROMISE_MS = 4.0


class Cost(NamedTuple):
    """What one picture took, in seconds."""

    wall: float
    cpu: float


class Window(QObject):
    """Takes every preview at once and ends the event loop with the picture."""

    def __init__(self, engine: InferenceThread) -> None:
        super().__init__()
        self.loop = QEventLoop()
        self.previews = 0
        self.image: Pixels | None = None
        self._engine = engine
        engine.event_emitted.connect(self.on_event)

    @Slot(object)
    def on_event(self, event: EngineEvent) -> None:
        """As the window does, without drawing."""
        if isinstance(event, PreviewFrame):
            self.previews += 1
            self._engine.preview_taken(event.request_id)
        elif isinstance(event, Finished):
            self.image = event.result.image
            self.loop.quit()
        elif isinstance(event, Failed):
            sys.exit(event.message + event.details)


def main() -> int:
    """Measure and print."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    sys.setswitchinterval(0.001)
    application = QCoreApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as folder:
        embedded = describe(STARTER if STARTER.exists() else build_medium(Path(folder)))
        large = describe(write_full_size(Path(folder), "sd15"))
        pipelines = PipelineCache()
        engine = InferenceThread(None, pipelines, [embedded.path, large.path])
        engine.start()
        try:
            for case in (Case(embedded, STEPS, pairs), Case(large, FEW_STEPS, FEW_PAIRS)):
                print(json.dumps(compare(engine, pipelines, case)), flush=True)
        finally:
            engine.close()
    del application
    return 0


class Case(NamedTuple):
    """A model, and how many steps and pairs of pictures it is measured with."""

    checkpoint: Checkpoint
    steps: int
    pairs: int


def compare(engine: InferenceThread, pipelines: PipelineCache, case: Case) -> dict[str, Any]:
    """Run the pairs; the line to print."""
    window = Window(engine)
    ours = [through_engine(engine, window, case, seed=0)]  # warms up, and loads
    bare = [with_diffusers(pipelines, case, seed=0)]
    for seed in range(1, case.pairs + 1):
        order: list[Callable[[], None]] = [
            lambda seed=seed: ours.append(through_engine(engine, window, case, seed)),
            lambda seed=seed: bare.append(with_diffusers(pipelines, case, seed)),
        ]
        for run in order if seed % 2 else reversed(order):
            run()
    same = bool(np.array_equal(ours[1].image, bare[1].image))
    return line(ours[1:], bare[1:], window, case) | {"same_pixels": same}


class Run(NamedTuple):
    """One picture and its cost."""

    cost: Cost
    image: Pixels


def line(ours: list[Run], bare: list[Run], window: Window, case: Case) -> dict[str, Any]:
    """The figures as one record."""
    ratios = [a.cost.wall / b.cost.wall for a, b in zip(ours, bare, strict=True)]
    cpu = [a.cost.cpu / b.cost.cpu for a, b in zip(ours, bare, strict=True)]
    extra = [(a.cost.cpu - b.cost.cpu) / case.steps * 1e3 for a, b in zip(ours, bare, strict=True)]
    return {
        "benchmark": f"engine with previews, {case.checkpoint.name}",
        "baseline": "bare diffusers, same pipeline",
        "ratio": round(statistics.median(ratios), 4),
        "range": [round(min(ratios), 4), round(max(ratios), 4)],
        "cpu_ratio": round(statistics.median(cpu), 4),
        "cpu_range": [round(min(cpu), 4), round(max(cpu), 4)],
        "cpu_extra_ms_a_step": round(statistics.median(extra), 2),
        "bare_seconds": round(statistics.median(b.cost.wall for b in bare), 3),
        "previews": window.previews,
        "steps": case.steps,
        "pairs": len(ours),
        "side": SIDE,
        "promise": PROMISE,
        "promise_ms_a_step": PROMISE_MS,
    }


def through_engine(engine: InferenceThread, window: Window, case: Case, seed: int) -> Run:
    """From `submit` to the picture in the window's thread."""
    request = a_request(case.checkpoint, seed, case.steps)
    before = now()
    engine.submit(request)
    window.loop.exec(QEventLoop.ProcessEventsFlag.AllEvents)
    cost = since(before)
    assert window.image is not None
    return Run(cost, window.image)


def with_diffusers(pipelines: PipelineCache, case: Case, seed: int) -> Run:
    """The same pipeline called as its documentation says, with nothing of ours around it."""
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    request = a_request(case.checkpoint, seed, case.steps)
    loaded = pipelines.get(case.checkpoint, GenerationKind.TEXT_TO_IMAGE)
    before = now()
    loaded.pipe.scheduler = make_scheduler(request.scheduler, loaded.original_scheduler_config)
    output = loaded.pipe(
        request.prompt,
        width=SIDE,
        height=SIDE,
        num_inference_steps=case.steps,
        guidance_scale=request.guidance_scale,
        generator=torch.Generator().manual_seed(seed),
    )
    return Run(since(before), np.asarray(output.images[0]))


def a_request(checkpoint: Checkpoint, seed: int, steps: int = STEPS) -> GenerationRequest:
    """A picture of the size that the embedded model was made for."""
    return GenerationRequest(
        checkpoint=checkpoint.name,
        prompt="a red apple on a blue background",
        num_inference_steps=steps,
        seed=seed,
        size=Size(SIDE, SIDE),
        denoising_size=Size(SIDE, SIDE),
    )


def now() -> Cost:
    """Both clocks."""
    return Cost(time.perf_counter(), time.process_time())


def since(before: Cost) -> Cost:
    """Both clocks' difference."""
    after = now()
    return Cost(after.wall - before.wall, after.cpu - before.cpu)


def build_medium(folder: Path) -> Path:
    """Where the embedded model is missing: random weights in its size (26.8 million in the U-Net).

    The tiny zoo would do, but with its steps of 10 ms there is nothing to be a percentage of.
    """
    import_libraries()
    from diffusers import UNet2DConditionModel

    from tools.tiny_zoo import build

    build(folder, {"sd15"})
    medium = (folder / "sd15").rename(folder / "medium")
    config = json.loads((medium / "unet" / "config.json").read_text())
    shutil.rmtree(medium / "unet")
    UNet2DConditionModel(
        sample_size=SIDE // 8,
        layers_per_block=1,
        block_out_channels=(128, 256, 256),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=config["cross_attention_dim"],
        attention_head_dim=4,
    ).save_pretrained(medium / "unet")
    return medium


if __name__ == "__main__":
    sys.exit(main())
