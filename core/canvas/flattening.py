"""What is seen through all layers, tile by tile, and kept until something in it changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.canvas.blend_modes import BlendMode
from core.canvas.blending import blend
from core.canvas.layers import Layer
from core.canvas.selection import shared
from core.canvas.tiles import (
    EMPTY_TILE,
    FULL_TILE,
    NOWHERE,
    TILE,
    WHOLE_TILE,
    TiledSurface,
    TileKey,
    Tiles,
    bytes_of,
    read_only,
    tile_reserve,
    tile_shape,
    tiles_in,
)
from core.geometry import Rect
from core.request import Pixels

_OPAQUE = 0xFF000000
KEPT_TILES = 512
"""Composites kept for each of the two caches: 128 MiB, four times what a 4K screen shows."""


class Shown(NamedTuple):
    """A layer that is not hidden: its tiles as they are at any time, opacity (1 to 255), mode."""

    tiles: Tiles
    opacity: int
    mode: BlendMode


class Pane(NamedTuple):
    """What one layer shows in a tile: pixels, opacity (1 to 255), and how they are blended."""

    tile: Pixels
    opacity: int
    mode: BlendMode

    @property
    def may_hide(self) -> bool:
        """Whether nothing below shows where the tile is opaque."""
        return self.opacity == 255 and self.mode is BlendMode.NORMAL

    @property
    def hides(self) -> bool:
        """Whether nothing below shows at all; one pixel mostly tells that something does."""
        if not self.may_hide or self.tile[0, 0, 3] < 255:
            return False
        return bool(_words(self.tile).min() >= _OPAQUE)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see; the first pixel mostly tells that there is."""
        words = _words(self.tile)
        return not words[0, 0] and not words.any()

    def cut(self, part: Rect) -> Pane:
        """The same of a part of the tile."""
        return self if part == WHOLE_TILE else self._replace(tile=self.tile[part.slices()])


def still(layers: Sequence[Layer]) -> Callable[[int, int], Pixels]:
    """The picture of these layers as it is now, by column and row of its tiles.

    Whatever is painted later it stays the same; it may be read in one other thread.
    """
    copies = [replace(layer, surface=shared(layer.surface)) for layer in layers]
    flattened = FlattenedLayers()
    flattened.set_layers(copies, copies[-1])
    return lambda tx, ty: flattened.tile((tx, ty))


class FlattenedLayers:
    """The picture, bottom layer first, each blended over what lies below it.

    A tile that comes from one opaque layer alone is that layer's own tile, not a copy. For all
    others the composite is kept, and so is the composite of everything below the active layer: a
    stroke then costs one blend, and one for each layer above. (The layers above are not joined
    beforehand: in 8 bits that would not be the same picture to the last bit, and the picture must
    not depend on which layer is active.)
    """

    def __init__(self) -> None:
        self._active: TiledSurface | None = None
        self._below_active: Sequence[Shown] = ()
        self._from_active: Sequence[Shown] = ()
        self._below: dict[TileKey, Pixels] = {}
        self._tiles: dict[TileKey, Pixels] = {}
        self._stale: dict[TileKey, Rect] = {}

    def set_layers(self, layers: Sequence[Layer], active: Layer) -> None:
        """Take these layers from now on; the caller invalidates where they look different."""
        index = list(layers).index(active)
        self._active = active.surface
        self._below_active, self._from_active = _shown(layers[:index]), _shown(layers[index:])
        self._below.clear()

    def invalidate(self, rect: Rect, surface: TiledSurface | None = None) -> None:
        """`rect` has changed: in one layer's surface, or (None) in any way."""
        in_active = surface is not None and surface is self._active
        for key in tiles_in(rect):
            if not in_active:
                self._below.pop(key, None)
            if key in self._tiles:
                part = rect.translated(-key[0] * TILE, -key[1] * TILE).intersected(WHOLE_TILE)
                self._stale[key] = self._stale.get(key, NOWHERE).united(part)

    @property
    def bytes_used(self) -> int:
        """Memory of the kept composites."""
        return bytes_of(chain(self._below.values(), self._tiles.values()))

    def tile(self, key: TileKey) -> Pixels:
        """The read-only composite, up to date until the next change."""
        alone = self._alone(key)
        if alone is not None:
            self._forget(key)
            return alone
        tile = self._tiles.get(key)
        if tile is None:
            tile = tile_reserve.take(4)
            self._compose(key, WHOLE_TILE, tile)
            _keep(self._tiles, key, tile)
        elif key in self._stale:
            part = self._stale[key]
            tile.flags.writeable = True
            self._compose(key, part, tile[part.slices()])
        self._stale.pop(key, None)
        tile.flags.writeable = False
        return tile

    def piece(self, key: TileKey, part: Rect) -> Pixels:
        """Pixels of `part` of a tile, from the kept composite if there is one."""
        alone = self._alone(key)
        if alone is not None:
            return alone if part == WHOLE_TILE else alone[part.slices()]
        if key in self._tiles:
            return self.tile(key)[part.slices()]
        picture = np.empty((part.height, part.width, 4), np.uint8)
        self._compose(key, part, picture)
        return picture

    def _alone(self, key: TileKey) -> Pixels | None:
        """The tile that is the picture by itself; None where something must be blended."""
        return _single(_panes((*self._below_active, *self._from_active), key))

    def _compose(self, key: TileKey, part: Rect, picture: Pixels) -> None:
        """Blend the layers in `part` of the tile into `picture`."""
        panes = [pane.cut(part) for pane in _panes(self._from_active, key)]
        first = _topmost_opaque(panes)
        if first is None:
            picture[...] = self._below_tile(key)[part.slices()]
        else:
            picture[...] = panes[first].tile
        _blend_all(panes if first is None else panes[first + 1 :], picture)

    def _below_tile(self, key: TileKey) -> Pixels:
        panes = _panes(self._below_active, key)
        single = _single(panes)
        if single is not None:
            return single
        if key not in self._below:
            picture = np.zeros(tile_shape(4), np.uint8)
            _blend_all(panes[_topmost_opaque(panes) or 0 :], picture)
            _keep(self._below, key, picture)
        return self._below[key]

    def _forget(self, key: TileKey) -> None:
        self._tiles.pop(key, None)
        self._stale.pop(key, None)


def _shown(layers: Sequence[Layer]) -> tuple[Shown, ...]:
    """What there is to look at of these layers, until one has other properties."""
    opacities = [(layer, layer.opacity_8bit) for layer in layers]
    return tuple(
        Shown(layer.surface.tiles, opacity, layer.blend_mode)
        for layer, opacity in opacities
        if opacity
    )


def _panes(sheets: Sequence[Shown], key: TileKey) -> list[Pane]:
    """What every layer that has something to show there shows; none below white paper."""
    found: list[Pane] = []
    for tiles, opacity, mode in sheets:
        tile = tiles.get(key)
        if tile is not None:
            pane = Pane(tile, opacity, mode)
            if tile is FULL_TILE[4] and pane.may_hide:
                found.clear()
            found.append(pane)
    return found


def _single(panes: Sequence[Pane]) -> Pixels | None:
    """The tile that is the picture by itself; over nothing every mode is normal."""
    if not panes:
        return EMPTY_TILE[4]
    return read_only(panes[0].tile) if len(panes) == 1 and panes[0].opacity == 255 else None


def _topmost_opaque(panes: Sequence[Pane]) -> int | None:
    """Which one hides all below it; looking is cheaper than blending."""
    return next((index for index in reversed(range(len(panes))) if panes[index].hides), None)


def _blend_all(panes: Sequence[Pane], picture: Pixels) -> None:
    """Blend them onto the picture, from the first to the last."""
    for pane in panes:
        if not pane.is_empty:
            blend(pane.tile, pane.opacity, picture, pane.mode)


def _words(tile: Pixels) -> NDArray[np.uint32]:
    """(h, w): a pixel's four bytes as one number, of which alpha is the highest."""
    return tile.view("<u4")[..., 0]


def _keep(cache: dict[TileKey, Pixels], key: TileKey, tile: Pixels) -> None:
    """Put the tile in; the one that was put in first goes when there are too many."""
    cache[key] = tile
    if len(cache) > KEPT_TILES:
        del cache[next(iter(cache))]
