"""The forecast of a picture's memory against what the process took at its peak.

    python -m tests.benchmarks.bench_memory [sd15|sdxl-base] [SIDE ...] [--dtype D] [--stored D]

Models of true size, all zeros, whose files take no room on disk. Each picture is made in a process
of its own in a single step, so that its peak is its own; where there is not memory enough for it,
a line says so and nothing is made. Without arguments: both models, at sizes that a CPU is done with
in a few minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from core.addons import AddonShelf
from core.checkpoints import describe
from core.geometry import Size
from core.inference import generate
from core.inference.demand import Demand
from core.inference.forecast import GIB, forecast
from core.memory import DevicePlan, room
from core.pipelines import PipelineCache
from core.request import GenerationRequest
from tests.benchmarks.bench_cancel import Watcher

ALLOWED = 0.15
SPARE = 1.1
"""Of the forecast, what has to be free before anything is made."""

UNET_LAST = "0"
"""A seed of Python's hashes with which the largest part is read after the others."""


@dataclass(frozen=True)
class Case:
    """One picture, or one batch of them.

    Attributes:
        side: Of each picture, in pixels.
        dtype: To compute in.
        stored: Of the files.
        pictures: In the batch.
        pag: Scale of perturbed-attention guidance.
    """

    model: str
    side: int
    dtype: str = "float32"
    stored: str = "float16"
    pictures: int = 1
    pag: float = 0.0

    @property
    def request(self) -> GenerationRequest:
        """What is to be made."""
        size = Size(self.side, self.side)
        return GenerationRequest(
            checkpoint=self.model,
            prompt="a castle",
            num_inference_steps=1,
            size=size,
            denoising_size=size,
            pag_scale=self.pag,
            together=tuple(range(self.pictures)) if self.pictures > 1 else (),
        )

    @property
    def plan(self) -> DevicePlan:
        """Where it is made."""
        return DevicePlan("cpu", self.dtype, "", 0, 0)

    def __str__(self) -> str:
        many = f" × {self.pictures}" if self.pictures > 1 else ""
        pag = " with PAG" if self.pag else ""
        return f"{self.model} {self.side}{many}{pag} {self.stored} in {self.dtype}"


CASES = (
    Case("sd15", 256, stored="float32"),
    Case("sd15", 512),
    Case("sd15", 512, pictures=2),
    Case("sd15", 256, pag=3.0),
    Case("sdxl-base", 256),
)


def main() -> int:
    """Measure and print one line for each picture."""
    arguments = _parser().parse_args()
    cases = _cases(arguments)
    if arguments.only_make is not None:
        (case,) = cases
        print(peak_of(arguments.only_make, case), flush=True)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            print(json.dumps(compare(_written(Path(folder), case), case)), flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", choices=["sd15", "sdxl-base"])
    parser.add_argument("sides", nargs="*", type=int, default=[256])
    parser.add_argument("--dtype", default="float32", help="to compute in")
    parser.add_argument("--stored", default="float16", help="of the files")
    parser.add_argument("--pictures", type=int, default=1, help="in one batch")
    parser.add_argument("--pag", type=float, default=0.0, help="scale")
    parser.add_argument("--only-make", type=Path, help=argparse.SUPPRESS)
    return parser


def _cases(arguments: argparse.Namespace) -> Iterable[Case]:
    if arguments.model is None:
        return CASES
    given = (arguments.dtype, arguments.stored, arguments.pictures, arguments.pag)
    return [Case(arguments.model, side, *given) for side in arguments.sides]


def _written(folder: Path, case: Case) -> Path:
    """The model's folder; in a process of its own, which gives all of its memory back."""
    place = folder / case.stored
    if not (place / case.model).exists():
        place.mkdir(exist_ok=True)
        code = (
            "import sys; from pathlib import Path; from tests.benchmarks.full_size import"
            " write_full_size; write_full_size(Path(sys.argv[1]), *sys.argv[2:])"
        )
        command = [sys.executable, "-c", code, str(place), case.model, case.stored]
        subprocess.run(command, check=True)
    return place / case.model


def compare(model: Path, case: Case) -> dict[str, Any]:
    """One picture; the line to print."""
    line: dict[str, Any] = {"benchmark": f"memory forecast {case}"}
    checkpoint = describe(model)
    demand = Demand.of(case.request, checkpoint.abilities, AddonShelf(), case.pictures)
    foreseen, free = forecast(checkpoint, case.plan, demand).peak, room(case.plan)
    if foreseen * SPARE > free:
        needs, has = f"{foreseen * SPARE / GIB:.1f}", f"{free / GIB:.1f}"
        return line | {"left_out": f"it needs {needs} GB, and {has} GB are free"}
    measured = _measured(model, case)
    ratio = foreseen / measured
    return line | {
        "baseline": "peak RSS of the process",
        "ratio": round(ratio, 3),
        "forecast_gib": round(foreseen / GIB, 2),
        "measured_gib": round(measured / GIB, 2),
        "promise": [1 - ALLOWED, 1 + ALLOWED],
        "kept": abs(ratio - 1) <= ALLOWED,
    }


def _measured(model: Path, case: Case) -> float:
    command = [
        *(sys.executable, "-m", "tests.benchmarks.bench_memory", case.model, str(case.side)),
        *("--dtype", case.dtype, "--stored", case.stored, "--pictures", str(case.pictures)),
        *("--pag", str(case.pag), "--only-make", str(model)),
    ]
    # The order in which diffusers reads the parts; the forecast is of the worst one.
    environment = os.environ | {"PYTHONHASHSEED": UNET_LAST}
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment)
    return float(done.stdout.split()[-1])


def peak_of(model: Path, case: Case) -> int:
    """Make a picture here; the most memory this process ever had, in bytes."""
    cache = PipelineCache(None, case.plan)
    generate(case.request, describe(model), cache, Watcher(), threading.Event())
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
