"""Weights under the names that CompVis gave them (LDM): one file for a whole model.

The inverse of what diffusers' single-file loaders do, written after the layer names of CompVis'
and Stability's own programs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNET, VAE = "model.diffusion_model.", "first_stage_model."
"""What stands before the names of the U-Net and the VAE."""

# diffusers' name of a layer inside a resnet -> LDM's, in the U-Net.
_UNET_RESNET = {
    "norm1.": "in_layers.0.",
    "conv1.": "in_layers.2.",
    "norm2.": "out_layers.0.",
    "conv2.": "out_layers.3.",
    "time_emb_proj.": "emb_layers.1.",
    "conv_shortcut.": "skip_connection.",
}
_UNET_ENDS = {
    "conv_in.": "input_blocks.0.0.",
    "time_embedding.linear_1.": "time_embed.0.",
    "time_embedding.linear_2.": "time_embed.2.",
    "conv_norm_out.": "out.0.",
    "conv_out.": "out.2.",
    "add_embedding.linear_1.": "label_emb.0.0.",
    "add_embedding.linear_2.": "label_emb.0.2.",
    "mid_block.attentions.0.": "middle_block.1.",
    "mid_block.resnets.0.": "middle_block.0.",
    "mid_block.resnets.1.": "middle_block.2.",
}
_VAE_ATTENTION = {
    "group_norm.": "norm.",
    "to_q.": "q.",
    "to_k.": "k.",
    "to_v.": "v.",
    "to_out.0.": "proj_out.",
}
# The same for OpenCLIP's text encoders.
_OPEN_CLIP = {
    "embeddings.position_embedding.weight": "positional_embedding",
    "embeddings.token_embedding.": "token_embedding.",
    "encoder.layers.": "transformer.resblocks.",
    "final_layer_norm.": "ln_final.",
    "layer_norm1.": "ln_1.",
    "layer_norm2.": "ln_2.",
    "mlp.fc1.": "mlp.c_fc.",
    "mlp.fc2.": "mlp.c_proj.",
    "self_attn.": "attn.",
}


def unet_weights(weights: Mapping[str, Any], config: Any) -> dict[str, Any]:
    """A U-Net's tensors under LDM's names."""
    prefixes = _unet_prefixes(config)
    return {f"{UNET}{_unet_key(key, prefixes)}": value for key, value in weights.items()}


def vae_weights(weights: Mapping[str, Any], levels: int) -> dict[str, Any]:
    """The tensors of a VAE with that many levels under LDM's names."""
    converted = {}
    for key, value in weights.items():
        # Attention is a 1 × 1 convolution in LDM.
        attends = "mid_block.attentions.0." in key and value.ndim == 2
        new = value[:, :, None, None] if attends else value
        converted[f"{VAE}{_vae_key(key, levels)}"] = new.contiguous()
    return converted


def clip_weights(weights: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The tensors of OpenAI's text encoder, which keep the names that transformers gave them."""
    named = {key.removeprefix("text_model."): value for key, value in weights.items()}
    return {f"{prefix}text_model.{key}": value for key, value in named.items()}


def open_clip_weights(weights: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The tensors of one of OpenCLIP's text encoders: queries, keys and values in one matrix."""
    import torch

    named = {_open_clip_key(key): value for key, value in weights.items()}
    found = {}
    for key, value in named.items():
        if ".attn.q_proj." in key:
            three = [named[key.replace(".q_proj.", f".{letter}_proj.")] for letter in "qkv"]
            found[key.replace(".q_proj.", ".in_proj_")] = torch.cat(three)
        elif ".attn.k_proj." not in key and ".attn.v_proj." not in key:
            is_turned = key == "text_projection.weight"
            name = "text_projection" if is_turned else key
            found[name] = value.T.contiguous() if is_turned else value
    return {f"{prefix}{key}": value for key, value in found.items()}


def _open_clip_key(key: str) -> str:
    return _renamed(key.removeprefix("text_model."), _OPEN_CLIP)


def _unet_prefixes(config: Any) -> dict[str, str]:
    """LDM's prefix for each of diffusers'; LDM numbers the blocks of one direction in one row."""
    layers, levels = config["layers_per_block"], len(config["block_out_channels"])
    prefixes = dict(_UNET_ENDS)
    for level in range(levels):
        first_in, first_out = (layers + 1) * level + 1, (layers + 1) * level
        attends = config["up_block_types"][level].startswith("CrossAttn")
        for layer in range(layers + 1):
            block, down = f"blocks.{level}", f"input_blocks.{first_in + layer}."
            up = f"output_blocks.{first_out + layer}."
            prefixes[f"down_{block}.resnets.{layer}."] = f"{down}0."
            prefixes[f"down_{block}.attentions.{layer}."] = f"{down}1."
            prefixes[f"up_{block}.resnets.{layer}."] = f"{up}0."
            prefixes[f"up_{block}.attentions.{layer}."] = f"{up}1."
        prefixes[f"down_blocks.{level}.downsamplers.0.conv."] = (
            f"input_blocks.{first_in + layers}.0.op."
        )
        prefixes[f"up_blocks.{level}.upsamplers.0."] = (
            f"output_blocks.{first_out + layers}.{1 + attends}."
        )
    return prefixes


def _unet_key(key: str, prefixes: Mapping[str, str]) -> str:
    prefix = max(filter(key.startswith, prefixes), key=len)
    rest = key.removeprefix(prefix)
    if ".resnets." in key:
        rest = _renamed(rest, _UNET_RESNET)
    return prefixes[prefix] + rest


def _vae_key(key: str, levels: int) -> str:
    key = _renamed(key, {"conv_norm_out": "norm_out", "conv_shortcut": "nin_shortcut"})
    key = _renamed(key, {f"mid_block.resnets.{n}.": f"mid.block_{n + 1}." for n in (0, 1)})
    for level in range(levels):
        down, up = f"down_blocks.{level}.", f"up_blocks.{level}."
        key = _renamed(key, {down: f"down.{level}.", up: f"up.{levels - 1 - level}."})
    key = _renamed(key, {"samplers.0.": "sample.", ".resnets.": ".block."})
    if "mid_block.attentions.0." in key:
        key = _renamed(key.replace("mid_block.attentions.0.", "mid.attn_1."), _VAE_ATTENTION)
    return key


def _renamed(text: str, names: Mapping[str, str]) -> str:
    for old, new in names.items():
        text = text.replace(old, new)
    return text
