"""From Qt's mouse and pen events to gestures."""

from __future__ import annotations

from collections.abc import Generator

from PySide6.QtGui import QInputDevice, QMouseEvent, QPointingDevice, QTabletEvent

from gui.canvas.tools.framing import PanTool
from gui.canvas.tools.gesture import Canvas, Gesture, Pointer, Tool
from gui.canvas.viewport import Viewport


def pointer_of(
    event: QMouseEvent | QTabletEvent, viewport: Viewport, is_down: bool = True
) -> Pointer:
    """One sample of mouse or pen; a pen that knows no pressure presses with 1."""
    at = event.position()
    x, y = viewport.to_document(at.x(), at.y())
    pressure, erases = 1.0, False
    if isinstance(event, QTabletEvent):
        if event.device().capabilities() & QInputDevice.Capability.Pressure:
            pressure = event.pressure()
        erases = event.pointerType() is QPointingDevice.PointerType.Eraser
    return Pointer(x, y, at.x(), at.y(), pressure, is_down, erases, event.modifiers())


class Hand:
    """Holds a tool, and follows one gesture at a time.

    Attributes:
        tool: What the next press uses.
        moves_view: Whether the next press moves the view, whatever the tool.
    """

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._gesture: Generator[None, Pointer, None] | None = None
        self.tool: Tool = PanTool()
        self.moves_view = False

    @property
    def is_busy(self) -> bool:
        """Whether a press has not been released yet."""
        return self._gesture is not None

    def press(self, pointer: Pointer, tool: Tool | None = None) -> Tool:
        """Begin a gesture; returns the tool it is of."""
        self.give_up()
        tool = tool or (PanTool() if self.moves_view else self.tool)
        self._gesture = _started(tool.gesture(self._canvas, pointer))
        return tool

    def follow(self, pointer: Pointer) -> bool:
        """Give the gesture its next sample; True when it ended with that."""
        if self._gesture is None:
            return False
        try:
            self._gesture.send(pointer)
        except StopIteration:
            self._gesture = None
            return True
        return False

    def give_up(self) -> bool:
        """Undo the gesture under way; True if there was one."""
        gesture, self._gesture = self._gesture, None
        if gesture is None:
            return False
        gesture.close()
        return True


def _started(gesture: Gesture) -> Gesture | None:
    """Run a gesture to its first wait; None if it ended at the press."""
    try:
        next(gesture)
    except StopIteration:
        return None
    return gesture
