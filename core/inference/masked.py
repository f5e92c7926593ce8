"""What a mask means before, during and after the steps: outside it nothing changes."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.abilities import GenerationKind
from core.geometry import Size
from core.images import resize
from core.masks import composite, count_changed_outside
from core.pipelines import LoadedPipeline
from core.request import GenerationRequest, Pixels
from core.tracing import trace

Tensor = Any


def model_mask(request: GenerationRequest, cell: int) -> Pixels:
    """The mask that the model gets: 255 in every latent cell that the mask touches, else 0.

    diffusers looks at one pixel of each cell only, so that a thin stroke would repaint nothing.
    What is too much lies outside the person's mask and is put back by the composite.

    Args:
        request: For its mask and denoising size.
        cell: Side of a latent cell in pixels.

    Returns:
        uint8 array of shape (denoising height, denoising width).
    """
    assert request.mask_image is not None  # validate() refused it
    width, height = request.denoising_size
    touched = resize(_black_and_white(request.mask_image), request.denoising_size) > 0
    cells = touched.reshape(height // cell, cell, width // cell, cell).any(axis=(1, 3))
    return _black_and_white(np.repeat(np.repeat(cells, cell, axis=0), cell, axis=1))


def _black_and_white(mask: Any) -> Pixels:
    return np.where(mask > 0, np.uint8(255), np.uint8(0))


class MaskedPreview:
    """Draws predicted latents; outside the mask they give way to the original."""

    def __init__(self, request: GenerationRequest, loaded: LoadedPipeline) -> None:
        self._request = request
        self._preview = loaded.preview
        self._kept: tuple[Any, Any] | None = None

    def __call__(self, latents: Tensor) -> Pixels:
        """Latents (1, channels, height, width) as a picture, uint8 (2 height, 2 width, 3)."""
        image = self._preview(latents)
        inputs = inpainted(self._request)
        if inputs is None:
            return image
        if self._kept is None:
            size = Size(image.shape[1], image.shape[0])
            original, mask = (resize(pixels, size).astype(np.float32) for pixels in inputs)
            self._kept = original, mask[..., None] / 255
        original, alpha = self._kept
        return np.rint(original + (image - original) * alpha).astype(np.uint8)


def finish(request: GenerationRequest, picture: Pixels) -> tuple[Pixels, int | None]:
    """(the picture at its size, outside the mask as it was; changed pixels outside the mask)."""
    image = resize(picture, request.size)
    inputs = inpainted(request)
    if inputs is None:
        return image, None
    original, mask = inputs
    with trace("composite"):
        image = composite(original, image, mask, request.mask_feather)
        return image, count_changed_outside(original, image, mask)


def inpainted(request: GenerationRequest) -> tuple[Pixels, Pixels] | None:
    """(original, mask) of an inpainting request."""
    if request.kind is not GenerationKind.INPAINTING:
        return None
    assert request.init_image is not None  # validate() refused it
    assert request.mask_image is not None
    return request.init_image, request.mask_image
