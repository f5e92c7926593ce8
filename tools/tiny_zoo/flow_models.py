"""Models of flow matching: Stable Diffusion 3 and Flux."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tools.tiny_zoo.files import DIFFUSERS, TRANSFORMERS, write_model_index
from tools.tiny_zoo.image_models import sd_vae
from tools.tiny_zoo.text_encoders import clip_text_encoder, t5_text_encoder
from tools.tiny_zoo.tokenizers import write_clip_tokenizer, write_t5_tokenizer

_CLIP_WIDTH, _T5_WIDTH = 32, 64


def write_sd3(folder: Path) -> None:
    """Stable Diffusion 3: two CLIP encoders and T5, 16 latent channels."""
    vocabulary = write_clip_tokenizer(folder / "tokenizer")
    write_clip_tokenizer(folder / "tokenizer_2", pad="!")
    for name, activation in (("text_encoder", "quick_gelu"), ("text_encoder_2", "gelu")):
        encoder = clip_text_encoder(
            vocabulary, _CLIP_WIDTH, activation=activation, projection=_CLIP_WIDTH
        )
        encoder.save_pretrained(folder / name)
    _write_t5(folder, "tokenizer_3", "text_encoder_3")
    _sd3_transformer().save_pretrained(folder / "transformer")
    _vae(scaling_factor=1.5305, shift_factor=0.0609).save_pretrained(folder / "vae")
    _write_scheduler(folder, shift=3.0)
    write_model_index(
        folder,
        "StableDiffusion3Pipeline",
        scheduler=[DIFFUSERS, "FlowMatchEulerDiscreteScheduler"],
        text_encoder=[TRANSFORMERS, "CLIPTextModelWithProjection"],
        text_encoder_2=[TRANSFORMERS, "CLIPTextModelWithProjection"],
        text_encoder_3=[TRANSFORMERS, "T5EncoderModel"],
        tokenizer=[TRANSFORMERS, "CLIPTokenizer"],
        tokenizer_2=[TRANSFORMERS, "CLIPTokenizer"],
        tokenizer_3=[TRANSFORMERS, "T5TokenizerFast"],
        transformer=[DIFFUSERS, "SD3Transformer2DModel"],
        vae=[DIFFUSERS, "AutoencoderKL"],
    )


def write_flux_dev(folder: Path) -> None:
    """FLUX.1-dev: guidance as an embedding, a shift that depends on the size."""
    _write_flux(folder, guidance=True, shift=3.0, use_dynamic_shifting=True)


def write_flux_schnell(folder: Path) -> None:
    """FLUX.1-schnell: distilled, no guidance, no shift."""
    _write_flux(folder, guidance=False, shift=1.0, use_dynamic_shifting=False)


def _write_flux(folder: Path, *, guidance: bool, **shift: Any) -> None:
    vocabulary = write_clip_tokenizer(folder / "tokenizer")
    clip_text_encoder(vocabulary, _CLIP_WIDTH).save_pretrained(folder / "text_encoder")
    _write_t5(folder, "tokenizer_2", "text_encoder_2")
    _flux_transformer(guidance).save_pretrained(folder / "transformer")
    _vae(scaling_factor=0.3611, shift_factor=0.1159).save_pretrained(folder / "vae")
    lengths = {"base_image_seq_len": 256, "max_image_seq_len": 4096}
    _write_scheduler(folder, base_shift=0.5, max_shift=1.15, **lengths, **shift)
    write_model_index(
        folder,
        "FluxPipeline",
        scheduler=[DIFFUSERS, "FlowMatchEulerDiscreteScheduler"],
        text_encoder=[TRANSFORMERS, "CLIPTextModel"],
        text_encoder_2=[TRANSFORMERS, "T5EncoderModel"],
        tokenizer=[TRANSFORMERS, "CLIPTokenizer"],
        tokenizer_2=[TRANSFORMERS, "T5TokenizerFast"],
        transformer=[DIFFUSERS, "FluxTransformer2DModel"],
        vae=[DIFFUSERS, "AutoencoderKL"],
    )


def _write_t5(folder: Path, tokenizer: str, encoder: str) -> None:
    vocabulary = write_t5_tokenizer(folder / tokenizer)
    t5_text_encoder(vocabulary, _T5_WIDTH).save_pretrained(folder / encoder)


def _sd3_transformer() -> Any:
    from diffusers import SD3Transformer2DModel

    transformer = SD3Transformer2DModel(
        sample_size=16,
        patch_size=2,
        in_channels=16,
        out_channels=16,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        caption_projection_dim=32,
        joint_attention_dim=_T5_WIDTH,
        pooled_projection_dim=2 * _CLIP_WIDTH,
        pos_embed_max_size=32,
    )
    return transformer.eval()


def _flux_transformer(guidance: bool) -> Any:
    from diffusers import FluxTransformer2DModel

    transformer = FluxTransformer2DModel(
        patch_size=1,
        in_channels=64,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=_T5_WIDTH,
        pooled_projection_dim=_CLIP_WIDTH,
        guidance_embeds=guidance,
        axes_dims_rope=(4, 6, 6),
    )
    return transformer.eval()


def _vae(**factors: Any) -> Any:
    unquantised = {"use_quant_conv": False, "use_post_quant_conv": False}
    return sd_vae(latent_channels=16, force_upcast=True, **unquantised, **factors)


def _write_scheduler(folder: Path, **options: Any) -> None:
    from diffusers import FlowMatchEulerDiscreteScheduler

    FlowMatchEulerDiscreteScheduler(**options).save_pretrained(folder / "scheduler")
