"""Configurations of the models that people have as single files, in diffusers' layout.

The numbers are those of the authors' own repositories on the Hugging Face hub: the architectures
of Rombach et al. (2022) and Podell et al. (2023), and CLIP's text encoders as OpenAI and LAION
trained them. tests/tools/test_single_files.py counts the weights they make.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tools.tiny_zoo.tokenizers import clip_settings

Config = dict[str, Any]

_NOTHING = [None, None]
_END, _SECOND_PAD = "<|endoftext|>", "!"

_NOISE: Config = {
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
}
_PNDM: Config = {"_class_name": "PNDMScheduler", **_NOISE}
_V = {"prediction_type": "v_prediction"}
_DDIM: Config = {"_class_name": "DDIMScheduler", **_NOISE, **_V}
_EULER: Config = {
    "_class_name": "EulerDiscreteScheduler",
    **_NOISE,
    "interpolation_type": "linear",
    "sample_max_value": 1.0,
    "timestep_spacing": "leading",
    "use_karras_sigmas": False,
}
# Trained to the last bit of noise, as Lin et al. (2024) propose.
_EULER_V = _EULER | _V | {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}

_ATTENDS, _PLAIN = "CrossAttnDownBlock2D", "DownBlock2D"
_UP = {_ATTENDS: "CrossAttnUpBlock2D", _PLAIN: "UpBlock2D"}


def _unet(down: list[str], **values: Any) -> Config:
    return {
        "_class_name": "UNet2DConditionModel",
        "act_fn": "silu",
        "center_input_sample": False,
        "down_block_types": down,
        "downsample_padding": 1,
        "flip_sin_to_cos": True,
        "freq_shift": 0,
        "in_channels": 4,
        "layers_per_block": 2,
        "mid_block_scale_factor": 1,
        "norm_eps": 1e-05,
        "norm_num_groups": 32,
        "out_channels": 4,
        "up_block_types": [_UP[block] for block in reversed(down)],
        **values,
    }


_SD1_UNET = _unet(
    [_ATTENDS, _ATTENDS, _ATTENDS, _PLAIN],
    attention_head_dim=8,
    block_out_channels=[320, 640, 1280, 1280],
    cross_attention_dim=768,
    sample_size=64,
)
_SD2_UNET = _SD1_UNET | {
    "attention_head_dim": [5, 10, 20, 20],
    "cross_attention_dim": 1024,
    "upcast_attention": True,
    "use_linear_projection": True,
}
_SDXL_UNET = _unet(
    [_PLAIN, _ATTENDS, _ATTENDS],
    addition_embed_type="text_time",
    addition_time_embed_dim=256,
    attention_head_dim=[5, 10, 20],
    block_out_channels=[320, 640, 1280],
    cross_attention_dim=2048,
    projection_class_embeddings_input_dim=2816,
    sample_size=128,
    transformer_layers_per_block=[1, 2, 10],
    use_linear_projection=True,
)
_REFINER_UNET = _unet(
    [_PLAIN, _ATTENDS, _ATTENDS, _PLAIN],
    addition_embed_type="text_time",
    addition_time_embed_dim=256,
    attention_head_dim=[6, 12, 24, 24],
    block_out_channels=[384, 768, 1536, 1536],
    cross_attention_dim=1280,
    projection_class_embeddings_input_dim=2560,
    sample_size=128,
    transformer_layers_per_block=4,
    use_linear_projection=True,
)
_NINE = {"in_channels": 9}
_LARGE = {"sample_size": 96}


def _vae(sample_size: int, **values: Any) -> Config:
    return {
        "_class_name": "AutoencoderKL",
        "act_fn": "silu",
        "block_out_channels": [128, 256, 512, 512],
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "in_channels": 3,
        "latent_channels": 4,
        "layers_per_block": 2,
        "norm_num_groups": 32,
        "out_channels": 3,
        "sample_size": sample_size,
        "scaling_factor": 0.18215,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
        **values,
    }


_XL_VAE = _vae(1024, force_upcast=True, scaling_factor=0.13025)


def _encoder(name: str, hidden: int, layers: int, act: str, projection: int) -> Config:
    return {
        "architectures": [name],
        "bos_token_id": 0,
        "eos_token_id": 2,
        "hidden_act": act,
        "hidden_size": hidden,
        "intermediate_size": 4 * hidden,
        "layer_norm_eps": 1e-05,
        "max_position_embeddings": 77,
        "model_type": "clip_text_model",
        "num_attention_heads": hidden // 64,
        "num_hidden_layers": layers,
        "pad_token_id": 1,
        "projection_dim": projection,
        "vocab_size": 49408,
    }


_VIT_L = _encoder("CLIPTextModel", 768, 12, "quick_gelu", 768)
# The hidden state before the last is what the U-Net was taught with: the last layer is left out.
_VIT_H = _encoder("CLIPTextModel", 1024, 23, "gelu", 512)
_VIT_BIG_G = _encoder("CLIPTextModelWithProjection", 1280, 32, "gelu", 1280)


def _sd1(class_name: str, scheduler: Config, unet: Config) -> dict[str, Config]:
    return _sd(class_name, scheduler, unet, _vae(512), _VIT_L, _END)


def _sd2(class_name: str, scheduler: Config, unet: Config) -> dict[str, Config]:
    return _sd(class_name, scheduler, unet, _vae(768), _VIT_H, _SECOND_PAD)


def _sd(
    class_name: str, scheduler: Config, unet: Config, vae: Config, text: Config, pad: str
) -> dict[str, Config]:
    parts = {
        "scheduler": scheduler,
        "text_encoder": text,
        "tokenizer": clip_settings(pad),
        "unet": unet,
        "vae": vae,
    }
    without = {"feature_extractor": _NOTHING, "safety_checker": _NOTHING}
    return _with_index(class_name, parts, **without, requires_safety_checker=False)


def _sdxl(class_name: str, scheduler: Config, unet: Config, **values: Any) -> dict[str, Config]:
    first = {"text_encoder": _VIT_L, "tokenizer": clip_settings(_END)}
    values = {"force_zeros_for_empty_prompt": True, **values}
    return _with_index(class_name, first | _xl_parts(scheduler, unet), **values)


def _refiner() -> dict[str, Config]:
    values = {"text_encoder": _NOTHING, "tokenizer": _NOTHING, "requires_aesthetics_score": True}
    name, parts = "StableDiffusionXLImg2ImgPipeline", _xl_parts(_EULER, _REFINER_UNET)
    return _with_index(name, parts, **values, force_zeros_for_empty_prompt=False)


def _xl_parts(scheduler: Config, unet: Config) -> dict[str, Config]:
    return {
        "scheduler": scheduler,
        "text_encoder_2": _VIT_BIG_G,
        "tokenizer_2": clip_settings(_SECOND_PAD),
        "unet": unet,
        "vae": _XL_VAE,
    }


def _with_index(class_name: str, parts: dict[str, Config], **values: Any) -> dict[str, Config]:
    named = {name: [_library(part), _class_of(part)] for name, part in parts.items()}
    return {"": {"_class_name": class_name, **dict(sorted({**named, **values}.items()))}, **parts}


def _library(part: Config) -> str:
    return "diffusers" if "_class_name" in part else "transformers"


def _class_of(part: Config) -> str:
    if "tokenizer_class" in part:
        return str(part["tokenizer_class"])
    return str(part["_class_name"] if "_class_name" in part else part["architectures"][0])


_SD, _XL = "StableDiffusion", "StableDiffusionXL"
# Folder -> component -> configuration; "" is model_index.json.
CONFIGS: Mapping[str, Mapping[str, Config]] = MappingProxyType(
    {
        "sd1": _sd1(f"{_SD}Pipeline", _PNDM, _SD1_UNET),
        "sd1-v": _sd1(f"{_SD}Pipeline", _DDIM, _SD1_UNET),
        "sd1-inpaint": _sd1(f"{_SD}InpaintPipeline", _PNDM, _SD1_UNET | _NINE),
        "sd2": _sd2(f"{_SD}Pipeline", _PNDM, _SD2_UNET),
        "sd2-v": _sd2(f"{_SD}Pipeline", _DDIM, _SD2_UNET | _LARGE),
        "sd2-inpaint": _sd2(f"{_SD}InpaintPipeline", _PNDM, _SD2_UNET | _NINE),
        "sdxl": _sdxl(f"{_XL}Pipeline", _EULER, _SDXL_UNET),
        "sdxl-v": _sdxl(f"{_XL}Pipeline", _EULER_V, _SDXL_UNET),
        "sdxl-inpaint": _sdxl(
            f"{_XL}InpaintPipeline", _EULER, _SDXL_UNET | _NINE, requires_aesthetics_score=False
        ),
        "sdxl-refiner": _refiner(),
    }
)
_FILES = {
    "": "model_index.json",
    "scheduler": "scheduler_config.json",
    "tokenizer": "tokenizer_config.json",
}


def write_configs(folder: Path) -> None:
    """Write a folder for each row of `CONFIGS` into `folder`."""
    for name, parts in CONFIGS.items():
        for part, config in parts.items():
            file = _FILES.get(
                part.removesuffix("_2"), "config.json" if part else "model_index.json"
            )
            place = folder / name / part
            place.mkdir(parents=True, exist_ok=True)
            text = json.dumps(config, indent=2)
            (place / file).write_text(f"{text}\n", encoding="utf-8")
