"""What is seen through all layers, tile by tile, and kept until something in it changes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from core.canvas.blend_modes import BlendMode
from core.canvas.blending import blend
from core.canvas.layers import Layer
from core.canvas.tiles import (
    EMPTY_TILE,
    FULL_TILE,
    NOWHERE,
    TILE,
    WHOLE_TILE,
    TiledSurface,
    TileKey,
    bytes_of,
    read_only,
    tile_shape,
    tiles_in,
)
from core.geometry import Rect
from core.request import Pixels

KEPT_TILES = 512
"""Composites kept for each of the two caches: 128 MiB, four times what a 4K screen shows."""


class Pane(NamedTuple):
    """What one layer shows in a tile: pixels, opacity (1 to 255), and how they are blended."""

    tile: Pixels
    opacity: int
    mode: BlendMode

    @property
    def may_hide(self) -> bool:
        """Whether nothing below shows where the tile is opaque."""
        return self.opacity == 255 and self.mode is BlendMode.NORMAL


class FlattenedLayers:
    """The picture, bottom layer first, each blended over what lies below it.

    A tile that comes from one opaque layer alone is that layer's own tile, not a copy. For all
    others the composite is kept, and so is the composite of everything below the active layer: a
    stroke then costs one blend, and one for each layer above. (The layers above are not joined
    beforehand: in 8 bits that would not be the same picture to the last bit, and the picture must
    not depend on which layer is active.)
    """

    def __init__(self) -> None:
        self._below_active: Sequence[Layer] = ()
        self._from_active: Sequence[Layer] = ()
        self._below: dict[TileKey, Pixels] = {}
        self._tiles: dict[TileKey, Pixels] = {}
        self._stale: dict[TileKey, Rect] = {}

    def set_layers(self, layers: Sequence[Layer], active: Layer) -> None:
        """Take these layers from now on; the caller invalidates where they look different."""
        index = list(layers).index(active)
        self._below_active, self._from_active = tuple(layers[:index]), tuple(layers[index:])
        self._below.clear()

    def invalidate(self, rect: Rect, surface: TiledSurface | None = None) -> None:
        """`rect` has changed: in one layer's surface, or (None) in any way."""
        in_active = bool(self._from_active) and self._from_active[0].surface is surface
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
            tile = np.empty(tile_shape(4), np.uint8)
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
        picture[...] = self._below_tile(key)[part.slices()]
        for tile, opacity, mode in _panes(self._from_active, key):
            blend(tile[part.slices()], opacity, picture, mode)

    def _below_tile(self, key: TileKey) -> Pixels:
        panes = _panes(self._below_active, key)
        single = _single(panes)
        if single is not None:
            return single
        if key not in self._below:
            picture = np.zeros(tile_shape(4), np.uint8)
            for tile, opacity, mode in _seen(panes):
                blend(tile, opacity, picture, mode)
            _keep(self._below, key, picture)
        return self._below[key]

    def _forget(self, key: TileKey) -> None:
        self._tiles.pop(key, None)
        self._stale.pop(key, None)


def _panes(layers: Sequence[Layer], key: TileKey) -> list[Pane]:
    """What every layer that has something to show there shows; none below white paper."""
    found: list[Pane] = []
    for layer in layers:
        tile, opacity = layer.surface.tiles.get(key), layer.opacity_8bit
        if tile is not None and opacity:
            pane = Pane(tile, opacity, layer.blend_mode)
            if tile is FULL_TILE[4] and pane.may_hide:
                found.clear()
            found.append(pane)
    return found


def _single(panes: Sequence[Pane]) -> Pixels | None:
    """The tile that is the picture by itself; over nothing every mode is normal."""
    if not panes:
        return EMPTY_TILE[4]
    return read_only(panes[0].tile) if len(panes) == 1 and panes[0].opacity == 255 else None


def _seen(panes: Sequence[Pane]) -> Sequence[Pane]:
    """The topmost opaque pane and those above it; looking is cheaper than blending."""
    for index in range(len(panes) - 1, 0, -1):
        if panes[index].may_hide and panes[index].tile[..., 3].min() == 255:
            return panes[index:]
    return panes


def _keep(cache: dict[TileKey, Pixels], key: TileKey, tile: Pixels) -> None:
    """Put the tile in; the one that was put in first goes when there are too many."""
    cache[key] = tile
    if len(cache) > KEPT_TILES:
        del cache[next(iter(cache))]
