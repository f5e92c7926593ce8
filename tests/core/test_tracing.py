"""Spans are written in Chrome's trace format; switched off, nothing is kept."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from core import tracing


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "trace.json"


def spans(file: Path) -> list[dict[str, object]]:
    """Stop, and read what was recorded."""
    tracing.stop(file)
    return json.loads(file.read_text(encoding="utf-8"))["traceEvents"]


def test_a_span_inside_another_lies_inside_its_time(file: Path) -> None:
    tracing.start()
    with tracing.trace("outer"), tracing.trace("inner"):
        pass
    inner, outer = spans(file)
    assert (inner["name"], outer["name"]) == ("inner", "outer")
    assert outer["ts"] <= inner["ts"]
    assert inner["ts"] + inner["dur"] <= outer["ts"] + outer["dur"]
    assert {span["ph"] for span in (inner, outer)} == {"X"}


def test_a_block_that_fails_is_recorded_and_the_error_goes_on(file: Path) -> None:
    tracing.start()
    with pytest.raises(ZeroDivisionError), tracing.trace("failing"):
        _ = 1 / 0
    assert [span["name"] for span in spans(file)] == ["failing"]


def test_threads_are_told_apart(file: Path) -> None:
    def work() -> None:
        with tracing.trace("worker"):
            pass

    tracing.start()
    thread = threading.Thread(target=work)
    thread.start()
    with tracing.trace("main"):
        pass
    thread.join()
    assert len({span["tid"] for span in spans(file)}) == 2


def test_nothing_is_recorded_while_switched_off(file: Path) -> None:
    with tracing.trace("before"):
        pass
    tracing.start()
    assert spans(file) == []
    with tracing.trace("after"):
        pass
    assert spans(file) == []


def test_a_span_that_outlasts_the_recording_is_dropped(file: Path) -> None:
    tracing.start()
    with tracing.trace("late"):
        assert spans(file) == []
    tracing.start()
    assert spans(file) == []
