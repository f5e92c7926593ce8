"""A region that grows through pixels that are alike: row by row, or in a labyrinth tile by tile.

Inside a tile the pieces that hang together are labelled once; what grows from there on is a row of
marked labels, from one ring of tiles to the next. That takes about as long whatever the region is
like; see `core.canvas.sweeping` for what mostly is faster.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import cv2
import numpy as np

from core.canvas.interrupting import Check, never
from core.canvas.selection import tidied
from core.canvas.sweeping import LikeOf, Rows
from core.canvas.tiles import EMPTY_TILE, FULL_TILE, TILE, WHOLE_TILE, TileKey, tiles_in
from core.geometry import Rect
from core.request import Pixels

Item = TypeVar("Item")

THREADS = 2
"""Tiles are looked at by so many at once: it takes a moment only, and somebody waits for it."""
_UPPER, _LOWER, _LEFT, _RIGHT = (slice(i * TILE, (i + 1) * TILE) for i in range(4))
# Which neighbour, from which part of a tile's rim to which part of the neighbour's.
_SIDES = (
    (0, -1, _UPPER, _LOWER),
    (0, 1, _LOWER, _UPPER),
    (-1, 0, _LEFT, _RIGHT),
    (1, 0, _RIGHT, _LEFT),
)


class _Memory(threading.local):
    """A working array, kept: fresh pages from the system cost as much as what is done in them."""

    def __init__(self) -> None:
        self.labels = np.empty((TILE, TILE), np.uint16)


_memory = _Memory()


class _Pieces:
    """What hangs together in one tile: its pieces are numbered from 1; 0 is what is not alike.

    The one with the most pixels at the rim is mostly nearly everything; those of the others are
    kept as a list, which is small then.

    Attributes:
        rim: The numbers along the tile's four sides: upper, lower, left, right.
        marked: For each number, 255 where the piece belongs to the region.
    """

    def __init__(self, like: Pixels) -> None:
        count, labels = cv2.connectedComponentsWithAlgorithm(
            like, 4, cv2.CV_16U, cv2.CCL_DEFAULT, _memory.labels
        )
        self.rim = np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1]))
        self.marked = np.zeros(count + 1, np.uint8)
        self._largest = 1 + int(np.bincount(self.rim, minlength=2)[1:].argmax())
        self._pixels = np.equal(labels, self._largest).view(np.uint8)
        others = np.flatnonzero(self._pixels != like)
        self._others, self._numbers = others.astype(np.uint16), labels.reshape(-1)[others]

    def mark(self, part: Rect) -> None:
        """Let the pieces of which a pixel lies in that part of the tile belong to the region."""
        if self._pixels[part.slices()].any():
            self.marked[self._largest] = 255
        rows, columns = np.divmod(self._others, TILE)
        down, across = part.y <= rows, part.x <= columns
        down, across = down & (rows < part.bottom), across & (columns < part.right)
        self.marked[self._numbers[down & across]] = 255

    def reached(self) -> Pixels:
        """(256, 256): the marked pieces, 255; to be asked for once."""
        tile = np.multiply(self._pixels, self.marked[self._largest], out=self._pixels)
        tile.reshape(-1)[self._others] = self.marked[self._numbers]
        return tile


class _Whole(_Pieces):
    """A tile that is alike all over."""

    _RIM = np.ones(4 * TILE, np.uint16)

    def __init__(self) -> None:
        self.rim = self._RIM
        self.marked = np.zeros(2, np.uint8)

    def mark(self, part: Rect) -> None:
        """There is one piece only."""
        self.marked[1] = 255

    def reached(self) -> Pixels:
        """All of it or nothing."""
        return FULL_TILE[1] if self.marked[1] else EMPTY_TILE[1]


class Spread:
    """What is alike and hangs together with what it began with, in steps along the sides."""

    def __init__(
        self,
        bounds: Rect,
        tile_of: Callable[[TileKey], Pixels],
        like_of: LikeOf,
        check: Check = never,
    ) -> None:
        """`tile_of` is called in this thread only, `like_of` also in two others."""
        self._bounds = bounds
        self._tile_of = tile_of
        self._like_of = like_of
        self._check = check
        self._keys = frozenset(tiles_in(bounds))
        self._pieces: dict[TileKey, _Pieces] = {}

    def reached_from(self, starts: Sequence[Rect]) -> dict[TileKey, Pixels]:
        """The tiles of the region that begins with what is alike in these parts of the canvas.

        Returns:
            255 or 0; tiles without any of it are absent, full ones shared.
        """
        rows = Rows(self._bounds, self._tile_of, self._like_of, self._check)
        return rows.tiles() if rows.reach_from(starts) else self._tile_by_tile(starts)

    def _tile_by_tile(self, starts: Sequence[Rect]) -> dict[TileKey, Pixels]:
        with ThreadPoolExecutor(THREADS, "sfumato-spread") as pool:
            news = {key for start in starts for key in tiles_in(start.intersected(self._bounds))}
            self._look_at(pool, list(news))
            for start in starts:
                self._mark(start)
            while news:
                beside = {beside for key in news for beside in self._beside(key)}
                self._look_at(pool, list(beside))
                news = {beside for key in news for beside in self._spread(key)}
            parts = _parts(list(self._pieces))
            return {key: tile for found in pool.map(self._kept, parts) for key, tile in found}

    def _mark(self, start: Rect) -> None:
        for key in tiles_in(start.intersected(self._bounds)):
            part = start.translated(-key[0] * TILE, -key[1] * TILE)
            self._pieces[key].mark(part.intersected(WHOLE_TILE))

    def _beside(self, key: TileKey) -> Iterator[TileKey]:
        """The tiles that the marked pieces of a tile touch and that were not looked at yet."""
        leaving = self._leaving(key)
        for dx, dy, side, _ in _SIDES:
            beside = (key[0] + dx, key[1] + dy)
            if beside in self._keys and beside not in self._pieces and leaving[side].any():
                yield beside

    def _spread(self, key: TileKey) -> Iterator[TileKey]:
        """Mark what the marked pieces of a tile touch; yields the tiles where that was news."""
        leaving = self._leaving(key)
        for dx, dy, side, opposite in _SIDES:
            beside = (key[0] + dx, key[1] + dy)
            if beside not in self._pieces:
                continue
            marked, numbers = self._pieces[beside].marked, self._pieces[beside].rim[opposite]
            news = numbers[(leaving[side] > marked.take(numbers)) & (numbers > 0)]
            if news.size:
                marked[news] = 255
                yield beside

    def _leaving(self, key: TileKey) -> Pixels:
        """Which pixels along a tile's sides belong to the region."""
        pieces = self._pieces[key]
        return pieces.marked.take(pieces.rim)

    def _look_at(self, pool: ThreadPoolExecutor, keys: Sequence[TileKey]) -> None:
        """Find the pieces of tiles."""
        tiles = [(key, self._tile_of(key)) for key in keys]
        for found in pool.map(self._pieces_of, _parts(tiles)):
            self._pieces.update(found)

    def _pieces_of(self, tiles: Sequence[tuple[TileKey, Pixels]]) -> dict[TileKey, _Pieces]:
        found: dict[TileKey, _Pieces] = {}
        for key, tile in tiles:
            self._check()
            like = self._like_of(key, tile)
            found[key] = _Whole() if like.all() else _Pieces(like)
        return found

    def _kept(self, keys: Sequence[TileKey]) -> list[tuple[TileKey, Pixels]]:
        tiles = [(key, tidied(self._pieces[key].reached(), key, self._bounds)) for key in keys]
        return [(key, tile) for key, tile in tiles if tile is not None]


def _parts(items: Sequence[Item]) -> list[Sequence[Item]]:
    """As many as there are threads: handing over each by itself would cost more."""
    return [items[first::THREADS] for first in range(min(THREADS, len(items)))]
