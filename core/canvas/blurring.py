"""A mask or selection blurred by a Gaussian; where the deviation is large, in a reduced copy.

A reduced copy is the mean of squares of pixels, and enlarged between them again: both blur by
themselves. In pixels of the whole, where a square's side is n, their variances are (n² - 1) / 12
and n² / 6; the Gaussian in between brings the rest.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from core.canvas.blockwise import blockwise, side_for
from core.canvas.interrupting import Check, never
from core.canvas.tiles import FULL_TILE, TILE, TiledSurface, tile_rect
from core.geometry import Rect
from core.request import Pixels

_LARGE = 8.0
"""From this deviation on a reduced copy is blurred: it cannot hold finer detail."""
_WIDEST = 64
_CUT = 3.5
"""Deviations from the middle at which the Gaussian is cut off."""

_Floats = NDArray[np.float32]


def blurred(
    surface: TiledSurface, sigma: float, steepness: float = 1.0, check: Check = never
) -> TiledSurface:
    """Blurred, then made steeper about 127.5; within 1/255 of a Gaussian over the whole.

    Beyond the canvas it is as at its edge.

    Args:
        sigma: The Gaussian's deviation in pixels; 0 changes nothing.
        steepness: What differences from 127.5 are multiplied with, at least 1.
        check: See `core.canvas.interrupting`.
    """
    if sigma < _LARGE:
        return _blurred_whole(surface, sigma, steepness, check)
    small = _Reduced(surface, sigma)
    return blockwise(
        surface, small.reach, TILE, lambda block: _steep(small.blurred(block), steepness), check
    )


def _blurred_whole(
    surface: TiledSurface, sigma: float, steepness: float, check: Check
) -> TiledSurface:
    reach = math.ceil(_CUT * sigma) + 1

    def blur(block: Rect) -> Pixels:
        seen = block.grown(reach).intersected(surface.bounds)
        part = block.translated(-seen.x, -seen.y).slices()
        if steepness == 1:
            return _gaussian(surface.read(seen), sigma, cv2.CV_8U)[part]
        return _steep(_gaussian(surface.read(seen), sigma)[part], steepness)

    return blockwise(surface, reach, side_for(reach), blur, check)


class _Reduced:
    """A reduced copy of a surface, from which it is blurred in any part.

    Attributes:
        reach: How many pixels around a block are looked at.
    """

    def __init__(self, surface: TiledSurface, sigma: float) -> None:
        self._factor = min(_WIDEST, 1 << int(math.log2(sigma / 4)))
        square = self._factor**2
        self._sigma = math.sqrt(sigma**2 - (square - 1) / 12 - square / 6) / self._factor
        self._margin = math.ceil(_CUT * self._sigma) + 1  # the one is for the pixels between
        self.reach = self._margin * self._factor
        self._pixels = _reduced(surface, self._factor)

    def blurred(self, block: Rect) -> _Floats:
        """(h, w) of a block that begins at a tile."""
        factor = self._factor
        height, width = (-(-length // factor) for length in (block.height, block.width))
        inner = Rect(1 + block.x // factor, 1 + block.y // factor, width, height)
        whole = Rect(0, 0, self._pixels.shape[1], self._pixels.shape[0])
        seen, around = inner.grown(self._margin).intersected(whole), inner.grown(1)
        soft = _gaussian(self._pixels[seen.slices()], self._sigma)
        soft = soft[around.translated(-seen.x, -seen.y).slices()]
        size = (around.width * factor, around.height * factor)
        soft = cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR)
        return soft[factor : factor + block.height, factor : factor + block.width]


def _reduced(surface: TiledSurface, factor: int) -> Pixels:
    """The mean of each square, and a ring of squares around them that go on as the edge does."""
    width, height = (-(-length // factor) for length in surface.size)
    pixels = np.zeros((height + 2, width + 2), np.uint8)
    side = TILE // factor
    for (tx, ty), tile in surface.tiles.items():
        top, left = 1 + ty * side, 1 + tx * side
        if tile is FULL_TILE[1]:
            pixels[top : top + side, left : left + side] = 255
            continue
        part = tile_rect((tx, ty)).intersected(surface.bounds)
        means = _means(tile[: part.height, : part.width], factor)
        pixels[top : top + means.shape[0], left : left + means.shape[1]] = means
    right, bottom = surface.size.width - 1, surface.size.height - 1
    for row, y in ((0, 0), (-1, bottom)):
        pixels[row, 1:-1] = _means(surface.read(Rect(0, y, right + 1, 1)), factor)[0]
        for column, x in ((0, 0), (-1, right)):
            pixels[row, column] = surface.read(Rect(x, y, 1, 1))[0, 0]
    for column, x in ((0, 0), (-1, right)):
        pixels[1:-1, column] = _means(surface.read(Rect(x, 0, 1, bottom + 1)), factor)[:, 0]
    return pixels


def _means(pixels: Pixels, factor: int) -> Pixels:
    """The mean of each square; one that reaches beyond the pixels goes on as they end."""
    height, width = pixels.shape
    down, across = -(-height // factor), -(-width // factor)
    padding = 0, down * factor - height, 0, across * factor - width
    if any(padding):
        pixels = np.asarray(cv2.copyMakeBorder(pixels, *padding, cv2.BORDER_REPLICATE), np.uint8)
    return np.asarray(cv2.resize(pixels, (across, down), interpolation=cv2.INTER_AREA), np.uint8)


def _gaussian(pixels: Pixels, sigma: float, depth: int = cv2.CV_32F) -> NDArray:
    """Of that depth. For 8 bits cv2.GaussianBlur is four times as slow, and no more exact."""
    if sigma == 0:
        return pixels
    kernel = cv2.getGaussianKernel(2 * math.ceil(_CUT * sigma) + 1, sigma, cv2.CV_32F)
    return cv2.sepFilter2D(pixels, depth, kernel, kernel, borderType=cv2.BORDER_REPLICATE)


def _steep(soft: _Floats, steepness: float) -> Pixels:
    lift = 127.5 - 127.5 * steepness
    steep = cv2.addWeighted(soft, steepness, soft, 0, lift, dtype=cv2.CV_8U)
    return np.asarray(steep, np.uint8)
