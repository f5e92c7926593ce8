"""What a model can do, as plain data: read from its configuration before a weight is loaded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from core.errors import InvalidRequest
from core.geometry import Size


class GenerationKind(StrEnum):
    """The three ways to make a picture, by the names diffusers uses."""

    TEXT_TO_IMAGE = "text-to-image"
    IMAGE_TO_IMAGE = "image-to-image"
    INPAINTING = "inpainting"


class AddonKind(StrEnum):
    """What can be put on a loaded model and taken off again."""

    LORA = "lora"
    EMBEDDING = "textual-inversion"
    CONTROLNET = "controlnet"
    VAE = "vae"
    IP_ADAPTER = "ip-adapter"

    @property
    def words(self) -> str:
        """As it is called in a sentence."""
        return _ADDON_WORDS[self]

    @property
    def article(self) -> str:
        """What goes before that in English."""
        return "an" if self is AddonKind.IP_ADAPTER else "a"


_ADDON_WORDS = {
    AddonKind.LORA: "LoRA",
    AddonKind.EMBEDDING: "textual inversion",
    AddonKind.CONTROLNET: "ControlNet",
    AddonKind.VAE: "VAE",
    AddonKind.IP_ADAPTER: "IP-Adapter",
}


class FreeU(NamedTuple):
    """Weights of the skips (s) and the backbone (b) in the U-Net's first two up blocks.

    Si et al., FreeU: Free Lunch in Diffusion U-Net, arXiv:2309.11497.
    """

    s1: float
    s2: float
    b1: float
    b2: float


class InpaintArea(StrEnum):
    """What of the picture the model looks at while it repaints the mask."""

    WHOLE_PICTURE = "whole picture"
    ONLY_MASKED = "only masked"


class MaskedContent(StrEnum):
    """What stands under the mask before the first step."""

    ORIGINAL = "original"
    FILL = "fill"
    NOISE = "noise"


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
        reads_weights: Whether the prompt's weights count, and prompts beyond `prompt_tokens` are
            read chunk by chunk; else what is longer is cut off.
        uses_negative_prompt: Whether a negative prompt changes anything.
        uses_guidance_scale: Whether the guidance scale changes anything.
        strength_kinds: The kinds in which strength decides how far the picture may change; in
            others the model starts from noise alone.
        num_inference_steps: A good number of denoising steps to begin with.
        guidance_scale: A good guidance scale to begin with.
        soft_masks: Whether grey in a mask limits how far a pixel changes; else grey of half and
            more counts as white, and less as black.
        addons: The kinds of add-ons that can be put on it.
        architecture: What kind of network predicts at each step: ``"unet"``, ``"sd3"``,
            ``"flux"``. Add-ons for one are none for another.
        text_width: Numbers for each token of the prompt that a U-Net reads, or for each token
            that a transformer works with; tells add-ons for one family from those for another.
            None where it is not known.
        latent_channels: Channels of the latents that its VAE decodes; None where not known.
        control_kinds: The kinds in which a ControlNet can lead it.
        most_clip_skip: The largest clip skip; 1 where there is none to choose.
        freeu: Good weights for FreeU; None where it does not work.
        pag_scale: A good scale for perturbed-attention guidance; 0 where it does not work.
        refined_by: The family of models that may finish its pictures; empty for none.
        draws_together: Whether it can draw several pictures in one batch.
    """

    family: str
    kinds: frozenset[GenerationKind]
    size_multiple: int
    native_size: Size
    schedulers: tuple[str, ...]
    max_size: int = 2048
    prompt_tokens: int = 75
    reads_weights: bool = False
    uses_negative_prompt: bool = True
    uses_guidance_scale: bool = True
    strength_kinds: frozenset[GenerationKind] = frozenset(
        {GenerationKind.IMAGE_TO_IMAGE, GenerationKind.INPAINTING}
    )
    num_inference_steps: int = 20
    guidance_scale: float = 7.5
    soft_masks: bool = False
    addons: frozenset[AddonKind] = frozenset()
    architecture: str = "unet"
    text_width: int | None = None
    latent_channels: int | None = None
    control_kinds: frozenset[GenerationKind] = frozenset(GenerationKind)
    most_clip_skip: int = 1
    freeu: FreeU | None = None
    pag_scale: float = 0.0
    refined_by: str = ""
    draws_together: bool = False

    @property
    def takes_tiles(self) -> bool:
        """Whether it can enlarge a picture tile by tile: latents of 4 channels, from a picture."""
        return self.soft_masks and GenerationKind.IMAGE_TO_IMAGE in self.kinds

    def ignores_strength(self, kind: GenerationKind) -> bool:
        """Whether that kind starts from a picture and yet from nothing but noise under the mask."""
        return kind is not GenerationKind.TEXT_TO_IMAGE and kind not in self.strength_kinds

    def denoising_size(self, picture: Size) -> Size:
        """The size to denoise at for a picture of that size: same shape, as the model needs it.

        A picture whose sides already fit is left alone; others go to the nearest multiples.
        """
        return picture.rounded_to(self.size_multiple)

    def closeup_size(self, area: Size) -> Size:
        """The size to denoise a part of a picture at: as large as the model's own size at least.

        A smaller part is enlarged to about as many pixels as `native_size` has, in its own shape.
        """
        scale = max(1.0, math.sqrt(self.native_size.area / max(1, area.area)))
        scale = min(scale, max(1.0, self.max_size / max(area)))
        larger = Size(round(area.width * scale), round(area.height * scale))
        return larger.rounded_to(self.size_multiple)

    def first_pass_size(self, picture: Size) -> Size | None:
        """The size for the first of two passes; None where one pass is right for the picture.

        As many pixels as `native_size` has, in the picture's shape; a picture that is not at
        least a fifth larger needs no second pass.
        """
        if picture.area < 1.2 * self.native_size.area:
            return None
        scale = math.sqrt(self.native_size.area / picture.area)
        smaller = Size(round(picture.width * scale), round(picture.height * scale))
        return smaller.rounded_to(self.size_multiple)

    def validate_size(self, size: Size, denoising_size: Size) -> None:
        """Refuse a picture of that size made at that denoising size.

        Raises:
            InvalidRequest: names the sizes that would be accepted.
        """
        require_range("Width", size.width, 1, 16_384)
        require_range("Height", size.height, 1, 16_384)
        step = self.size_multiple
        if denoising_size.is_empty or not denoising_size.is_multiple_of(step):
            low = Size(*(max(step, side // step * step) for side in denoising_size))
            high = Size(*(-(-max(side, 1) // step) * step for side in denoising_size))
            raise InvalidRequest(
                f"{denoising_size} does not fit this model, which needs multiples of {step}. "
                f"The nearest sizes are {low} and {high}."
            )
        if max(denoising_size) > self.max_size:
            raise InvalidRequest(
                f"{denoising_size} is larger than this model takes. "
                f"The longest side may be {self.max_size} pixels."
            )


def require_range(name: str, value: float, least: float, most: float) -> None:
    """Refuse a number that is none, or lies outside.

    Raises:
        InvalidRequest: names the value, and the range that would be accepted.
    """
    if not (math.isfinite(value) and least <= value <= most):
        raise InvalidRequest(f"{name} is {value:g}; it must lie between {least:g} and {most:g}.")
