"""A mask's or selection's edge moved, softened or rounded, wherever on a large canvas it runs.

What `core.masks` does with arrays is done block by block here; blocks in which nothing changes are
shared, not computed. What lies beyond the canvas is neither inside nor outside.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from core import masks
from core.canvas.selection import shared, store
from core.canvas.tiles import FULL_TILE, TILE, TiledSurface, TileKey, bounds_of, tile_rect
from core.errors import InvalidRequest
from core.geometry import Rect
from core.request import Pixels

MOST_PIXELS = 512
_GRID = 64  # blocks and their margins are multiples of it, so that scaled copies meet
_THREADS = 2  # it takes a moment only, and somebody waits for it
_LARGE = 8.0  # from this deviation on a reduced copy is blurred: it cannot hold finer detail

Edit = Callable[[TiledSurface, int], TiledSurface]
Operator = Callable[[Pixels, Rect], Pixels]
"""Gets what it sees, and where in that its result is wanted."""


def grown(surface: TiledSurface, pixels: int) -> TiledSurface:
    """Larger by a disc of that radius; see `core.masks.grow`.

    Raises:
        InvalidRequest: `pixels` is not 0 to 512; as for all of these.
    """
    _require(pixels)
    return _blockwise(surface, pixels, lambda seen, part: masks.grow(seen, pixels, part))


def shrunk(surface: TiledSurface, pixels: int) -> TiledSurface:
    """Smaller by a disc of that radius; the canvas's own edge stays."""
    _require(pixels)
    return _blockwise(surface, pixels, lambda seen, part: masks.shrink(seen, pixels, part))


def feathered(surface: TiledSurface, pixels: int) -> TiledSurface:
    """A soft edge that reaches about `pixels` to each side: Gaussian, deviation half of it."""
    _require(pixels)
    sigma = pixels / 2
    step = _reduction(sigma)

    def feather(seen: Pixels, part: Rect) -> Pixels:
        return _blurred(seen, sigma)[part.slices()]

    return _blockwise(surface, _reach(sigma), feather, step)


def smoothed(surface: TiledSurface, pixels: int) -> TiledSurface:
    """Corners and bumps smaller than about `pixels` rounded off, the edge itself as sharp.

    Blurred, then steepened: across a straight edge a Gaussian rises by 1 / (s √(2π)) a pixel,
    where s is its deviation.
    """
    _require(pixels)
    sigma = pixels / 2
    steepness = max(1.0, sigma * math.sqrt(2 * math.pi))

    def smooth(seen: Pixels, part: Rect) -> Pixels:
        blurred = _blurred(seen.astype(np.float32), sigma)[part.slices()]
        lift = 127.5 - 127.5 * steepness
        steep = cv2.addWeighted(blurred, steepness, blurred, 0, lift, dtype=cv2.CV_8U)
        return np.asarray(steep, np.uint8)

    return _blockwise(surface, _reach(sigma), smooth, _reduction(sigma))


def without_holes(surface: TiledSurface) -> TiledSurface:
    """Everything filled that the outside cannot reach; the soft outer edge stays."""
    box = bounds_of(surface.tiles).intersected(surface.bounds)
    result = shared(surface)
    if box.is_empty:
        return result
    around = box.grown(1)
    pixels = surface.read(around)
    outside = cv2.compare(pixels, 255, cv2.CMP_LT)
    cv2.floodFill(outside, None, (0, 0), 1, 0, 0, 4)
    pixels[outside != 1] = 255
    store(result, pixels[1:-1, 1:-1], box)
    return result


def _blockwise(
    surface: TiledSurface, reach: int, operator: Operator, step: int = 1
) -> TiledSurface:
    """Apply what looks no further than `reach` pixels around each.

    A block is about as large as its margins together: smaller ones read the same pixels again and
    again, larger ones look at more in which nothing changes.

    Args:
        step: What the operator sees of a block begins at multiples of it, up to 64.
    """
    margin = -(-reach // step) * step
    side = min(1024, max(TILE, 1 << (2 * margin).bit_length() - 1))
    kinds = _kinds(surface)

    def moved(block: Rect) -> Pixels:
        seen = block.grown(margin).intersected(surface.bounds)
        return operator(surface.read(seen), block.translated(-seen.x, -seen.y))

    result = shared(surface)
    blocks = [
        block
        for block in _blocks(surface.bounds, side)
        if not _is_constant(kinds, block.grown(margin).intersected(surface.bounds))
    ]
    with ThreadPoolExecutor(_THREADS, "sfumato-edges") as pool:
        for block, pixels in zip(blocks, pool.map(moved, blocks), strict=True):
            store(result, pixels, block)
    return result


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
        kinds[key[1], key[0]] = 2 if _is_full(surface, key) else 1
    return kinds


def _is_constant(kinds: Pixels, rect: Rect) -> bool:
    """Whether every tile there is absent, or every one is full; nothing moves where that is so."""
    rows = slice(rect.y // TILE, -(-rect.bottom // TILE))
    part = kinds[rows, rect.x // TILE : -(-rect.right // TILE)]
    return bool(part[0, 0] != 1 and (part == part[0, 0]).all())


def _is_full(surface: TiledSurface, key: TileKey) -> bool:
    tile, part = surface.tiles[key], tile_rect(key).intersected(surface.bounds)
    return tile is FULL_TILE[1] or bool(tile[: part.height, : part.width].min() == 255)


def _reach(sigma: float) -> int:
    return math.ceil(3.5 * sigma) + 2 * _reduction(sigma) + 1


def _reduction(sigma: float) -> int:
    """How many times smaller the copy is that is blurred: a power of two, up to the grid."""
    return 1 if sigma < _LARGE else min(_GRID, 1 << int(math.log2(sigma / 4)))


def _blurred(block: Pixels, sigma: float) -> Pixels:
    """Gaussian; of 8 or 32 bits as the block is. A reduced copy is within 3/255 of the whole."""
    if sigma == 0:
        return block
    factor = _reduction(sigma)
    if factor == 1:
        return cv2.GaussianBlur(block, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    height, width = block.shape
    down, across = -(-height // factor), -(-width // factor)
    padding = (0, down * factor - height, 0, across * factor - width)
    if any(padding):
        block = cv2.copyMakeBorder(block, *padding, cv2.BORDER_REPLICATE)
    small = cv2.resize(block, (across, down), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / factor, borderType=cv2.BORDER_REPLICATE)
    size = (across * factor, down * factor)
    return cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)[:height, :width]


def _require(pixels: int) -> None:
    if not 0 <= pixels <= MOST_PIXELS:
        raise InvalidRequest(
            f"{pixels} pixels cannot be done; give a number between 0 and {MOST_PIXELS}."
        )
