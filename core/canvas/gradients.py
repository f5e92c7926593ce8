"""A gradient between two places: of one colour into nothing, or of one colour into another.

Colours are dithered: what lies between two of the 256 steps is told by how many pixels have the
upper one, so that wide gradients show no bands. A mask's greys are strengths, and only rounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from core.canvas.blending import Ink, blend
from core.canvas.document import Document
from core.canvas.filling import Colour, paint_target
from core.canvas.layers import Layer
from core.canvas.selection import share_of
from core.canvas.tiles import TILE, TiledSurface, TileKey, tile_rect, tiles_in
from core.errors import InvalidRequest
from core.geometry import Rect
from core.request import Pixels

_LONGEST = 1e7  # pixels; nobody draws further, and single precision still tells the shares
_Shares = NDArray[np.float32]
_Lay = Callable[[Pixels, _Shares, Pixels | None], None]


def fill_gradient(
    document: Document,
    layer: Layer | None,
    start: tuple[float, float],
    end: tuple[float, float],
    colour: Colour,
    into: Colour | None = None,
) -> bool:
    """Lay a colour on that is full up to `start` and gone from `end` on; one step.

    Args:
        layer: None is the mask, which goes from 255 to what it was, whatever the colours.
        start: x and y in document pixels, continuous; so is `end`.
        into: The colour from `end` on; None leaves there what was there.

    Returns:
        False where nothing is different.

    Raises:
        InvalidRequest: the two are less than a pixel apart, or not numbers; the layer is locked
            or hidden.
    """
    surface = paint_target(document, layer)
    length = math.hypot(end[0] - start[0], end[1] - start[1])
    if not 1 <= length < _LONGEST:
        raise InvalidRequest("A gradient needs a line. Drag from full colour to none.")
    document.settle()
    lay = _masking if layer is None else _fading(colour)
    if layer is not None and into is not None:
        lay = _between(colour, into)
    selected = document.selection.surface

    def fill(target: TiledSurface) -> None:
        for key in tiles_in(target.bounds):
            part = tile_rect(key).intersected(target.bounds)
            here = Rect(0, 0, part.width, part.height).slices()
            limit = share_of(selected, key, here)
            if limit is None or limit.any():
                shares = _shares(key, start, end)[here]
                lay(target.tile_for_writing(*key)[here], shares, limit)

    return document.edit_surface("Gradient", surface, fill)


def _shares(key: TileKey, start: tuple[float, float], end: tuple[float, float]) -> _Shares:
    """How much of the first colour each pixel of a tile has, 1 up to `start`, 0 from `end` on."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    square = dx * dx + dy * dy
    centres = np.arange(TILE, dtype=np.float32) + np.float32(0.5)
    across = (centres + np.float32(key[0] * TILE - start[0])) * np.float32(dx / square)
    down = (centres + np.float32(key[1] * TILE - start[1])) * np.float32(dy / square)
    left = np.float32(1) - np.add.outer(down, across)
    return np.clip(left, 0, 1, out=left)


def _masking(tile: Pixels, shares: _Shares, limit: Pixels | None) -> None:
    alpha = np.rint(shares * np.float32(255)).astype(np.uint8)
    Ink((255,)).lay(tile, _limited(alpha, limit), out=tile)


def _fading(colour: Colour) -> _Lay:
    ink = Ink((*colour, 255))

    def lay(tile: Pixels, shares: _Shares, limit: Pixels | None) -> None:
        ink.lay(tile, _limited(_dithered(shares * np.float32(255), 0), limit), out=tile)

    return lay


def _between(colour: Colour, into: Colour) -> _Lay:
    def lay(tile: Pixels, shares: _Shares, limit: Pixels | None) -> None:
        mixed = np.full(tile.shape, 255, np.uint8)
        for channel, (first, last) in enumerate(zip(colour, into, strict=True)):
            values = shares * np.float32(first - last) + np.float32(last)
            mixed[..., channel] = _dithered(values, channel)
        if limit is None:
            tile[...] = mixed
        else:
            shown = cv2.multiply(mixed, cv2.merge((limit,) * 4), scale=1 / 255)
            blend(np.asarray(shown, np.uint8), 255, onto=tile)

    return lay


def _limited(alpha: Pixels, limit: Pixels | None) -> Pixels:
    if limit is None:
        return alpha
    return np.asarray(cv2.multiply(alpha, limit, scale=1 / 255), np.uint8)


def _dithered(values: _Shares, channel: int) -> Pixels:
    """0 to 255 in whole steps whose mean over many pixels is the value; whole values stay."""
    height, width = values.shape
    threshold = _noise()[channel, :height, :width]
    return (values + threshold).astype(np.uint8)


@cache
def _noise() -> _Shares:
    """Thresholds below 1 for a tile and three channels; the same ones each time."""
    steps = np.random.default_rng(1).integers(0, 256, (3, TILE, TILE))
    return steps.astype(np.float32) / np.float32(256)
