"""Fails a test that leaves a thread running which would keep the program from ending."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Iterator

import pytest

GRACE = 2.0  # seconds; a thread that has been told to end may still be on its way


def left_over(before: set[threading.Thread]) -> list[threading.Thread]:
    """Threads that are not daemons, were not there before, and do not end by themselves."""
    deadline = time.monotonic() + GRACE
    suspects = [t for t in threading.enumerate() if t not in before and not t.daemon]
    for thread in suspects:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread for thread in suspects if thread.is_alive()]


def where(thread: threading.Thread) -> str:
    """The lines that `thread` is at just now."""
    frame = sys._current_frames().get(thread.ident or -1)
    return "".join(traceback.format_stack(frame)[-3:]) if frame else "  nowhere\n"


@pytest.fixture(autouse=True)
def _thread_watch() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    if leaked := left_over(before):
        reports = [f"{thread.name} is at\n{where(thread)}" for thread in leaked]
        pytest.fail("leaked threads:\n" + "\n".join(reports), pytrace=False)
