"""Moving and scaling what is on the active layer, or what is selected of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from core.errors import KnownError
from core.geometry import Rect
from gui.canvas.tools.gesture import Canvas, Gesture, Pointer, Sketch
from gui.canvas.tools.grips import cursor_of

if TYPE_CHECKING:
    from core.canvas.document import Document
    from core.canvas.transforming import Transformation

REACH = 9
"""View pixels around a grip that take hold of it."""
LIVE = 4_000_000
"""Pixels that follow every movement of the hand; more are put down on release."""

Side = tuple[int, int]
"""Which side is held, across and down: -1 the first, 1 the last, 0 none; (0, 0) is the inside."""
_SIDES: tuple[Side, ...] = tuple((x, y) for y in (-1, 0, 1) for x in (-1, 0, 1) if (x, y) != (0, 0))


class MoveTool:
    """Takes hold of the picture on the active layer by its inside, a side or a corner.

    What it does is one step, taken when Enter is pressed or another tool is chosen.
    """

    name = "Move"
    cursor: Qt.CursorShape | None = Qt.CursorShape.SizeAllCursor
    nudges = True

    def __init__(self) -> None:
        self._open: Transformation | None = None
        self._shown: Rect | None = None
        self._known: tuple[object, ...] = ()
        self._box = Rect(0, 0, 0, 0)

    def gesture(self, canvas: Canvas, press: Pointer) -> Gesture:
        """Go on over several drags, until Enter or Esc."""
        from core.canvas.transforming import begin_transformation

        assert canvas.document is not None
        change = begin_transformation(canvas.document)
        self._open = change
        try:
            pointer = press
            while change.is_open and not pointer.confirms:
                if pointer.nudge is not None:
                    _put(canvas, change, change.rect.translated(*pointer.nudge))
                elif pointer.clicks or pointer is press:
                    yield from self._drag(canvas, change, pointer)
                pointer = yield
        except GeneratorExit:
            change.cancel()
            raise
        finally:
            self._open = self._shown = None
            canvas.update_lines()
        change.finish()

    def sketch(self, canvas: Canvas) -> Sketch | None:
        """A box around what can be moved, and its grips."""
        box = self._box_now(canvas)
        if box.is_empty:
            return None
        grips = {side: _place(box, side) for side in _SIDES}
        corners = [grips[side] for side in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))]
        return Sketch((tuple(corners),), tuple(grips.values()), self._taken_along(box))

    def _taken_along(self, box: Rect) -> tuple[int, int]:
        """How far the selection has come with what is selected, which keeps its size."""
        change = self._open
        if change is None or not change.is_open or box.size != change.start.size:
            return 0, 0
        return box.x - change.start.x, box.y - change.start.y

    def cursor_at(self, canvas: Canvas, pointer: Pointer) -> Qt.CursorShape:
        """What the grip under the pointer does."""
        side = _side_at(self._box_now(canvas), pointer, REACH / canvas.viewport.zoom)
        return cursor_of(canvas.viewport, side)

    def _box_now(self, canvas: Canvas) -> Rect:
        """Around what can be moved; empty where there is nothing."""
        if canvas.document is None:
            return Rect(0, 0, 0, 0)
        if self._shown is not None:
            return self._shown
        if self._open is not None and self._open.is_open:
            return self._open.rect
        return self._content(canvas.document)

    def _drag(self, canvas: Canvas, change: Transformation, press: Pointer) -> Gesture:
        """From one press to its release."""
        before = change.rect
        side = _side_at(before, press, REACH / canvas.viewport.zoom)
        rect = before
        pointer = yield
        while pointer.is_down and change.is_open:
            rect = _dragged(before, side, press, pointer)
            if max(rect.size.area, change.start.size.area) <= LIVE:
                _put(canvas, change, rect)
            else:
                self._shown = rect
                canvas.update_lines()
            pointer = yield
        self._shown = None
        _put(canvas, change, rect)

    def _content(self, document: Document) -> Rect:
        """Where there is something on the active layer; looked for again when it may differ."""
        from core.canvas.transforming import content_rect

        layer, selected = document.active_layer, document.selection.surface
        known = (document, layer.surface, selected, document.undo_stack.position, layer.visible)
        if len(known) != len(self._known) or any(
            one is not other for one, other in zip(known, self._known, strict=True)
        ):
            self._known = known
            self._box = content_rect(layer.surface, selected) if layer.visible else Rect(0, 0, 0, 0)
        return self._box


def _put(canvas: Canvas, change: Transformation, rect: Rect) -> None:
    try:
        change.move_to(rect)
    except KnownError as error:  # larger than a canvas: it stays as large as it was
        canvas.refused.emit(str(error))
    canvas.update_lines()


def _place(box: Rect, side: Side) -> tuple[float, float]:
    """Where a grip lies."""
    x = box.x + box.width * (side[0] + 1) / 2
    return x, box.y + box.height * (side[1] + 1) / 2


def _side_at(box: Rect, pointer: Pointer, reach: float) -> Side:
    """The grip near the pointer; (0, 0) where there is none."""
    if box.is_empty:
        return 0, 0
    for side in _SIDES:
        x, y = _place(box, side)
        if abs(pointer.x - x) <= reach and abs(pointer.y - y) <= reach:
            return side
    return 0, 0


def _dragged(box: Rect, side: Side, press: Pointer, pointer: Pointer) -> Rect:
    """The box moved, or one of its sides; Shift keeps the axis, or the proportions."""
    across, down = pointer.x - press.x, pointer.y - press.y
    keeps = bool(pointer.modifiers & Qt.KeyboardModifier.ShiftModifier)
    if side == (0, 0):
        if keeps:
            across, down = (across, 0) if abs(across) >= abs(down) else (0, down)
        return box.translated(round(across), round(down))
    width = max(1, round(box.width + side[0] * across))
    height = max(1, round(box.height + side[1] * down))
    if keeps and all(side):
        scale = max(width / box.width, height / box.height)
        width, height = max(1, round(box.width * scale)), max(1, round(box.height * scale))
    x = box.right - width if side[0] < 0 else box.x
    y = box.bottom - height if side[1] < 0 else box.y
    return Rect(x, y, width, height)
