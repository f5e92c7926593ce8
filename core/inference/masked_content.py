"""What stands under the mask before the first step: the picture, its surroundings, or noise."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.abilities import MaskedContent
from core.geometry import Size
from core.request import Pixels

Colours = NDArray[np.float32]
_CELL = 8  # pixels; noise any finer would be taken for texture by the VAE


def covered(picture: Pixels, mask: Pixels, content: MaskedContent, seed: int, size: Size) -> Pixels:
    """The picture with `content` where the mask is; a grey place keeps a part of its own colour.

    Args:
        picture: uint8 (h, w, 3).
        mask: uint8 (h, w).
        seed: Decides the noise.
        size: What the model will see it at, which decides how coarse the noise is.

    Returns:
        uint8 (h, w, 3); where the mask is 0 the picture's own pixels.
    """
    if content is MaskedContent.ORIGINAL:
        return picture
    if content is MaskedContent.FILL:
        new = surroundings(picture, mask)
    else:
        new = _noise(picture.shape[1], picture.shape[0], size, seed)
    share = mask[..., np.newaxis].astype(np.float32) / np.float32(255)
    return np.rint(picture + (new - picture) * share).astype(np.uint8)


def surroundings(picture: Pixels, mask: Pixels) -> Colours:
    """The picture with everything under the mask (not 0) replaced by the colours around it.

    By pull-push: halved until no hole is left, and from there back over the holes (Gortler and
    others, "The Lumigraph", 1996, section 3.4). The farther from the edge, the more blurred.

    Returns:
        float32 (h, w, 3), 0 to 255; mid-grey if the mask is everywhere.
    """
    known = (mask == 0).astype(np.float32)
    if not known.any():
        return np.full(picture.shape, 128, np.float32)
    return _without_holes(picture * known[..., np.newaxis], known)


def _without_holes(weighted: Colours, weight: Colours) -> Colours:
    """Colours for every pixel, of colours times weight (h, w, 3) and weights 0 to 1 (h, w)."""
    height, width = weight.shape
    if weight.min() > 0 or (height, width) == (1, 1):
        return weighted / weight[..., np.newaxis]
    half = ((width + 1) // 2, (height + 1) // 2)
    coarse = _without_holes(_smaller(weighted, half), _smaller(weight, half))
    behind = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(weighted + behind * (1 - weight[..., np.newaxis]), np.float32)


def _smaller(values: Colours, size: tuple[int, int]) -> Colours:
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)


def _noise(width: int, height: int, size: Size, seed: int) -> Colours:
    """A random colour for each latent cell of `size`, scaled to (height, width, 3)."""
    across, down = -(-size.width // _CELL), -(-size.height // _CELL)
    drawn = np.random.Generator(np.random.PCG64(seed)).bytes(across * down * 3)
    cells: Any = np.frombuffer(drawn, np.uint8).reshape(down, across, 3).astype(np.float32)
    return np.asarray(cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST))
