"""A region that grows through pixels that are alike, row by row up and down a canvas.

A row is one whole number, a bit for each pixel: what an addition carries runs through ones to their
end, so that all runs of a row are filled at once. For regions that are open, as most are, this is a
fraction of the work of labelling; in a labyrinth it would go up and down for ever, and gives up.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from core.canvas.interrupting import Check
from core.canvas.tiles import FULL_TILE, TILE, TileKey, bounds_of, tile_rect, tiles_in
from core.geometry import Rect
from core.request import Pixels

Row = int
"""Bit x is the pixel at x."""
LikeOf = Callable[[TileKey, Pixels], Pixels]
"""Gets a tile's key and pixels; gives (256, 256): 1 where it is alike, else 0, which it may write
again at the next call in the same thread. Nothing beyond the canvas is alike."""

PATIENCE = 6
"""How often a row of the window may be filled again, on average."""
_AHEAD = 2
"""How far the window is opened where the region touches its side, in lengths of the window."""
_BYTES = TILE // 8
_EIGHT_PIXELS = 255 * np.unpackbits(
    np.arange(256, dtype=np.uint8)[:, np.newaxis], axis=1, bitorder="little"
)
"""What eight bits are as pixels, 255 or 0."""


class Rows:
    """What is alike, and what of it is reached, in a window of the canvas.

    The window is opened further where the region comes to its side: what a small region on a large
    canvas cannot reach is never looked at.
    """

    def __init__(
        self,
        bounds: Rect,
        tile_of: Callable[[TileKey], Pixels],
        like_of: LikeOf,
        check: Check,
    ) -> None:
        self._bounds = bounds
        self._tile_of = tile_of
        self._like_of = like_of
        self._check = check
        self._window = Rect(0, 0, 0, 0)
        self._alike: list[Row] = [0] * bounds.height
        self._reached: list[Row] = [0] * bounds.height

    def reach_from(self, starts: Sequence[Rect]) -> bool:
        """Go as far as it goes from what is alike in these parts of the canvas.

        Returns:
            False where it was given up.
        """
        inside = [start.intersected(self._bounds) for start in starts]
        self._open(bounds_of([key for start in inside for key in tiles_in(start)]))
        for start in inside:
            span = (1 << start.right) - (1 << start.x)
            for y in range(start.y, start.bottom):
                self._reached[y] |= self._alike[y] & span
        is_settled = self._settle()
        while is_settled and (wider := self._wider()) != self._window:
            self._open(wider)
            is_settled = self._settle()
        return is_settled

    def tiles(self) -> dict[TileKey, Pixels]:
        """What is reached, 255 or 0; tiles without any of it are absent, full ones shared."""
        tops = range(self._window.y, self._window.bottom, TILE)
        return {key: tile for top in tops for key, tile in self._tiles_below(top)}

    def _open(self, wider: Rect) -> None:
        """Look at the tiles that are in that window only."""
        for top in range(wider.y, wider.bottom, TILE):
            self._check()
            band = tiles_in(Rect(wider.x, top, wider.width, TILE))
            self._look_at([key for key in band if not self._window.contains(tile_rect(key))])
        self._window = wider

    def _look_at(self, keys: Sequence[TileKey]) -> None:
        """Add what is alike in tiles of one row of tiles."""
        if not keys:
            return
        (first, ty), (last, _) = keys[0], keys[-1]
        bits = np.zeros((TILE, last + 1 - first, _BYTES), np.uint8)
        for key in keys:
            like = self._like_of(key, self._tile_of(key)).reshape(-1)
            bits[:, key[0] - first] = np.packbits(like, bitorder="little").reshape(TILE, _BYTES)
        length, packed, top = bits[0].size, bits.tobytes(), ty * TILE
        for y in range(min(TILE, self._bounds.height - top)):
            row = int.from_bytes(packed[y * length : (y + 1) * length], "little")
            self._alike[top + y] |= row << first * TILE

    def _settle(self) -> bool:
        """Reach all that can be reached in the window; False if that takes too long."""
        window = self._window.intersected(self._bounds)
        down, up = range(window.y, window.bottom), range(window.bottom - 1, window.y - 1, -1)
        _sweep_first(self._alike, self._reached, down)
        patience = PATIENCE * window.height
        for order in itertools.cycle((up, down)):
            self._check()
            news = _sweep(self._alike, self._reached, order)
            patience -= news
            if news == 0 or patience < 0:
                break
        return patience >= 0

    def _wider(self) -> Rect:
        """The window, opened where the region touches its side."""
        x, y, width, height = self._window
        rows = self._reached[y : min(y + height, self._bounds.height)]
        across = 0
        for row in rows:
            across |= row
        left = _AHEAD * width if across >> x & 1 else 0
        right = _AHEAD * width if across >> x + width - 1 else 0
        upper = _AHEAD * height if rows[0] else 0
        lower = _AHEAD * height if rows[-1] else 0
        wider = Rect.between(x - left, y - upper, x + width + right, y + height + lower)
        return bounds_of(list(tiles_in(wider.intersected(self._bounds))))

    def _tiles_below(self, top: int) -> Iterator[tuple[TileKey, Pixels]]:
        """Those of the one row of tiles that begins there."""
        x, _, width, _ = self._window
        length = width // 8
        rows = self._reached[top : top + TILE]
        packed = b"".join([(row >> x).to_bytes(length, "little") for row in rows])
        bits = np.frombuffer(packed.ljust(TILE * length, b"\0"), np.uint8).reshape(TILE, length)
        return _tiles(bits, (x // TILE, top // TILE))


def _tiles(bits: Pixels, first: TileKey) -> Iterator[tuple[TileKey, Pixels]]:
    """One row of tiles from (256, 32 n) bits; none for those without any."""
    for number in range(bits.shape[1] // _BYTES):
        part = bits[:, number * _BYTES : (number + 1) * _BYTES]
        if not part.any():
            continue
        key = first[0] + number, first[1]
        if part.min() == 255:
            yield key, FULL_TILE[1]
        else:
            words = _EIGHT_PIXELS.view(np.uint64)[:, 0].take(part)
            yield key, words.view(np.uint8)


def _runs(alike: Row, seeds: Row) -> Row:
    """The runs of ones that have a seed in them; all seeds are such ones.

    To their upper ends a carry goes through by itself; to the lower ones it goes in steps that are
    twice as long each time, as in the prefix sum of P. M. Kogge and H. S. Stone (IEEE Transactions
    on Computers C-22, 1973). `room` has a bit where a step goes through ones only.
    """
    reached = (alike + seeds ^ alike) & alike | seeds
    room, step = alike, 1
    while (more := reached | reached >> step & room) != reached:
        reached = more
        room &= room >> step
        step *= 2
    return reached


def _sweep_first(alike: list[Row], reached: list[Row], order: range) -> None:
    """Let it grow from each row into the next, and in each to where more has been looked at."""
    before = 0
    for y in order:
        seeds = before & alike[y] | reached[y]
        before = reached[y] = _runs(alike[y], seeds) if seeds else 0


def _sweep(alike: list[Row], reached: list[Row], order: range) -> int:
    """Let the region grow from each of these rows into the next; how many rows that was news to."""
    news = 0
    before = reached[order[0]]
    for y in order:
        mine = reached[y]
        seeds = before & alike[y]
        if seeds | mine != mine:
            mine |= _runs(alike[y], seeds ^ seeds & mine)
            reached[y] = mine
            news += 1
        before = mine
    return news
