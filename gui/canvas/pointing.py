"""From Qt's mouse and pen events to gestures."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import replace

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import (
    QInputDevice,
    QMouseEvent,
    QNativeGestureEvent,
    QPointingDevice,
    QTabletEvent,
)

from core.errors import KnownError
from gui.canvas.tools.gesture import (
    Canvas,
    Gesture,
    Nudging,
    Pointer,
    Pointing,
    TakingBack,
    Tool,
)
from gui.canvas.tools.looking import PanTool, looking_tool
from gui.canvas.viewport import Viewport

_NO_KEYS = Qt.KeyboardModifier.NoModifier
FLATTEST = 60.0
"""Degrees from upright; most pens cannot tell more."""
FAR = 1e6
"""View pixels; nothing beyond is a place, nor is what is not a number."""


def pointer_of(
    event: QMouseEvent | QTabletEvent, viewport: Viewport, is_down: bool = True
) -> Pointer:
    """One sample of mouse or pen; a pen that knows no pressure presses with 1."""
    at = event.position()
    x, y = viewport.to_document(at.x(), at.y())
    pressure, erases, tilt = 1.0, False, 0.0
    if isinstance(event, QTabletEvent):
        if event.device().capabilities() & QInputDevice.Capability.Pressure:
            pressure = event.pressure()
        erases = event.pointerType() is QPointingDevice.PointerType.Eraser
        tilt = leaning(event.xTilt(), event.yTilt())
    keys, clicks = event.modifiers(), _clicks(event)
    return Pointer(x, y, at.x(), at.y(), pressure, is_down, erases, tilt, keys, clicks)


def _clicks(event: QMouseEvent | QTabletEvent) -> int:
    if event.type() == QEvent.Type.MouseButtonDblClick:
        return 2
    return int(event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.TabletPress))


def leaning(x_tilt: float, y_tilt: float) -> float:
    """How far a pen leans, 0 upright to 1 at 60° or more, whatever the direction.

    Args:
        x_tilt, y_tilt: Degrees from upright as seen from the front and from the side.
    """
    x, y = (math.tan(math.radians(min(max(tilt, -80), 80))) for tilt in (x_tilt, y_tilt))
    return min(math.degrees(math.atan(math.hypot(x, y))) / FLATTEST, 1.0)


def after_fingers(viewport: Viewport, event: QNativeGestureEvent) -> Viewport:
    """What two fingers on a touchpad make of the view: nearer, further, or turned."""
    at = event.position()
    kind = Qt.NativeGestureType
    if event.gestureType() is kind.ZoomNativeGesture:
        return viewport.zoomed(1 + event.value(), at.x(), at.y())
    if event.gestureType() is kind.RotateNativeGesture:
        return viewport.turned_to(viewport.angle + event.value(), at.x(), at.y())
    return viewport


class Hand:
    """Holds a tool, and follows one gesture at a time.

    Attributes:
        tool: What the next press uses.
        moves_view: Whether the next press moves the view, whatever the tool.
        goes_on: Whether a gesture waits, after a release, for the next press.
    """

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._gesture: Generator[None, Pointer, None] | None = None
        self.tool: Tool = PanTool()
        self.moves_view = False
        self.goes_on = False
        self._waiting: Generator[None, Pointer, None] | None = None
        self._last: Pointer | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a press has not been released yet."""
        return self._gesture is not None

    def press(self, pointer: Pointer, tool: Tool | None = None) -> Tool:
        """Begin a gesture; returns the tool it is of. What forbids one is said by the canvas.

        One that goes on gets the press itself, or waits while the view is moved.
        """
        moves_view = tool is not None or self.moves_view
        if not _is_place(pointer):
            return tool or self.tool
        if self.goes_on and not moves_view:
            self.follow(pointer)
            return self.tool
        if self.goes_on:
            self._waiting, self._gesture = self._gesture, None
            self.goes_on = False
        self._last = pointer
        self._stop()
        tool = tool or (looking_tool(pointer.modifiers) if self.moves_view else self.tool)
        try:
            self._gesture = _started(tool.gesture(self._canvas, pointer))
        except KnownError as error:
            self._canvas.refused.emit(str(error))
        return tool

    def cursor_over(self, pointer: Pointer | None) -> Qt.CursorShape | None:
        """The cursor for there; None where the tool draws its own."""
        if self.moves_view:
            return Qt.CursorShape.OpenHandCursor
        if pointer is not None and _is_place(pointer) and isinstance(self.tool, Pointing):
            return self.tool.cursor_at(self._canvas, pointer)
        return self.tool.cursor

    def nudge(self, by: tuple[int, int]) -> bool:
        """Let the tool move what it is about by document pixels; False if it does not do that."""
        is_free = self.goes_on or not self.is_busy
        if self.moves_view or not is_free or not isinstance(self.tool, Nudging):
            return False
        last = self._last or Pointer(0, 0, 0, 0)
        here = replace(last, is_down=False, clicks=0, modifiers=_NO_KEYS, nudge=by, earlier=())
        begins = not self.goes_on
        self.press(here)
        if begins:
            self.follow(replace(here, nudge=None))
        return True

    def take_back(self) -> bool:
        """Take back the last part of a gesture that goes on in parts; True if there was one."""
        if not self.is_busy or not isinstance(self.tool, TakingBack):
            return False
        if not self.tool.take_back(self._canvas):
            self.give_up()
        return True

    def follow(self, pointer: Pointer) -> bool:
        """Give the gesture its next sample; True when it ended with that."""
        if self._gesture is None:
            return False
        pointer = self._somewhere(pointer)
        self._last = pointer
        try:
            self._gesture.send(pointer)
        except StopIteration:
            return self._ended()
        except KnownError as error:
            self._canvas.refused.emit(str(error))
            return self._ended()
        if not pointer.is_down or pointer.clicks:
            self.goes_on = not pointer.is_down
        return False

    def _somewhere(self, pointer: Pointer) -> Pointer:
        """The sample where it was last, if a broken driver reports no place; it may be the end."""
        last = self._last
        if last is None or all(map(_is_place, pointer.way)):
            return pointer
        earlier = tuple(filter(_is_place, pointer.earlier))
        if _is_place(pointer):
            return replace(pointer, earlier=earlier)
        return replace(
            pointer, earlier=earlier, x=last.x, y=last.y, view_x=last.view_x, view_y=last.view_y
        )

    def confirm(self) -> bool:
        """Carry out the gesture that goes on; True if there was one."""
        if not self.goes_on or self._last is None:
            return False
        return self.follow(replace(self._last, is_down=False, clicks=0, confirms=True))

    def give_up(self) -> bool:
        """Undo the gesture under way, and the one that waits; True if there was one."""
        was_busy = self._stop()
        if self._waiting is not None:
            self._gesture, self._waiting = self._waiting, None
            was_busy = self._stop()
        return was_busy

    def _stop(self) -> bool:
        gesture, self._gesture = self._gesture, None
        self.goes_on = False
        if gesture is None:
            return False
        gesture.close()
        return True

    def _ended(self) -> bool:
        """The gesture is over; the one that waited for it goes on."""
        self._gesture, self._waiting = self._waiting, None
        self.goes_on = self._gesture is not None
        return True


def _is_place(pointer: Pointer) -> bool:
    return abs(pointer.view_x) < FAR and abs(pointer.view_y) < FAR


def _started(gesture: Gesture) -> Gesture | None:
    """Run a gesture to its first wait; None if it ended at the press."""
    try:
        next(gesture)
    except StopIteration:
        return None
    return gesture
