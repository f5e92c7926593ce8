"""Brush, mask brush and eraser."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from gui.canvas.tools.gesture import Canvas, Gesture, Pointer

if TYPE_CHECKING:
    from core.canvas.brush import Brush

LEAST_SIZE, MOST_SIZE = 1, 1000
SIZE_STOPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1000)


class Target(StrEnum):
    """What a stroke changes."""

    PAINT = "paint"
    MASK = "mask"


class BrushSettings(QObject):
    """Size, hardness, opacity and colour, shared by the painting tools.

    Attributes:
        size: Diameter in document pixels.
        hardness, opacity: 0 to 1.
        colour: Red, green, blue, 0 to 255.
        erasing: What the eraser takes away: the target of the brush that was used last.

    Signals:
        changed: One of them has another value.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.size = 32.0
        self.hardness = 0.8
        self.opacity = 1.0
        self.colour = (217, 84, 61)
        self.erasing = Target.PAINT

    def change(self, **values: object) -> None:
        """Set several at once and tell it once; sizes are kept within 1 to 1000."""
        for name, value in values.items():
            setattr(self, name, value)
        self.size = min(max(float(self.size), LEAST_SIZE), MOST_SIZE)
        self.changed.emit()

    def step_size(self, direction: int) -> None:
        """The next round size, larger for +1."""
        if direction > 0:
            stop = next((s for s in SIZE_STOPS if s > self.size), MOST_SIZE)
        else:
            stop = next((s for s in reversed(SIZE_STOPS) if s < self.size), LEAST_SIZE)
        self.change(size=stop)

    def brush(self, target: Target, erases: bool) -> Brush:
        """The brush as the canvas room wants it; a mask is painted whole, whatever opacity says."""
        from core.canvas.brush import Brush

        return Brush(
            size=self.size,
            hardness=self.hardness,
            opacity=self.opacity if target is Target.PAINT else 1.0,
            colour=self.colour,
            erases=erases,
        )


class PaintingTool:
    """Paints or erases one target along the pointer."""

    cursor: Qt.CursorShape | None = None

    def __init__(self, name: str, settings: BrushSettings, target: Target | None) -> None:
        """A brush for `target`, or with None the eraser of what was painted last."""
        self.name = name
        self._settings = settings
        self._target = target

    def gesture(self, canvas: Canvas, press: Pointer) -> Gesture:
        """One stroke; it is one step to undo."""
        document = canvas.document
        assert document is not None
        target = self._target or self._settings.erasing
        self._settings.erasing = target
        erases = self._target is None or press.erases
        stroke = document.begin_stroke(self._settings.brush(target, erases), _room_target(target))
        try:
            stroke.move_to(press.x, press.y, press.pressure)
            pointer = yield
            while pointer.is_down:
                stroke.move_to(pointer.x, pointer.y, pointer.pressure)
                pointer = yield
        except GeneratorExit:
            stroke.cancel()
            raise
        stroke.finish()


def _room_target(target: Target):  # type: ignore[no-untyped-def]  # its type imports numpy
    from core.canvas.strokes import StrokeTarget

    return StrokeTarget.MASK if target is Target.MASK else StrokeTarget.PAINT
