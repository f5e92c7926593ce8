"""The networks: Stable Diffusion's layout in a size that two CPU cores can train."""

from __future__ import annotations

from typing import Any

LATENT_SIDE = 32
"""Latents are [4, 32, 32] for a picture of 256 px."""

LONGEST_CAPTION = 77
TEXT_WIDTH = 192

GUIDANCE = 4.0
"""The scale that `evaluate` measures with, and that the application begins with. More burns."""

BETA_FIRST, BETA_LAST, NOISE_STEPS = 1e-4, 0.02, 1000
"""The linear schedule of DDPM (Ho et al. 2020); its last alpha-bar is 4e-5, so pure noise."""


def text_encoder(tokenizer: Any) -> Any:
    """Make the `CLIPTextModel`: token ids [B, 77] to last hidden states [B, 77, 192]."""
    from transformers import CLIPTextConfig, CLIPTextModel

    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=TEXT_WIDTH,
        intermediate_size=4 * TEXT_WIDTH,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=LONGEST_CAPTION,
        projection_dim=TEXT_WIDTH,
        hidden_act="quick_gelu",
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def unet() -> Any:
    """Make the U-Net: v of [B, 4, 32, 32] from noisy latents, time steps and text states.

    Text is looked at where the picture has 8×8 and 4×4 places; above that, attention costs more
    time than it gives. It also goes in a second way: pooled, and added to the embedding of the time
    step, which scales and shifts every block. By attention alone the nouns stayed alike for 52,000
    samples; with both they had their own colours and outlines 10,000 samples later.
    """
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=LATENT_SIDE,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=(32, 64, 128, 192),
        down_block_types=(*("DownBlock2D",) * 2, *("CrossAttnDownBlock2D",) * 2),
        up_block_types=(*("CrossAttnUpBlock2D",) * 2, *("UpBlock2D",) * 2),
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,  # diffusers' name for the number of heads
        time_embedding_dim=256,
        resnet_time_scale_shift="scale_shift",
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
        norm_num_groups=4,  # two channels a group, as 16 would be, take the colour of a ground away
    )


def autoencoder() -> Any:
    """Make the `AutoencoderKL`: RGB [B, 3, H, W] in −1..1 to latents [B, 4, H/8, W/8] and back."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(16, 32, 96, 160),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=256,
        mid_block_add_attention=False,
    )


def alpha_bars() -> Any:
    """Give the share of the picture's variance left at each of the 1000 steps, float32 [1000]."""
    import torch

    return torch.cumprod(1 - torch.linspace(BETA_FIRST, BETA_LAST, NOISE_STEPS), 0)


def scheduler() -> Any:
    """Make the scheduler that the exported model names; others come from its configuration."""
    from diffusers import DDIMScheduler

    return DDIMScheduler(
        num_train_timesteps=NOISE_STEPS,
        beta_start=BETA_FIRST,
        beta_end=BETA_LAST,
        beta_schedule="linear",
        prediction_type="v_prediction",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        timestep_spacing="trailing",
    )
