"""The stairs at the edge of a hard region made soft, as a slanting edge through them would be."""

from __future__ import annotations

import itertools
import threading

import cv2
import numpy as np

from core.canvas.interrupting import Check, never
from core.canvas.selection import tidied
from core.canvas.tiles import EMPTY_TILE, FULL_TILE, TILE, TiledSurface, TileKey, tile_rect
from core.geometry import Rect
from core.request import Pixels

_RING = ((0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1))
"""A pixel's neighbours in order around it, across and down."""
_INTO: dict[int, int | slice] = {-1: 0, 0: slice(1, -1), 1: -1}
_FROM: dict[int, int | slice] = {-1: -1, 0: slice(None), 1: 0}
"""Where a neighbour's pixels go in a tile with its margin, and where they come from in it."""
_AROUND = tuple((dx, dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1))


class _Memory(threading.local):
    """Working arrays, kept: fresh pages from the system cost more than what is done in them."""

    def __init__(self) -> None:
        arrays = np.zeros((5, TILE + 2, TILE + 2), np.uint8)
        self.seen, self.ring, self.bits, self.inside, self.outside = arrays


_memory = _Memory()


def softened(region: TiledSurface, check: Check = never) -> TiledSurface:
    """The region with values between on the pixels next to its slanting edges.

    Each pixel is weighted with its neighbours (1 2 1, 2 4 2, 1 2 1), and the sum s, 0 to 1, becomes
    2 s - ½: exactly what an edge at 45° covers of it, and no change along level edges. Only where
    the edge passes through once: lines one pixel wide, holes and specks stay as they are.

    Args:
        region: One channel, 0 or 255. Used up: its tiles are let go as soon as nothing needs them,
            so that those of the result take the memory that has just been theirs.
        check: See `core.canvas.interrupting`.

    Returns:
        A surface of its own; tiles without an edge are shared.
    """
    result = TiledSurface(1, region.size)
    keys = _near(region)
    edge = [key for key in keys if not _is_inside(region, key)]
    result.put(dict.fromkeys(keys.difference(edge), FULL_TILE[1]))
    for ty, row in itertools.groupby(sorted(edge, key=_row_of), _row_of):
        region.put({key: None for key in tuple(region.tiles) if _row_of(key) < ty - 1})
        for key in row:
            check()
            result.put({key: tidied(_softened_tile(region, key), key, region.bounds)})
    return result


def _row_of(key: TileKey) -> int:
    return key[1]


def _softened_tile(region: TiledSurface, key: TileKey) -> Pixels:
    seen = _with_margin(region, key)
    _repeat_edge(seen, tile_rect(key), region.bounds)
    ring = _ring(seen)
    tile = cv2.LUT(ring, _OUTSIDE, dst=_memory.outside)
    cv2.copyTo(cv2.LUT(ring, _INSIDE, dst=_memory.inside), seen, dst=tile)
    tile = tile[1:-1, 1:-1].copy()
    part = tile_rect(key).intersected(region.bounds)
    tile[part.height :], tile[:, part.width :] = 0, 0
    return tile


def _with_margin(region: TiledSurface, key: TileKey) -> Pixels:
    """A tile and one pixel around it, in this thread's memory until the next."""
    seen = _memory.seen
    for dx, dy in _AROUND:
        tile = region.tiles.get((key[0] + dx, key[1] + dy), EMPTY_TILE[1])
        seen[_INTO[dy], _INTO[dx]] = tile[_FROM[dy], _FROM[dx]]
    return seen


def _ring(seen: Pixels) -> Pixels:
    """Which of its neighbours belong to the region, a bit for each; at the rim it means nothing.

    The rows are worked on as one long line, in which every neighbour is a constant step away.
    """
    line, width = seen.reshape(-1), seen.shape[1]
    first = width + 1
    inner = _memory.ring.reshape(-1)[first:-first]
    bits = _memory.bits.reshape(-1)[first:-first]
    inner[:] = 0
    for bit, (dx, dy) in enumerate(_RING):
        begin = first + dy * width + dx
        np.bitwise_and(line[begin : begin + inner.size], 1 << bit, out=bits)
        np.bitwise_or(inner, bits, out=inner)
    return _memory.ring


def _near(region: TiledSurface) -> set[TileKey]:
    """The region's tiles, and those that one of them touches with a pixel at its rim."""
    keys = set(region.tiles)
    for (tx, ty), tile in region.tiles.items():
        rims = {(0, -1): tile[0], (0, 1): tile[-1], (-1, 0): tile[:, 0], (1, 0): tile[:, -1]}
        keys.update((tx + dx, ty + dy) for (dx, dy), rim in rims.items() if rim.any())
    return {key for key in keys if not tile_rect(key).intersected(region.bounds).is_empty}


def _is_inside(region: TiledSurface, key: TileKey) -> bool:
    full = FULL_TILE[1]
    return all(region.tiles.get((key[0] + dx, key[1] + dy)) is full for dx, dy in _AROUND)


def _repeat_edge(seen: Pixels, place: Rect, bounds: Rect) -> None:
    """What lies beyond the canvas is as the pixel beside it: no edge runs along the canvas's own.

    Args:
        seen: The tile at `place` and one pixel around it.
    """
    right, bottom = bounds.right - place.x + 1, bounds.bottom - place.y + 1
    if place.x == 0:
        seen[:, 0] = seen[:, 1]
    if right < TILE + 2:
        seen[:, right] = seen[:, right - 1]
    if place.y == 0:
        seen[0] = seen[1]
    if bottom < TILE + 2:
        seen[bottom] = seen[bottom - 1]


def _table(itself: int) -> Pixels:
    """What becomes of a pixel that belongs to the region (1) or not (0), by the ring around it."""
    values = np.zeros(256, np.uint8)
    for pattern in range(256):
        ring = [pattern >> bit & 1 for bit in range(8)]
        turns = sum(ring[bit] != ring[bit - 1] for bit in range(8))
        share = (4 * itself + 2 * sum(ring[0::2]) + sum(ring[1::2])) / 16
        soft = round(255 * min(max(2 * share - 0.5, 0.0), 1.0))
        values[pattern] = soft if turns == 2 else 255 * itself
    return values


_OUTSIDE, _INSIDE = _table(0), _table(1)
