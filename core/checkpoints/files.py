"""JSON and safetensors files of a model folder, read defensively: every fault has a sentence."""

from __future__ import annotations

import json
import operator
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import BrokenCheckpoint

_MAX_JSON = 64 * 2**20
_MAX_HEADER = 100_000_000  # the limit of the safetensors library
_LFS = b"version https://git-lfs"
_PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
_SHARD = re.compile(r"-\d{5}-of-\d{5}$")
_SHARD_NAME = re.compile(r"[\w.-]+\.safetensors")

Variant = str | None


def read_json(file: Path) -> dict[str, Any]:
    """The JSON object in `file`.

    Raises:
        BrokenCheckpoint: missing, unreadable, not JSON, or not an object.
    """
    try:
        if file.stat().st_size > _MAX_JSON:
            raise ValueError("too large")
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise _unreadable(file, error) from error
    except (ValueError, RecursionError) as error:
        raise BrokenCheckpoint(f"{_damaged(file)}: it is not JSON. {_AGAIN}") from error
    if not isinstance(content, dict):
        raise BrokenCheckpoint(f"{_damaged(file)}: it holds no JSON object. {_AGAIN}")
    return content


def weights(folder: Path, stem: str) -> dict[Variant, tuple[Path, ...]]:
    """The safetensors files of one component, by variant (None is the plain one, "fp16", ...).

    Args:
        folder: Folder of the component.
        stem: ``"model"`` for transformers, ``"diffusion_pytorch_model"`` for diffusers.

    Raises:
        BrokenCheckpoint: no weights, only pickled ones, or a damaged list of shards.
    """
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        raise _unreadable(folder, error) from error
    found: dict[Variant, tuple[Path, ...]] = {}
    for name in names:
        variant, is_index = _variant(name, stem)
        if variant is not _NOT_WEIGHTS:
            files = _shards(folder / name) if is_index else (folder / name,)
            found[variant] = (*found.get(variant, ()), *files)
    if not found:
        raise _without_weights(folder, names)
    return found


def check_weights(file: Path) -> None:
    """Compare the header of a safetensors file with the file's size; no weight is read.

    Raises:
        BrokenCheckpoint: missing, truncated, damaged, empty, or only a Git LFS pointer.
    """
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            header = _header(file, stream.read(8), size)
            end = _end_of_tensors(file, stream.read(header))
    except OSError as error:
        raise _unreadable(file, error) from error
    if 8 + header + end > size:
        raise _cut_short(file)
    if 8 + header + end < size:
        raise BrokenCheckpoint(f"{_damaged(file)}: it is longer than it says. {_AGAIN}")


_AGAIN = "Download the model again."
_NOT_WEIGHTS = "not weights"


def _variant(name: str, stem: str) -> tuple[Variant, bool]:
    """(variant, whether it is a list of shards); `_NOT_WEIGHTS` for any other file."""
    single = re.fullmatch(rf"{stem}(?:\.([^.]+))?\.safetensors", name)
    if single and not _SHARD.search(single[1] or ""):
        return single[1], False
    index = re.fullmatch(rf"{stem}\.safetensors\.index(?:\.([^.]+))?\.json", name)
    return (index[1], True) if index else (_NOT_WEIGHTS, False)


def _shards(index: Path) -> tuple[Path, ...]:
    names = read_json(index).get("weight_map")
    if not isinstance(names, Mapping) or not names:
        raise BrokenCheckpoint(f"{_damaged(index)}: it names no weights. {_AGAIN}")
    files = []
    for name in sorted(set(map(str, names.values()))):
        if not _SHARD_NAME.fullmatch(name):
            raise BrokenCheckpoint(f"{_damaged(index)}: it names no file beside it. {_AGAIN}")
        files.append(index.parent / name)
    return tuple(files)


def _without_weights(folder: Path, names: list[str]) -> BrokenCheckpoint:
    if any(name.endswith(_PICKLES) for name in names):
        return BrokenCheckpoint(
            f"{folder} has its weights as pickle only, which could run a stranger's program. "
            "Get the model as safetensors."
        )
    return BrokenCheckpoint(f"{folder} holds no weights (*.safetensors). {_AGAIN}")


def _header(file: Path, start: bytes, size: int) -> int:
    """Length in bytes of the header, whose first 8 bytes in the file say so."""
    if len(start) == 8 and _LFS.startswith(start):
        raise BrokenCheckpoint(
            f"{file} is only a Git LFS pointer to the weights. Fetch them with “git lfs pull”."
        )
    if len(start) < 8:
        raise _cut_short(file)
    length = int(struct.unpack("<Q", start)[0])
    if not 2 <= length <= _MAX_HEADER:
        raise BrokenCheckpoint(f"{_damaged(file)}: it is no safetensors file. {_AGAIN}")
    if length + 8 > size:
        raise _cut_short(file)
    return length


def _end_of_tensors(file: Path, header: bytes) -> int:
    """Where the last tensor ends, in bytes after the header."""
    try:
        tensors = json.loads(header)
        tensors.pop("__metadata__", None)
        ends = [operator.index(tensor["data_offsets"][1]) for tensor in tensors.values()]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise BrokenCheckpoint(f"{_damaged(file)}: its header is unreadable. {_AGAIN}") from error
    if not ends:
        raise BrokenCheckpoint(f"{file} holds no weights. {_AGAIN}")
    return max(ends)


def _damaged(file: Path) -> str:
    return f"{file} is damaged"


def _cut_short(file: Path) -> BrokenCheckpoint:
    return BrokenCheckpoint(f"{file} is cut short, as by a broken download. {_AGAIN}")


def _unreadable(file: Path, error: OSError) -> BrokenCheckpoint:
    if isinstance(error, FileNotFoundError):
        return BrokenCheckpoint(f"{file} is missing. {_AGAIN}")
    return BrokenCheckpoint(f"{file} cannot be read ({error.strerror}). Check its rights.")
