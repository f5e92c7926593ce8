"""Switching among the three kinds of generation: no weight is in memory twice.

    python -m tests.benchmarks.bench_kinds

The model is the tiny one with Stable Diffusion's architecture. Storages are counted by their
address: what two kinds share is counted once.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from core.checkpoints import describe
from core.memory import DevicePlan
from core.pipelines import PipelineCache
from tools.tiny_zoo import build

PROMISE = 0


def main() -> int:
    """Print the line."""
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder), {"sd15"})
        print(json.dumps(measured(Path(folder) / "sd15")))
    return 0


def measured(model: Path) -> dict[str, Any]:
    """Bytes of weights with one kind loaded, and with all of them."""
    checkpoint = describe(model)
    cache = PipelineCache(None, DevicePlan("cpu", "float32", "", 8 << 30, 8 << 30))
    kinds = sorted(checkpoint.abilities.kinds)
    found = storages(cache.get(checkpoint, kinds[0]).pipe)
    one = sum(found.values())
    for kind in kinds[1:]:
        found |= storages(cache.get(checkpoint, kind).pipe)
    return {
        "benchmark": "bytes of a second copy, three kinds",
        "baseline": "bytes with one kind",
        "ratio": sum(found.values()) / one,
        "one_kind": one,
        "second_copy": sum(found.values()) - one,
        "promise": PROMISE,
        "kept": sum(found.values()) - one == PROMISE,
    }


def storages(pipe: Any) -> dict[int, int]:
    """Bytes of every storage of a pipeline's weights by its address."""
    import torch

    parts = [part for part in pipe.components.values() if isinstance(part, torch.nn.Module)]
    tensors = [tensor for part in parts for tensor in (*part.parameters(), *part.buffers())]
    return {each.untyped_storage().data_ptr(): each.untyped_storage().nbytes() for each in tensors}


if __name__ == "__main__":
    sys.exit(main())
