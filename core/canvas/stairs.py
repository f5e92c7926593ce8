"""The stairs at the edge of a hard region made soft, as a slanting edge through them would be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from core.canvas.selection import tidied
from core.canvas.tiles import FULL_TILE, TILE, TiledSurface, TileKey, tile_rect
from core.geometry import Rect
from core.request import Pixels

_THREADS = 2  # it takes a moment only, and somebody waits for it
_RING = ((0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1))
"""A pixel's neighbours in order around it, across and down."""
_AROUND = tuple((dx, dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1))


def softened(region: TiledSurface) -> TiledSurface:
    """The region with values between on the pixels next to its slanting edges.

    Each pixel is weighted with its neighbours (1 2 1, 2 4 2, 1 2 1), and the sum s, 0 to 1, becomes
    2 s - ½: exactly what an edge at 45° covers of it, and no change along level edges. Only where
    the edge passes through once: lines one pixel wide, holes and specks stay as they are.

    Args:
        region: One channel, 0 or 255.

    Returns:
        A surface of its own; tiles without an edge are shared.
    """
    result = TiledSurface(1, region.size)
    keys = _near(region)
    edge = [key for key in keys if not _is_inside(region, key)]
    result.put(dict.fromkeys(keys.difference(edge), FULL_TILE[1]))
    with ThreadPoolExecutor(_THREADS, "sfumato-stairs") as pool:
        tiles = pool.map(lambda key: _softened_tile(region, key), edge)
        kept = {
            key: tidied(tile, key, result.bounds) for key, tile in zip(edge, tiles, strict=True)
        }
    result.put({key: tile for key, tile in kept.items() if tile is not None})
    return result


def _softened_tile(region: TiledSurface, key: TileKey) -> Pixels:
    place = tile_rect(key)
    seen = region.read(place.grown(1))
    _repeat_edge(seen, place, region.bounds)
    ones = np.minimum(seen, 1)
    ring = cv2.filter2D(ones, cv2.CV_8U, _WEIGHTS)  # in bytes: with 16 bits four times as slow
    pattern = np.left_shift(ones[1:-1, 1:-1], 8, dtype=np.uint16)
    pattern |= ring[1:-1, 1:-1]
    tile = np.take(_TABLE, pattern, mode="clip")
    part = place.intersected(region.bounds)
    tile[part.height :], tile[:, part.width :] = 0, 0
    return tile


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


def _table() -> Pixels:
    """What becomes of a pixel, by its own bit (256) and those of the ring around it."""
    values = np.zeros(512, np.uint8)
    for pattern in range(512):
        ring = [pattern >> bit & 1 for bit in range(8)]
        itself = pattern >> 8
        turns = sum(ring[bit] != ring[bit - 1] for bit in range(8))
        share = (4 * itself + 2 * sum(ring[0::2]) + sum(ring[1::2])) / 16
        soft = round(255 * min(max(2 * share - 0.5, 0.0), 1.0))
        values[pattern] = soft if turns == 2 else 255 * itself
    return values


def _weights() -> NDArray[np.float32]:
    """The kernel whose sum over ones and zeros has a bit for each place in the ring."""
    kernel = np.zeros((3, 3), np.float32)
    for bit, (dx, dy) in enumerate(_RING):
        kernel[1 + dy, 1 + dx] = 1 << bit
    return kernel


_TABLE, _WEIGHTS = _table(), _weights()
