"""Bucket and gradient, on the active layer or on the mask."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from core.geometry import Point
from gui.canvas.tools.gesture import Canvas, Gesture, Pointer, Sketch
from gui.canvas.tools.selecting import SelectionSettings

if TYPE_CHECKING:
    from core.canvas.document import Document
    from core.canvas.layers import Layer
    from gui.brush_settings import BrushSettings


class BucketTool:
    """Fills what looks like the pixel that is clicked with the brush's colour."""

    name = "Fill"
    cursor: Qt.CursorShape | None = Qt.CursorShape.CrossCursor

    def __init__(self, brush: BrushSettings, settings: SelectionSettings) -> None:
        self._brush, self._settings = brush, settings

    def gesture(self, canvas: Canvas, press: Pointer) -> Gesture:
        """Fill at the press, when it is its turn; one step."""
        from core.canvas.bucket import FillWork, Pour

        document, settings = canvas.document, self._settings
        assert document is not None
        pour = Pour(
            Point(math.floor(press.x), math.floor(press.y)),
            self._brush.colour,
            settings.tolerance,
            settings.contiguous,
            settings.antialias,
        )
        target = target_of(document, settings)
        work = FillWork(document, target, pour, settings.merged)
        if target is not None:
            self._brush.remember_colour()
        settings.work(work)
        yield


class GradientTool:
    """Lays the brush's colour on, full where the drag begins; where it ends it is gone.

    Or it has become the second colour there, as the settings say.
    """

    name = "Gradient"
    cursor: Qt.CursorShape | None = Qt.CursorShape.CrossCursor

    def __init__(self, brush: BrushSettings, settings: SelectionSettings) -> None:
        self._brush, self._settings = brush, settings
        self._line: tuple[tuple[float, float], ...] = ()

    def gesture(self, canvas: Canvas, press: Pointer) -> Gesture:
        """Draw a line; the release fills, one step. Shift keeps to steps of 45°."""
        from core.canvas.filling import paint_target
        from core.canvas.gradients import fill_gradient

        document = canvas.document
        assert document is not None
        target = target_of(document, self._settings)
        paint_target(document, target)  # a locked layer is refused before the line is drawn
        end = press
        try:
            pointer = yield
            while pointer.is_down:
                end = pointer
                self._line = ((press.x, press.y), _end(press, end))
                canvas.update_lines()
                pointer = yield
        finally:
            self._line = ()
            canvas.update_lines()
        into = self._brush.background if self._settings.into_background else None
        line = (press.x, press.y), _end(press, end)
        if not self._settings.fills_mask:
            self._brush.remember_colour()
        fill_gradient(document, target, *line, self._brush.colour, into)

    def sketch(self, canvas: Canvas) -> Sketch | None:
        """The line that is being drawn."""
        return Sketch((self._line,), self._line) if self._line else None


def target_of(document: Document, settings: SelectionSettings) -> Layer | None:
    """What is filled: the active layer, or None for the mask."""
    return None if settings.fills_mask else document.active_layer


def _end(press: Pointer, pointer: Pointer) -> tuple[float, float]:
    if not pointer.modifiers & Qt.KeyboardModifier.ShiftModifier:
        return pointer.x, pointer.y
    across, down = pointer.x - press.x, pointer.y - press.y
    eighth = math.pi / 4
    angle = round(math.atan2(down, across) / eighth) * eighth
    length = across * math.cos(angle) + down * math.sin(angle)
    return press.x + length * math.cos(angle), press.y + length * math.sin(angle)
