"""Moving the generation frame, and taking a colour from the picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from core.geometry import Rect
from gui.canvas.tools.gesture import Canvas, Gesture, Pointer
from gui.canvas.tools.grips import cursor_of

if TYPE_CHECKING:
    from gui.canvas.tools.painting import BrushSettings

SNAP = 8
"""View pixels within which the frame clings to the picture's edges."""
GRIP = 10
"""View pixels around a corner that take hold of it."""
LEAST_SIDE = 8


class FrameTool:
    """Drags the frame by its inside, or one of its corners."""

    name = "Frame"
    cursor: Qt.CursorShape | None = Qt.CursorShape.SizeAllCursor
    nudges = True

    def cursor_at(self, canvas: Canvas, pointer: Pointer) -> Qt.CursorShape:
        """What the corner under the pointer does."""
        assert canvas.document is not None
        corner = _corner_at(canvas.document.frame, pointer, GRIP / canvas.viewport.zoom)
        return cursor_of(canvas.viewport, corner or (0, 0))

    def gesture(self, canvas: Canvas, press: Pointer) -> Gesture:
        """Move or resize until release; giving up puts the frame back."""
        document = canvas.document
        assert document is not None
        before = document.frame
        if press.nudge is not None:
            canvas.move_frame(before.translated(*press.nudge))
            return
        corner = _corner_at(before, press, GRIP / canvas.viewport.zoom)
        try:
            pointer = yield
            while pointer.is_down:
                dx, dy = round(pointer.x - press.x), round(pointer.y - press.y)
                if corner:
                    frame = _resized(before, corner, dx, dy, canvas.frame_step)
                else:
                    moved = before.translated(dx, dy)
                    frame = _snapped(moved, document.size, SNAP / canvas.viewport.zoom)
                canvas.move_frame(frame)
                pointer = yield
        except GeneratorExit:
            canvas.move_frame(before)
            raise


class ColourPicker:
    """Takes the brush's colour from the picture."""

    name = "Colour picker"
    cursor: Qt.CursorShape | None = Qt.CursorShape.CrossCursor

    def __init__(self, settings: BrushSettings) -> None:
        self._settings = settings

    def gesture(self, canvas: Canvas, press: Pointer) -> Gesture:
        """Take the colour under the pointer until release."""
        pointer = press
        while pointer.is_down:
            self._take(canvas, Rect(math.floor(pointer.x), math.floor(pointer.y), 1, 1))
            pointer = yield

    def _take(self, canvas: Canvas, pixel: Rect) -> None:
        document = canvas.document
        if document is not None and Rect.of_size(document.size).contains(pixel):
            *colour, alpha = map(int, document.flatten(pixel)[0, 0])
            if alpha:  # where nothing is painted there is no colour to take
                red, green, blue = (min(round(part * 255 / alpha), 255) for part in colour)
                self._settings.change(colour=(red, green, blue))


def _corner_at(frame: Rect, pointer: Pointer, reach: float) -> tuple[int, int] | None:
    """Which corner is near the pointer, as (-1 or 1, -1 or 1), or None."""
    for sx, x in ((-1, frame.x), (1, frame.right)):
        for sy, y in ((-1, frame.y), (1, frame.bottom)):
            if abs(pointer.x - x) <= reach and abs(pointer.y - y) <= reach:
                return sx, sy
    return None


def _resized(frame: Rect, corner: tuple[int, int], dx: int, dy: int, step: int) -> Rect:
    """The frame with one corner moved; sides stay whole multiples of `step`."""
    width = _stepped(frame.width + corner[0] * dx, step)
    height = _stepped(frame.height + corner[1] * dy, step)
    x = frame.x if corner[0] > 0 else frame.right - width
    y = frame.y if corner[1] > 0 else frame.bottom - height
    return Rect(x, y, width, height)


def _stepped(side: int, step: int) -> int:
    return max(LEAST_SIDE, step, round(side / step) * step)


def _snapped(frame: Rect, size: tuple[int, int], reach: float) -> Rect:
    """The frame moved onto an edge of the picture that it nearly touches."""
    x = _snapped_edge(frame.x, frame.width, size[0], reach)
    y = _snapped_edge(frame.y, frame.height, size[1], reach)
    return Rect(x, y, frame.width, frame.height)


def _snapped_edge(start: int, length: int, end: int, reach: float) -> int:
    for edge in (0, end - length, end, -length):
        if abs(start - edge) <= reach:
            return edge
    return start
