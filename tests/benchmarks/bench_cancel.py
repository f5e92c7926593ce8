"""From the wish to stop to the end of the computation, at the size of Stable Diffusion 1.5.

    python -m tests.benchmarks.bench_cancel [TRIES]

A U-Net with that model's layers (860 million random weights, never written to disk) at 256 pixels;
the stop comes at evenly spread moments of the first step. In all it computes about six steps:
half a minute on a core of its own, and 4 GB of memory.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from core.checkpoints import describe
from core.errors import GenerationCancelled
from core.geometry import Size
from core.inference import generate
from core.pipelines import LoadedPipeline, PipelineCache
from core.request import GenerationRequest
from core.result import LoadingProgress, MemoryRanShort, PreviewFrame, StepProgress
from tests.benchmarks.full_size import full_size_unet

SIDE = 256
PROMISE = 0.05


class Watcher:
    """Notes when each step ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def loading_progressed(self, progress: LoadingProgress) -> None:
        """Nothing is loaded here."""

    def step_completed(self, progress: StepProgress) -> None:
        """Note the time."""
        self.ends.append(time.perf_counter())

    def memory_ran_short(self, event: MemoryRanShort) -> None:
        """It must not: the figures would be of another computation."""
        raise SystemExit(f"memory ran short: {event.saving}")

    def preview_ready(self, frame: PreviewFrame) -> None:
        """Nobody looks."""

    def wants_preview(self) -> bool:
        """Nobody looks."""
        return False


class Prepared(PipelineCache):
    """Gives one pipeline, whatever it is asked for."""

    def __init__(self, loaded: LoadedPipeline) -> None:
        super().__init__()
        self._prepared = loaded

    def get(self, *_: object, **__: object) -> LoadedPipeline:
        """The pipeline."""
        return self._prepared


def main() -> int:
    """Measure and print."""
    tries = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with large_pipeline() as loaded:
        step = seconds_of_a_step(loaded)
        waits = [stop_after(loaded, step * (n + 0.5) / tries) for n in range(tries)]
    shares = [wait / step for wait in waits]
    record = {
        "benchmark": "cancel inside a step",
        "baseline": "one denoising step",
        "ratio": round(statistics.median(shares), 4),
        "range": [round(min(shares), 4), round(max(shares), 4)],
        "wait_ms": round(statistics.median(waits) * 1e3, 1),
        "step_seconds": round(step, 2),
        "side": SIDE,
        "tries": tries,
        "promise": PROMISE,
    }
    print(json.dumps(record), flush=True)
    return 0


def run(loaded: LoadedPipeline, steps: int, stop: threading.Event) -> Watcher:
    """A run that is stopped, or not."""
    watcher = Watcher()
    request = GenerationRequest(
        checkpoint="large",
        prompt="a castle",
        num_inference_steps=steps,
        size=Size(SIDE, SIDE),
        denoising_size=Size(SIDE, SIDE),
    )
    generate(request, loaded.checkpoint, Prepared(loaded), watcher, stop)
    return watcher


def seconds_of_a_step(loaded: LoadedPipeline) -> float:
    """The second step; the first one also warms up."""
    first, second = run(loaded, 2, threading.Event()).ends
    return second - first


def stop_after(loaded: LoadedPipeline, seconds: float) -> float:
    """Ask a run to stop after that time; how long it took to obey, in seconds."""
    stop = threading.Event()
    asked: list[float] = []

    def ask() -> None:
        asked.append(time.perf_counter())
        stop.set()

    timer = threading.Timer(seconds, ask)
    timer.start()
    try:
        run(loaded, 50, stop)
    except GenerationCancelled:
        return time.perf_counter() - asked[0]
    finally:
        timer.cancel()
        timer.join()
    raise AssertionError("the run ended before it was stopped")


@contextmanager
def large_pipeline() -> Iterator[LoadedPipeline]:
    """The zoo's sd15 with a U-Net of full size."""
    from tools.tiny_zoo import build

    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder), {"sd15"})
        checkpoint = describe(Path(folder) / "sd15")
        loaded = PipelineCache().get(checkpoint, max(checkpoint.abilities.kinds))
        width = loaded.pipe.unet.config.cross_attention_dim
        unet = full_size_unet(dtype=loaded.plan.dtype, cross_attention_dim=width)
        loaded.pipe.register_modules(unet=unet)
        yield loaded


if __name__ == "__main__":
    sys.exit(main())
