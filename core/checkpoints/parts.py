"""The components that a model_index.json names: of known classes, with their files in place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.checkpoints.files import Variant, check_weights, read_json, weights
from core.errors import BrokenCheckpoint

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
_IMAGE_PROCESSORS = tuple(
    f"CLIP{name}"
    for name in ("ImageProcessor", "FeatureExtractor", "ImageProcessorFast", "ImageProcessorPil")
)
_OPTIONAL_CLASSES = {
    "feature_extractor": _IMAGE_PROCESSORS,
    "image_encoder": ("CLIPVisionModelWithProjection",),
    "safety_checker": ("StableDiffusionSafetyChecker",),
    "text_encoder_3": ("T5EncoderModel",),
    "tokenizer_3": ("T5Tokenizer", "T5TokenizerFast"),
}


@dataclass(frozen=True)
class Part:
    """One component of a model folder: its place, and where its class comes from."""

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
        """Whether it is a network."""
        return self.file == "config.json" and not self.is_tokenizer

    @property
    def is_tokenizer(self) -> bool:
        """Whether it cuts prompts into tokens."""
        return "Tokenizer" in self.class_name

    @property
    def stem(self) -> str:
        """Beginning of the weight files' names."""
        return "diffusion_pytorch_model" if self.library == "diffusers" else "model"

    def read_config(self) -> dict[str, Any]:
        """Its configuration; of a tokenizer its settings, after a look at its vocabulary.

        Raises:
            BrokenCheckpoint: a file is missing or damaged.
        """
        if not self.folder.is_dir():
            raise BrokenCheckpoint(f"{self.folder} is missing. Download the model again.")
        if not self.is_tokenizer:
            return read_json(self.folder / self.file)
        if not (self.folder / "tokenizer.json").exists():
            self._require_vocabulary()
        settings = self.folder / "tokenizer_config.json"
        return read_json(settings) if settings.exists() else {}

    def _require_vocabulary(self) -> None:
        needed = ["tokenizer.json"]  # T5's other form needs a library that Sfumato goes without
        if not self.class_name.startswith("T5"):
            read_json(self.folder / "vocab.json")
            needed = ["merges.txt"]
        for name in needed:
            if not (self.folder / name).exists():
                raise BrokenCheckpoint(
                    f"{self.folder / name} is missing. Download the model again."
                )


def read_index(path: Path) -> dict[str, Any]:
    """What the folder's model_index.json says.

    Raises:
        BrokenCheckpoint: there is none, or it is damaged.
    """
    if not (path / INDEX).exists():
        raise BrokenCheckpoint(
            f"{path} has no {INDEX}. Choose a model folder in diffusers' layout."
        )
    return read_json(path / INDEX)


def parts_of(path: Path, index: Mapping[str, Any]) -> dict[str, Part]:
    """The components by name.

    Raises:
        BrokenCheckpoint: one names no class, or one of the model's own making.
    """
    parts = {}
    for key, value in index.items():
        if key.startswith("_") or not isinstance(value, list) or value == [None, None]:
            continue
        if len(value) != 2 or not all(isinstance(word, str) for word in value):
            raise BrokenCheckpoint(f"{path / INDEX} is damaged: “{key}” names no class.")
        if value[0] not in _LIBRARIES or not key.isidentifier():
            raise own_code(path, f"“{key}”")
        parts[key] = Part(path / key, value[0], value[1])
    return parts


def require_parts(path: Path, needed: Mapping[str, str], parts: Mapping[str, Part]) -> None:
    """Refuse a folder that lacks a component, or has one of another class.

    Raises:
        BrokenCheckpoint: names the component, and the classes that are known there.
    """
    for key, class_name in needed.items():
        if key not in parts:
            raise BrokenCheckpoint(f"{path} has no “{key}”. Download the model again.")
        _require_class(path, key, parts[key].class_name, _accepted(class_name))
    for key, classes in _OPTIONAL_CLASSES.items():
        if key in parts and key not in needed:
            _require_class(path, key, parts[key].class_name, classes)


def check_every_weight(path: Path, parts: Iterable[Part]) -> Variant:
    """The variant to load, None for the plain files; each file that it takes is checked.

    Raises:
        BrokenCheckpoint: weights are missing, damaged, or in variants that do not go together.
    """
    found = {part.folder: weights(part.folder, part.stem) for part in parts if part.has_weights}
    variant = _common_variant(path, found.values())
    for files in found.values():
        # diffusers mixes: a component without the variant gives its plain files.
        for file in files[variant] if variant in files else files[None]:
            check_weights(file)
    return variant


def own_code(path: Path, what: str) -> BrokenCheckpoint:
    """The refusal of a model that would bring program code of its own."""
    return BrokenCheckpoint(
        f"{path} needs program code of its own for {what}, which Sfumato does not run. "
        "Choose a model that is made of diffusers' own parts."
    )


def _accepted(class_name: str) -> frozenset[str]:
    if class_name == "Scheduler":
        return _SCHEDULERS
    if class_name == "CLIPImageProcessor":
        return frozenset(_IMAGE_PROCESSORS)
    if class_name.endswith("Tokenizer"):
        return frozenset({class_name, f"{class_name}Fast"})
    return frozenset({class_name})


def _require_class(path: Path, key: str, found: str, accepted: Collection[str]) -> None:
    if found not in accepted:
        raise BrokenCheckpoint(
            f"{path} has a “{key}” of the class “{found}”, which Sfumato does not know there. "
            f"It knows: {', '.join(sorted(accepted))}."
        )


def _common_variant(path: Path, found: Collection[Mapping[Variant, object]]) -> Variant:
    """None where every component has plain weights, else a variant that makes up for it."""
    if all(None in files for files in found):
        return None
    for variant in sorted({str(v) for files in found for v in files if v}, reverse=True):
        if all(variant in files or None in files for files in found):
            return variant
    raise BrokenCheckpoint(
        f"{path} has its weights in variants that do not go together. Download the model again."
    )
