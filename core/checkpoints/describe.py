"""A model folder or file as a `Checkpoint`, or the one sentence on why it cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.checkpoints.able import abilities_of, advised
from core.checkpoints.checkpoint import Checkpoint
from core.checkpoints.families import FAMILIES, PRIOR_CLASS, PRIOR_PARTS, Family
from core.checkpoints.files import PICKLES
from core.checkpoints.parts import (
    Part,
    check_every_weight,
    own_code,
    parts_of,
    read_index,
    require_parts,
)
from core.checkpoints.prior import prior_for
from core.checkpoints.single_file import SUFFIX, configs_for, read_config, require_fit
from core.errors import BrokenCheckpoint


def describe(path: Path, name: str | None = None) -> Checkpoint:
    """Check a model and tell what it can do.

    Args:
        path: Folder in diffusers' layout, or one safetensors file with all the weights.
        name: How to call it; the name of its folder, or of the file without its ending, when
            left out.

    Raises:
        BrokenCheckpoint: with one sentence on what is wrong and what to do.
    """
    if path.suffix.lower() in (SUFFIX, *PICKLES) and not path.is_dir():
        return _describe_file(path, name or path.stem)
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
    abilities = advised(abilities_of(path, family, configs, text), index)
    name = name or path.absolute().name
    return Checkpoint(name, path, pipeline_class, abilities, variant, prior)


def _describe_file(file: Path, name: str) -> Checkpoint:
    if file.suffix.lower() != SUFFIX:
        raise BrokenCheckpoint(
            f"{file} is a pickle, which could run a stranger's program. Get the model as "
            "safetensors."
        )
    folder = configs_for(file)
    index = read_index(folder)
    pipeline_class = _pipeline_class(folder, index)
    needed = {key for family in FAMILIES[pipeline_class] for key in family.parts}
    parts = {key: part for key, part in parts_of(folder, index).items() if key in needed}
    configs = {key: read_config(part) for key, part in parts.items()}
    family = _family(folder, pipeline_class, index, configs)
    require_parts(folder, family.parts, parts)
    require_fit(file, configs)
    abilities = abilities_of(folder, family, configs, configs)
    return Checkpoint(name, file, pipeline_class, abilities, None, configs=folder)


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
