"""Models of true size with weights that mean nothing, for what depends on size alone."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.tiny_zoo import build

TEXT = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 77,
    "vocab_size": 49408,
    "projection_dim": 768,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "pad_token_id": 1,
}
SECOND_TEXT = TEXT | {
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_hidden_layers": 32,
    "num_attention_heads": 20,
    "hidden_act": "gelu",
    "projection_dim": 1280,
}
UNETS: dict[str, dict[str, Any]] = {
    "sd15": {"sample_size": 64, "attention_head_dim": 8, "cross_attention_dim": 768},
    "sdxl-base": {
        "sample_size": 128,
        "attention_head_dim": [5, 10, 20],
        "cross_attention_dim": 2048,
        "block_out_channels": [320, 640, 1280],
        "down_block_types": ["DownBlock2D", *["CrossAttnDownBlock2D"] * 2],
        "up_block_types": [*["CrossAttnUpBlock2D"] * 2, "UpBlock2D"],
        "transformer_layers_per_block": [1, 2, 10],
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    },
}
VAE = {
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "block_out_channels": [128, 256, 512, 512],
    "layers_per_block": 2,
    "latent_channels": 4,
    "sample_size": 512,
}


def write_full_size(folder: Path, name: str, dtype: str = "float32") -> Path:
    """Write the zoo's `name` with parts of the real widths and nothing but zeros; its folder.

    The files are as long as real ones and yet take no room on disk, since nothing is written
    behind their headers. Memory does not see the difference: a page of such a file that is read
    through a mapping is a page of its own, and what is converted or copied is written anew.

    Args:
        folder: Where to.
        name: ``"sd15"`` or ``"sdxl-base"``.
        dtype: Of the weights on disk.
    """
    build(folder, {name})
    model = folder / name
    for file in model.rglob("*.safetensors"):
        file.unlink()
    for part, make in _parts(name).items():
        _replace(model / part, make, dtype)
    _leave_out(model, "safety_checker")
    return model


def full_size_unet(name: str = "sd15", dtype: str = "float32", **options: Any) -> Any:
    """A U-Net with the real model's layers, on the CPU, set up as the application does it."""
    import torch
    from diffusers import UNet2DConditionModel

    unet = _filled(lambda: UNet2DConditionModel(**{**UNETS[name], **options}), dtype)
    return unet.to(memory_format=torch.channels_last)


def _parts(name: str) -> dict[str, Callable[[], Any]]:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    parts: dict[str, Callable[[], Any]] = {
        "unet": lambda: UNet2DConditionModel(**UNETS[name]),
        "vae": lambda: AutoencoderKL(**VAE),
        "text_encoder": lambda: CLIPTextModel(CLIPTextConfig(**TEXT)),
    }
    if name == "sdxl-base":
        parts["text_encoder_2"] = lambda: CLIPTextModelWithProjection(CLIPTextConfig(**SECOND_TEXT))
    return parts


def _replace(folder: Path, make: Callable[[], Any], dtype: str) -> None:
    import torch

    with torch.device("meta"):
        part = make()
    config = folder / "config.json"
    # One is of transformers, the other of diffusers.
    keep = getattr(part.config, "save_pretrained", None) or part.save_config
    keep(folder)
    values = json.loads(config.read_text(encoding="utf-8"))
    values.pop("dtype", None)
    values.pop("torch_dtype", None)
    config.write_text(json.dumps(values), encoding="utf-8")
    is_text = folder.name.startswith("text_encoder")
    file = folder / ("model.safetensors" if is_text else "diffusion_pytorch_model.safetensors")
    _write_zeros(file, {key: tuple(each.shape) for key, each in part.state_dict().items()}, dtype)


def _write_zeros(file: Path, shapes: dict[str, tuple[int, ...]], dtype: str) -> None:
    """A safetensors file of nothing but zeros: the header, and a hole behind it."""
    stored, width = {"float32": ("F32", 4), "float16": ("F16", 2), "bfloat16": ("BF16", 2)}[dtype]
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        begin, end = end, end + width * math.prod(shape)
        header[name] = {"dtype": stored, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with file.open("wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        out.truncate(8 + len(text) + end)


def _filled(make: Callable[[], Any], dtype: str) -> Any:
    """Made without memory first, so that there is never more than one copy."""
    import torch

    with torch.device("meta"):
        part = make().to(getattr(torch, dtype))
    part = part.to_empty(device="cpu").eval().requires_grad_(False)
    for name, values in part.state_dict().items():
        if values.is_floating_point():
            values.uniform_(-0.02, 0.02)
        elif name.endswith("position_ids"):
            values.copy_(torch.arange(values.numel()).view_as(values))
    return part


def _leave_out(model: Path, part: str) -> None:
    index = model / "model_index.json"
    values = json.loads(index.read_text(encoding="utf-8"))
    if part in values:
        index.write_text(
            json.dumps(values | {part: [None, None], "requires_safety_checker": False}),
            encoding="utf-8",
        )
