"""The forecast of a picture's memory against what the process took at its peak.

    python -m tests.benchmarks.bench_memory [sd15|sdxl-base] [SIDE ...] [--dtype D] [--stored D]

Models of true size with random weights are written into a temporary folder: 4.3 GB for sd15, 14 GB
for sdxl-base in float32. Each picture is made in a process of its own, in two steps, so that its
peak is its own. Without arguments: sd15 at 256 pixels.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from core.checkpoints import describe
from core.geometry import Size
from core.inference import generate
from core.inference.forecast import GIB, forecast
from core.memory import DevicePlan
from core.pipelines import PipelineCache
from core.request import GenerationRequest
from tests.benchmarks.bench_cancel import Watcher

ALLOWED = 0.15


def main() -> int:
    """Measure and print one line for each size."""
    arguments = _parser().parse_args()
    if arguments.only_make is not None:
        print(peak_of(arguments.only_make, arguments.sides[0], arguments.dtype), flush=True)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        model = arguments.model_folder or write(folder, arguments.model, arguments.stored)
        for side in arguments.sides:
            print(json.dumps(compare(model, side, arguments.dtype)), flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="sd15", choices=["sd15", "sdxl-base"])
    parser.add_argument("sides", nargs="*", type=int, default=[256])
    parser.add_argument("--dtype", default="float32", help="to compute in")
    parser.add_argument("--stored", default="float32", help="of the files")
    parser.add_argument("--model-folder", type=Path, help="one that was written before")
    parser.add_argument("--only-make", type=Path, help=argparse.SUPPRESS)
    return parser


def write(folder: str, model: str, stored: str) -> Path:
    """The model's folder; in a process of its own, which gives all of its memory back."""
    code = (
        "import sys; from pathlib import Path; from tests.benchmarks.full_size import"
        " write_full_size; write_full_size(Path(sys.argv[1]), *sys.argv[2:])"
    )
    subprocess.run([sys.executable, "-c", code, folder, model, stored], check=True)
    return Path(folder) / model


def compare(model: Path, side: int, dtype: str) -> dict[str, Any]:
    """One picture; the line to print."""
    foreseen = forecast(describe(model), DevicePlan("cpu", dtype, "", 0, 0), Size(side, side))
    command = [sys.executable, "-m", "tests.benchmarks.bench_memory", "--only-make", str(model)]
    done = subprocess.run(
        [*command, "--dtype", dtype, "sd15", str(side)], stdout=subprocess.PIPE, check=True
    )
    measured = float(done.stdout.split()[-1])
    ratio = foreseen.peak / measured
    return {
        "benchmark": f"memory forecast {model.name} {side} {dtype}",
        "baseline": "peak RSS of the process",
        "ratio": round(ratio, 3),
        "forecast_gib": round(foreseen.peak / GIB, 2),
        "measured_gib": round(measured / GIB, 2),
        "promise": [1 - ALLOWED, 1 + ALLOWED],
        "kept": abs(ratio - 1) <= ALLOWED,
    }


def peak_of(model: Path, side: int, dtype: str) -> int:
    """Make a picture here; the most memory this process ever had, in bytes."""
    size = Size(side, side)
    request = GenerationRequest(
        checkpoint=model.name,
        prompt="a castle",
        num_inference_steps=2,
        size=size,
        denoising_size=size,
    )
    plan = DevicePlan("cpu", dtype, "", 0, 0)
    cache = PipelineCache(None, plan)
    generate(request, describe(model), cache, Watcher(), threading.Event())
    return _high_water()


def _high_water() -> int:
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    sys.exit(main())
