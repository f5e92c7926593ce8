"""Work on one channel of a large canvas, block by block, where something can change at all."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from core.canvas.interrupting import Check
from core.canvas.selection import shared, store
from core.canvas.tiles import FULL_TILE, TILE, TiledSurface, TileKey, tile_rect
from core.geometry import Rect
from core.request import Pixels

THREADS = 2
"""Blocks worked on at once: it takes a moment only, and somebody waits for it."""
LARGEST = 1024
"""The longest side of a block."""

Operator = Callable[[Rect], Pixels]
"""Gives the new pixels, (h, w), of a block; called in several threads."""


def blockwise(
    surface: TiledSurface, reach: int, side: int, operator: Operator, check: Check
) -> TiledSurface:
    """The surface with every block as `operator` gives it; the surface itself is left alone.

    Where a block and everything within its reach is absent, or all of it full, nothing changes:
    there `operator` is not asked, and tiles are shared.

    Args:
        reach: How many pixels around each one its new value depends on.
        side: Of a block, a multiple of a tile's.
        check: Called before each block.
    """
    kinds = _kinds(surface)

    def worked(block: Rect) -> Pixels:
        check()
        return operator(block)

    result = shared(surface)
    blocks = [
        block
        for block in _blocks(surface.bounds, side)
        if not _is_constant(kinds, block.grown(reach).intersected(surface.bounds))
    ]
    with ThreadPoolExecutor(THREADS, "sfumato-edges") as pool:
        for block, pixels in zip(blocks, pool.map(worked, blocks), strict=True):
            store(result, pixels, block)
    return result


def side_for(reach: int) -> int:
    """About as large as the margins together: smaller blocks read the same pixels again and again.

    Larger ones look at more in which nothing changes.
    """
    return min(LARGEST, 1 << max(2 * reach, TILE).bit_length() - 1)


def _blocks(bounds: Rect, side: int) -> list[Rect]:
    return [
        Rect(x, y, side, side).intersected(bounds)
        for y in range(0, bounds.height, side)
        for x in range(0, bounds.width, side)
    ]


def _kinds(surface: TiledSurface) -> Pixels:
    """For each tile, by row and column: 0 where it is absent, 2 where it is full, else 1."""
    size = surface.size
    kinds = np.zeros((-(-size.height // TILE), -(-size.width // TILE)), np.uint8)
    for key in surface.tiles:
        kinds[key[1], key[0]] = 2 if is_full(surface, key) else 1
    return kinds


def _is_constant(kinds: Pixels, rect: Rect) -> bool:
    """Whether every tile there is absent, or every one is full; nothing moves where that is so."""
    rows = slice(rect.y // TILE, -(-rect.bottom // TILE))
    part = kinds[rows, rect.x // TILE : -(-rect.right // TILE)]
    return bool(part[0, 0] != 1 and (part == part[0, 0]).all())


def is_full(surface: TiledSurface, key: TileKey) -> bool:
    """Whether all of a tile that is there is 255, as far as it lies on the canvas."""
    tile, part = surface.tiles[key], tile_rect(key).intersected(surface.bounds)
    return tile is FULL_TILE[1] or bool(tile[: part.height, : part.width].min() == 255)
