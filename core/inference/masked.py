"""What a mask means before, during and after the steps: outside it nothing changes."""

from __future__ import annotations

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
    """Lays the original over previews, outside the mask.

    Args:
        area: What the previews show, and of what.
    """

    def __init__(self, area: WorkArea) -> None:
        self._area = area
        self._is_part = area.rect.size != area.whole.size
        self._kept: dict[Size, tuple[Any, Any]] = {}  # previews come in one or two sizes

    def __call__(self, image: Pixels) -> Pixels:
        """A preview, uint8 (h, w, 3), as it is; of full size if it is a part of the picture."""
        inputs = self._area.inputs
        if inputs is None:
            return image
        size = self._area.rect.size if self._is_part else Size(image.shape[1], image.shape[0])
        if size not in self._kept:
            self._kept[size] = self._original(*inputs, size)
        kept, alpha = self._kept[size]
        mixed = np.rint(kept + (resize(image, size) - kept) * alpha).astype(np.uint8)
        return _pasted(inputs[0], mixed, self._area.rect) if self._is_part else mixed

    def _original(self, picture: Pixels, mask: Pixels, size: Size) -> tuple[Any, Any]:
        """(what of the picture is kept, where it gives way), float32."""
        part = self._area.rect.slices()
        kept = resize(picture[part], size).astype(np.float32)
        alpha = resize(_black_and_white(mask)[part], size).astype(np.float32)[..., None] / 255
        return kept, alpha


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
