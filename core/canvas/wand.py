"""The magic wand: which pixels look like the one that was touched.

The region grows from tile to tile, and tiles it does not reach are never looked at: a small region
on a large canvas costs little. Inside a tile the pieces that hang together are labelled once; what
grows from there on is a row of marked labels, from one ring of tiles to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from core.canvas.selection import tidied
from core.canvas.stairs import softened
from core.canvas.tiles import (
    EMPTY_TILE,
    FULL_TILE,
    TILE,
    TiledSurface,
    TileKey,
    tile_rect,
    tiles_in,
)
from core.errors import InvalidRequest
from core.geometry import Point, Rect, Size
from core.request import Pixels

TileOf = Callable[[int, int], Pixels]
"""(256, 256, 4) premultiplied, for a column and a row of tiles."""

_THREADS = 2
"""Tiles are labelled by so many at once: it takes a moment only, and somebody waits for it."""
_Labels = NDArray[np.uint16]
_ONE_PIECE: _Labels = np.ones((TILE, TILE), np.uint16)
_UPPER, _LOWER, _LEFT, _RIGHT = (slice(i * TILE, (i + 1) * TILE) for i in range(4))
# Which neighbour, from which part of a tile's rim to which part of the neighbour's.
_SIDES = (
    (0, -1, _UPPER, _LOWER),
    (0, 1, _LOWER, _UPPER),
    (-1, 0, _LEFT, _RIGHT),
    (1, 0, _RIGHT, _LEFT),
)


def alike(
    tile_of: TileOf,
    size: Size,
    start: Point,
    tolerance: float,
    contiguous: bool = True,
    antialias: bool = False,
) -> TiledSurface:
    """The pixels whose every channel, alpha too, is within `tolerance` of the one at `start`.

    Args:
        tile_of: Where the picture comes from.
        tolerance: 0 to 255; 0 takes the very same colour only.
        contiguous: Only what can be reached from `start` in steps up, down, left and right.
        antialias: Give slanting edges the values between; see `core.canvas.stairs.softened`.

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
    colour = tile_of(column, row)[start.y % TILE, start.x % TILE].astype(int)
    likeness = _Likeness(tile_of, size, colour, int(tolerance))
    region = likeness.reached_from(start) if contiguous else likeness.everywhere()
    return softened(region) if antialias else region


class _Likeness:
    """Where a picture has about one colour."""

    def __init__(
        self, tile_of: TileOf, size: Size, colour: NDArray[np.int_], tolerance: int
    ) -> None:
        self._tile_of = tile_of
        self._bounds = Rect.of_size(size)
        self._low = tuple(np.clip(colour - tolerance, 0, 255).tolist())
        self._high = tuple(np.clip(colour + tolerance, 0, 255).tolist())
        self._keys = frozenset(tiles_in(self._bounds))
        self._labels: dict[TileKey, _Labels] = {}
        self._rims: dict[TileKey, _Labels] = {}
        self._marked: dict[TileKey, Pixels] = {}

    def everywhere(self) -> TiledSurface:
        """Wherever it is."""
        return self._surface((key, self._alike(key, self._tile_of(*key))) for key in self._keys)

    def reached_from(self, start: Point) -> TiledSurface:
        """What hangs together with one pixel that has the colour."""
        first = (start.x // TILE, start.y // TILE)
        self._look_at(first, self._tile_of(*first))
        self._marked[first][self._labels[first][start.y % TILE, start.x % TILE]] = 255
        news = {first}
        with ThreadPoolExecutor(_THREADS, "sfumato-wand") as pool:
            while news:
                fresh = list({beside for key in news for beside in self._beside(key)})
                list(pool.map(self._look_at, fresh, [self._tile_of(*key) for key in fresh]))
                news = {beside for key in news for beside in self._spread(key)}
            reached = pool.map(self._reached, self._marked)
            return self._surface(zip(self._marked, reached, strict=True))

    def _reached(self, key: TileKey) -> Pixels:
        """The marked pieces of a tile, 255."""
        labels, marked = self._labels[key], self._marked[key]
        if labels is _ONE_PIECE:
            return FULL_TILE[1] if marked[1] else EMPTY_TILE[1]
        return np.take(marked, labels, mode="clip")  # nothing is clipped, nor looked at for it

    def _beside(self, key: TileKey) -> Iterator[TileKey]:
        """The tiles that the marked pieces of a tile touch and that were not looked at yet."""
        leaving = self._marked[key][self._rims[key]]
        for dx, dy, side, _ in _SIDES:
            beside = (key[0] + dx, key[1] + dy)
            if beside in self._keys and beside not in self._labels and leaving[side].any():
                yield beside

    def _spread(self, key: TileKey) -> Iterator[TileKey]:
        """Mark what the marked pieces of a tile touch; yields the tiles where that was news."""
        leaving = self._marked[key][self._rims[key]]
        for dx, dy, side, opposite in _SIDES:
            beside = (key[0] + dx, key[1] + dy)
            if beside not in self._labels:
                continue
            labels, marked = self._rims[beside][opposite], self._marked[beside]
            news = labels[(leaving[side] > marked[labels]) & (labels > 0)]
            if news.size:
                marked[news] = 255
                yield beside

    def _look_at(self, key: TileKey, tile: Pixels) -> None:
        """Label the pieces of a tile, from 1; 0 is what does not have the colour."""
        like = self._alike(key, tile)
        if like.min() == 255:
            count, labels = 2, _ONE_PIECE
        else:
            count, labels = cv2.connectedComponentsWithAlgorithm(
                like, 4, cv2.CV_16U, cv2.CCL_DEFAULT
            )
        self._labels[key], self._marked[key] = labels, np.zeros(count, np.uint8)
        rim = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
        self._rims[key] = np.concatenate(rim)

    def _alike(self, key: TileKey, tile: Pixels) -> Pixels:
        like = cv2.inRange(tile, self._low, self._high)
        part = tile_rect(key).intersected(self._bounds)
        like[part.height :], like[:, part.width :] = 0, 0  # nothing lies beyond the canvas
        return np.asarray(like, np.uint8)

    def _surface(self, tiles: Iterable[tuple[TileKey, Pixels]]) -> TiledSurface:
        surface = TiledSurface(1, self._bounds.size)
        kept = {key: tidied(tile, key, self._bounds) for key, tile in tiles}
        surface.put({key: tile for key, tile in kept.items() if tile is not None})
        return surface
