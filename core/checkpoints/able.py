"""A model's configuration files read as what it can do, before a weight is loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.abilities import ModelAbilities
from core.checkpoints.families import Family
from core.errors import BrokenCheckpoint
from core.geometry import Size
from core.request import MAX_GUIDANCE
from core.schedulers import names_for

Configs = Mapping[str, dict[str, Any]]
_MAX_SIDE = 2048
_MOST_CLIP_SKIP = 12


def abilities_of(path: Path, family: Family, configs: Configs, text: Configs) -> ModelAbilities:
    """What a request may ask of the model in that folder.

    Args:
        path: The folder, for messages.
        family: Its row.
        configs: Its components' configurations, by name.
        text: The same of the folder with the text encoder, which may be the prior's.

    Raises:
        BrokenCheckpoint: a value is impossible.
    """
    denoiser = configs[family.denoiser]
    factor = _vae_factor(path / family.vae, configs[family.vae])
    channels = _channels(path, family, denoiser)
    multiple = math.lcm(family.size_multiple, factor)
    return ModelAbilities(
        family=family.name,
        kinds=family.kinds[channels],
        size_multiple=multiple,
        native_size=_native_size(path, family, denoiser, factor).rounded_to(multiple),
        max_size=_max_side(path, family, denoiser, factor),
        schedulers=names_for(family.name),
        prompt_tokens=_prompt_tokens(path, family, text),
        reads_weights=family.reads_weights,
        # With its guidance embedded (distilled models) a U-Net runs no negative half.
        uses_negative_prompt=family.uses_negative_prompt
        and denoiser.get("time_cond_proj_dim") is None,
        uses_guidance_scale=family.uses_guidance_scale,
        strength_kinds=family.strength_kinds,
        num_inference_steps=family.num_inference_steps,
        guidance_scale=family.guidance_scale,
        # With 9 channels the model was trained on masks of black and white.
        soft_masks=family.soft_masks and channels == 4,
        addons=family.addons,
        architecture=family.architecture,
        text_width=_text_width(denoiser),
        latent_channels=_latent_channels(configs[family.vae]),
        control_kinds=family.control_kinds,
        most_clip_skip=_most_clip_skip(family, text),
        freeu=family.freeu,
        pag_scale=_pag_scale(family, denoiser),
        refined_by=family.refined_by if channels == 4 else "",
        draws_together=family.draws_together,
    )


def advised(abilities: ModelAbilities, index: Mapping[str, Any]) -> ModelAbilities:
    """With the guidance scale that the maker of this very model advises, if any.

    Args:
        abilities: What its family gives.
        index: Its model_index.json, in which diffusers passes over names that begin with "_".
    """
    scale = index.get("_guidance_scale")
    if not isinstance(scale, int | float) or isinstance(scale, bool):
        return abilities
    if not abilities.uses_guidance_scale or not 0 <= scale <= MAX_GUIDANCE:
        return abilities
    return replace(abilities, guidance_scale=float(scale))


def _channels(path: Path, family: Family, denoiser: Mapping[str, Any]) -> int:
    channels = denoiser.get("in_channels", 4)
    if not _is_count(channels, 1024) or channels not in family.kinds:
        what = "U-Net" if family.denoiser == "unet" else family.denoiser
        raise BrokenCheckpoint(
            f"{path} has a {what} with {channels} input channels; Sfumato knows those with "
            f"{' and '.join(map(str, family.kinds))}."
        )
    return int(channels)


def _vae_factor(folder: Path, vae: Mapping[str, Any]) -> int:
    """How many pixels one latent is wide: each level but the last halves the picture."""
    levels = vae.get("block_out_channels")
    if not isinstance(levels, list) or not 1 <= len(levels) <= 8:
        raise _odd_value(folder, "block_out_channels", levels)
    return int(2 ** (len(levels) - 1))


def _native_size(path: Path, family: Family, denoiser: Mapping[str, Any], factor: int) -> Size:
    sample = denoiser.get("sample_size")
    if sample is None:
        return Size(family.native_side, family.native_side)
    height, width = sample if isinstance(sample, list) and len(sample) == 2 else (sample, sample)
    if not all(_is_count(side, _MAX_SIDE // factor) for side in (height, width)):
        raise _odd_value(path / family.denoiser, "sample_size", sample)
    return Size(width * factor, height * factor)


def _max_side(path: Path, family: Family, denoiser: Mapping[str, Any], factor: int) -> int:
    """Pixels; a transformer with a table of positions takes no more patches than that has."""
    places = denoiser.get("pos_embed_max_size")
    if places is None:
        return _MAX_SIDE
    patch = denoiser.get("patch_size", 2)
    if not _is_count(places, 100_000) or not _is_count(patch, 1024):
        raise _odd_value(path / family.denoiser, "pos_embed_max_size", places)
    return int(min(_MAX_SIDE, places * patch * factor))


def _prompt_tokens(path: Path, family: Family, text: Configs) -> int:
    """Tokens of a prompt that are read; two places go to the start and end marks of CLIP."""
    if family.t5 is not None and family.t5[1] in text:
        return family.t5_tokens - 1
    tokenizer, encoder = family.text
    places = text[encoder].get("max_position_embeddings", 77)
    if not _is_count(places, 100_000) or places < 3:
        raise _odd_value(path / encoder, "max_position_embeddings", places)
    limit = text[tokenizer].get("model_max_length")
    return int(min(places, limit) if _is_count(limit, 100_000) else places) - 2


def _text_width(denoiser: Mapping[str, Any]) -> int | None:
    """Numbers for each token that a U-Net's cross-attention reads, or a transformer works with."""
    heads: Any = denoiser.get("num_attention_heads")
    size: Any = denoiser.get("attention_head_dim")
    if "joint_attention_dim" in denoiser and _is_count(heads, 1000) and _is_count(size, 10_000):
        return int(heads) * int(size)
    width: Any = denoiser.get("cross_attention_dim")
    first: Any = width[0] if isinstance(width, list) and width else width
    return int(first) if _is_count(first, 100_000) else None


def _latent_channels(vae: Mapping[str, Any]) -> int | None:
    channels: Any = vae.get("latent_channels")
    return int(channels) if _is_count(channels, 1024) else None


def _most_clip_skip(family: Family, text: Configs) -> int:
    """At least one layer has to be left of each text encoder."""
    if not family.takes_clip_skip:
        return 1
    encoders = [config for name, config in text.items() if name.startswith("text_encoder")]
    layers = [config.get("num_hidden_layers", _MOST_CLIP_SKIP) for config in encoders]
    return max(1, min([_MOST_CLIP_SKIP, *(n for n in layers if _is_count(n, 1000))]))


def _pag_scale(family: Family, denoiser: Mapping[str, Any]) -> float:
    """A U-Net is perturbed in its middle, which a few have without attention."""
    middle = denoiser.get("mid_block_type", "UNetMidBlock2DCrossAttn")
    has_attention = family.denoiser != "unet" or middle == "UNetMidBlock2DCrossAttn"
    return family.pag_scale if has_attention else 0.0


def _is_count(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _odd_value(folder: Path, key: str, value: object) -> BrokenCheckpoint:
    return BrokenCheckpoint(
        f"{folder / 'config.json'} is damaged: {key} is {value!r}. Download the model again."
    )
