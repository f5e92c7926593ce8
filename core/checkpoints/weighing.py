"""How much a model's parts weigh, read from the headers of its files; no weight is read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.checkpoints.checkpoint import Checkpoint
from core.checkpoints.files import Variant, read_json, weights
from core.checkpoints.headers import TensorPlace, read_header
from core.checkpoints.parts import parts_of, read_index
from core.checkpoints.single_file import tensors_of

_STORED_AS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


@dataclass(frozen=True)
class PartWeight:
    """One network of a model.

    Attributes:
        numbers: How many weights it has.
        kernels: How many of them are in convolutions wider than a pixel.
        file_bytes: What they take on disk.
        dtype: The number format of most of them, as torch calls it.
        config: Its configuration.
    """

    numbers: int
    kernels: int
    file_bytes: int
    dtype: str
    config: dict[str, Any]


def weigh(checkpoint: Checkpoint) -> dict[str, PartWeight]:
    """The networks of a model by name, in the order in which they are read; its prior's first.

    Raises:
        BrokenCheckpoint: a file cannot be read.
    """
    if checkpoint.configs is not None:
        return _weigh_file(checkpoint, checkpoint.configs)
    found: dict[str, PartWeight] = {}
    if checkpoint.prior is not None:
        prior = _weigh_folder(checkpoint.prior.path, checkpoint.prior.variant)
        found |= {f"prior_{name}": part for name, part in prior.items()}
    return found | _weigh_folder(checkpoint.path, checkpoint.variant)


def numbers_in(file: Path) -> int:
    """How many weights a safetensors file holds.

    Raises:
        BrokenCheckpoint: it cannot be read.
    """
    return sum(math.prod(place.shape) for place in read_header(file).tensors.values())


def files_of(folder: Path, stem: str, variant: Variant) -> tuple[Path, ...]:
    """The weight files of one component in the variant that is loaded.

    Raises:
        BrokenCheckpoint: there are none.
    """
    files = weights(folder, stem)
    return files.get(variant) or next(iter(files.values()))


def _weigh_file(checkpoint: Checkpoint, configs: Path) -> dict[str, PartWeight]:
    found = {}
    for name in checkpoint.family.parts:
        if tensors := tensors_of(checkpoint, name):
            config = read_json(configs / name / "config.json")
            found[name] = _weighed(list(tensors.values()), config)
    return found


def _weigh_folder(folder: Path, variant: Variant) -> dict[str, PartWeight]:
    parts = parts_of(folder, read_index(folder))
    found = {}
    for name, part in parts.items():
        if part.has_weights:
            files = files_of(part.folder, part.stem, variant)
            tensors = [place for file in files for place in read_header(file).tensors.values()]
            found[name] = _weighed(tensors, read_json(part.folder / part.file))
    return found


def _weighed(tensors: list[TensorPlace], config: dict[str, Any]) -> PartWeight:
    by_dtype: dict[str, int] = {}
    kernels = 0
    for dtype, shape, _, _ in tensors:
        by_dtype[dtype] = by_dtype.get(dtype, 0) + math.prod(shape)
        if len(shape) == 4 and shape[2] * shape[3] > 1:
            kernels += math.prod(shape)
    most = max(by_dtype, key=lambda dtype: by_dtype[dtype])
    file_bytes = sum(place.end - place.begin for place in tensors)
    dtype = _STORED_AS.get(most, most.lower())
    return PartWeight(sum(by_dtype.values()), kernels, file_bytes, dtype, config)
