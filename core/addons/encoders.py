"""Image encoders that read pictures for IP-Adapters: found by their headers, loaded offline."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.addons.describe import AddonFile
from core.addons.headers import Header, read_header
from core.addons.ip_adapters import PLAIN
from core.errors import BrokenAddon
from core.logs import logger
from core.memory import is_out_of_memory

_log = logger("addons")
_TOWER = "vision_model."
_CLASS = f"{_TOWER}embeddings.class_embedding"
_PATCHES = f"{_TOWER}embeddings.patch_embedding.weight"
_PLACES = f"{_TOWER}embeddings.position_embedding.weight"
_FIRST_LAYER = f"{_TOWER}encoder.layers.0.mlp.fc1.weight"
_SUMMARY = "visual_projection.weight"
# A single file does not say how many heads it has, nor which function bends its layers: those of
# CLIP's ViT-B and ViT-L, and of OpenCLIP's ViT-H and ViT-bigG, by width.
_HEADS = {768: (12, "quick_gelu"), 1024: (16, "quick_gelu"), 1280: (16, "gelu"), 1664: (16, "gelu")}
# The ones that h94/IP-Adapter's files were trained with: by whether a file reads the summary, and
# by the width it wants.
_KNOWN = {
    (True, 1024): "CLIP ViT-H",
    (True, 1280): "CLIP ViT-bigG",
    (False, 1280): "CLIP ViT-H",
    (False, 1664): "CLIP ViT-bigG",
}
# What from_pretrained and load_state_dict were seen to raise on damaged models.
_FAULTS = (OSError, ValueError, RuntimeError, TypeError, LookupError, AttributeError)


@dataclass(frozen=True)
class ImageEncoder:
    """A CLIP image encoder on disk.

    Attributes:
        path: A folder in transformers' layout, or a single file as ComfyUI keeps them.
        file: Its weights.
        hidden_width: Numbers for each token of its inner layers.
        summary_width: Numbers that sum a picture up.
    """

    path: Path
    file: Path
    hidden_width: int
    summary_width: int

    def reads_for(self, adapter: AddonFile) -> bool:
        """Whether it gives what the IP-Adapter wants."""
        assert adapter.sight is not None  # it is an IP-Adapter
        is_summary = adapter.sight.dialect == PLAIN
        return adapter.sight.width == (self.summary_width if is_summary else self.hidden_width)


def describe_encoder(path: Path) -> ImageEncoder:
    """What lies at `path`, by its header.

    Raises:
        BrokenAddon: damaged, a pickle, or no CLIP image encoder.
    """
    file = path / "model.safetensors" if path.is_dir() else path
    shapes = read_header(file).shapes
    hidden, summary = shapes.get(_CLASS, ()), shapes.get(_SUMMARY, ())
    if len(hidden) != 1 or len(summary) != 2:
        raise BrokenAddon(f"{file} is no CLIP image encoder. Take it out of that folder.")
    return ImageEncoder(path, file, hidden[0], summary[0])


def fitting_encoder(adapter: AddonFile, paths: Iterable[Path]) -> ImageEncoder:
    """The first of them that reads for that IP-Adapter; what is none is passed over.

    Raises:
        BrokenAddon: none does.
    """
    for path in paths:
        try:
            found = describe_encoder(path)
        except BrokenAddon as error:
            _log.info("image encoder %s is left out: %s", path.name, error)
            continue
        if found.reads_for(adapter):
            return found
    assert adapter.sight is not None  # it is an IP-Adapter
    sight = adapter.sight
    name = _KNOWN.get((sight.dialect == PLAIN, sight.width), f"{sight.width} numbers wide")
    raise BrokenAddon(
        f"The IP-Adapter “{adapter.name}” has no image encoder to look at pictures with. Put the "
        f"one it was trained with ({name}) into a folder “image_encoder” beside it, or "
        "“clip_vision” beside your models."
    )


def load_encoder(encoder: ImageEncoder, device: str, dtype: Any) -> Any:
    """The network, in that dtype on that device; nothing is looked up on the network.

    Raises:
        BrokenAddon: it cannot be loaded, or lacks weights.
    """
    try:
        network = _from_folder(encoder) if encoder.path.is_dir() else _from_file(encoder)
    except _FAULTS as error:
        if is_out_of_memory(error):
            raise
        _log.info("%s was not loaded", encoder.path.name, exc_info=error)
        raise BrokenAddon(
            f"The image encoder {encoder.path} cannot be loaded. Download it again."
        ) from error
    if any(weights.is_meta for weights in network.parameters()):
        raise BrokenAddon(f"The image encoder {encoder.path} lacks weights. Download it again.")
    return network.to(device, dtype).eval()


def _from_folder(encoder: ImageEncoder) -> Any:
    import torch
    from transformers import CLIPVisionModelWithProjection

    # Without a dtype transformers would take the one in config.json.
    return CLIPVisionModelWithProjection.from_pretrained(
        encoder.path, local_files_only=True, use_safetensors=True, dtype=torch.float32
    )


def _from_file(encoder: ImageEncoder) -> Any:
    from safetensors.torch import load_file
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(**_architecture(read_header(encoder.file)))
    network = CLIPVisionModelWithProjection(config)
    weights = load_file(str(encoder.file))
    # Old files also hold the numbers of the positions, which are none to be learned.
    weights.pop(f"{_TOWER}embeddings.position_ids", None)
    network.load_state_dict(weights)
    return network


def _architecture(header: Header) -> dict[str, Any]:
    """A configuration that has exactly these weights.

    Raises:
        ValueError, LookupError: there is none.
    """
    shapes = header.shapes
    width, patch = shapes[_CLASS][0], shapes[_PATCHES][-1]
    places = math.isqrt(shapes[_PLACES][0] - 1)
    heads, activation = _HEADS[width]
    layers = {name.split(".")[3] for name in shapes if name.startswith(f"{_TOWER}encoder.layers.")}
    return {
        "hidden_size": width,
        "intermediate_size": shapes[_FIRST_LAYER][0],
        "num_hidden_layers": len(layers),
        "num_attention_heads": heads,
        "hidden_act": activation,
        "image_size": places * patch,
        "patch_size": patch,
        "projection_dim": shapes[_SUMMARY][0],
    }
