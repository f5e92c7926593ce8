"""Checkpoints in one file: the true shapes without weights, in files that take no room on disk."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from core.settings import RESOURCES

CONFIGS = RESOURCES / "configs"
_BYTES = {"F16": 2, "BF16": 2, "F32": 4}
Shapes = Mapping[str, tuple[int, ...]]


def write_sparse(
    file: Path,
    shapes: Shapes,
    dtype: str = "F16",
    metadata: Mapping[str, str] | None = None,
    values: Mapping[str, bytes] | None = None,
) -> Path:
    """A sound file with tensors of these shapes, all zero but `values`; the zeros are a hole."""
    header: dict[str, Any] = {"__metadata__": dict(metadata or {"format": "pt"})}
    end = 0
    for name, shape in shapes.items():
        begin, end = end, end + math.prod(shape) * _BYTES[dtype]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for name, content in (values or {}).items():
            stream.seek(8 + len(text) + header[name]["data_offsets"][0])
            stream.write(content)
        stream.truncate(8 + len(text) + end)
    return file


@cache
def true_shapes(name: str) -> Shapes:
    """The shapes of a real model of that family in LDM's layout, counted without a weight."""
    import torch

    from tools.tiny_zoo import ldm
    from tools.tiny_zoo.single_file import TEXT

    with torch.device("meta"):
        unet, vae = _network(name, "unet"), _network(name, "vae")
        found = ldm.unet_weights(unet.state_dict(), unet.config)
        found |= ldm.vae_weights(vae.state_dict(), 4)
        for part, (prefix, convert) in TEXT[_layout(name)].items():
            found |= convert(_network(name, part).state_dict(), prefix)
    return {key: tuple(value.shape) for key, value in found.items()}


def _layout(name: str) -> str:
    family = {"sd1": "sd15", "sd2": "sd21"}.get(name.split("-")[0], "sdxl")
    return name if name in ("sdxl-refiner",) else family


def _network(name: str, part: str) -> Any:
    import diffusers
    import transformers

    config = json.loads((CONFIGS / name / part / "config.json").read_text())
    if "_class_name" in config:
        return getattr(diffusers, config["_class_name"]).from_config(config)
    kind = getattr(transformers, config["architectures"][0])
    return kind(transformers.CLIPTextConfig(**config))
