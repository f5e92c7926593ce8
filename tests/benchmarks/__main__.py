"""Runs every `bench_*.py` in a process of its own and compares with the ratios kept before."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
COMMITTED = HERE / "ratios.json"
WORSE = 1.15
"""A ratio this much above the committed one is worth a line; the machines are noisy."""


def main() -> int:
    """Print each benchmark's lines as they come; then what got worse."""
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    options.add_argument("names", nargs="*", metavar="NAME", help="engine, window, ...")
    options.add_argument("--keep", action="store_true", help="keep today's ratios")
    arguments = options.parse_args()
    files = sorted(HERE.glob("bench_*.py"))
    if arguments.names:
        files = [file for file in files if file.stem.removeprefix("bench_") in arguments.names]
    lines = [line for file in files for line in _run(file)]
    committed = json.loads(COMMITTED.read_text())
    before, today = committed.get(processor(), {}), _ratios(lines)
    if not before:
        print(f"not compared: nothing was kept on a processor like this one, {processor()}")
    for name, ratio in today.items():
        if ratio > before.get(name, ratio) * WORSE:
            print(f"worse: {name} is {ratio:.3f}, was {before[name]:.3f}")
    if arguments.keep:
        kept = committed | {processor(): before | today}
        COMMITTED.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    return 0


def processor() -> str:
    """What computes here; `ratios.json` keeps the ratios of each apart.

    They are not the same everywhere: where memory is copied five times as fast, what is measured
    against a copy looks worse and is not.
    """
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    facts = dict(line.replace("\t", "").split(":", 1) for line in lines if ":" in line)
    name = facts.get("model name", platform.processor() or platform.machine()).strip()
    numbers = [facts[key].strip() for key in ("cpu family", "model") if key in facts]
    return f"{name} {'.'.join(numbers)}".strip() + f", {os.cpu_count()} cores"


def _ratios(lines: list[dict[str, Any]]) -> dict[str, float]:
    return {line["benchmark"]: line["ratio"] for line in lines if "ratio" in line}


def _run(file: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", f"tests.benchmarks.{file.stem}"]
    lines = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        print(f"failed: {file.name} ended with {process.returncode}")
    return [json.loads(line) for line in lines if line.startswith("{")]


if __name__ == "__main__":
    sys.exit(main())
