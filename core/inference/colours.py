"""Keep a picture's own colours while a model paints finer things into it."""

from __future__ import annotations

import cv2
import numpy as np

from core.request import Pixels


def with_colours_of(original: Pixels, painted: Pixels, radius: float) -> Pixels:
    """What was painted, with everything coarser than `radius` as the original has it.

    As StableSR does it with wavelets (Wang et al., arXiv:2305.07015, "color correction"), here
    with a Gaussian: tiles that a model paints one by one drift apart in colour, and the eye sees
    that as a patchwork even where they are mixed softly.

    Args:
        original: uint8 (h, w, 3).
        painted: uint8 of the same shape.
        radius: Standard deviation in pixels, above 0.

    Returns:
        uint8 (h, w, 3).
    """
    drift = original.astype(np.float32) - painted
    coarse = cv2.GaussianBlur(drift, (0, 0), radius, borderType=cv2.BORDER_REFLECT_101)
    return np.clip(np.rint(painted + coarse), 0, 255).astype(np.uint8)
