"""The zoo's SD 1.5 as one file in the layout of CompVis (LDM), as civitai has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_NAME = "tiny-sd15"
_YAML = Path(__file__).with_name("v1-inference-tiny.yaml")

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


def write_single_file(folder: Path) -> None:
    """The same weights in half precision as .safetensors, as .ckpt, and LDM's configuration."""
    import torch
    from safetensors.torch import save_file

    weights = {k: v.half().contiguous() for k, v in _ldm_weights(folder.parent / "sd15").items()}
    metadata = {"modelspec.title": "tiny sd15"}
    save_file(weights, folder / f"{_NAME}.safetensors", metadata=metadata)
    torch.save({"state_dict": weights, "global_step": 1}, folder / f"{_NAME}.ckpt")
    (folder / _YAML.name).write_bytes(_YAML.read_bytes())


def _ldm_weights(pipeline: Path) -> dict[str, Any]:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from safetensors.torch import load_file

    unet = UNet2DConditionModel.from_pretrained(pipeline / "unet")
    vae = AutoencoderKL.from_pretrained(pipeline / "vae")
    text = load_file(pipeline / "text_encoder" / "model.safetensors")
    return {
        **_unet_weights(unet.state_dict(), unet.config),
        **_vae_weights(vae.state_dict(), len(vae.config.block_out_channels)),
        **{f"cond_stage_model.transformer.{key}": value for key, value in text.items()},
    }


def _unet_weights(weights: Mapping[str, Any], config: Any) -> dict[str, Any]:
    prefixes = _unet_prefixes(config)
    return {
        f"model.diffusion_model.{_unet_key(key, prefixes)}": value for key, value in weights.items()
    }


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


def _vae_weights(weights: Mapping[str, Any], levels: int) -> dict[str, Any]:
    converted = {}
    for key, value in weights.items():
        # Attention is a 1 × 1 convolution in LDM.
        attends = "mid_block.attentions.0." in key and value.ndim == 2
        new = value[:, :, None, None] if attends else value
        converted[f"first_stage_model.{_vae_key(key, levels)}"] = new.contiguous()
    return converted


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
