"""Arithmetic of premultiplied 8-bit pixels: every result is the exact one, rounded once.

Formulas: Porter and Duff, "Compositing Digital Images", 1984. A product of two bytes over 255 is
never half-way between two integers, and cv2 scales in floats that are far finer than 1/255, so that
rounding has no cases; tests go through all of them.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.canvas.blend_modes import BlendMode, blend_by
from core.canvas.tiles import TILE
from core.request import Pixels

cv2.setNumThreads(1)  # two threads on small arrays cost more than they bring, and steal the model's


class _Memory(threading.local):
    """Working arrays, kept: fresh pages from the system cost several times the arithmetic.

    They are lines, of which each call takes the beginning: a part of a square, whose rows do not
    lie behind each other, would cost three times as much.
    """

    def __init__(self) -> None:
        self.wide_words = np.empty((3, 4 * TILE * TILE), np.uint16)
        self.wide, self.faded = np.empty((2, 4 * TILE * TILE), np.uint8)
        self.words = np.empty(TILE * TILE, np.uint32)


def _shaped(line: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The line's beginning as an array of that shape."""
    return line[: math.prod(shape)].reshape(shape)


_memory = _Memory()


class Ink:
    """One colour, to be laid on with an alpha of its own for each pixel."""

    def __init__(self, colour: tuple[int, ...]) -> None:
        """`colour` has one value (a mask) or four (premultiplied RGBA), 0 to 255."""
        self._row = np.empty((1, TILE) if len(colour) == 1 else (1, TILE, 4), np.uint16)
        self._row[:] = colour

    def lay(self, before: Pixels, alpha: Pixels, out: Pixels) -> None:
        """Write to `out` what `before` becomes: (before · (255 - alpha) + ink · alpha) / 255.

        Args:
            before: (h, w, 4) or (h, w), no larger than a tile.
            alpha: (h, w); 0 leaves `before`, 255 gives the ink, both exactly.
            out: Of the shape of `before`; may be the same array.
        """
        share, rest, mixed = (_shaped(line, before.shape) for line in _memory.wide_words)
        np.copyto(share, alpha if before.ndim == 2 else _widened(alpha))
        np.copyto(mixed, before)
        np.subtract(255, share, out=rest)
        np.multiply(mixed, rest, out=mixed)
        np.multiply(share, self._row[:, : before.shape[1]], out=share)
        np.add(mixed, share, out=mixed)
        cv2.convertScaleAbs(mixed, dst=out, alpha=1 / 255)

    def on_plain(self, value: int) -> NDArray[Any]:
        """What becomes by each alpha of a pixel whose every channel is `value`.

        Returns:
            256 of uint8, or of uint32 with the four channels in one number; for `look_up`.
        """
        alpha = np.arange(256, dtype=np.uint8)[np.newaxis]
        after = np.empty((1, 256, *self._row.shape[2:]), np.uint8)
        self.lay(np.full_like(after, value), alpha, out=after)
        return after[0] if after.ndim == 2 else after.view("<u4")[0, :, 0]


def look_up(table: NDArray[Any], alpha: Pixels, out: Pixels) -> None:
    """Write to `out` what a table of `Ink.on_plain` says: a quarter of the time of `Ink.lay`.

    Args:
        alpha: (h, w), no larger than a tile.
        out: (h, w, 4) or (h, w), as the table's ink.
    """
    if out.ndim == 2:
        cv2.LUT(alpha, table, dst=out)
        return
    words = _shaped(_memory.words, alpha.shape)
    out.view("<u4")[..., 0] = np.take(table, alpha, out=words, mode="clip")


def blend(above: Pixels, opacity: int, onto: Pixels, mode: BlendMode = BlendMode.NORMAL) -> None:
    """Replace `onto` by what it becomes below `above`.

    Args:
        above: (h, w, 4), no larger than a tile.
        opacity: 0 to 255; multiplies `above` first.
        onto: (h, w, 4), written in place.
        mode: NORMAL gives above + onto · (255 - alpha of above) / 255.
    """
    if mode is not BlendMode.NORMAL:
        blend_by(mode, above, opacity, onto)
        return
    if opacity < 255:
        faded = _shaped(_memory.faded, above.shape)
        above = cv2.convertScaleAbs(above, dst=faded, alpha=opacity / 255)
    rest = _rest_of_alpha(above)
    cv2.multiply(onto, rest, dst=rest, scale=1 / 255)
    cv2.add(above, rest, dst=onto)


def premultiplied(pixels: Pixels) -> Pixels:
    """(h, w, 4) premultiplied from straight uint8 pixels of shape (h, w, 3) or (h, w, 4)."""
    if pixels.shape[2] == 3:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA), np.uint8)
    alpha = cv2.extractChannel(pixels, 3)
    opaque = np.full_like(alpha, 255)
    factor = cv2.merge((alpha, alpha, alpha, opaque))
    return np.asarray(cv2.multiply(pixels, factor, scale=1 / 255), np.uint8)


def _widened(alpha: Pixels) -> Pixels:
    """The same value in four channels, in this thread's memory until the next call."""
    wide = _shaped(_memory.wide, (*alpha.shape, 4))
    cv2.merge((alpha, alpha, alpha, alpha), dst=wide)
    return wide


def _rest_of_alpha(pixels: Pixels) -> Pixels:
    """255 minus alpha in four channels, in this thread's memory until the next call.

    Four bytes at a time, which is twice as fast as taking a channel out: alpha is the highest byte
    of a pixel's little-endian word, and a product with 0x01010101 copies a byte into all four.
    """
    rest = _shaped(_memory.wide, pixels.shape)
    words = rest.view("<u4")[..., 0]
    np.right_shift(pixels.view("<u4")[..., 0], 24, out=words)
    np.multiply(words, 0x01010101, out=words)
    np.invert(words, out=words)
    return rest
