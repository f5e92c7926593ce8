"""The magic wand: which pixels look like the one that was touched."""

from __future__ import annotations

import threading
from collections.abc import Callable

import cv2
import numpy as np

from core.canvas.interrupting import Check, never
from core.canvas.selection import tidied
from core.canvas.spreading import Spread
from core.canvas.stairs import softened
from core.canvas.tiles import TILE, TiledSurface, TileKey, tile_rect, tile_shape, tiles_in
from core.errors import InvalidRequest
from core.geometry import Point, Rect, Size
from core.request import Pixels

TileOf = Callable[[int, int], Pixels]
"""(256, 256, 4) premultiplied, for a column and a row of tiles."""


def alike(
    tile_of: TileOf,
    size: Size,
    start: Point,
    tolerance: float,
    contiguous: bool = True,
    antialias: bool = False,
    check: Check = never,
) -> TiledSurface:
    """The pixels whose every channel, alpha too, is within `tolerance` of the one at `start`.

    Args:
        tile_of: Where the picture comes from.
        tolerance: 0 to 255; 0 takes the very same colour only.
        contiguous: Only what can be reached from `start` in steps up, down, left and right.
        antialias: Give slanting edges the values between; see `core.canvas.stairs.softened`.
        check: See `core.canvas.interrupting`.

    Returns:
        255 or 0, with `antialias` also what lies between, of the canvas's size.

    Raises:
        InvalidRequest: `start` lies outside the canvas, or the tolerance is not 0 to 255.
    """
    if not Rect.of_size(size).contains(Rect(start.x, start.y, 1, 1)):
        raise InvalidRequest("There is no pixel there. Click inside the picture.")
    if not 0 <= tolerance <= 255:
        raise InvalidRequest(f"The tolerance is {tolerance:g}; it must lie between 0 and 255.")
    column, row = start.x // TILE, start.y // TILE
    colour = tile_of(column, row)[start.y % TILE, start.x % TILE]
    likeness = _Likeness(Rect.of_size(size), colour, int(tolerance))
    region = TiledSurface(1, size)
    if contiguous:
        spread = Spread(region.bounds, lambda key: tile_of(*key), likeness.of, check)
        region.put(spread.reached_from([Rect(start.x, start.y, 1, 1)]))
    else:
        _put_everywhere(region, likeness, tile_of, check)
    return softened(region, check) if antialias else region


def _put_everywhere(
    region: TiledSurface, likeness: _Likeness, tile_of: TileOf, check: Check
) -> None:
    for key in tiles_in(region.bounds):
        check()
        tile = tidied(255 * likeness.of(key, tile_of(*key)), key, region.bounds)
        if tile is not None:
            region.put({key: tile})


class _Memory(threading.local):
    """Working arrays, kept: fresh pages from the system cost as much as what is done in them."""

    def __init__(self) -> None:
        self.distance = np.empty(tile_shape(4), np.uint8)
        self.like = np.empty((TILE, TILE), bool)


_memory = _Memory()


class _Likeness:
    """Which pixels of a tile have about one colour."""

    def __init__(self, bounds: Rect, colour: Pixels, tolerance: int) -> None:
        self._bounds = bounds
        self._colour, self._tolerance = np.empty((2, *tile_shape(4)), np.uint8)
        self._colour[:], self._tolerance[:] = colour, tolerance

    def of(self, key: TileKey, tile: Pixels) -> Pixels:
        """(256, 256): 1 where it has the colour, else 0; in this thread's memory until the next.

        The four channels of a pixel are looked at as one word, 0 where none is too far away.
        Nothing beyond the canvas has the colour.
        """
        distance = cv2.absdiff(tile, self._colour, dst=_memory.distance)
        beyond = cv2.subtract(distance, self._tolerance, dst=distance)
        like = np.equal(beyond.view(np.uint32)[..., 0], 0, out=_memory.like).view(np.uint8)
        part = tile_rect(key).intersected(self._bounds)
        like[part.height :], like[:, part.width :] = 0, 0
        return like
