"""Model folders written by hand, without torch: the JSON files are true, the weights are zeros."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

INDEX: dict[str, Any] = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.42.1",
    "feature_extractor": [None, None],
    "requires_safety_checker": False,
    "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
    "scheduler": ["diffusers", "PNDMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}
UNET: dict[str, Any] = {"sample_size": 64, "in_channels": 4, "cross_attention_dim": 768}
VAE: dict[str, Any] = {"block_out_channels": [128, 256, 512, 512], "sample_size": 512}
UNET_WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
WEIGHTS = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
    "safety_checker": "model",
}


def safetensors(tensors: dict[str, int] | None = None) -> bytes:
    """A file of the format with tensors of these sizes in bytes, all zero."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, size in (tensors or {"a": 8, "b": 4}).items():
        header[name] = {"dtype": "U8", "shape": [size], "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(end)


def put(file: Path, content: Any) -> None:
    """Write bytes, text, or JSON data."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, bytes | str):
        content = json.dumps(content)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())


def write_model(folder: Path, **changed: Any) -> Path:
    """A whole Stable Diffusion 1.5; `unet`, `vae`, `index` change values of those files."""
    put(folder / "model_index.json", INDEX | changed.get("index", {}))
    put(folder / "unet" / "config.json", UNET | changed.get("unet", {}))
    put(folder / "vae" / "config.json", VAE | changed.get("vae", {}))
    put(folder / "text_encoder" / "config.json", {"max_position_embeddings": 77})
    put(folder / "safety_checker" / "config.json", {"projection_dim": 768})
    put(folder / "scheduler" / "scheduler_config.json", {"_class_name": "PNDMScheduler"})
    put(folder / "tokenizer" / "vocab.json", {"<|startoftext|>": 0, "<|endoftext|>": 1})
    put(folder / "tokenizer" / "merges.txt", "#version: 0.2\n")
    put(folder / "tokenizer" / "tokenizer_config.json", {"model_max_length": 77})
    for part, stem in WEIGHTS.items():
        put(folder / part / f"{stem}.safetensors", safetensors())
    return folder


def to_variant(folder: Path, variant: str, *parts: str) -> None:
    """Rename the weights of these parts, or of all, to those of a variant."""
    for part in parts or WEIGHTS:
        file = folder / part / f"{WEIGHTS[part]}.safetensors"
        file.rename(file.with_name(f"{WEIGHTS[part]}.{variant}.safetensors"))


def to_shards(folder: Path, variant: str | None = None) -> list[Path]:
    """Turn the U-Net's weights into two shards with a list."""
    middle = f".{variant}" if variant else ""
    names = [f"diffusion_pytorch_model{middle}-0000{n}-of-00002.safetensors" for n in (1, 2)]
    (folder / UNET_WEIGHTS).unlink()
    index = f"diffusion_pytorch_model.safetensors.index{middle}.json"
    weight_map = {"a": names[0], "b": names[1], "c": names[1]}
    put(folder / "unet" / index, {"metadata": {}, "weight_map": weight_map})
    for name in names:
        put(folder / "unet" / name, safetensors())
    return [folder / "unet" / name for name in names]


def write_sdxl(folder: Path) -> Path:
    """A whole Stable Diffusion XL."""
    index = {
        "_class_name": "StableDiffusionXLPipeline",
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        "tokenizer_2": ["transformers", "CLIPTokenizer"],
        "safety_checker": [None, None],
    }
    unet = {"addition_embed_type": "text_time", "sample_size": 128}
    write_model(folder, index=index, unet=unet)
    for part in ("text_encoder", "tokenizer"):
        shutil.copytree(folder / part, folder / f"{part}_2")
    return folder


def write_decoder(folder: Path, readme: str = "", in_channels: int = 4) -> Path:
    """A Kandinsky 2.2 decoder without its prior; `readme` is the front matter of a README."""
    index = {
        "_class_name": "KandinskyV22Pipeline",
        "movq": ["diffusers", "VQModel"],
        "scheduler": ["diffusers", "DDPMScheduler"],
        "unet": ["diffusers", "UNet2DConditionModel"],
    }
    put(folder / "model_index.json", index)
    put(folder / "unet" / "config.json", UNET | {"in_channels": in_channels, **_IMAGE_EMBEDDED})
    put(folder / "movq" / "config.json", VAE)
    put(folder / "scheduler" / "scheduler_config.json", {"_class_name": "DDPMScheduler"})
    for part in ("unet", "movq"):
        put(folder / part / "diffusion_pytorch_model.safetensors", safetensors())
    if readme:
        put(folder / "README.md", f"---\n{readme}\n---\n\n# A model\n")
    return folder


def write_prior(folder: Path) -> Path:
    """The prior of Kandinsky 2.2."""
    networks = {
        "prior": ["diffusers", "PriorTransformer"],
        "image_encoder": ["transformers", "CLIPVisionModelWithProjection"],
        "text_encoder": ["transformers", "CLIPTextModelWithProjection"],
    }
    index = {
        "_class_name": "KandinskyV22PriorPipeline",
        **networks,
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "scheduler": ["diffusers", "UnCLIPScheduler"],
        "image_processor": ["transformers", "CLIPImageProcessor"],
    }
    put(folder / "model_index.json", index)
    put(folder / "image_processor" / "preprocessor_config.json", {})
    put(folder / "scheduler" / "scheduler_config.json", {"_class_name": "UnCLIPScheduler"})
    put(folder / "tokenizer" / "tokenizer.json", {})
    for part, (library, _) in networks.items():
        stem = "diffusion_pytorch_model" if library == "diffusers" else "model"
        put(folder / part / "config.json", {"max_position_embeddings": 77})
        put(folder / part / f"{stem}.safetensors", safetensors())
    return folder


_IMAGE_EMBEDDED = {"addition_embed_type": "image", "out_channels": 8}
