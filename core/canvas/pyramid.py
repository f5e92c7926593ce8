"""Reduced copies of a tiled picture for looking at it from afar; made when first asked for."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Protocol

import cv2
import numpy as np

from core.canvas.tiles import (
    EMPTY_TILE,
    FULL_TILE,
    NOWHERE,
    TILE,
    WHOLE_TILE,
    TileKey,
    pieces,
    tile_reserve,
)
from core.geometry import Rect
from core.request import Pixels

HIGHEST_LEVEL = 14
_HALF = TILE // 2
_AT_ONCE = 1 << 18
"""So many pixels of level 1 are made in one go, straight from level 0; as much as a 512 px brush
touches between two reports of a fast pen."""


class TileSource(Protocol):
    """Where level 0 comes from."""

    def piece(self, key: TileKey, part: Rect) -> Pixels:
        """Pixels of `part` of a tile; for the whole tile, a constant tile as itself."""


class TilePyramid:
    """Tiles of the picture at 1/2, 1/4, 1/8 … of its size.

    Each pixel is the mean of the four below it (premultiplied, halves upwards), so that level n
    differs from the exact mean of its 4ⁿ pixels by less than n / 2. What has changed is redone
    alone, when it is next asked for, and white or empty regions share one tile.
    """

    def __init__(self, channels: int, source: TileSource) -> None:
        self._channels = channels
        self._source = source
        self._tiles: dict[int, dict[TileKey, Pixels]] = defaultdict(dict)
        self._stale: dict[int, dict[TileKey, Rect]] = defaultdict(dict)
        self._scratch = np.full(_AT_ONCE * channels, 1, np.uint8)  # touched now, not in a stroke

    @property
    def bytes_used(self) -> int:
        """Memory of the reduced tiles."""
        return sum(tile.nbytes for tiles in self._tiles.values() for tile in tiles.values())

    def tile(self, key: TileKey, level: int) -> Pixels:
        """The read-only tile at `key` of the picture reduced 2 to the power of `level` times.

        Raises:
            ValueError: `level` is not 1 to `HIGHEST_LEVEL`.
        """
        if not 1 <= level <= HIGHEST_LEVEL:
            raise ValueError(f"no level {level}; there are 1 to {HIGHEST_LEVEL}")
        tile = self._tiles[level].get(key)
        if tile is None:
            tile = self._tiles[level][key] = self._made(key, level)
        elif key in self._stale[level]:
            tile = self._tiles[level][key] = self._renewed(tile, key, level)
        self._stale[level].pop(key, None)
        return tile

    def invalidate(self, rect: Rect) -> None:
        """The picture has changed in `rect` of level 0."""
        if rect.is_empty:
            return
        for level, tiles in self._tiles.items():
            left, top = rect.x >> level, rect.y >> level
            right, bottom = -(-rect.right >> level), -(-rect.bottom >> level)
            stale = self._stale[level]
            for ty in range(top // TILE, (bottom - 1) // TILE + 1):
                for tx in range(left // TILE, (right - 1) // TILE + 1):
                    if (tx, ty) in tiles:
                        x, y = tx * TILE, ty * TILE
                        part = Rect.between(left - x, top - y, right - x, bottom - y)
                        part = part.intersected(WHOLE_TILE)
                        stale[tx, ty] = stale.get((tx, ty), NOWHERE).united(part)

    def _made(self, key: TileKey, level: int) -> Pixels:
        sources = [self._below(child, level - 1, WHOLE_TILE) for child, _ in _children(key)]
        constants = EMPTY_TILE[self._channels], FULL_TILE[self._channels]
        for constant in constants:
            if all(source is constant for source in sources):
                return constant
        tile = tile_reserve.take(self._channels)
        for source, (_, place) in zip(sources, _children(key), strict=True):
            if any(source is constant for constant in constants):
                tile[place.slices()] = source[0, 0]  # ten times as fast as halving it
            else:
                _halve(source, tile[place.slices()])
        tile.flags.writeable = False
        return tile

    def _renewed(self, tile: Pixels, key: TileKey, level: int) -> Pixels:
        stale = self._stale[level][key]
        is_constant = tile is EMPTY_TILE[self._channels] or tile is FULL_TILE[self._channels]
        if stale.width * stale.height << 2 * (level - 1) <= _AT_ONCE:
            pixels = self._reduced(stale.translated(key[0] * TILE, key[1] * TILE), level)
            return _replaced(tile, stale, pixels, is_constant)
        if is_constant:
            return self._made(key, level)
        tile.flags.writeable = True
        for child, place in _children(key):
            part = stale.intersected(place)
            if not part.is_empty:
                source = _doubled(part.translated(-place.x, -place.y))
                _halve(self._below(child, level - 1, source), tile[part.slices()])
        tile.flags.writeable = False
        return tile

    def _reduced(self, rect: Rect, level: int) -> Pixels:
        """`rect` of a level, straight from level 0; the levels between stay as stale as they are.

        Returns:
            (height, width, channels) or (height, width); valid until the next call.
        """
        for _ in range(level):
            rect = _doubled(rect)
        shape = (rect.height // 2, rect.width // 2, *EMPTY_TILE[self._channels].shape[2:])
        pixels = self._scratch[: math.prod(shape)].reshape(shape)
        for key, inside, place in pieces(rect):
            part = Rect.between(inside[1].start, inside[0].start, inside[1].stop, inside[0].stop)
            rows, columns = place
            half = pixels[rows.start // 2 : rows.stop // 2, columns.start // 2 : columns.stop // 2]
            _halve(self._source.piece(key, part), half)
        for _ in range(level - 1):
            size = (pixels.shape[1] // 2, pixels.shape[0] // 2)
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        return pixels

    def _below(self, key: TileKey, level: int, part: Rect) -> Pixels:
        if level == 0:
            return self._source.piece(key, part)
        tile = self.tile(key, level)
        return tile if part == WHOLE_TILE else tile[part.slices()]


def _children(key: TileKey) -> list[tuple[TileKey, Rect]]:
    """The four tiles one level below, and the quarter that each fills."""
    return [
        ((2 * key[0] + x, 2 * key[1] + y), Rect(x * _HALF, y * _HALF, _HALF, _HALF))
        for y in (0, 1)
        for x in (0, 1)
    ]


def _doubled(rect: Rect) -> Rect:
    return Rect(2 * rect.x, 2 * rect.y, 2 * rect.width, 2 * rect.height)


def _replaced(tile: Pixels, part: Rect, pixels: Pixels, is_constant: bool) -> Pixels:
    """The tile with other pixels in that part; a constant one stays itself if they are the same."""
    if is_constant:
        if bool((pixels == tile[0, 0]).all()):
            return tile
        value = tile[0, 0]
        tile = tile_reserve.take(tile.shape[2] if tile.ndim == 3 else 1)
        tile[...] = value
    tile.flags.writeable = True
    tile[part.slices()] = pixels
    tile.flags.writeable = False
    return tile


def _halve(source: Pixels, target: Pixels) -> None:
    size = (target.shape[1], target.shape[0])
    cv2.resize(source, size, dst=target, interpolation=cv2.INTER_AREA)
