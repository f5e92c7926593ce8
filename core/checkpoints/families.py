"""The architectures Sfumato knows, as a table: pipeline class and U-Net configuration to a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from core.abilities import GenerationKind

_EVERY_KIND = frozenset(GenerationKind)
_ONLY_INPAINTING = frozenset({GenerationKind.INPAINTING})

# 4 channels: latents alone; inpainting blends them at each step. 9: latents, mask and masked
# picture; anything but inpainting fails at the first step, after the whole load.
_KINDS_BY_CHANNELS = MappingProxyType({4: _EVERY_KIND, 9: _ONLY_INPAINTING})

# Right for every model that predicts the noise or v; names of `core.schedulers.SCHEDULERS`, which
# a test compares, since neither room may import the other.
_NOISE_SCHEDULERS = (
    "Euler",
    "Euler a",
    "DDIM",
    "DPM++ 2M",
    "DPM++ 2M Karras",
    "DPM++ 2M SDE",
    "DPM++ 2M SDE Karras",
    "UniPC",
    "Heun",
)

_SD_PARTS = MappingProxyType(
    {
        "scheduler": "Scheduler",
        "text_encoder": "CLIPTextModel",
        "tokenizer": "CLIPTokenizer",
        "unet": "UNet2DConditionModel",
        "vae": "AutoencoderKL",
    }
)
_SDXL_PARTS = MappingProxyType(
    {
        **_SD_PARTS,
        "text_encoder_2": "CLIPTextModelWithProjection",
        "tokenizer_2": "CLIPTokenizer",
    }
)


@dataclass(frozen=True, kw_only=True)
class Family:
    """One architecture.

    Attributes:
        name: Short name, as in `ModelAbilities.family`.
        parts: Components that must be there, and the class each must have; ``"Scheduler"``
            stands for any scheduler of diffusers.
        told_by: Values of the U-Net's configuration that set this family apart from others with
            the same pipeline class. Never a width alone: small models have small widths.
        kinds: What works, by the U-Net's input channels.
        schedulers: Names of the schedulers that are right.
        size_multiple: Width and height must be multiples of this, whatever the VAE's factor.
        native_side: Side in pixels where the configuration does not say.
        num_inference_steps: A good number to begin with.
        guidance_scale: A good value to begin with.
    """

    name: str
    parts: Mapping[str, str]
    told_by: Mapping[str, Any] = field(default_factory=dict)
    kinds: Mapping[int, frozenset[GenerationKind]] = field(
        default_factory=lambda: _KINDS_BY_CHANNELS
    )
    schedulers: tuple[str, ...] = _NOISE_SCHEDULERS
    size_multiple: int = 8
    native_side: int = 512
    num_inference_steps: int = 20
    guidance_scale: float = 7.5


# Stable Diffusion 2 projects to and from its attention by linear layers, 1 by convolutions.
_SD2 = Family(name="sd2", parts=_SD_PARTS, told_by={"use_linear_projection": True})
_SD1 = Family(name="sd1", parts=_SD_PARTS)
_SDXL = Family(
    name="sdxl",
    parts=_SDXL_PARTS,
    told_by={"addition_embed_type": "text_time"},
    native_side=1024,
    num_inference_steps=30,
    guidance_scale=5.0,
)

# Pipeline class in model_index.json -> families it may hold; the first whose `told_by` fits.
FAMILIES: Mapping[str, tuple[Family, ...]] = MappingProxyType(
    {
        "StableDiffusionPipeline": (_SD2, _SD1),
        "StableDiffusionImg2ImgPipeline": (_SD2, _SD1),
        "StableDiffusionInpaintPipeline": (_SD2, _SD1),
        "StableDiffusionXLPipeline": (_SDXL,),
        "StableDiffusionXLInpaintPipeline": (_SDXL,),
    }
)


def family_of(pipeline_class: str, unet: Mapping[str, Any]) -> Family | None:
    """The row for that class and U-Net configuration; None where no row fits."""
    for family in FAMILIES.get(pipeline_class, ()):
        if all(unet.get(key) == value for key, value in family.told_by.items()):
            return family
    return None
