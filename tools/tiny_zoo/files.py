"""The JSON files around the weights, as the repositories on the hub have them."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

DIFFUSERS, TRANSFORMERS = "diffusers", "transformers"
NOTHING = [None, None]  # a component that a pipeline can do without

PREPROCESSOR: dict[str, Any] = {
    "crop_size": {"height": 224, "width": 224},
    "do_center_crop": True,
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "feature_extractor_type": "CLIPFeatureExtractor",
    "image_processor_type": "CLIPImageProcessor",
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "rescale_factor": 1 / 255,
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "resample": 3,
    "size": {"shortest_edge": 224},
}

# Files on the hub carry keys of other scheduler classes too; that is what makes
# DDIMScheduler.from_config(pndm.config) right.
_KEYS_OF_OTHER_CLASSES = {
    "clip_sample": False,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
    "sample_max_value": 1.0,
}


def write_json(file: Path, content: Any) -> None:
    """Write `content`, making the folder when needed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2), encoding="utf-8")


def write_model_index(folder: Path, class_name: str, **parts: Any) -> None:
    """Write model_index.json: each part is ``[library, class]``, `NOTHING`, or a plain value."""
    import diffusers

    head = {"_class_name": class_name, "_diffusers_version": diffusers.__version__}
    write_json(folder / "model_index.json", {**head, **parts})


def write_scheduler(folder: Path, scheduler: Any) -> None:
    """Save a scheduler with the keys of other classes that real files have."""
    scheduler.save_pretrained(folder)
    file = folder / "scheduler_config.json"
    config = {**_KEYS_OF_OTHER_CLASSES, **json.loads(file.read_text(encoding="utf-8"))}
    write_json(file, dict(sorted(config.items())))


def sort_metadata(file: Path) -> None:
    """Sort the metadata of a safetensors file, which the library writes in a random order."""
    content = file.read_bytes()
    end = 8 + int(struct.unpack("<Q", content[:8])[0])
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8
    file.write_bytes(struct.pack("<Q", len(text)) + text + content[end:])
