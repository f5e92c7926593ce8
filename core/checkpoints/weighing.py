"""How much a model's parts weigh, read from the headers of its files; no weight is read."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from core.checkpoints.describe import Checkpoint
from core.checkpoints.files import Variant, read_json, weights
from core.checkpoints.parts import parts_of, read_index

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
    found: dict[str, PartWeight] = {}
    if checkpoint.prior is not None:
        prior = _weigh_folder(checkpoint.prior.path, checkpoint.prior.variant)
        found |= {f"prior_{name}": part for name, part in prior.items()}
    return found | _weigh_folder(checkpoint.path, checkpoint.variant)


@cache
def _weigh_folder(folder: Path, variant: Variant) -> dict[str, PartWeight]:
    parts = parts_of(folder, read_index(folder))
    found = {}
    for name, part in parts.items():
        if part.has_weights:
            files = weights(part.folder, part.stem)
            chosen = files.get(variant) or next(iter(files.values()))
            found[name] = _weigh_files(chosen, read_json(part.folder / part.file))
    return found


def _weigh_files(files: tuple[Path, ...], config: dict[str, Any]) -> PartWeight:
    tensors = [tensor for file in files for tensor in _tensors(file)]
    by_dtype: dict[str, int] = {}
    kernels = 0
    for dtype, shape in tensors:
        by_dtype[dtype] = by_dtype.get(dtype, 0) + math.prod(shape)
        if len(shape) == 4 and shape[2] * shape[3] > 1:
            kernels += math.prod(shape)
    most = max(by_dtype, key=lambda dtype: by_dtype[dtype])
    file_bytes = sum(file.stat().st_size for file in files)
    dtype = _STORED_AS.get(most, most.lower())
    return PartWeight(sum(by_dtype.values()), kernels, file_bytes, dtype, config)


def _tensors(file: Path) -> Iterator[tuple[str, list[int]]]:
    """Number format and shape of every tensor; the format is safetensors', checked before."""
    with file.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        header = json.loads(stream.read(length))
    header.pop("__metadata__", None)
    for tensor in header.values():
        yield tensor["dtype"], tensor["shape"]
