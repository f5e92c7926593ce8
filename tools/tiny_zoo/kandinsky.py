"""Kandinsky 2.2: the prior, the decoder and the inpainting decoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tools.tiny_zoo.files import (
    DIFFUSERS,
    PREPROCESSOR,
    TRANSFORMERS,
    write_json,
    write_model_index,
)
from tools.tiny_zoo.image_models import with_visible_output
from tools.tiny_zoo.text_encoders import clip_image_encoder, clip_text_encoder
from tools.tiny_zoo.tokenizers import write_clip_tokenizer

_WIDTH = 64  # stands in for the 1280 of CLIP ViT-bigG, for texts and for images
PRIOR = "kandinsky-2-2-prior"


def write_prior(folder: Path) -> None:
    """The prior: a text embedding becomes an image embedding."""
    vocabulary = write_clip_tokenizer(folder / "tokenizer")
    encoder = clip_text_encoder(vocabulary, _WIDTH, activation="gelu", projection=_WIDTH)
    encoder.save_pretrained(folder / "text_encoder")
    clip_image_encoder(32, _WIDTH).save_pretrained(folder / "image_encoder")
    _prior_transformer().save_pretrained(folder / "prior")
    _prior_scheduler().save_pretrained(folder / "scheduler")
    processor = {**PREPROCESSOR, "feature_extractor_type": "CLIPImageProcessor"}
    write_json(folder / "image_processor" / "preprocessor_config.json", processor)
    write_model_index(
        folder,
        "KandinskyV22PriorPipeline",
        image_encoder=[TRANSFORMERS, "CLIPVisionModelWithProjection"],
        image_processor=[TRANSFORMERS, "CLIPImageProcessor"],
        prior=[DIFFUSERS, "PriorTransformer"],
        scheduler=[DIFFUSERS, "UnCLIPScheduler"],
        text_encoder=[TRANSFORMERS, "CLIPTextModelWithProjection"],
        tokenizer=[TRANSFORMERS, "CLIPTokenizer"],
    )


def write_decoder(folder: Path) -> None:
    """The decoder: an image embedding becomes a picture."""
    _write_decoder(folder, "KandinskyV22Pipeline", 4)


def write_decoder_inpaint(folder: Path) -> None:
    """The 9-channel decoder."""
    _write_decoder(folder, "KandinskyV22InpaintPipeline", 9)


def _prior_transformer() -> Any:
    import torch
    from diffusers import PriorTransformer

    prior = PriorTransformer(
        num_attention_heads=4,
        attention_head_dim=16,
        num_layers=2,
        embedding_dim=_WIDTH,
        num_embeddings=77,
        additional_embeddings=4,
    )
    with torch.no_grad():
        prior.clip_std.fill_(1.0)  # with 0 every embedding would be the same
    return prior.eval()


def _prior_scheduler() -> Any:
    from diffusers import UnCLIPScheduler

    return UnCLIPScheduler(
        variance_type="fixed_small_log",
        prediction_type="sample",
        num_train_timesteps=1000,
        clip_sample=True,
        clip_sample_range=5.0,
    )


def _write_decoder(folder: Path, class_name: str, in_channels: int) -> None:
    _unet(in_channels).save_pretrained(folder / "unet")
    _movq().save_pretrained(folder / "movq")
    _scheduler().save_pretrained(folder / "scheduler")
    write_model_index(
        folder,
        class_name,
        movq=[DIFFUSERS, "VQModel"],
        scheduler=[DIFFUSERS, "DDPMScheduler"],
        unet=[DIFFUSERS, "UNet2DConditionModel"],
    )
    write_readme(folder, str((folder.parent / PRIOR).resolve()))


def write_readme(folder: Path, prior: str) -> None:
    """The README whose front matter is how the combined pipelines find the prior."""
    text = (
        f"---\nlicense: apache-2.0\nprior:\n- {prior}\ntags:\n- text-to-image\n- kandinsky\n"
        "inference: false\n---\n\n# tiny random Kandinsky 2.2\n"
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _unet(in_channels: int) -> Any:
    from diffusers import UNet2DConditionModel

    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=in_channels,
        out_channels=8,  # the noise and its learned variance
        addition_embed_type="image",
        addition_embed_type_num_heads=4,
        attention_head_dim=16,
        block_out_channels=[32] * 4,
        cross_attention_dim=32,
        encoder_hid_dim=_WIDTH,
        encoder_hid_dim_type="image_proj",
        layers_per_block=1,
        norm_num_groups=8,
        down_block_types=["ResnetDownsampleBlock2D"] + ["SimpleCrossAttnDownBlock2D"] * 3,
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=["SimpleCrossAttnUpBlock2D"] * 3 + ["ResnetUpsampleBlock2D"],
        resnet_time_scale_shift="scale_shift",
    )
    return unet.eval()


def _movq() -> Any:
    """The same one for both decoders, as on the hub, whatever was drawn before."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(22)
        return with_visible_output(_random_movq().eval())


def _random_movq() -> Any:
    from diffusers import VQModel

    return VQModel(
        in_channels=3,
        out_channels=3,
        block_out_channels=[32] * 4,
        layers_per_block=1,
        down_block_types=["DownEncoderBlock2D"] * 3 + ["AttnDownEncoderBlock2D"],
        up_block_types=["AttnUpDecoderBlock2D"] + ["UpDecoderBlock2D"] * 3,
        latent_channels=4,
        norm_num_groups=32,
        num_vq_embeddings=64,
        vq_embed_dim=4,
        norm_type="spatial",
    )


def _scheduler() -> Any:
    from diffusers import DDPMScheduler

    return DDPMScheduler(
        beta_schedule="linear",
        beta_start=0.00085,
        beta_end=0.012,
        clip_sample=True,
        clip_sample_range=2.0,
        num_train_timesteps=1000,
        prediction_type="epsilon",
        variance_type="learned_range",
        steps_offset=1,
    )
