"""PySide6 6.12.0 on Python 3.11 lost one reference to None with every void call, and aborted."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtGui import QColor, QImage, QPainter

CALLS = 1000


def paint(painter: QPainter, times: int) -> None:
    """Make `3 * times` calls that return nothing."""
    colour = QColor("white")
    for _ in range(times):
        painter.fillRect(0, 0, 8, 8, colour)
        painter.save()
        painter.restore()


@pytest.mark.usefixtures("qapp")
def test_void_calls_keep_their_references_to_none() -> None:
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    paint(painter, 10)  # what PySide6 sets up at the first call is not counted
    before = sys.getrefcount(None)
    paint(painter, CALLS)
    lost = before - sys.getrefcount(None)
    painter.end()
    assert abs(lost) < CALLS // 10, f"{lost} references lost in {3 * CALLS} calls"
