"""VAEs, U-Nets and the safety checker, with the widths of a toy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Schedule of Stable Diffusion; both are keyword arguments of its schedulers.
SD_NOISE: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "steps_offset": 1,
}
SD_UNCLIPPED: dict[str, Any] = {"clip_sample": False, "set_alpha_to_one": False}

_DECODED_SPREAD = 0.55


def sd_vae(
    sample_size: int = 64,
    scaling_factor: float = 0.18215,
    latent_channels: int = 4,
    **options: Any,
) -> Any:
    """A VAE of four levels, which makes one latent of 8 × 8 pixels."""
    from diffusers import AutoencoderKL

    vae = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        block_out_channels=[32] * 4,
        layers_per_block=1,
        act_fn="silu",
        latent_channels=latent_channels,
        norm_num_groups=32,
        sample_size=sample_size,
        scaling_factor=scaling_factor,
        **options,
    )
    return with_visible_output(vae.eval())


def with_visible_output(vae: Any) -> Any:
    """Scale the last convolution, in place, so that decoded noise is a picture and not grey."""
    import torch

    generator = torch.Generator().manual_seed(1)
    latents = torch.randn(1, vae.config.latent_channels, 8, 8, generator=generator)
    with torch.no_grad():
        spread = float(_decoded(vae, latents).std())
        last = getattr(vae.decoder, "conv_out", None) or vae.decoder.layers[-1]
        # Rounded, so that the last bit does not depend on how many threads computed it.
        last.weight.mul_(round(_DECODED_SPREAD / spread, 3))
        if last.bias is not None:
            last.bias.zero_()
    return vae


def _decoded(vae: Any, latents: Any) -> Any:
    if type(vae).__name__ == "VQModel":
        return vae.decode(latents, force_not_quantize=True).sample
    return vae.decode(latents / getattr(vae.config, "scaling_factor", 1.0)).sample


def sd_unet(
    cross_attention: int,
    in_channels: int = 4,
    levels: int = 4,
    head_dim: int | Sequence[int] = 8,
    **options: Any,
) -> Any:
    """The U-Net of Stable Diffusion 1 and 2: attention on all levels but the lowest.

    Args:
        cross_attention: Width of the text embeddings.
        in_channels: 4, or 9 for inpainting models.
        levels: Number of resolutions.
        head_dim: Attention heads, which diffusers calls attention_head_dim.
        options: Further arguments of UNet2DConditionModel.
    """
    from diffusers import UNet2DConditionModel

    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=in_channels,
        out_channels=4,
        layers_per_block=1,
        down_block_types=["CrossAttnDownBlock2D"] * (levels - 1) + ["DownBlock2D"],
        up_block_types=["UpBlock2D"] + ["CrossAttnUpBlock2D"] * (levels - 1),
        block_out_channels=[32] * levels,
        cross_attention_dim=cross_attention,
        attention_head_dim=head_dim,
        act_fn="silu",
        norm_num_groups=8,  # so that a map of 1 × 1 still has a variance in each group
        **options,
    )
    return unet.eval()


def write_safety_checker(folder: Path, *, fires: bool) -> None:
    """A safety checker that calls every picture unsafe, or none.

    It compares cosines with a threshold: 1 is never exceeded, -2 always.
    """
    import torch

    checker = _safety_checker()
    with torch.no_grad():
        checker.concept_embeds.normal_()
        checker.special_care_embeds.normal_()
        checker.concept_embeds_weights.fill_(-2.0 if fires else 1.0)
        checker.special_care_embeds_weights.fill_(1.0)
    checker.save_pretrained(folder)


def _safety_checker() -> Any:
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPConfig

    narrow = {"hidden_size": 32, "num_hidden_layers": 1}
    text = {"intermediate_size": 32, "num_attention_heads": 2, "vocab_size": 64}
    vision = {"intermediate_size": 64, "num_attention_heads": 4, "patch_size": 32}
    config = CLIPConfig(
        text_config={**narrow, **text, "max_position_embeddings": 77},
        vision_config={**narrow, **vision, "image_size": 224},
        projection_dim=32,
    )
    return StableDiffusionSafetyChecker(config).eval()
