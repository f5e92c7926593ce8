"""What the VAE gave, as pixels; or the sentence on why that is no picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.errors import KnownError
from core.request import GenerationRequest, Pixels


def pixels_of(image: Any, request: GenerationRequest) -> Pixels:
    """A decoded image of shape (height, width, 3), floats from 0 to 1, as 8-bit pixels.

    Raises:
        KnownError: there are numbers in it that are none (NaN), which would turn out black.
    """
    if not np.isfinite(image).all():
        raise KnownError(
            f"The VAE of “{request.checkpoint}” computed numbers that are none (NaN). Download the "
            "model again, or put another VAE on it."
        )
    return (image * 255).round().astype(np.uint8)
