"""Brush, mask brush, denoise brush and eraser."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import ref

from PySide6.QtCore import Qt

from gui.brush_settings import LEAST_SIZE, MOST_SIZE, BrushSettings, Target
from gui.canvas.tools.framing import ColourPicker
from gui.canvas.tools.gesture import Canvas, Gesture, Pointer
from gui.canvas.tools.sizing import Sizing

if TYPE_CHECKING:
    from core.canvas.dabs import Sample
    from core.canvas.document import Document
    from core.canvas.strokes import Stroke

__all__ = ["LEAST_SIZE", "MOST_SIZE", "BrushSettings", "PaintingTool", "StrokeEnd", "Target"]

MOST_ENDS = 100
"""Strokes that can be undone and leave a straight line its beginning."""
LONGEST_STRING = 160.0
"""View pixels that the brush may stay behind the pen at full smoothing."""


class StrokeEnd:
    """Where the last stroke ended, whatever tool it was of; a straight line begins there.

    Strokes that were undone do not count, until they are done again.
    """

    def __init__(self) -> None:
        self._document: ref[Document] | None = None
        self._ends: list[tuple[object, float, float]] = []

    def put(self, document: Document, pointer: Pointer) -> None:
        """A stroke has ended here."""
        if self._document is None or self._document() is not document:
            self._document, self._ends = ref(document), []
        x, y = pointer.x - document.origin.x, pointer.y - document.origin.y
        self._ends = [*self._ends[1 - MOST_ENDS :], (document.undo_stack.position, x, y)]

    def of(self, document: Document) -> tuple[float, float] | None:
        """The place in that document, which may have grown since; None before its first stroke."""
        if self._document is None or self._document() is not document:
            return None
        for position, x, y in reversed(self._ends):
            if document.undo_stack.stands(position):
                return x + document.origin.x, y + document.origin.y
        return None


class PaintingTool:
    """Paints or erases one target along the pointer.

    Attributes:
        name: Shown to the person.
        paints_strength: Whether it gives a mask values between keep and repaint.
        sizing: The drag that changes size and hardness, while there is one.
    """

    cursor: Qt.CursorShape | None = None

    def __init__(
        self,
        name: str,
        settings: BrushSettings,
        target: Target | None,
        paints_strength: bool = False,
        end: StrokeEnd | None = None,
    ) -> None:
        """Make a tool.

        Args:
            target: What it paints on; None is the eraser of what was painted last.
            end: Where strokes end, shared by the tools of one window.
        """
        self.name = name
        self.paints_strength = paints_strength
        self.sizing: Sizing | None = None
        self._settings = settings
        self._target = target
        self._end = end or StrokeEnd()

    @property
    def paints_colour(self) -> bool:
        """Whether opacity and flow mean anything to it."""
        return self._target is not Target.MASK

    @property
    def paints_mask(self) -> bool:
        """Whether it may change the mask."""
        return self._target is not Target.PAINT

    def paints_with(self, modifiers: Qt.KeyboardModifier) -> bool:
        """Whether a press with these keys begins a stroke at once."""
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            return self._target is not Target.PAINT
        return not modifiers & Qt.KeyboardModifier.ShiftModifier

    def gesture(self, canvas: Canvas, press: Pointer) -> Gesture:
        """One stroke, one step to undo; Ctrl takes a colour, Shift draws a line or sizes."""
        if self.paints_with(press.modifiers):
            yield from self._stroke(canvas, press)
        elif press.modifiers & Qt.KeyboardModifier.ControlModifier:
            yield from ColourPicker(self._settings).gesture(canvas, press)
        else:
            yield from self._line_or_size(canvas, press)

    def _stroke(self, canvas: Canvas, press: Pointer) -> Gesture:
        from core.canvas.smoothing import SmoothPath

        document = canvas.document
        assert document is not None
        stroke = self._begin(document, press)
        path = SmoothPath(self._settings.smoothing * LONGEST_STRING / canvas.viewport.zoom)
        pointer = press
        try:
            while pointer.is_down:
                samples = map(_sample, pointer.way)
                stroke.move_along(place for sample in samples for place in path.follow(sample))
                last = pointer
                pointer = yield
        except GeneratorExit:
            stroke.cancel()
            raise
        stroke.move_along(path.finish())
        stroke.finish()
        self._end.put(document, last)

    def _line_or_size(self, canvas: Canvas, press: Pointer) -> Gesture:
        """A click draws a line from where the last stroke ended; a drag changes the brush."""
        sizing = Sizing(self._settings, press, canvas.viewport.zoom)
        try:
            pointer = yield
            while pointer.is_down:
                if sizing.follow(pointer):
                    self.sizing = sizing
                pointer = yield
        except GeneratorExit:
            sizing.give_up()
            raise
        finally:
            is_click, self.sizing = self.sizing is None, None
            canvas.update_lines()
        if is_click:
            self._line(canvas, press)

    def _line(self, canvas: Canvas, press: Pointer) -> None:
        canvas.painting_asked.emit()
        document = canvas.document
        assert document is not None
        x, y = canvas.viewport.to_document(press.view_x, press.view_y)
        press = replace(press, x=x, y=y)
        stroke = self._begin(document, press)
        start = self._end.of(document)
        if start is not None:
            stroke.move_to(*start)
            stroke.move_to(press.x, press.y)
        stroke.move_along([_sample(press)])
        stroke.finish()
        self._end.put(document, press)

    def _begin(self, document: Document, press: Pointer) -> Stroke:
        """Press: what is painted on and with what is fixed now."""
        target = self._target or self._settings.erasing
        self._settings.erasing = target
        erases = self._target is None or press.erases
        if target is Target.PAINT and not erases:
            self._settings.remember_colour()
        brush = self._settings.brush(target, erases, self.paints_strength and not erases)
        return document.begin_stroke(brush, _room_target(target))


def _sample(pointer: Pointer) -> Sample:
    from core.canvas.dabs import Sample

    return Sample(pointer.x, pointer.y, pointer.pressure, pointer.tilt)


def _room_target(target: Target):  # type: ignore[no-untyped-def]  # its type imports numpy
    from core.canvas.strokes import StrokeTarget

    return StrokeTarget.MASK if target is Target.MASK else StrokeTarget.PAINT
