"""Spans of time in Chrome's trace format; costs one comparison while it is switched off.

Open the written file in chrome://tracing or in Perfetto.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_events: list[dict[str, Any]] | None = None


def start() -> None:
    """Record every span from now on."""
    global _events
    _events = []


def stop(file: Path) -> None:
    """Write the recorded spans to `file` and record no more."""
    global _events
    events, _events = _events, None
    file.write_text(json.dumps({"traceEvents": events or []}), encoding="utf-8")


@contextmanager
def trace(name: str) -> Iterator[None]:
    """Record how long the block took, under `name`, on the thread that ran it."""
    if _events is None:
        yield
        return
    begin = time.perf_counter_ns()
    try:
        yield
    finally:
        _record(name, begin)


def _record(name: str, begin: int) -> None:
    if _events is not None:
        _events.append(
            {
                "name": name,
                "ph": "X",
                "ts": begin / 1e3,
                "dur": (time.perf_counter_ns() - begin) / 1e3,
                "pid": os.getpid(),
                "tid": threading.get_native_id(),
            }
        )
