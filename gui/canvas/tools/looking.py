"""What a hand does to the view alone: move, turn and zoom it."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt

from gui.canvas.tools.gesture import Canvas, Gesture, Pointer, Tool
from gui.canvas.viewport import TURN_STEP

DOUBLES_IN = 120.0
"""View pixels of a drag that make the picture twice as large."""


class PanTool:
    """Moves the view under the hand."""

    name = "Hand"
    cursor: Qt.CursorShape | None = Qt.CursorShape.OpenHandCursor

    def gesture(self, canvas: Canvas, press: Pointer) -> Gesture:
        """Follow the pointer until release."""
        last = press
        pointer = yield
        while pointer.is_down:
            canvas.pan(pointer.view_x - last.view_x, pointer.view_y - last.view_y)
            last = pointer
            pointer = yield


class TurnTool:
    """Turns the view about its middle; with Ctrl in steps of 15 degrees."""

    name = "Turn the view"
    cursor: Qt.CursorShape | None = Qt.CursorShape.ClosedHandCursor

    def gesture(self, canvas: Canvas, press: Pointer) -> Gesture:
        """Follow the pointer until release; giving up turns it back."""
        before = canvas.viewport
        first = _bearing(canvas, press)
        try:
            pointer = yield
            while pointer.is_down:
                angle = before.angle + _bearing(canvas, pointer) - first
                if pointer.modifiers & Qt.KeyboardModifier.ControlModifier:
                    angle = round(angle / TURN_STEP) * TURN_STEP
                canvas.look_through(before.turned_to(angle, *canvas.middle))
                pointer = yield
        except GeneratorExit:
            canvas.look_through(before)
            raise


class ZoomTool:
    """Zooms about the place that was pressed: to the right and up nearer, else farther."""

    name = "Zoom"
    cursor: Qt.CursorShape | None = Qt.CursorShape.SizeVerCursor

    def gesture(self, canvas: Canvas, press: Pointer) -> Gesture:
        """Follow the pointer until release."""
        before = canvas.viewport
        pointer = yield
        while pointer.is_down:
            way = pointer.view_x - press.view_x + press.view_y - pointer.view_y
            factor = math.pow(2, way / DOUBLES_IN)
            canvas.look_through(before.zoomed(factor, press.view_x, press.view_y))
            pointer = yield


def looking_tool(modifiers: Qt.KeyboardModifier) -> Tool:
    """What the space bar or the middle button does: move; turn with Shift; zoom with Ctrl."""
    if modifiers & Qt.KeyboardModifier.ShiftModifier:
        return TurnTool()
    return ZoomTool() if modifiers & Qt.KeyboardModifier.ControlModifier else PanTool()


def _bearing(canvas: Canvas, pointer: Pointer) -> float:
    """Degrees clockwise of the pointer about the view's middle."""
    x, y = canvas.middle
    return math.degrees(math.atan2(pointer.view_y - y, pointer.view_x - x))
