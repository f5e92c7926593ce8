"""What a mask means before, during and after the steps: outside it nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.abilities import GenerationKind, ModelAbilities
from core.geometry import Rect, Size
from core.images import resize
from core.inference.masked_content import covered
from core.masks import composite, count_changed_outside, effective_mask, work_rect
from core.request import GenerationRequest, Pixels
from core.tracing import trace

Tensor = Any


def model_mask(request: GenerationRequest, cell: int, above: float = 0) -> Pixels:
    """The mask that the model gets: 255 in every latent cell that the mask touches, else 0.

    diffusers looks at one pixel of each cell only, so that a thin stroke would repaint nothing.
    What is too much lies outside the person's mask and is put back by the composite.

    Args:
        request: For its mask and denoising size.
        cell: Side of a latent cell in pixels.
        above: Only what is lighter counts as mask; 0 to below 255.

    Returns:
        uint8 array of shape (denoising height, denoising width).
    """
    assert request.mask_image is not None  # validate() refused it
    width, height = request.denoising_size
    touched = resize(_black_and_white(request.mask_image > above), request.denoising_size) > 0
    cells = touched.reshape(height // cell, cell, width // cell, cell).any(axis=(1, 3))
    return _black_and_white(np.repeat(np.repeat(cells, cell, axis=0), cell, axis=1))


def _black_and_white(mask: Any) -> Pixels:
    return np.where(mask, np.uint8(255), np.uint8(0))


@dataclass(frozen=True, eq=False)
class WorkArea:
    """The part of a picture that the pipeline gets, and the way back into the whole.

    Attributes:
        whole: What was asked for; its mask as far as the model can follow it.
        request: What the pipeline is asked for: picture, mask and size of the part.
        rect: Where the part lies in the whole.
    """

    whole: GenerationRequest
    request: GenerationRequest
    rect: Rect

    @classmethod
    def of(cls, request: GenerationRequest, abilities: ModelAbilities) -> WorkArea:
        """The area for a validated request; all of it, untouched, where nothing is masked."""
        whole_rect = Rect.of_size(request.size)
        if request.kind is not GenerationKind.INPAINTING:
            return cls(request, request, whole_rect)
        assert request.init_image is not None  # validate() refused it
        assert request.mask_image is not None
        mask = effective_mask(request.mask_image, abilities)
        rect = work_rect(request, abilities)
        part = mask[rect.slices()]
        picture = covered(
            request.init_image[rect.slices()],
            part,
            request.masked_content,
            request.seed,
            request.denoising_size,
        )
        asked = replace(
            request,
            size=rect.size,
            init_image=picture,
            mask_image=part,
            controls=tuple(control.cropped(rect) for control in request.controls),
        )
        return cls(replace(request, mask_image=mask), asked, rect)

    @property
    def inputs(self) -> tuple[Pixels, Pixels] | None:
        """(original, mask) of the whole picture; None where nothing is masked."""
        if self.whole.init_image is None or self.whole.mask_image is None:
            return None
        is_masked = self.whole.kind is GenerationKind.INPAINTING
        return (self.whole.init_image, self.whole.mask_image) if is_masked else None

    def finish(self, picture: Pixels) -> tuple[Pixels, int | None]:
        """The pipeline's picture in its place, and how many pixels outside the mask changed.

        Args:
            picture: uint8 (h, w, 3) of any size.

        Returns:
            The picture at the size that was asked for, outside the mask as it was; the count is
            None where nothing is masked.
        """
        image = resize(picture, self.rect.size)
        if self.inputs is None:
            return image, None
        original, mask = self.inputs
        with trace("composite"):
            if self.rect.size != self.whole.size:
                image = _pasted(original, image, self.rect)
            image = composite(original, image, mask, self.whole.mask_feather)
            return image, count_changed_outside(original, image, mask)


class MaskedPreview:
    """Draws predicted latents; outside the mask they give way to the original.

    Args:
        area: What the latents show, and of what.
        draw: Gives latents (1, channels, height, width) as a picture, uint8 (h, w, 3).
    """

    def __init__(self, area: WorkArea, draw: Callable[[Tensor], Pixels]) -> None:
        self._area = area
        self._draw = draw
        self._is_part = area.rect.size != area.whole.size
        self._kept: tuple[Any, Any] | None = None

    def __call__(self, latents: Tensor) -> Pixels:
        """The latents as a picture, uint8 (h, w, 3): small, or of full size if they are a part."""
        image = self._draw(latents)
        inputs = self._area.inputs
        if inputs is None:
            return image
        rect = self._area.rect
        size = rect.size if self._is_part else Size(image.shape[1], image.shape[0])
        if self._kept is None:
            original, mask = inputs[0][rect.slices()], _black_and_white(inputs[1])[rect.slices()]
            kept = resize(original, size).astype(np.float32)
            self._kept = kept, resize(mask, size).astype(np.float32)[..., None] / 255
        kept, alpha = self._kept
        mixed = np.rint(kept + (resize(image, size) - kept) * alpha).astype(np.uint8)
        return _pasted(inputs[0], mixed, rect) if self._is_part else mixed


def thumbnail(picture: Pixels, side: int = 512) -> Pixels:
    """A picture scaled down to at most `side` pixels, uint8 (h, w, 3); a small one as it is."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture
    return resize(picture, Size(max(1, round(width * scale)), max(1, round(height * scale))))


def _pasted(picture: Pixels, part: Pixels, rect: Rect) -> Pixels:
    whole = picture.copy()
    whole[rect.slices()] = part
    return whole
