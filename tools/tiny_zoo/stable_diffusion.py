"""Stable Diffusion 1, 2 and XL, the layout of the embedded model, and LCM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tools.tiny_zoo.files import (
    DIFFUSERS,
    NOTHING,
    PREPROCESSOR,
    TRANSFORMERS,
    write_json,
    write_model_index,
    write_scheduler,
)
from tools.tiny_zoo.image_models import (
    SD_NOISE,
    SD_UNCLIPPED,
    sd_unet,
    sd_vae,
    write_safety_checker,
)
from tools.tiny_zoo.text_encoders import clip_text_encoder
from tools.tiny_zoo.tokenizers import write_clip_tokenizer

# Stand-ins for 768 (CLIP ViT-L), 1024 (OpenCLIP ViT-H) and 1280 (OpenCLIP ViT-bigG).
SD1_WIDTH, SD2_WIDTH, SDXL_SECOND_WIDTH = 32, 64, 64

_SD_PARTS: dict[str, Any] = {
    "text_encoder": [TRANSFORMERS, "CLIPTextModel"],
    "tokenizer": [TRANSFORMERS, "CLIPTokenizer"],
    "unet": [DIFFUSERS, "UNet2DConditionModel"],
    "vae": [DIFFUSERS, "AutoencoderKL"],
}
_UNCHECKED: dict[str, Any] = {"safety_checker": NOTHING, "requires_safety_checker": False}


def write_sd15(folder: Path) -> None:
    """Stable Diffusion 1.5 with both the plain and the fp16 files."""
    _write_sd1(folder, "StableDiffusionPipeline", _pndm(), sd_unet(SD1_WIDTH))
    _add_fp16_files(folder)


def write_sd15_nsfw(folder: Path) -> None:
    """The same model with a safety checker that always fires."""
    _write_sd1(folder, "StableDiffusionPipeline", _pndm(), sd_unet(SD1_WIDTH), fires=True)


def write_sd15_inpaint(folder: Path) -> None:
    """The 9-channel model, with the feature extractor's name of old repositories."""
    unet = sd_unet(SD1_WIDTH, in_channels=9)
    extractor = "CLIPFeatureExtractor"
    _write_sd1(folder, "StableDiffusionInpaintPipeline", _pndm(), unet, extractor=extractor)


def write_lcm(folder: Path) -> None:
    """SimianLuo/LCM_Dreamshaper_v7: the guidance is embedded, LCMScheduler."""
    from diffusers import LCMScheduler

    scheduler = LCMScheduler(original_inference_steps=50, **SD_NOISE, **SD_UNCLIPPED)
    unet = sd_unet(SD1_WIDTH, time_cond_proj_dim=32)
    _write_sd1(folder, "LatentConsistencyModelPipeline", scheduler, unet)


def write_sd21(folder: Path) -> None:
    """Stable Diffusion 2.1: v-prediction, linear projections, "!" as padding.

    OpenCLIP ViT-H has a layer more than the file: the penultimate hidden state is wanted.
    """
    from diffusers import DDIMScheduler

    vocabulary = write_clip_tokenizer(folder / "tokenizer", pad="!")
    encoder = clip_text_encoder(vocabulary, SD2_WIDTH, layers=3, activation="gelu")
    encoder.save_pretrained(folder / "text_encoder")
    projections = {"use_linear_projection": True, "upcast_attention": True}
    sd_unet(SD2_WIDTH, head_dim=[2, 4, 4, 4], **projections).save_pretrained(folder / "unet")
    sd_vae(sample_size=96).save_pretrained(folder / "vae")
    scheduler = DDIMScheduler(prediction_type="v_prediction", **SD_NOISE, **SD_UNCLIPPED)
    write_scheduler(folder / "scheduler", scheduler)
    write_json(folder / "feature_extractor" / "preprocessor_config.json", PREPROCESSOR)
    parts = {**_SD_PARTS, **_UNCHECKED, "scheduler": [DIFFUSERS, "DDIMScheduler"]}
    parts["feature_extractor"] = [TRANSFORMERS, "CLIPImageProcessor"]
    write_model_index(folder, "StableDiffusionPipeline", **parts)


def write_starter_layout(folder: Path) -> None:
    """The embedded model's layout: three levels, v-prediction on a linear schedule, no checker."""
    from diffusers import DDIMScheduler

    vocabulary = write_clip_tokenizer(folder / "tokenizer")
    clip_text_encoder(vocabulary, SD1_WIDTH).save_pretrained(folder / "text_encoder")
    sd_unet(SD1_WIDTH, levels=3).save_pretrained(folder / "unet")
    sd_vae().save_pretrained(folder / "vae")
    noise = {**SD_NOISE, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear"}
    steps = {"prediction_type": "v_prediction", "timestep_spacing": "trailing"}
    DDIMScheduler(**noise, **SD_UNCLIPPED, **steps).save_pretrained(folder / "scheduler")
    parts = {**_SD_PARTS, **_UNCHECKED, "scheduler": [DIFFUSERS, "DDIMScheduler"]}
    write_model_index(folder, "StableDiffusionPipeline", **parts, feature_extractor=NOTHING)


def write_sdxl_base(folder: Path) -> None:
    """Stable Diffusion XL: two text encoders, sizes embedded beside the time."""
    _write_sdxl_with_both_encoders(folder, "StableDiffusionXLPipeline", 4)


def write_sdxl_inpaint(folder: Path) -> None:
    """The 9-channel XL model."""
    name = "StableDiffusionXLInpaintPipeline"
    _write_sdxl_with_both_encoders(folder, name, 9, requires_aesthetics_score=False)


def write_sdxl_refiner(folder: Path) -> None:
    """The refiner: second text encoder only, an aesthetic score instead of the target size."""
    _write_second_encoder(folder)
    unet = _sdxl_unet(
        down_block_types=["DownBlock2D", *["CrossAttnDownBlock2D"] * 2, "DownBlock2D"],
        up_block_types=["UpBlock2D", *["CrossAttnUpBlock2D"] * 2, "UpBlock2D"],
        block_out_channels=[32] * 4,
        cross_attention_dim=SDXL_SECOND_WIDTH,
        attention_head_dim=[2, 2, 4, 4],
        projection_class_embeddings_input_dim=5 * _TIME_WIDTH + SDXL_SECOND_WIDTH,
    )
    _write_sdxl(
        folder,
        "StableDiffusionXLImg2ImgPipeline",
        unet,
        text_encoder=NOTHING,
        tokenizer=NOTHING,
        force_zeros_for_empty_prompt=False,
        requires_aesthetics_score=True,
    )


_TIME_WIDTH = 8  # stands in for 256


def _pndm() -> Any:
    from diffusers import PNDMScheduler

    return PNDMScheduler(skip_prk_steps=True, set_alpha_to_one=False, **SD_NOISE)


def _write_sd1(
    folder: Path,
    class_name: str,
    scheduler: Any,
    unet: Any,
    *,
    fires: bool = False,
    extractor: str = "CLIPImageProcessor",
) -> None:
    vocabulary = write_clip_tokenizer(folder / "tokenizer")
    clip_text_encoder(vocabulary, SD1_WIDTH).save_pretrained(folder / "text_encoder")
    unet.save_pretrained(folder / "unet")
    sd_vae().save_pretrained(folder / "vae")
    write_scheduler(folder / "scheduler", scheduler)
    write_safety_checker(folder / "safety_checker", fires=fires)
    write_json(folder / "feature_extractor" / "preprocessor_config.json", PREPROCESSOR)
    parts = {**_SD_PARTS, "scheduler": [DIFFUSERS, type(scheduler).__name__]}
    parts["safety_checker"] = ["stable_diffusion", "StableDiffusionSafetyChecker"]
    parts["feature_extractor"] = [TRANSFORMERS, extractor]
    write_model_index(folder, class_name, **parts)


def _add_fp16_files(folder: Path) -> None:
    """Put ``*.fp16.safetensors`` beside the plain files, as the hub has them."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPTextModel

    for name, component in (
        ("text_encoder", CLIPTextModel),
        ("unet", UNet2DConditionModel),
        ("vae", AutoencoderKL),
        ("safety_checker", StableDiffusionSafetyChecker),
    ):
        config = folder / name / "config.json"
        plain = config.read_text(encoding="utf-8")
        component.from_pretrained(folder / name).half().save_pretrained(
            folder / name, variant="fp16"
        )
        # Saving wrote float16 into it, and transformers 5 loads in the dtype it finds there.
        config.write_text(plain, encoding="utf-8")


def _write_sdxl_with_both_encoders(
    folder: Path, class_name: str, in_channels: int, **parts: Any
) -> None:
    vocabulary = write_clip_tokenizer(folder / "tokenizer")
    clip_text_encoder(vocabulary, SD1_WIDTH).save_pretrained(folder / "text_encoder")
    _write_second_encoder(folder)
    unet = _sdxl_unet(
        in_channels=in_channels,
        down_block_types=["DownBlock2D", *["CrossAttnDownBlock2D"] * 2],
        up_block_types=[*["CrossAttnUpBlock2D"] * 2, "UpBlock2D"],
        block_out_channels=[32] * 3,
        cross_attention_dim=SD1_WIDTH + SDXL_SECOND_WIDTH,
        attention_head_dim=[2, 2, 4],
        transformer_layers_per_block=[1, 1, 2],
        projection_class_embeddings_input_dim=6 * _TIME_WIDTH + SDXL_SECOND_WIDTH,
    )
    _write_sdxl(folder, class_name, unet, force_zeros_for_empty_prompt=True, **parts)


def _write_second_encoder(folder: Path) -> None:
    vocabulary = write_clip_tokenizer(folder / "tokenizer_2", pad="!")
    encoder = clip_text_encoder(
        vocabulary, SDXL_SECOND_WIDTH, activation="gelu", projection=SDXL_SECOND_WIDTH
    )
    encoder.save_pretrained(folder / "text_encoder_2")


def _sdxl_unet(**options: Any) -> Any:
    from diffusers import UNet2DConditionModel

    common: dict[str, Any] = {
        "sample_size": 16,
        "in_channels": 4,
        "out_channels": 4,
        "layers_per_block": 1,
        "norm_num_groups": 8,
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": _TIME_WIDTH,
    }
    return UNet2DConditionModel(**{**common, **options}).eval()


def _write_sdxl(folder: Path, class_name: str, unet: Any, **parts: Any) -> None:
    from diffusers import EulerDiscreteScheduler

    unet.save_pretrained(folder / "unet")
    sd_vae(scaling_factor=0.13025, force_upcast=True).save_pretrained(folder / "vae")
    write_scheduler(
        folder / "scheduler", EulerDiscreteScheduler(timestep_spacing="leading", **SD_NOISE)
    )
    common = {
        **_SD_PARTS,
        "scheduler": [DIFFUSERS, "EulerDiscreteScheduler"],
        "text_encoder_2": [TRANSFORMERS, "CLIPTextModelWithProjection"],
        "tokenizer_2": [TRANSFORMERS, "CLIPTokenizer"],
    }
    write_model_index(folder, class_name, **{**common, **parts})
