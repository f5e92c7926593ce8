"""The arrow keys: by how much, and which way on a canvas that may be turned."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from gui.canvas.viewport import Viewport

FAR = 10
"""Pixels with Shift; without it one."""
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_KEYPAD = Qt.KeyboardModifier.KeypadModifier
_SHIFT = Qt.KeyboardModifier.ShiftModifier


def nudge_of(event: QKeyEvent, viewport: Viewport) -> tuple[int, int] | None:
    """Document pixels across and down, along the axis that the arrow comes nearest to; or None."""
    arrow = _ARROWS.get(Qt.Key(event.key()))
    keys = event.modifiers() & ~_KEYPAD
    if arrow is None or keys not in (Qt.KeyboardModifier.NoModifier, _SHIFT):
        return None
    (x, y), (left, top) = viewport.to_document(*arrow), viewport.to_document(0, 0)
    across, down = x - left, y - top
    pixels = FAR if keys == _SHIFT else 1
    if abs(across) >= abs(down):
        return (pixels if across > 0 else -pixels), 0
    return 0, (pixels if down > 0 else -pixels)
