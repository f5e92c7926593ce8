"""What it costs to keep the state of every step, and what a branch from the middle saves.

    python -m tests.benchmarks.bench_timeline [PAIRS]

The same request through the same pipeline, with and without a timeline, in alternating pairs; no
listener wants previews. `cpu` counts the processor time of the whole process, so that a busy
machine shows as wall time only.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import threading
from dataclasses import replace
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np

from core.checkpoints import Checkpoint, describe
from core.inference import Timelines, generate
from core.inference.timeline import MEBIBYTE
from core.pipelines import PipelineCache
from core.request import Branch, GenerationRequest
from core.result import GenerationResult
from tests.benchmarks.bench_engine import STARTER, STEPS, Cost, a_request, now, since
from tests.helpers.generations import Diary

BUDGET = 256 * MEBIBYTE
PROMISE = 1.02
SCHEDULER = "DPM++ 2M"  # keeps the model's last outputs, and so does each of its states


class Run(NamedTuple):
    """One picture and its cost."""

    cost: Cost
    result: GenerationResult


def main() -> int:
    """Measure and print."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    checkpoint, pipelines = describe(STARTER), PipelineCache()
    print(json.dumps(compare(checkpoint, pipelines, pairs)), flush=True)
    return 0


def compare(checkpoint: Checkpoint, pipelines: PipelineCache, pairs: int) -> dict[str, Any]:
    """Run the pairs; the line to print."""
    timelines = Timelines(BUDGET)

    def run(request: GenerationRequest, kept: Timelines | None) -> Run:
        stop, before = threading.Event(), now()
        result = generate(
            request, checkpoint, pipelines, Diary(previews=False), stop, timelines=kept
        )
        return Run(since(before), result)

    kept, bare, branches = [], [], []
    for seed in range(pairs + 1):
        request = asked(checkpoint, seed)
        order = (timelines, None) if seed % 2 else (None, timelines)
        for each in order:
            (bare if each is None else kept).append(run(request, each))
        branches.append(run(branch_of(request), timelines))
    return line(kept[1:], bare[1:], branches[1:], timelines, checkpoint)


def line(
    kept: list[Run], bare: list[Run], branches: list[Run], timelines: Timelines, model: Checkpoint
) -> dict[str, Any]:
    """The figures as one record."""
    pairs = list(zip(kept, bare, branches, strict=True))
    wall = [a.cost.wall / b.cost.wall for a, b, _ in pairs]
    cpu = [a.cost.cpu / b.cost.cpu for a, b, _ in pairs]
    saved = [c.cost.cpu / b.cost.cpu for _, b, c in pairs]
    return {
        "benchmark": "timeline of every step",
        "baseline": "the same without keeping states",
        "ratio": round(statistics.median(wall), 4),
        "range": [round(min(wall), 4), round(max(wall), 4)],
        "cpu_ratio": round(statistics.median(cpu), 4),
        "cpu_range": [round(min(cpu), 4), round(max(cpu), 4)],
        "branch_from_half_cpu_ratio": round(statistics.median(saved), 4),
        "kilobytes_a_step": round(timelines.bytes / (len(kept) + 1) / 1.5 / STEPS / 1024, 1),
        "same_pixels": all(np.array_equal(a.result.image, b.result.image) for a, b, _ in pairs),
        "branch_has_same_pixels": all(
            np.array_equal(c.result.image, b.result.image) for _, b, c in pairs
        ),
        "steps": STEPS,
        "pairs": len(kept),
        "model": model.name,
        "promise": PROMISE,
    }


def asked(checkpoint: Checkpoint, seed: int) -> GenerationRequest:
    """The picture of the engine's benchmark, with a scheduler that remembers."""
    return replace(a_request(checkpoint, seed), scheduler=SCHEDULER)


def branch_of(request: GenerationRequest) -> GenerationRequest:
    """The same picture, begun at the middle of its own run."""
    return replace(request, branch=Branch.of(request, STEPS // 2), id="b" * 32)


if __name__ == "__main__":
    sys.exit(main())
