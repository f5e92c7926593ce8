"""The two kinds of change that can be undone: tiles of one surface, and the stack of layers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from core.canvas.blend_modes import BlendMode
from core.canvas.layers import Layer
from core.canvas.selection import KeptMasks, is_blank
from core.canvas.tiles import Snapshot, TileChanges, TiledSurface, TileKey, bytes_of
from core.geometry import Point, Rect, Size
from core.request import Pixels

if TYPE_CHECKING:
    from core.canvas.document import Document

_SPARSE = 61
"""One word in so many is looked at first: mostly it tells, and a long stroke touched 700 tiles."""


@dataclass(frozen=True, eq=False)
class TilesChanged:
    """Pixels of one surface: the touched tiles before and after, shared with the surface."""

    name: str
    surface: TiledSurface
    before: TileChanges
    after: TileChanges

    @classmethod
    def since(
        cls,
        before: Snapshot,
        surface: TiledSurface,
        name: str,
        touched: Iterable[TileKey] | None = None,
    ) -> TilesChanged | None:
        """The command that leads from a snapshot to the surface as it is; None if nothing differs.

        Tiles that came out with the same pixels go back to the old array, and empty ones are
        taken away, so that what is kept is what changed.

        Args:
            touched: The only tiles that can be different; None looks at all.
        """
        keys = before.tiles.keys() | surface.tiles.keys() if touched is None else touched
        old = {key: before.tiles.get(key) for key in keys}
        new = {key: _something(surface.tiles.get(key)) for key in keys}
        same = {key for key in old if _equal(old[key], new[key])}
        surface.put({key: old[key] if key in same else new[key] for key in old})
        different = [key for key in old if key not in same]
        if not different:
            return None
        return cls(name, surface, {k: old[k] for k in different}, {k: new[k] for k in different})

    @property
    def bytes(self) -> int:
        """What undoing needs or what redoing needs, whichever is more."""
        return max(bytes_of(iter(self.before.values())), bytes_of(iter(self.after.values())))

    def undo(self, document: Document) -> Rect:
        """Put the old tiles back."""
        return document.replace_tiles(self.surface, self.before)

    def redo(self, document: Document) -> Rect:
        """Put the new tiles back."""
        return document.replace_tiles(self.surface, self.after)


@dataclass(frozen=True)
class Sheet:
    """All there is to say about one layer at one moment."""

    layer: Layer
    name: str
    surface: TiledSurface
    visible: bool
    opacity: float
    blend_mode: BlendMode
    locked: bool

    @classmethod
    def of(cls, layer: Layer) -> Sheet:
        """The layer as it is now; its surface by reference."""
        values = {each.name: getattr(layer, each.name) for each in fields(layer)}
        return cls(layer, **values)

    def restore(self) -> Layer:
        """Make the layer what it was."""
        for each in fields(self.layer):
            setattr(self.layer, each.name, getattr(self, each.name))
        return self.layer


@dataclass(frozen=True)
class Structure:
    """Everything about a document but the pixels in its surfaces.

    Attributes:
        origin: Where the first canvas's corner lies on this one; grows with the canvas.
        sheets: Bottom first.
        selection: What the tools may touch; None is everything.
        kept_masks: Masks put by, by name.
    """

    size: Size
    origin: Point
    sheets: tuple[Sheet, ...]
    active: Layer
    mask: TiledSurface
    selection: TiledSurface | None = field(default=None, compare=False)  # has its own event
    kept_masks: KeptMasks = field(default_factory=dict)

    @classmethod
    def of(cls, document: Document) -> Structure:
        """The document as it is now."""
        return cls(
            document.size,
            document.origin,
            tuple(map(Sheet.of, document.layers)),
            document.active_layer,
            document.mask,
            document.selection.surface,
            document.kept_masks,
        )

    @property
    def surfaces(self) -> set[TiledSurface]:
        """Every surface in it."""
        selection = () if self.selection is None else (self.selection,)
        painted = (sheet.surface for sheet in self.sheets)
        return {self.mask, *painted, *selection, *self.kept_masks.values()}

    def without(self, layer: Layer) -> Structure:
        """The same without that layer; what lay below it, or else above, becomes active."""
        index = [sheet.layer for sheet in self.sheets].index(layer)
        sheets = self.sheets[:index] + self.sheets[index + 1 :]
        active = sheets[max(0, index - 1)].layer if self.active is layer else self.active
        return replace(self, sheets=sheets, active=active)

    def with_layer(self, layer: Layer, index: int | None = None) -> Structure:
        """The same with a new active layer at that place, 0 at the bottom; None is the top."""
        index = len(self.sheets) if index is None else index
        sheets = (*self.sheets[:index], Sheet.of(layer), *self.sheets[index:])
        return replace(self, sheets=sheets, active=layer)

    def reordered(self, layer: Layer, index: int) -> Structure:
        """The same with that layer at place `index` of the result, 0 at the bottom."""
        (sheet,) = (sheet for sheet in self.sheets if sheet.layer is layer)
        others = [other for other in self.sheets if other is not sheet]
        return replace(self, sheets=(*others[:index], sheet, *others[index:]))

    def with_sheet(self, sheet: Sheet) -> Structure:
        """The same with one layer as `sheet` says."""
        sheets = tuple(sheet if old.layer is sheet.layer else old for old in self.sheets)
        return replace(self, sheets=sheets)

    def moved(self, shift: Point, size: Size) -> Structure:
        """The same on a canvas of another size, every surface moved by `shift`."""
        surfaces = {surface: surface.moved(*shift, size) for surface in self.surfaces}
        return replace(
            self,
            size=size,
            origin=Point(self.origin.x + shift.x, self.origin.y + shift.y),
            sheets=tuple(replace(s, surface=surfaces[s.surface]) for s in self.sheets),
            mask=surfaces[self.mask],
            selection=_unless_blank(None if self.selection is None else surfaces[self.selection]),
            kept_masks={name: surfaces[mask] for name, mask in self.kept_masks.items()},
        )


@dataclass(frozen=True, eq=False)
class StructureChanged:
    """Layers added, removed, shown, hidden or faded; the canvas grown.

    Attributes:
        dirty: Where the picture may look different, before or after.
        bytes: Memory of the surfaces that only one of the two structures has.
    """

    name: str
    before: Structure
    after: Structure
    dirty: Rect
    bytes: int

    @classmethod
    def between(
        cls, name: str, before: Structure, after: Structure, dirty: Rect
    ) -> StructureChanged:
        """The command that leads from `before` to `after`."""
        only_one = before.surfaces ^ after.surfaces
        tiles = (tile for surface in only_one for tile in surface.tiles.values())
        return cls(name, before, after, dirty, bytes_of(tiles))

    def undo(self, document: Document) -> Rect:
        """Bring the old structure back."""
        return document.restore_structure(self.before, self.dirty)

    def redo(self, document: Document) -> Rect:
        """Bring the new structure back."""
        return document.restore_structure(self.after, self.dirty)


def _unless_blank(selection: TiledSurface | None) -> TiledSurface | None:
    """The selection; everything where not a pixel of it is left, or no tool would do anything."""
    return None if selection is None or is_blank(selection) else selection


def _something(tile: Pixels | None) -> Pixels | None:
    if tile is None:
        return None
    words = _words(tile)
    return tile if words[::_SPARSE].any() or words.any() else None


def _equal(one: Pixels | None, other: Pixels | None) -> bool:
    if one is None or other is None or one is other:
        return one is other
    mine, theirs = _words(one), _words(other)
    if (mine[::_SPARSE] != theirs[::_SPARSE]).any():
        return False
    return not (mine != theirs).any()


def _words(tile: Pixels) -> np.ndarray:
    """The tile's bytes, eight at a time: four times as fast to look through."""
    return tile.reshape(-1).view(np.uint64)
