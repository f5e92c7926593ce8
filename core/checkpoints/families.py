"""The architectures Sfumato knows, as a table: pipeline class and configuration to a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from core.abilities import AddonKind, FreeU, GenerationKind

TEXT, IMAGE, INPAINT = GenerationKind
_EVERY_KIND = frozenset(GenerationKind)
_FROM_PICTURES = frozenset({IMAGE, INPAINT})
_EVERY_ADDON = frozenset(AddonKind)
_TRANSFORMER_ADDONS = frozenset({AddonKind.LORA, AddonKind.CONTROLNET, AddonKind.VAE})
_PAG = 3.0  # of its authors, and of diffusers

# 4 channels: latents alone; inpainting blends them at each step. 9: latents, mask and masked
# picture; anything but inpainting fails at the first step, after the whole load.
_KINDS_BY_CHANNELS = MappingProxyType({4: _EVERY_KIND, 9: frozenset({INPAINT})})

_SD_PARTS = MappingProxyType(
    {
        "scheduler": "Scheduler",
        "text_encoder": "CLIPTextModel",
        "tokenizer": "CLIPTokenizer",
        "unet": "UNet2DConditionModel",
        "vae": "AutoencoderKL",
    }
)
_SECOND_ENCODER = {"text_encoder_2": "CLIPTextModelWithProjection", "tokenizer_2": "CLIPTokenizer"}
_SDXL_PARTS = MappingProxyType({**_SD_PARTS, **_SECOND_ENCODER})
_REFINER_PARTS = MappingProxyType(
    {
        "scheduler": "Scheduler",
        **_SECOND_ENCODER,
        "unet": "UNet2DConditionModel",
        "vae": "AutoencoderKL",
    }
)
_FLOW_PARTS = MappingProxyType(
    {
        "scheduler": "FlowMatchEulerDiscreteScheduler",
        "tokenizer": "CLIPTokenizer",
        "tokenizer_2": "CLIPTokenizer",
        "vae": "AutoencoderKL",
    }
)
_SD3_PARTS = MappingProxyType(
    {
        **_FLOW_PARTS,
        "text_encoder": "CLIPTextModelWithProjection",
        "text_encoder_2": "CLIPTextModelWithProjection",
        "transformer": "SD3Transformer2DModel",
    }
)
_FLUX_PARTS = MappingProxyType(
    {
        **_FLOW_PARTS,
        "text_encoder": "CLIPTextModel",
        "text_encoder_2": "T5EncoderModel",
        "tokenizer_2": "T5Tokenizer",
        "transformer": "FluxTransformer2DModel",
    }
)
_KANDINSKY_PARTS = MappingProxyType(
    {"scheduler": "Scheduler", "unet": "UNet2DConditionModel", "movq": "VQModel"}
)


@dataclass(frozen=True, kw_only=True)
class Family:
    """One architecture.

    Attributes:
        name: Short name, as in `ModelAbilities.family`.
        parts: Components that must be there, and the class each must have; ``"Scheduler"``
            stands for any scheduler of diffusers that predicts noise or v.
        told_by: Values of the denoiser's configuration that set this family apart from others
            with the same pipeline class. Never a width alone: small models have small widths.
        told_by_index: The same for values of model_index.json.
        kinds: What works, by the denoiser's input channels.
        denoiser: The component that predicts at each step.
        architecture: What kind of network that is; add-ons for one are none for another.
        vae: The component that encodes and decodes pictures.
        latents: Whose latents they are: what others publish for a VAE, a tiny autoencoder or
            factors to RGB, belongs to one of these; empty where nothing is known.
        text: The components that limit a prompt's length, (tokenizer, text encoder).
        t5: The same of a T5 encoder that reads on where the other one stops.
        t5_tokens: Tokens that T5 is given, the end mark counted.
        prior: Whether the text is read by a second model, the prior, in a folder of its own.
        loads_as: Class in diffusers to make a pipeline of, where not model_index.json's.
        size_multiple: Width and height must be multiples of this, whatever the VAE's factor.
        native_side: Side in pixels where the configuration does not say.
        strength_kinds: Kinds in which strength decides how far the picture may change.
        uses_guidance_scale: Whether the guidance scale changes anything.
        uses_negative_prompt: Whether a negative prompt does.
        soft_masks: Whether grey in a mask may mean strength.
        num_inference_steps: A good number to begin with.
        guidance_scale: A good value to begin with.
        addons: What can be put on it.
        control_kinds: The kinds for which diffusers has a pipeline with ControlNets.
        takes_clip_skip: Whether an earlier layer of its text encoders may speak.
        freeu: Good weights for FreeU; None where it does not work.
        pag_scale: A good scale for perturbed-attention guidance; 0 where it does not work.
        refined_by: The family of models that may finish its pictures; empty for none.
        draws_together: Whether it can draw several pictures in one batch.
    """

    name: str
    parts: Mapping[str, str]
    told_by: Mapping[str, Any] = field(default_factory=dict)
    told_by_index: Mapping[str, Any] = field(default_factory=dict)
    kinds: Mapping[int, frozenset[GenerationKind]] = field(
        default_factory=lambda: _KINDS_BY_CHANNELS
    )
    denoiser: str = "unet"
    architecture: str = "unet"
    vae: str = "vae"
    latents: str = ""
    text: tuple[str, str] = ("tokenizer", "text_encoder")
    t5: tuple[str, str] | None = None
    t5_tokens: int = 512
    prior: bool = False
    loads_as: str | None = None
    size_multiple: int = 8
    native_side: int = 512
    strength_kinds: frozenset[GenerationKind] = _FROM_PICTURES
    uses_guidance_scale: bool = True
    uses_negative_prompt: bool = True
    soft_masks: bool = True
    num_inference_steps: int = 20
    guidance_scale: float = 7.5
    addons: frozenset[AddonKind] = frozenset()
    control_kinds: frozenset[GenerationKind] = _EVERY_KIND
    takes_clip_skip: bool = False
    freeu: FreeU | None = None
    pag_scale: float = 0.0
    refined_by: str = ""
    draws_together: bool = True

    @property
    def reads_weights(self) -> bool:
        """Whether CLIP alone reads the prompt, and its words reach the denoiser one by one."""
        return self.t5 is None and not self.prior

    def fits(self, index: Mapping[str, Any], denoiser: Mapping[str, Any]) -> bool:
        """Whether a model with these two configurations is of this family."""
        told = ((self.told_by, denoiser), (self.told_by_index, index))
        return all(found.get(key) == value for by, found in told for key, value in by.items())


# Stable Diffusion 2 projects to and from its attention by linear layers, 1 by convolutions.
# The weights for FreeU are those of its authors.
_SD2 = Family(
    name="sd2",
    parts=_SD_PARTS,
    latents="sd",
    told_by={"use_linear_projection": True},
    addons=_EVERY_ADDON,
    takes_clip_skip=True,
    freeu=FreeU(s1=0.9, s2=0.2, b1=1.4, b2=1.6),
    pag_scale=_PAG,
)
_SD1 = Family(
    name="sd1",
    parts=_SD_PARTS,
    latents="sd",
    addons=_EVERY_ADDON,
    takes_clip_skip=True,
    freeu=FreeU(s1=0.9, s2=0.2, b1=1.5, b2=1.6),
    pag_scale=_PAG,
)
# The classes of Stable Diffusion know embedded guidance too; those of LCM cannot inpaint, and
# count the steps of image-to-image in another way.
_LCM = Family(
    name="lcm",
    parts=_SD_PARTS,
    latents="sd",
    kinds={4: _EVERY_KIND},
    loads_as="StableDiffusionPipeline",
    uses_negative_prompt=False,
    num_inference_steps=4,
    guidance_scale=8.5,
    addons=_EVERY_ADDON,
    takes_clip_skip=True,
    freeu=_SD1.freeu,
)
_SDXL = Family(
    name="sdxl",
    parts=_SDXL_PARTS,
    latents="sdxl",
    told_by={"addition_embed_type": "text_time"},
    native_side=1024,
    num_inference_steps=30,
    guidance_scale=5.0,
    addons=_EVERY_ADDON,
    takes_clip_skip=True,
    freeu=FreeU(s1=0.9, s2=0.2, b1=1.3, b2=1.4),
    pag_scale=_PAG,
    refined_by="sdxl-refiner",
)
# Its U-Net embeds an aesthetic score, which text-to-image does not give.
_REFINER = Family(
    name="sdxl-refiner",
    parts=_REFINER_PARTS,
    latents="sdxl",
    told_by={"addition_embed_type": "text_time"},
    told_by_index={"requires_aesthetics_score": True},
    kinds={4: _FROM_PICTURES},
    text=("tokenizer_2", "text_encoder_2"),
    native_side=1024,
    num_inference_steps=30,
    guidance_scale=5.0,
)
# The decoder; inpainting starts from noise alone. A picture is halved as often again as by the
# MoVQ, and odd sizes fail in the middle of the U-Net.
_KANDINSKY = Family(
    name="kandinsky22",
    parts=_KANDINSKY_PARTS,
    told_by={"addition_embed_type": "image"},
    kinds={4: frozenset({TEXT, IMAGE}), 9: frozenset({INPAINT})},
    vae="movq",
    prior=True,
    loads_as="KandinskyV22CombinedPipeline",
    size_multiple=64,
    strength_kinds=frozenset({IMAGE}),
    soft_masks=False,
    num_inference_steps=50,
    guidance_scale=4.0,
    draws_together=False,  # its prior wants twice the generators once there is a negative prompt
)
_SD3 = Family(
    name="sd3",
    architecture="sd3",
    addons=_TRANSFORMER_ADDONS,
    control_kinds=frozenset({TEXT}),
    parts=_SD3_PARTS,
    latents="sd3",
    kinds={16: _EVERY_KIND},
    denoiser="transformer",
    t5=("tokenizer_3", "text_encoder_3"),
    t5_tokens=256,
    size_multiple=16,
    native_side=1024,
    soft_masks=False,
    num_inference_steps=28,
    guidance_scale=7.0,
    pag_scale=_PAG,
)
# Guidance is embedded; a true negative prompt would double the time of every step.
_FLUX_DEV = Family(
    name="flux-dev",
    architecture="flux",
    addons=_TRANSFORMER_ADDONS,
    parts=_FLUX_PARTS,
    latents="flux",
    told_by={"guidance_embeds": True},
    kinds={64: _EVERY_KIND},
    denoiser="transformer",
    t5=("tokenizer_2", "text_encoder_2"),
    size_multiple=16,
    native_side=1024,
    uses_negative_prompt=False,
    soft_masks=False,
    num_inference_steps=28,
    guidance_scale=3.5,
)
# Distilled to a few steps without any guidance.
_FLUX_SCHNELL = Family(
    name="flux-schnell",
    architecture="flux",
    addons=_TRANSFORMER_ADDONS,
    parts=_FLUX_PARTS,
    latents="flux",
    kinds={64: _EVERY_KIND},
    denoiser="transformer",
    t5=("tokenizer_2", "text_encoder_2"),
    t5_tokens=256,
    size_multiple=16,
    native_side=1024,
    uses_guidance_scale=False,
    uses_negative_prompt=False,
    soft_masks=False,
    num_inference_steps=4,
    guidance_scale=0.0,
)

# Pipeline class in model_index.json -> families it may hold; the first that fits.
FAMILIES: Mapping[str, tuple[Family, ...]] = MappingProxyType(
    {
        "StableDiffusionPipeline": (_SD2, _SD1),
        "StableDiffusionImg2ImgPipeline": (_SD2, _SD1),
        "StableDiffusionInpaintPipeline": (_SD2, _SD1),
        "LatentConsistencyModelPipeline": (_LCM,),
        "StableDiffusionXLPipeline": (_SDXL,),
        "StableDiffusionXLImg2ImgPipeline": (_REFINER, _SDXL),
        "StableDiffusionXLInpaintPipeline": (_REFINER, _SDXL),
        "KandinskyV22Pipeline": (_KANDINSKY,),
        "KandinskyV22Img2ImgPipeline": (_KANDINSKY,),
        "KandinskyV22InpaintPipeline": (_KANDINSKY,),
        "StableDiffusion3Pipeline": (_SD3,),
        "StableDiffusion3Img2ImgPipeline": (_SD3,),
        "StableDiffusion3InpaintPipeline": (_SD3,),
        "FluxPipeline": (_FLUX_DEV, _FLUX_SCHNELL),
        "FluxImg2ImgPipeline": (_FLUX_DEV, _FLUX_SCHNELL),
        "FluxInpaintPipeline": (_FLUX_DEV, _FLUX_SCHNELL),
    }
)
FAMILY_NAMED: Mapping[str, Family] = MappingProxyType(
    {family.name: family for families in FAMILIES.values() for family in families}
)

PRIOR_CLASS = "KandinskyV22PriorPipeline"
PRIOR_REPOSITORY = "kandinsky-community/kandinsky-2-2-prior"
PRIOR_PARTS: Mapping[str, str] = MappingProxyType(
    {
        "prior": "PriorTransformer",
        "image_encoder": "CLIPVisionModelWithProjection",
        "text_encoder": "CLIPTextModelWithProjection",
        "tokenizer": "CLIPTokenizer",
        "scheduler": "UnCLIPScheduler",
        "image_processor": "CLIPImageProcessor",
    }
)
