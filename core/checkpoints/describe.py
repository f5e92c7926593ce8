"""One model folder as a `Checkpoint`, or the one sentence that says why it cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.abilities import ModelAbilities
from core.checkpoints.able import abilities_of
from core.checkpoints.families import (
    FAMILIES,
    FAMILY_NAMED,
    PRIOR_CLASS,
    PRIOR_PARTS,
    Family,
)
from core.checkpoints.parts import (
    Part,
    check_every_weight,
    own_code,
    parts_of,
    read_index,
    require_parts,
)
from core.checkpoints.prior import Prior, prior_for
from core.errors import BrokenCheckpoint


@dataclass(frozen=True)
class Checkpoint:
    """A model on disk that can be loaded.

    Attributes:
        name: How people and requests call it.
        path: Folder in diffusers' layout.
        pipeline_class: Class named by its model_index.json.
        abilities: What a request may ask of it.
        variant: Suffix of the weight files to load, such as ``"fp16"``; None for the plain ones.
        prior: The model that reads the text for it, where that is another folder.
    """

    name: str
    path: Path
    pipeline_class: str
    abilities: ModelAbilities
    variant: str | None
    prior: Prior | None = None

    @property
    def family(self) -> Family:
        """Its row in the table of families."""
        return FAMILY_NAMED[self.abilities.family]

    @property
    def tokenizer(self) -> Path:
        """Folder of the tokenizer whose tokens `ModelAbilities.prompt_tokens` counts."""
        row = FAMILY_NAMED.get(self.abilities.family)
        pairs = [] if row is None else [pair for pair in (row.t5, row.text) if pair is not None]
        folder = self.path if self.prior is None else self.prior.path
        found = [folder / name for name, _ in pairs if (folder / name).is_dir()]
        return found[0] if found else folder / "tokenizer"


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
    index = read_index(path)
    pipeline_class = _pipeline_class(path, index)
    parts = parts_of(path, index)
    configs = {key: part.read_config() for key, part in parts.items()}
    family = _family(path, pipeline_class, index, configs)
    require_parts(path, family.parts, parts)
    variant = check_every_weight(path, parts.values())
    prior = prior_for(path) if family.prior else None
    text = configs if prior is None else _text_configs(prior.path, family)
    abilities = abilities_of(path, family, configs, text)
    name = name or path.absolute().name
    return Checkpoint(name, path, pipeline_class, abilities, variant, prior)


def _pipeline_class(path: Path, index: Mapping[str, Any]) -> str:
    pipeline_class = index.get("_class_name")
    if isinstance(pipeline_class, list):
        raise own_code(path, "its pipeline")
    if pipeline_class == PRIOR_CLASS:
        raise BrokenCheckpoint(
            f"{path} is the prior that Kandinsky's decoders need, and draws nothing by itself. "
            "Choose a decoder, such as kandinsky-2-2-decoder."
        )
    if not isinstance(pipeline_class, str) or pipeline_class not in FAMILIES:
        raise BrokenCheckpoint(
            f"{path} is a model of the class “{pipeline_class}”, which Sfumato does not know. "
            f"It knows: {', '.join(FAMILIES)}."
        )
    return pipeline_class


def _family(
    path: Path,
    pipeline_class: str,
    index: Mapping[str, Any],
    configs: Mapping[str, dict[str, Any]],
) -> Family:
    rows = FAMILIES[pipeline_class]
    denoiser = rows[0].denoiser
    if denoiser not in configs:
        raise BrokenCheckpoint(f"{path} has no “{denoiser}”. Download the model again.")
    for family in rows:
        if family.fits(index, configs[denoiser]):
            return family
    what = "U-Net" if denoiser == "unet" else denoiser
    raise BrokenCheckpoint(
        f"{path / denoiser / 'config.json'} does not describe the {what} of a {pipeline_class}. "
        "Download the model again."
    )


def _text_configs(prior: Path, family: Family) -> dict[str, dict[str, Any]]:
    return {
        key: Part(prior / key, "transformers", PRIOR_PARTS[key]).read_config()
        for key in family.text
    }
