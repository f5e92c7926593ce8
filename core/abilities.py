"""What a model can do, as plain data: read from its configuration before a weight is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.geometry import Size


class GenerationKind(StrEnum):
    """The three ways to make a picture, by the names diffusers uses."""

    TEXT_TO_IMAGE = "text-to-image"
    IMAGE_TO_IMAGE = "image-to-image"
    INPAINTING = "inpainting"


@dataclass(frozen=True, kw_only=True)
class ModelAbilities:
    """What a request may ask of one model.

    Attributes:
        family: Short name of the architecture, such as ``"sd1"`` or ``"sdxl"``.
        kinds: The kinds of generation that work with this model.
        size_multiple: Width and height must be whole multiples of this many pixels.
        native_size: The size the model was trained for; other sizes work less well.
        max_size: The longest side that is accepted, in pixels.
        schedulers: Names of the schedulers that are right for this model.
        prompt_tokens: How many tokens of a prompt are read, start and end marks not counted.
        uses_negative_prompt: Whether a negative prompt changes anything.
        num_inference_steps: A good number of denoising steps to begin with.
        guidance_scale: A good guidance scale to begin with.
    """

    family: str
    kinds: frozenset[GenerationKind]
    size_multiple: int
    native_size: Size
    schedulers: tuple[str, ...]
    max_size: int = 2048
    prompt_tokens: int = 75
    uses_negative_prompt: bool = True
    num_inference_steps: int = 20
    guidance_scale: float = 7.5

    def denoising_size(self, picture: Size) -> Size:
        """The size to denoise at for a picture of that size: same shape, as the model needs it.

        A picture whose sides already fit is left alone; others go to the nearest multiples.
        """
        return picture.rounded_to(self.size_multiple)
