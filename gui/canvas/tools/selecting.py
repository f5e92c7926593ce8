"""Drawing a selection, or in the same ways the mask: rectangle, ellipse, lasso, polygon, wand."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from core.geometry import Point, Rect
from gui.canvas.tools.gesture import Canvas, Gesture, Pointer, Sketch

if TYPE_CHECKING:
    from core.canvas.interrupting import Check
    from core.canvas.selection import Combination
    from core.canvas.tiles import TiledSurface
    from core.canvas.working import Work

CLICK = 3
"""View pixels within which a drag is a click, and a polygon's end its beginning."""
MOST_CORNERS = 20_000
"""Points of a lasso; a longer one loses every second, which nobody can see."""
NOTHING_LEFT = "Nothing was left of the selection, so everything is selected again."
_CHORDS = 64

Line = tuple[tuple[float, float], ...]


class SelectionTarget(StrEnum):
    """What the selection tools draw."""

    SELECTION = "selection"
    MASK = "mask"


class SelectionSettings(QObject):
    """What the selection tools and the bucket are set to.

    Attributes:
        target: What is drawn.
        how: ``"replace"``, ``"add"``, ``"subtract"`` or ``"intersect"``, unless keys say otherwise.
        fills_mask: Whether bucket and gradient go onto the mask instead of the layer.
        tolerance: 0 to 255; how far a colour may be from the one that was touched.
        contiguous: Whether the wand takes only what hangs together.
        merged: Whether it looks at the whole picture, not at the active layer alone.
        antialias: Whether wand and bucket make slanting edges soft.
        work: Does what may take seconds; at once, unless somebody knows better.
        in_turn: Does what takes a moment, after what may take seconds and was asked for before.
        into_background: Whether a gradient on a layer ends in the second colour, not in nothing.

    Signals:
        changed: One of them has another value.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.target = SelectionTarget.SELECTION
        self.how = "replace"
        self.fills_mask = False
        self.tolerance = 32.0
        self.contiguous = True
        self.merged = True
        self.antialias = True
        self.into_background = False
        self.work: Callable[[Work], None] = _work_here
        self.in_turn: Callable[[Callable[[], object]], object] = _act_now

    def change(self, **values: object) -> None:
        """Set several at once and tell it once; the tolerance is kept within 0 to 255."""
        for name, value in values.items():
            setattr(self, name, value)
        self.target = SelectionTarget(self.target)
        tolerance = float(self.tolerance)
        self.tolerance = 0.0 if math.isnan(tolerance) else min(max(tolerance, 0.0), 255.0)
        self.changed.emit()

    def how_with(self, modifiers: Qt.KeyboardModifier) -> Combination:
        """What the keys say; without them as it is set."""
        return combination_of(modifiers, self.how)


def combination_of(modifiers: Qt.KeyboardModifier, otherwise: str = "replace") -> Combination:
    """Shift adds, Alt takes away, both keep what is in both; `otherwise` without them."""
    from core.canvas.selection import Combination

    adds = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
    takes = bool(modifiers & Qt.KeyboardModifier.AltModifier)
    if adds and takes:
        return Combination.INTERSECT
    if adds:
        return Combination.ADD
    return Combination.SUBTRACT if takes else Combination(otherwise)


class _ShapeTool:
    """What the tools have in common: where a shape goes, and the line that is shown meanwhile."""

    name = ""
    cursor: Qt.CursorShape | None = Qt.CursorShape.CrossCursor
    nudges = True
    _carries = False
    """Whether a drag that begins on the selection moves it."""

    def __init__(self, settings: SelectionSettings) -> None:
        self._settings = settings
        self._line: Line = ()
        self._by = (0, 0)

    def gesture(self, canvas: Canvas, press: Pointer) -> Gesture:
        """Draw a shape; or move the selection, by a key or where it is taken hold of."""
        if press.nudge is not None:
            self._move(canvas, press.nudge, joins=True)
        elif self._is_on_selection(canvas, press):
            yield from self._carry(canvas, press)
        else:
            yield from self._draw(canvas, press)

    def cursor_at(self, canvas: Canvas, pointer: Pointer) -> Qt.CursorShape:
        """A cross; over what can be moved the four arrows."""
        holds = self._is_on_selection(canvas, pointer)
        return Qt.CursorShape.SizeAllCursor if holds else Qt.CursorShape.CrossCursor

    def sketch(self, canvas: Canvas) -> Sketch | None:
        """The outline as far as it is drawn, and how far the selection is moved."""
        if not self._line and self._by == (0, 0):
            return None
        return Sketch((self._line,) if self._line else (), selection_at=self._by)

    def _draw(self, canvas: Canvas, press: Pointer) -> Gesture:
        raise NotImplementedError

    def _is_on_selection(self, canvas: Canvas, pointer: Pointer) -> bool:
        """Whether a press there takes hold of the selection: not where shapes are joined."""
        if not self._carries or self._settings.target is not SelectionTarget.SELECTION:
            return False
        assert canvas.document is not None
        surface = canvas.document.selection.surface
        pixel = Rect(math.floor(pointer.x), math.floor(pointer.y), 1, 1)
        if surface is None or self._settings.how_with(pointer.modifiers) != "replace":
            return False
        return surface.bounds.contains(pixel) and bool(surface.read(pixel)[0, 0] >= 128)

    def _carry(self, canvas: Canvas, press: Pointer) -> Gesture:
        """Move the selection from press to release, with Shift along one axis; or click it."""
        moves = False
        try:
            pointer = yield
            while pointer.is_down:
                away = math.hypot(pointer.view_x - press.view_x, pointer.view_y - press.view_y)
                moves = moves or away >= CLICK
                if moves:
                    self._by = _way(press, pointer)
                    canvas.update_lines()
                pointer = yield
        finally:
            by, self._by = self._by, (0, 0)
            canvas.update_lines()
        if moves:
            self._move(canvas, by)
        else:
            self._click(canvas, self._settings.how_with(press.modifiers))

    def _move(self, canvas: Canvas, by: tuple[int, int], joins: bool = False) -> None:
        from core.canvas.transforming import move_selection

        assert canvas.document is not None
        if by != (0, 0):
            self._settings.in_turn(partial(move_selection, canvas.document, *by, joins))

    def _show(self, canvas: Canvas, line: Line) -> None:
        self._line = line
        canvas.update_lines()

    def _take(self, canvas: Canvas, shape: TiledSurface, how: Combination) -> None:
        """Give the shape to the selection or to the mask when it is its turn; one step."""
        self._settings.in_turn(partial(self._put, canvas, shape, how))

    def _put(self, canvas: Canvas, shape: TiledSurface, how: Combination) -> None:
        from core.canvas.filling import combine_into_mask
        from core.canvas.selection import Combination, combined

        document = canvas.document
        assert document is not None
        if self._settings.target is SelectionTarget.MASK:
            selected = document.selection.surface
            if selected is not None:
                shape = combined(selected, shape, Combination.INTERSECT)
            combine_into_mask(document, f"Mask {self.name.lower()}", shape, how)
        elif not document.selection.select(shape, f"Select {self.name.lower()}", how):
            canvas.refused.emit(NOTHING_LEFT)

    def _click(self, canvas: Canvas, how: Combination) -> None:
        """A click that draws nothing takes the selection away, as everywhere."""
        assert canvas.document is not None
        if how == "replace" and self._settings.target is SelectionTarget.SELECTION:
            self._settings.in_turn(canvas.document.selection.deselect)


class BoxTool(_ShapeTool):
    """A rectangle, or the ellipse in it, from corner to corner.

    Shift, pressed after the drag began, makes it as high as wide; Alt draws it about its middle.
    """

    _carries = True

    def __init__(self, settings: SelectionSettings, is_round: bool = False) -> None:
        super().__init__(settings)
        self.name = "Ellipse" if is_round else "Rectangle"
        self._is_round = is_round

    def _draw(self, canvas: Canvas, press: Pointer) -> Gesture:
        how = self._settings.how_with(press.modifiers)
        free = press.modifiers
        rect = Rect(round(press.x), round(press.y), 0, 0)
        try:
            pointer = yield
            while pointer.is_down:
                free &= pointer.modifiers  # keys that chose the way are let go before they shape
                rect = _box(press, pointer, pointer.modifiers & ~free)
                self._show(canvas, self._outline(rect))
                pointer = yield
        finally:
            self._show(canvas, ())
        if max(rect.size) * canvas.viewport.zoom < CLICK:
            self._click(canvas, how)
        elif not rect.is_empty:
            self._take(canvas, self._shape(canvas, rect), how)

    def _shape(self, canvas: Canvas, rect: Rect) -> TiledSurface:
        from core.canvas.shapes import ellipse, rectangle

        assert canvas.document is not None
        draw = ellipse if self._is_round else rectangle
        return draw(rect, canvas.document.size)

    def _outline(self, rect: Rect) -> Line:
        if not self._is_round:
            left, top, right, bottom = rect.x, rect.y, rect.right, rect.bottom
            return (left, top), (right, top), (right, bottom), (left, bottom), (left, top)
        angles = [2 * math.pi * number / _CHORDS for number in range(_CHORDS + 1)]
        across, down = rect.width / 2, rect.height / 2
        return tuple(
            (rect.x + across + across * math.cos(angle), rect.y + down + down * math.sin(angle))
            for angle in angles
        )


class LassoTool(_ShapeTool):
    """A line drawn by hand, closed on release."""

    name = "Lasso"
    _carries = True

    def _draw(self, canvas: Canvas, press: Pointer) -> Gesture:
        how = self._settings.how_with(press.modifiers)
        corners = [(press.x, press.y)]
        try:
            pointer = yield
            while pointer.is_down:
                corners += [(place.x, place.y) for place in pointer.way]
                if len(corners) > MOST_CORNERS:
                    corners = corners[::2]
                self._show(canvas, tuple(corners))
                pointer = yield
        finally:
            self._show(canvas, ())
        self._close(canvas, corners, how)

    def _close(self, canvas: Canvas, corners: list[tuple[float, float]], how: Combination) -> None:
        from core.canvas.shapes import polygon

        assert canvas.document is not None
        if _extent(corners) * canvas.viewport.zoom < CLICK or len(corners) < 3:
            self._click(canvas, how)
        else:
            self._take(canvas, polygon(corners, canvas.document.size), how)


class PolygonTool(LassoTool):
    """Straight pieces from click to click; Enter, a double click or its beginning closes it."""

    name = "Polygon"
    _carries = False

    def __init__(self, settings: SelectionSettings) -> None:
        super().__init__(settings)
        self._corners: list[tuple[float, float]] = []

    def take_back(self, canvas: Canvas) -> bool:
        """Forget the last corner; False where it is the first."""
        del self._corners[-1:]
        self._show(canvas, (*self._corners, *self._line[-1:]))
        return bool(self._corners)

    def _draw(self, canvas: Canvas, press: Pointer) -> Gesture:
        """Go on over several presses."""
        how = self._settings.how_with(press.modifiers)
        corners = self._corners = [(press.x, press.y)]
        closes = False
        try:
            pointer = yield
            while not pointer.confirms and not (closes and not pointer.is_down):
                if pointer.clicks:
                    closes = pointer.clicks == 2 or self._is_back(canvas, corners, pointer)
                    corners += [] if closes else [(pointer.x, pointer.y)]
                self._show(canvas, (*corners, (pointer.x, pointer.y)))
                pointer = yield
        finally:
            self._show(canvas, ())
        self._close(canvas, corners[:MOST_CORNERS], how)

    def _is_back(
        self, canvas: Canvas, corners: list[tuple[float, float]], pointer: Pointer
    ) -> bool:
        x, y = corners[0]
        away = math.hypot(pointer.x - x, pointer.y - y) * canvas.viewport.zoom
        return len(corners) > 2 and away <= 2 * CLICK


class WandTool(_ShapeTool):
    """What looks like the pixel that is clicked."""

    name = "Magic wand"

    def _draw(self, canvas: Canvas, press: Pointer) -> Gesture:
        """Take it at the press, or after what is under way, from the picture as it is then."""
        from core.canvas.flattening import still
        from core.canvas.selection import shared
        from core.canvas.wand import alike
        from core.canvas.working import ShapeWork

        document, settings = canvas.document, self._settings
        assert document is not None
        seen = None if settings.merged else document.active_layer
        start = Point(math.floor(press.x), math.floor(press.y))
        how = start, settings.tolerance, settings.contiguous, settings.antialias

        def find() -> Callable[[Check], TiledSurface]:
            alone = None if seen is None else shared(seen.surface).tile
            return partial(alike, alone or still(document.layers), document.size, *how)

        take = partial(self._put, canvas, how=settings.how_with(press.modifiers))
        work = ShapeWork(document, "Selecting what is alike", find, take)
        settings.in_turn(work.look)  # a fill that is under way is to be seen
        settings.work(work)
        yield


def _act_now(act: Callable[[], object]) -> None:
    act()


def _work_here(work: Work) -> None:
    from core.canvas.working import work_here

    work_here(work)


def _way(press: Pointer, pointer: Pointer) -> tuple[int, int]:
    """From one place to another in whole pixels; with Shift along the longer axis."""
    across, down = round(pointer.x - press.x), round(pointer.y - press.y)
    if pointer.modifiers & Qt.KeyboardModifier.ShiftModifier:
        return (across, 0) if abs(across) >= abs(down) else (0, down)
    return across, down


def _box(press: Pointer, pointer: Pointer, keys: Qt.KeyboardModifier) -> Rect:
    """The rectangle between two places, on whole pixels."""
    across, down = pointer.x - press.x, pointer.y - press.y
    if keys & Qt.KeyboardModifier.ShiftModifier:
        side = max(abs(across), abs(down))
        across, down = math.copysign(side, across), math.copysign(side, down)
    x, y = press.x, press.y
    if keys & Qt.KeyboardModifier.AltModifier:
        x, y, across, down = x - across, y - down, 2 * across, 2 * down
    left, right = sorted((round(x), round(x + across)))
    top, bottom = sorted((round(y), round(y + down)))
    return Rect.between(left, top, right, bottom)


def _extent(corners: list[tuple[float, float]]) -> float:
    across, down = zip(*corners, strict=True)
    return max(max(across) - min(across), max(down) - min(down))
