"""How a document looks: its flattened picture and its mask, at every scale, kept up to date."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.canvas.flattening import FlattenedLayers
from core.canvas.layers import Layer
from core.canvas.pyramid import TilePyramid
from core.canvas.tiles import WHOLE_TILE, TiledSurface, TileKey, pieces
from core.geometry import Rect
from core.request import Pixels


class SurfaceTiles:
    """One surface as the source of a pyramid."""

    def __init__(self, surface: TiledSurface) -> None:
        self._surface = surface

    def piece(self, key: TileKey, part: Rect) -> Pixels:
        """Pixels of `part` of a tile."""
        tile = self._surface.tile(*key)
        return tile if part == WHOLE_TILE else tile[part.slices()]


class Appearance:
    """Tiles of picture and mask for one canvas; another canvas needs another appearance."""

    def __init__(self, mask: TiledSurface) -> None:
        self._mask = mask
        self._layers = FlattenedLayers()
        self._reduced_picture = TilePyramid(4, self._layers)
        self._reduced_mask = TilePyramid(1, SurfaceTiles(mask))

    @property
    def mask(self) -> TiledSurface:
        """The mask whose canvas this is."""
        return self._mask

    @property
    def bytes_used(self) -> int:
        """Memory of everything that could be made again."""
        caches = (self._layers, self._reduced_picture, self._reduced_mask)
        return sum(cache.bytes_used for cache in caches)

    def set_layers(self, layers: Sequence[Layer], active: Layer) -> None:
        """Look at these layers from now on; the caller invalidates what looks different."""
        self._layers.set_layers(layers, active)

    def invalidate(self, rect: Rect, surface: TiledSurface | None = None) -> None:
        """`rect` has changed, in one surface or (None) in any way but the mask."""
        if surface is self._mask:
            self._reduced_mask.invalidate(rect)
        else:
            self._layers.invalidate(rect, surface)
            self._reduced_picture.invalidate(rect)

    def picture_tile(self, key: TileKey, level: int) -> Pixels:
        """(256, 256, 4) of the picture at 1 / 2**level of its size, read-only."""
        return self._layers.tile(key) if level == 0 else self._reduced_picture.tile(key, level)

    def mask_tile(self, key: TileKey, level: int) -> Pixels:
        """(256, 256) of the mask at 1 / 2**level of its size, read-only."""
        return self._mask.tile(*key) if level == 0 else self._reduced_mask.tile(key, level)

    def flatten(self, rect: Rect) -> Pixels:
        """The picture in `rect`, own array (h, w, 4); transparent outside the canvas."""
        pixels = np.zeros((rect.height, rect.width, 4), np.uint8)
        inside = rect.intersected(self._mask.bounds)
        target = pixels[inside.translated(-rect.x, -rect.y).slices()]
        for key, (rows, columns), in_target in pieces(inside):
            part = Rect.between(columns.start, rows.start, columns.stop, rows.stop)
            target[in_target] = self._layers.piece(key, part)
        return pixels
