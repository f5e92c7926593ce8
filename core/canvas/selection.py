"""What the tools may touch: one 8-bit surface for each document, or all of it.

A selection is a value: its surface is never written again once it is in force, so that a step to
undo costs a reference, and who draws its outline sees by identity whether it is still the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import cv2
import numpy as np

from core.canvas.tiles import (
    EMPTY_TILE,
    FULL_TILE,
    NOWHERE,
    Slices,
    TiledSurface,
    TileKey,
    bytes_of,
    pieces,
    tile_rect,
)
from core.geometry import Rect, Size
from core.observable import Event
from core.request import Pixels

if TYPE_CHECKING:
    from core.canvas.document import Document

KeptMasks = Mapping[str, TiledSurface]
"""Masks put by, by name, in the order in which they were; never written again."""

_FULL, _EMPTY = FULL_TILE[1], EMPTY_TILE[1]


class Combination(StrEnum):
    """How a shape and what was selected before become one."""

    REPLACE = "replace"
    ADD = "add"
    SUBTRACT = "subtract"
    INTERSECT = "intersect"


_TILE_RULES: dict[Combination, Callable[[Pixels, Pixels], Pixels]] = {
    Combination.REPLACE: lambda _before, shape: shape,
    Combination.ADD: np.maximum,
    Combination.SUBTRACT: lambda before, shape: np.minimum(before, cv2.bitwise_not(shape)),
    Combination.INTERSECT: np.minimum,
}


class Selection:
    """The document's selection; every change of it is one step to undo.

    Attributes:
        changed: Emitted when something else is selected.
    """

    def __init__(
        self, perform: Callable[[SelectionChanged], object], settle: Callable[[], object]
    ) -> None:
        """Begin with everything.

        Args:
            perform: Carries a command out and remembers it.
            settle: Finishes what is open; selected pixels that are being moved take the selection
                along, and what comes next leads from there.
        """
        self.changed: Event[[]] = Event()
        self._perform, self._settle = perform, settle
        self._surface: TiledSurface | None = None
        self._last: TiledSurface | None = None

    @property
    def surface(self) -> TiledSurface | None:
        """One channel of the canvas's size, 255 selected, for reading; None: everything is."""
        return self._surface

    @property
    def can_reselect(self) -> bool:
        """Whether nothing is selected now, and something was on a canvas of this size."""
        return self._surface is None and self._last is not None

    def select(
        self, shape: TiledSurface, name: str, how: Combination = Combination.REPLACE
    ) -> bool:
        """Take a shape in; one step, none if it changes nothing.

        What has been selected nowhere yet counts as everything where something is taken away, and
        as nothing where something is added.

        Args:
            shape: One channel of the canvas's size; it becomes the selection's own.

        Returns:
            False where not a single pixel would be left: everything is selected then.
        """
        self._settle()
        after = combined(self._surface, shape, how)
        something = not is_blank(after)
        self._become_by_command(name, after if something else None)
        return something

    def change(self, name: str, edit: Callable[[TiledSurface], TiledSurface]) -> bool:
        """Make the selection what `edit` gives for it; False, and nothing done, if there is none.

        Where `edit` leaves not a single pixel everything is selected.
        """
        if self._surface is not None:
            self._settle()
        if self._surface is None:
            return False
        after = edit(self._surface)
        self._become_by_command(name, None if is_blank(after) else after)
        return True

    def deselect(self) -> None:
        """Select everything, as at the beginning; one step, none if it is so already."""
        if self._surface is not None:
            self._settle()
        self._become_by_command("Deselect", None)

    def reselect(self) -> bool:
        """Bring the last selection back; one step. False if there is none."""
        if not self.can_reselect:
            return False
        self._become_by_command("Reselect", self._last)
        return True

    def become(self, surface: TiledSurface | None) -> None:
        """For commands and loading: be that from now on, without a step."""
        if surface is self._surface:
            return
        remembered = surface or self._surface
        self._last = remembered
        self._surface = surface
        if surface is not None:
            surface.snapshot()
        self.changed.emit()

    def forget_last(self, size: Size) -> None:
        """The canvas has another size: what was selected on the old one does not fit."""
        if self._last is not None and self._last.size != size:
            self._last = self._surface

    def _become_by_command(self, name: str, after: TiledSurface | None) -> None:
        if not same(self._surface, after):
            self._perform(SelectionChanged(name, self._surface, after))


@dataclass(frozen=True, eq=False)
class SelectionChanged:
    """Another selection: both surfaces by reference."""

    name: str
    before: TiledSurface | None
    after: TiledSurface | None

    @property
    def bytes(self) -> int:
        """Memory of the tiles that only one of the two has."""
        tiles = [set(map(id, s.tiles.values())) if s else set() for s in (self.before, self.after)]
        alone = tiles[0] ^ tiles[1]
        both = [s for s in (self.before, self.after) if s is not None]
        return bytes_of(t for s in both for t in s.tiles.values() if id(t) in alone)

    def undo(self, document: Document) -> Rect:
        """Select again what was selected before."""
        document.selection.become(self.before)
        return NOWHERE

    def redo(self, document: Document) -> Rect:
        """Select again what was selected after it."""
        document.selection.become(self.after)
        return NOWHERE


def combined(before: TiledSurface | None, shape: TiledSurface, how: Combination) -> TiledSurface:
    """A new surface; tiles are shared where they can be. `before` is left as it is.

    None counts as everything for SUBTRACT and INTERSECT and as nothing for ADD.
    """
    if before is None:
        before = TiledSurface(1, shape.size)
        if how in (Combination.SUBTRACT, Combination.INTERSECT):
            before.fill(before.bounds)
    result = TiledSurface(1, shape.size)
    keys = set(shape.tiles) | (set() if how is Combination.REPLACE else set(before.tiles))
    rule = _TILE_RULES[how]
    changes = {
        key: tidied(rule(before.tile(*key), shape.tile(*key)), key, result.bounds) for key in keys
    }
    result.put({key: tile for key, tile in changes.items() if tile is not None})
    return result


def tidied(tile: Pixels, key: TileKey, bounds: Rect) -> Pixels | None:
    """The tile to keep: None where nothing is selected, the shared one where everything is."""
    if not tile.any():
        return None
    if bounds.contains(tile_rect(key)) and tile.min() == 255:
        return _FULL
    return tile


def is_blank(surface: TiledSurface) -> bool:
    """Whether every pixel is 0."""
    return not any(tile.any() for tile in surface.tiles.values())


def same(one: TiledSurface | None, other: TiledSurface | None) -> bool:
    """Whether the two select the same pixels equally."""
    if one is None or other is None or one is other:
        return one is other
    keys = set(one.tiles) | set(other.tiles)
    return all(_equal(one.tiles.get(key, _EMPTY), other.tiles.get(key, _EMPTY)) for key in keys)


def _equal(one: Pixels, other: Pixels) -> bool:
    return one is other or np.array_equal(one, other)


def shared(surface: TiledSurface) -> TiledSurface:
    """A surface of its own with the same tiles; they are copied where either is written."""
    other = TiledSurface(surface.channels, surface.size)
    other.put(surface.snapshot().tiles)
    return other


def share_of(selection: TiledSurface | None, key: TileKey, part: Slices) -> Pixels | None:
    """How far a piece of a tile is selected: (h, w), or None where all of it is, fully."""
    if selection is None:
        return None
    tile = selection.tiles.get(key, _EMPTY)
    return None if tile is _FULL else tile[part]


def of_alpha(layer: TiledSurface) -> TiledSurface:
    """How much each pixel of a layer covers, as a selection."""
    surface = TiledSurface(1, layer.size)
    for key, tile in layer.tiles.items():
        alpha = tidied(cv2.extractChannel(tile, 3), key, surface.bounds)
        if alpha is not None:
            surface.put({key: alpha})
    return surface


def everything(size: Size) -> TiledSurface:
    """All pixels of a canvas, selected one by one as it were: the outline runs around it."""
    surface = TiledSurface(1, size)
    surface.fill(surface.bounds)
    return surface


def inverted(surface: TiledSurface) -> TiledSurface:
    """255 minus every value."""
    result = shared(surface)
    result.invert()
    return result


def from_pixels(pixels: Pixels, rect: Rect, size: Size) -> TiledSurface:
    """A surface that is 0 but in `rect`.

    Args:
        pixels: uint8 (h, w) of `rect`'s size; what lies outside the canvas is left out.
    """
    surface = TiledSurface(1, size)
    store(surface, pixels, rect)
    return surface


def store(surface: TiledSurface, pixels: Pixels, rect: Rect) -> None:
    """Write (h, w) values of one channel into `rect`; constant tiles stay absent or shared."""
    inside = rect.intersected(surface.bounds)
    part = pixels[inside.translated(-rect.x, -rect.y).slices()]
    for key, in_tile, in_part in pieces(inside):
        piece = part[in_part]
        if inside.contains(tile_rect(key)):
            surface.put({key: tidied(piece.copy(), key, surface.bounds)})
        elif piece.any() or key in surface.tiles:
            surface.tile_for_writing(*key)[in_tile] = piece
