"""One model folder as a `Checkpoint`, or the one sentence that says why it cannot be used."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.abilities import ModelAbilities
from core.checkpoints.families import FAMILIES, Family, family_of
from core.checkpoints.files import Variant, check_weights, read_json, weights
from core.errors import BrokenCheckpoint
from core.geometry import Size

INDEX = "model_index.json"

# Modules that from_pretrained takes classes from; any other name is a .py file of the model's own.
_LIBRARIES = frozenset({"diffusers", "transformers", "stable_diffusion"})
_SCHEDULERS = frozenset(
    f"{name}Scheduler"
    for name in (
        "DDIM",
        "DDPM",
        "DEISMultistep",
        "DPMSolverMultistep",
        "DPMSolverSinglestep",
        "EulerAncestralDiscrete",
        "EulerDiscrete",
        "HeunDiscrete",
        "KDPM2AncestralDiscrete",
        "KDPM2Discrete",
        "LCM",
        "PNDM",
        "TCD",
        "UniPCMultistep",
    )
)
_OPTIONAL_CLASSES = {
    "feature_extractor": (
        "CLIPImageProcessor",
        "CLIPFeatureExtractor",
        "CLIPImageProcessorFast",
        "CLIPImageProcessorPil",
    ),
    "image_encoder": ("CLIPVisionModelWithProjection",),
    "safety_checker": ("StableDiffusionSafetyChecker",),
}


@dataclass(frozen=True)
class Checkpoint:
    """A model on disk that can be loaded.

    Attributes:
        name: How people and requests call it.
        path: Folder in diffusers' layout.
        pipeline_class: Class named by its model_index.json.
        abilities: What a request may ask of it.
        variant: Suffix of the weight files to load, such as ``"fp16"``; None for the plain ones.
    """

    name: str
    path: Path
    pipeline_class: str
    abilities: ModelAbilities
    variant: str | None


@dataclass(frozen=True)
class _Part:
    """One component of the folder: its place, and where its class comes from."""

    folder: Path
    library: str
    class_name: str

    @property
    def file(self) -> str:
        """Name of the configuration that must be there."""
        if self.class_name.endswith("Scheduler"):
            return "scheduler_config.json"
        if self.class_name.endswith(("Extractor", "Processor", "ProcessorFast", "ProcessorPil")):
            return "preprocessor_config.json"
        return "config.json"

    @property
    def has_weights(self) -> bool:
        return self.file == "config.json" and not self.is_tokenizer

    @property
    def is_tokenizer(self) -> bool:
        return "Tokenizer" in self.class_name

    @property
    def stem(self) -> str:
        """Beginning of the weight files' names."""
        return "diffusion_pytorch_model" if self.library == "diffusers" else "model"


def describe(path: Path, name: str | None = None) -> Checkpoint:
    """Check a model folder and tell what it can do.

    Args:
        path: Folder in diffusers' layout.
        name: How to call it; its folder's name when left out.

    Raises:
        BrokenCheckpoint: with one sentence on what is wrong and what to do.
    """
    if not path.is_dir():
        raise BrokenCheckpoint(f"The model folder {path} does not exist.")
    index = _read_index(path)
    pipeline_class = _pipeline_class(path, index)
    parts = _parts(path, index)
    configs = {key: _read_config(part) for key, part in parts.items()}
    family = _family(path, pipeline_class, configs)
    _require_parts(path, family, parts)
    abilities = _abilities(path, family, configs)
    variant = _check_every_weight(path, parts)
    return Checkpoint(name or path.absolute().name, path, pipeline_class, abilities, variant)


def _read_index(path: Path) -> dict[str, Any]:
    if not (path / INDEX).exists():
        raise BrokenCheckpoint(
            f"{path} has no {INDEX}. Choose a model folder in diffusers' layout."
        )
    return read_json(path / INDEX)


def _pipeline_class(path: Path, index: Mapping[str, Any]) -> str:
    pipeline_class = index.get("_class_name")
    if isinstance(pipeline_class, list):
        raise _own_code(path, "its pipeline")
    if not isinstance(pipeline_class, str) or pipeline_class not in FAMILIES:
        raise BrokenCheckpoint(
            f"{path} is a model of the class “{pipeline_class}”, which Sfumato does not know. "
            f"It knows: {', '.join(FAMILIES)}."
        )
    return pipeline_class


def _parts(path: Path, index: Mapping[str, Any]) -> dict[str, _Part]:
    parts = {}
    for key, value in index.items():
        if key.startswith("_") or not isinstance(value, list) or value == [None, None]:
            continue
        if len(value) != 2 or not all(isinstance(word, str) for word in value):
            raise BrokenCheckpoint(f"{path / INDEX} is damaged: “{key}” names no class.")
        if value[0] not in _LIBRARIES or not key.isidentifier():
            raise _own_code(path, f"“{key}”")
        parts[key] = _Part(path / key, value[0], value[1])
    return parts


def _read_config(part: _Part) -> dict[str, Any]:
    if not part.folder.is_dir():
        raise BrokenCheckpoint(f"{part.folder} is missing. Download the model again.")
    if part.is_tokenizer:
        return _read_tokenizer(part.folder)
    return read_json(part.folder / part.file)


def _read_tokenizer(folder: Path) -> dict[str, Any]:
    if not (folder / "tokenizer.json").exists():
        read_json(folder / "vocab.json")
        if not (folder / "merges.txt").exists():
            raise BrokenCheckpoint(f"{folder / 'merges.txt'} is missing. Download the model again.")
    settings = folder / "tokenizer_config.json"
    return read_json(settings) if settings.exists() else {}


def _family(path: Path, pipeline_class: str, configs: Mapping[str, dict[str, Any]]) -> Family:
    if "unet" not in configs:
        raise BrokenCheckpoint(f"{path} has no “unet”. Download the model again.")
    family = family_of(pipeline_class, configs["unet"])
    if family is None:
        raise BrokenCheckpoint(
            f"{path / 'unet' / 'config.json'} does not describe the U-Net of a {pipeline_class}. "
            "Download the model again."
        )
    return family


def _require_parts(path: Path, family: Family, parts: Mapping[str, _Part]) -> None:
    for key, class_name in family.parts.items():
        if key not in parts:
            raise BrokenCheckpoint(f"{path} has no “{key}”. Download the model again.")
        _require_class(path, key, parts[key].class_name, _accepted(class_name))
    for key, classes in _OPTIONAL_CLASSES.items():
        if key in parts:
            _require_class(path, key, parts[key].class_name, classes)


def _accepted(class_name: str) -> frozenset[str]:
    if class_name == "Scheduler":
        return _SCHEDULERS
    if class_name.endswith("Tokenizer"):
        return frozenset({class_name, f"{class_name}Fast"})
    return frozenset({class_name})


def _require_class(path: Path, key: str, found: str, accepted: Collection[str]) -> None:
    if found not in accepted:
        raise BrokenCheckpoint(
            f"{path} has a “{key}” of the class “{found}”, which Sfumato does not know there. "
            f"It knows: {', '.join(sorted(accepted))}."
        )


def _abilities(path: Path, family: Family, configs: Mapping[str, dict[str, Any]]) -> ModelAbilities:
    unet = configs["unet"]
    factor = _vae_factor(path, configs["vae"])
    channels = unet.get("in_channels", 4)
    if not _is_count(channels, 1024) or channels not in family.kinds:
        raise BrokenCheckpoint(
            f"{path} has a U-Net with {channels} input channels; Sfumato knows those with "
            f"{' and '.join(map(str, family.kinds))}."
        )
    multiple = math.lcm(family.size_multiple, factor)
    return ModelAbilities(
        family=family.name,
        kinds=family.kinds[channels],
        size_multiple=multiple,
        native_size=_native_size(path, family, unet, factor).rounded_to(multiple),
        schedulers=family.schedulers,
        prompt_tokens=_prompt_tokens(path, configs),
        # With its guidance embedded (distilled models) a U-Net runs no negative half.
        uses_negative_prompt=unet.get("time_cond_proj_dim") is None,
        num_inference_steps=family.num_inference_steps,
        guidance_scale=family.guidance_scale,
    )


def _vae_factor(path: Path, vae: Mapping[str, Any]) -> int:
    """How many pixels one latent is wide: each level but the last halves the picture."""
    levels = vae.get("block_out_channels")
    if not isinstance(levels, list) or not 1 <= len(levels) <= 8:
        raise _odd_value(path / "vae", "block_out_channels", levels)
    return int(2 ** (len(levels) - 1))


def _native_size(path: Path, family: Family, unet: Mapping[str, Any], factor: int) -> Size:
    sample = unet.get("sample_size")
    if sample is None:
        return Size(family.native_side, family.native_side)
    height, width = sample if isinstance(sample, list) and len(sample) == 2 else (sample, sample)
    if not all(_is_count(side, 2048 // factor) for side in (height, width)):
        raise _odd_value(path / "unet", "sample_size", sample)
    return Size(width * factor, height * factor)


def _prompt_tokens(path: Path, configs: Mapping[str, dict[str, Any]]) -> int:
    """Tokens of a prompt that are read; two places go to the start and end marks."""
    places = configs["text_encoder"].get("max_position_embeddings", 77)
    if not _is_count(places, 100_000) or places < 3:
        raise _odd_value(path / "text_encoder", "max_position_embeddings", places)
    limit = configs["tokenizer"].get("model_max_length")
    return int(min(places, limit) if _is_count(limit, 100_000) else places) - 2


def _check_every_weight(path: Path, parts: Mapping[str, _Part]) -> Variant:
    found = {k: weights(p.folder, p.stem) for k, p in parts.items() if p.has_weights}
    variant = _common_variant(path, found)
    for files in found.values():
        # diffusers mixes: a component without the variant gives its plain files.
        for file in files[variant] if variant in files else files[None]:
            check_weights(file)
    return variant


def _common_variant(path: Path, found: Mapping[str, Mapping[Variant, object]]) -> Variant:
    """None where every component has plain weights, else a variant that makes up for it."""
    if all(None in files for files in found.values()):
        return None
    for variant in sorted({str(v) for files in found.values() for v in files if v}, reverse=True):
        if all(variant in files or None in files for files in found.values()):
            return variant
    raise BrokenCheckpoint(
        f"{path} has its weights in variants that do not go together. Download the model again."
    )


def _is_count(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _odd_value(folder: Path, key: str, value: object) -> BrokenCheckpoint:
    return BrokenCheckpoint(
        f"{folder / 'config.json'} is damaged: {key} is {value!r}. Download the model again."
    )


def _own_code(path: Path, what: str) -> BrokenCheckpoint:
    return BrokenCheckpoint(
        f"{path} needs program code of its own for {what}, which Sfumato does not run. "
        "Choose a model that is made of diffusers' own parts."
    )
