"""A mask or selection made larger by a disc, computed only where its edge comes to lie.

Over cells of some pixels a side two bounds are known at once: a pixel becomes at least as much as
any cell holds all of which is within its reach, and at most what a cell holds some of which may be.
Where the two are the same nothing is left to do, whatever the radius. Elsewhere only what exceeds
the lower bound is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from core import masks
from core.canvas.interrupting import Check
from core.canvas.selection import tidied
from core.canvas.tiles import (
    FULL_TILE,
    TILE,
    TiledSurface,
    TileKey,
    tile_rect,
    tile_shape,
)
from core.geometry import Rect
from core.request import Pixels

THREADS = 2
"""Tiles worked on at once: it takes a moment only, and somebody waits for it."""


def reached(surface: TiledSurface, radius: int, check: Check, flip: int = 0) -> TiledSurface:
    """Each pixel becomes the most that lies within `radius` of it, as by `core.masks.grow`.

    Args:
        check: Called before each tile that is computed, in any thread.
        flip: 255 makes what is left over larger, and so the rest smaller, as by
            `core.masks.shrink`.

    Returns:
        A surface of its own; constant tiles are absent or shared.
    """
    reach = _Reach(surface, radius, flip)

    def worked(key: TileKey) -> Pixels | None:
        check()
        return tidied(reach.tile(key), key, surface.bounds)

    result = TiledSurface(1, surface.size)
    result.fill(surface.bounds)
    result.put(dict.fromkeys(reach.tiles_of(0)))
    work = set(result.tiles).difference(reach.tiles_of(255))
    with ThreadPoolExecutor(THREADS, "sfumato-edges") as pool:
        result.put(dict(zip(work, pool.map(worked, work), strict=True)))
    return result


class _Reach:
    """A surface, and between which bounds each cell of it will be."""

    def __init__(self, surface: TiledSurface, radius: int, flip: int) -> None:
        self._surface, self._radius, self._flip = surface, radius, np.uint8(flip)
        self._side = side = next(side for side in (32, 16, 8) if 8 * side <= radius or side == 8)
        least, self._there = _cells(surface, side, flip)
        whole, touched = _kernels(radius, side)
        self._least = cv2.max(least, cv2.dilate(self._there, whole)) if whole.any() else least
        self._most = cv2.dilate(self._there, touched)

    def tiles_of(self, value: int) -> Iterator[TileKey]:
        """The tiles that are known to become that all over."""
        is_known = (self._least == self._most) & (self._least == value ^ self._flip)
        first = [range(0, length, TILE // self._side) for length in is_known.shape]
        rows = np.logical_and.reduceat(is_known, first[0], axis=0)
        tiles = np.logical_and.reduceat(rows, first[1], axis=1)
        return ((int(tx), int(ty)) for ty, tx in np.argwhere(tiles))

    def tile(self, key: TileKey) -> Pixels:
        """What becomes of a tile; 0 beyond the canvas."""
        place = tile_rect(key).intersected(self._surface.bounds)
        cells = self._cells_of(place)
        least = self._least[cells.slices()]
        values = least.repeat(self._side, 0).repeat(self._side, 1)
        is_open = self._most[cells.slices()] != least
        if is_open.any():
            opened = masks.bounding_rect(is_open).translated(cells.x, cells.y)
            box = self._pixels_of(opened).intersected(place)
            part = values[box.translated(-place.x, -place.y).slices()]
            cv2.max(part, self._most_within(box), dst=part)
        tile = np.zeros(tile_shape(1), np.uint8)
        tile[: place.height, : place.width] = values[: place.height, : place.width] ^ self._flip
        return tile

    def _most_within(self, box: Rect) -> Pixels:
        """Right where it exceeds the lower bound, else at most that."""
        seen = self._cells_of(box.grown(self._radius).intersected(self._surface.bounds))
        lowest = self._least[self._cells_of(box).slices()].min()
        more = masks.bounding_rect(self._there[seen.slices()] > lowest)
        seen = self._pixels_of(more.translated(seen.x, seen.y)).intersected(self._surface.bounds)
        pixels = self._surface.read(seen) ^ self._flip
        return masks.grow(pixels, self._radius, box.translated(-seen.x, -seen.y))

    def _cells_of(self, rect: Rect) -> Rect:
        """Those that a rectangle touches."""
        side = self._side
        right, bottom = -(-rect.right // side), -(-rect.bottom // side)
        return Rect.between(rect.x // side, rect.y // side, right, bottom)

    def _pixels_of(self, cells: Rect) -> Rect:
        x, y, width, height = (length * self._side for length in cells)
        return Rect(x, y, width, height)


def _cells(surface: TiledSurface, side: int, flip: int) -> tuple[Pixels, Pixels]:
    """The least and the most of each cell."""
    width, height = (-(-length // side) for length in surface.size)
    least, most = np.zeros((2, height, width), np.uint8)
    for key, tile in surface.tiles.items():
        place = tile_rect(key).intersected(surface.bounds)
        x, y, across, down = (-(-length // side) for length in place)
        here = Rect(x, y, across, down).slices()
        if tile is FULL_TILE[1]:
            least[here] = most[here] = 255
            continue
        pixels = _filled_up(tile[: place.height, : place.width], side)
        for extreme, cells in ((np.minimum, least), (np.maximum, most)):
            rows = extreme.reduce(pixels.reshape(down, side, across * side), axis=1)
            cells[here] = extreme.reduce(rows.reshape(-1, side).T.copy()).reshape(down, across)
    return (~most, ~least) if flip else (least, most)


def _filled_up(pixels: Pixels, side: int) -> Pixels:
    """With the last cells made whole, by repeating what is in them."""
    missing = [(0, -length % side) for length in pixels.shape]
    return np.pad(pixels, missing, "edge") if any(map(any, missing)) else pixels


def _kernels(radius: int, side: int) -> tuple[Pixels, Pixels]:
    """Around a cell, those which are whole within reach of all of it, and those touched by any."""
    reach = radius // side + 1
    steps = np.abs(np.arange(-reach, reach + 1)) * side
    far, near = steps + side - 1, np.maximum(steps - (side - 1), 0)
    whole, touched = (np.add.outer(length**2, length**2) <= radius**2 for length in (far, near))
    return whole.astype(np.uint8), touched.astype(np.uint8)
