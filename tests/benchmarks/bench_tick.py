"""How late the window's 16 ms timer is while the model imports, loads, denoises and decodes.

The real window, offscreen unless there is a display; the baseline is the same window at rest in the
same process. Prints one JSON line.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer

if "DISPLAY" not in os.environ:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

INTERVAL_MS = 16
PICTURES = 4
REST_SECONDS = 4.0
PROMISE_MS = 16


class Ticks(QObject):
    """A precise timer that notes how much later than its interval each tick came, in ms."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.late: list[float] = []
        self._last = time.perf_counter()
        timer = QTimer(self)
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.setInterval(INTERVAL_MS)
        timer.timeout.connect(self._on_tick)
        timer.start()

    def take(self) -> list[float]:
        """What was noted since the last call."""
        noted, self.late = self.late, []
        return noted

    def _on_tick(self) -> None:
        now = time.perf_counter()
        self.late.append(max(0.0, (now - self._last) * 1000 - INTERVAL_MS))
        self._last = now


def p99(late: list[float]) -> float:
    """The 99th percentile."""
    return statistics.quantiles(late, n=100)[98]


def main() -> int:
    """Measure and print."""
    from gui.app import run

    with tempfile.TemporaryDirectory() as home:
        return run((), Path(home), lambda studio: studio.background.start(measure(studio)))


async def measure(studio) -> None:  # type: ignore[no-untyped-def]
    """Start-up, rest, then pictures; the window closes at the end."""
    ticks = Ticks(studio)
    done = asyncio.Event()
    holder = Waiter(studio, done)
    studio.sampling.prompt = "a red apple on a blue background"
    await wait_until_ready(studio)
    starting = ticks.take()
    await asyncio.sleep(REST_SECONDS)
    resting = ticks.take()
    for _ in range(PICTURES):
        done.clear()
        studio.generate()
        await done.wait()
    denoising = ticks.take()
    holder.deleteLater()
    print(
        json.dumps(
            {
                "benchmark": "window tick while denoising",
                "baseline": "the same window at rest",
                "ratio": round(p99(denoising) / max(p99(resting), 0.05), 2),
                "p99_ms": round(p99(denoising), 2),
                "max_ms": round(max(denoising), 2),
                "baseline_p99_ms": round(p99(resting), 2),
                "starting_max_ms": round(max(starting), 2),
                "promise_p99_ms": PROMISE_MS,
                "ticks": len(denoising),
                "model": studio.generation.checkpoint.name,
            }
        ),
        flush=True,
    )
    studio.closing.excuse()
    studio.window.close()


class Waiter(QObject):
    """Sets an event when a picture is kept."""

    def __init__(self, studio, done: asyncio.Event) -> None:  # type: ignore[no-untyped-def]
        super().__init__(studio)
        self._done = done
        studio.generation.item_kept.connect(self._on_kept)

    def _on_kept(self, item: object) -> None:
        self._done.set()


async def wait_until_ready(studio) -> None:  # type: ignore[no-untyped-def]
    """Until torch is imported and the model is loaded."""
    from gui.generation import State

    while studio.generation.checkpoint is None or studio.generation.state is not State.READY:
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.0)


if __name__ == "__main__":
    sys.exit(main())
