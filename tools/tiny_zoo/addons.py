"""What is put on top of Stable Diffusion 1.5: ControlNet, IP-Adapter, LoRA, inversions, TAESD."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools.tiny_zoo.files import sort_metadata
from tools.tiny_zoo.image_models import with_visible_output
from tools.tiny_zoo.stable_diffusion import SD1_WIDTH, SDXL_SECOND_WIDTH
from tools.tiny_zoo.text_encoders import clip_image_encoder

_IMAGE_WIDTH = 48
_IMAGE_HIDDEN = 32
_HEAD = 64  # diffusers counts the heads of a "plus" file by this
_IMAGE_TOKENS = 4
_LORA_RANK = 4


def write_taesd(folder: Path) -> None:
    """The tiny autoencoder for Stable Diffusion's latents."""
    from diffusers import AutoencoderTiny

    narrow = (16,) * 4
    vae = AutoencoderTiny(
        encoder_block_out_channels=narrow,
        decoder_block_out_channels=narrow,
        num_encoder_blocks=(1,) * 4,
        num_decoder_blocks=(1,) * 4,
        latent_channels=4,
    )
    with_visible_output(vae.eval()).save_pretrained(folder)


def write_controlnet(folder: Path) -> None:
    """A ControlNet whose last convolutions are not zero, so that it changes the picture."""
    import torch
    from diffusers import ControlNetModel

    colours = (16, 16, 16, 32)
    net = ControlNetModel.from_unet(_unet(folder), conditioning_embedding_out_channels=colours)
    last = [*net.controlnet_down_blocks, net.controlnet_mid_block]
    with torch.no_grad():
        for layer in (*last, net.controlnet_cond_embedding.conv_out):
            torch.nn.init.normal_(layer.weight, std=0.2)
    net.eval().save_pretrained(folder)


def write_ip_adapter(folder: Path) -> None:
    """h94/IP-Adapter: ``models`` with ``image_encoder`` for SD 1.5, and ``sdxl_models``."""
    from safetensors.torch import save_file

    unet = _unet(folder)
    models = folder / "models"
    models.mkdir()
    weights = _image_projection(SD1_WIDTH) | _image_attention(unet, SD1_WIDTH)
    save_file(weights, models / "ip-adapter_sd15.safetensors")
    clip_image_encoder(_IMAGE_HIDDEN, _IMAGE_WIDTH).save_pretrained(models / "image_encoder")
    plus = _image_resampler(SD1_WIDTH) | _image_attention(unet, SD1_WIDTH)
    save_file(plus, models / "ip-adapter-plus_sd15.safetensors")
    wide = SD1_WIDTH + SDXL_SECOND_WIDTH
    sdxl = _image_projection(wide) | _image_attention(_unet(folder, "sdxl-base"), wide)
    (folder / "sdxl_models").mkdir()
    save_file(sdxl, folder / "sdxl_models" / "ip-adapter_sdxl_vit-h.safetensors")


def write_loras(folder: Path) -> None:
    """Three dialects: diffusers for the U-Net, diffusers with text encoder, and kohya-ss."""
    from safetensors.torch import save_file

    unet = _lora_weights(_unet(folder), ("to_k", "to_q", "to_v", "to_out.0"))
    text = _lora_weights(_text_encoder(folder), ("q_proj", "k_proj", "v_proj", "out_proj"))
    unet_keys = {f"unet.{key}": value for key, value in unet.items()}
    # Text encoders have another name for the same thing in this dialect.
    renamed = {key.replace(".lora.", ".lora_linear_layer."): value for key, value in text.items()}
    text_keys = {f"text_encoder.{key}": value for key, value in renamed.items()}
    metadata = {"format": "pt"}
    save_file(unet_keys, folder / "tiny_unet.safetensors", metadata=metadata)
    save_file(unet_keys | text_keys, folder / "tiny_unet_te.safetensors", metadata=metadata)
    _write_kohya(folder, unet)


def write_textual_inversions(folder: Path) -> None:
    """A learned word as diffusers, A1111 and SDXL write it."""
    import torch
    from safetensors.torch import save_file

    save_file({"<tiny-cat>": torch.randn(1, SD1_WIDTH)}, folder / "learned_embeds.safetensors")
    save_file({"emb_params": torch.randn(3, SD1_WIDTH)}, folder / "tiny_badhands.safetensors")
    both = {"clip_l": torch.randn(2, SD1_WIDTH), "clip_g": torch.randn(2, SDXL_SECOND_WIDTH)}
    save_file(both, folder / "tiny_sdxl.safetensors")


def _unet(folder: Path, model: str = "sd15") -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel.from_pretrained(folder.parent / model / "unet")


def _text_encoder(folder: Path) -> Any:
    from transformers import CLIPTextModel

    return CLIPTextModel.from_pretrained(folder.parent / "sd15" / "text_encoder")


def _image_projection(text_width: int) -> dict[str, Any]:
    import torch

    width = text_width * _IMAGE_TOKENS
    return {
        "image_proj.proj.weight": torch.randn(width, _IMAGE_WIDTH) * 0.2,
        "image_proj.proj.bias": torch.zeros(width),
        "image_proj.norm.weight": torch.ones(text_width),
        "image_proj.norm.bias": torch.zeros(text_width),
    }


def _image_resampler(text_width: int) -> dict[str, Any]:
    """What the "plus" files have: four layers that ask the picture's patches for 16 tokens."""
    shapes: dict[str, tuple[int, ...]] = {
        "latents": (1, 16, _HEAD),
        "proj_in.weight": (_HEAD, _IMAGE_HIDDEN),
        "proj_in.bias": (_HEAD,),
        "proj_out.weight": (text_width, _HEAD),
        "proj_out.bias": (text_width,),
        "norm_out.weight": (text_width,),
        "norm_out.bias": (text_width,),
    }
    for layer in range(4):
        attention, forward = f"layers.{layer}.0", f"layers.{layer}.1"
        for norm in (f"{attention}.norm1", f"{attention}.norm2", f"{forward}.0"):
            shapes |= {f"{norm}.weight": (_HEAD,), f"{norm}.bias": (_HEAD,)}
        for name in ("to_q", "to_out"):
            shapes[f"{attention}.{name}.weight"] = (_HEAD, _HEAD)
        shapes[f"{attention}.to_kv.weight"] = (2 * _HEAD, _HEAD)
        shapes[f"{forward}.1.weight"] = (4 * _HEAD, _HEAD)
        shapes[f"{forward}.3.weight"] = (_HEAD, 4 * _HEAD)
    return {f"image_proj.{name}": _drawn(name, shape) for name, shape in shapes.items()}


def _drawn(name: str, shape: tuple[int, ...]) -> Any:
    """Norms that leave things as they are, no biases, and weights by chance."""
    import torch

    if name.endswith("bias"):
        return torch.zeros(shape)
    return torch.ones(shape) if len(shape) == 1 else torch.randn(shape) * 0.2


def _image_attention(unet: Any, text_width: int) -> dict[str, Any]:
    """Keys and values for each cross-attention; those sit at the odd numbers."""
    import torch

    names = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    weights = {}
    for rank, name in enumerate(names):
        width = unet.get_submodule(name.removesuffix(".processor")).to_k.weight.shape[0]
        for letter in "kv":
            key = f"ip_adapter.{2 * rank + 1}.to_{letter}_ip.weight"
            weights[key] = torch.randn(width, text_width) * 0.3
    return weights


def _lora_weights(model: Any, targets: tuple[str, ...]) -> dict[str, Any]:
    """Random low-rank changes to every layer of these names, in diffusers' dialect."""
    import torch

    weights = {}
    for name, layer in model.named_modules():
        if name.endswith(targets):
            rows, columns = layer.weight.shape
            weights[f"{name}.lora.down.weight"] = torch.randn(_LORA_RANK, columns) / _LORA_RANK
            weights[f"{name}.lora.up.weight"] = torch.randn(rows, _LORA_RANK) * 0.3
    return weights


def _write_kohya(folder: Path, unet: dict[str, Any]) -> None:
    """The file that kohya-ss's trainer writes and most of civitai has."""
    from safetensors.torch import save_file

    metadata = {
        "ss_base_model_version": "sd_v1",
        "ss_network_dim": str(_LORA_RANK),
        "ss_network_alpha": "2",
        "ss_tag_frequency": json.dumps({"10_tiny": {"tinystyle": 10}}),
        "modelspec.title": "tiny",
    }
    file = folder / "tiny_kohya.safetensors"
    save_file(_kohya_unet(unet) | _kohya_text_encoder(layers=2), file, metadata=metadata)
    sort_metadata(file)


def _kohya_unet(unet: dict[str, Any]) -> dict[str, Any]:
    import torch

    weights = {}
    for key, value in unet.items():
        module, direction = key.removesuffix(".weight").rsplit(".lora.", 1)
        name = f"lora_unet_{module.replace('.', '_')}"
        weights[f"{name}.lora_{direction}.weight"] = value.contiguous()
        weights[f"{name}.alpha"] = torch.tensor(2.0)
    return weights


def _kohya_text_encoder(layers: int) -> dict[str, Any]:
    import torch

    wide = 2 * SD1_WIDTH
    shapes = {f"self_attn_{part}_proj": (SD1_WIDTH, SD1_WIDTH) for part in ("q", "k", "v", "out")}
    shapes |= {"mlp_fc1": (wide, SD1_WIDTH), "mlp_fc2": (SD1_WIDTH, wide)}
    weights = {}
    for layer in range(layers):
        for part, (rows, columns) in shapes.items():
            name = f"lora_te_text_model_encoder_layers_{layer}_{part}"
            weights[f"{name}.lora_down.weight"] = torch.randn(_LORA_RANK, columns) * 0.3
            weights[f"{name}.lora_up.weight"] = torch.randn(rows, _LORA_RANK) * 0.3
            weights[f"{name}.alpha"] = torch.tensor(float(_LORA_RANK))
    return weights
