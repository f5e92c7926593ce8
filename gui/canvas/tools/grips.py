"""The pointer over what can be taken hold of: which way it will go."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt

from gui.canvas.viewport import Viewport

_SHAPES = (
    Qt.CursorShape.SizeHorCursor,
    Qt.CursorShape.SizeFDiagCursor,
    Qt.CursorShape.SizeVerCursor,
    Qt.CursorShape.SizeBDiagCursor,
)
"""To the right, and then on clockwise by eighths of a turn."""


def cursor_of(viewport: Viewport, side: tuple[int, int]) -> Qt.CursorShape:
    """The arrows along which a grip is pulled, as the view is turned and mirrored.

    Args:
        side: -1, 0 or 1 across and down, from the middle of a box to its grip; (0, 0) is its
            inside, which goes everywhere.
    """
    if side == (0, 0):
        return Qt.CursorShape.SizeAllCursor
    (x, y), (left, top) = viewport.to_view(*side), viewport.to_view(0, 0)
    return _SHAPES[round(math.atan2(y - top, x - left) / (math.pi / 4)) % 4]
