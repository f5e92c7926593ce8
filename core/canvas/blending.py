"""Arithmetic of premultiplied 8-bit pixels: every result is the exact one, rounded once.

Formulas: Porter and Duff, "Compositing Digital Images", 1984. A product of two bytes over 255 is
never half-way between two integers, and cv2 scales in floats that are far finer than 1/255, so that
rounding has no cases; tests go through all of them.
"""

from __future__ import annotations

import cv2
import numpy as np

from core.canvas.tiles import TILE
from core.request import Pixels

cv2.setNumThreads(1)  # two threads on small arrays cost more than they bring, and steal the model's


class Ink:
    """One colour laid on with an alpha of its own for each pixel.

    It keeps its working memory: fresh pages from the system cost several times the arithmetic.
    """

    def __init__(self, colour: tuple[int, ...]) -> None:
        """`colour` has one value (a mask) or four (premultiplied RGBA), 0 to 255."""
        shape = (TILE, TILE) if len(colour) == 1 else (TILE, TILE, len(colour))
        self._ink = np.empty(shape, np.uint16)
        self._ink[:] = colour
        self._share, self._rest, self._mixed = (np.empty(shape, np.uint16) for _ in range(3))

    def lay(self, before: Pixels, alpha: Pixels, out: Pixels) -> None:
        """Write to `out` what `before` becomes: (before · (255 - alpha) + ink · alpha) / 255.

        Args:
            before: (h, w, 4) or (h, w), no larger than a tile.
            alpha: (h, w); 0 leaves `before`, 255 gives the ink, both exactly.
        """
        here = slice(before.shape[0]), slice(before.shape[1])
        ink, share, rest, mixed = (
            buffer[here] for buffer in (self._ink, self._share, self._rest, self._mixed)
        )
        np.copyto(share, alpha if before.ndim == 2 else cv2.merge((alpha,) * 4))
        np.copyto(mixed, before)
        np.subtract(255, share, out=rest)
        np.multiply(mixed, rest, out=mixed)
        np.multiply(share, ink, out=share)
        np.add(mixed, share, out=mixed)
        cv2.convertScaleAbs(mixed, dst=out, alpha=1 / 255)


class Overlay:
    """Premultiplied pixels laid over others; keeps its working memory, as `Ink` does."""

    def __init__(self) -> None:
        self._faded = np.empty((TILE, TILE, 4), np.uint8)
        self._dimmed = np.empty((TILE, TILE, 4), np.uint8)

    def lay(self, above: Pixels, opacity: int, onto: Pixels) -> None:
        """Replace `onto` by above + onto · (255 - alpha of above) / 255.

        Args:
            above: (h, w, 4), no larger than a tile.
            opacity: 0 to 255; multiplies `above` first.
            onto: (h, w, 4), written in place.
        """
        here = slice(above.shape[0]), slice(above.shape[1])
        dimmed = self._dimmed[here]
        if opacity < 255:
            above = cv2.convertScaleAbs(above, dst=self._faded[here], alpha=opacity / 255)
        rest = cv2.bitwise_not(cv2.extractChannel(above, 3))
        cv2.merge((rest,) * 4, dst=dimmed)
        cv2.multiply(onto, dimmed, dst=dimmed, scale=1 / 255)
        cv2.add(above, dimmed, dst=onto)


def premultiplied(pixels: Pixels) -> Pixels:
    """(h, w, 4) premultiplied from straight uint8 pixels of shape (h, w, 3) or (h, w, 4)."""
    if pixels.shape[2] == 3:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA), np.uint8)
    alpha = cv2.extractChannel(pixels, 3)
    opaque = np.full_like(alpha, 255)
    factor = cv2.merge((alpha, alpha, alpha, opaque))
    return np.asarray(cv2.multiply(pixels, factor, scale=1 / 255), np.uint8)
