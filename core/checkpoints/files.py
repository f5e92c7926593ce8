"""JSON and safetensors files of a model folder, read defensively: every fault has a sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.checkpoints.headers import AGAIN, damaged, read_header, unreadable
from core.errors import BrokenCheckpoint

_MAX_JSON = 64 * 2**20
PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
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
        raise unreadable(file, error) from error
    except (ValueError, RecursionError) as error:
        raise damaged(file, "it is not JSON") from error
    if not isinstance(content, dict):
        raise damaged(file, "it holds no JSON object")
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
        raise unreadable(folder, error) from error
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
    read_header(file)


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
        raise damaged(index, "it names no weights")
    files = []
    for name in sorted(set(map(str, names.values()))):
        if not _SHARD_NAME.fullmatch(name):
            raise damaged(index, "it names no file beside it")
        files.append(index.parent / name)
    return tuple(files)


def _without_weights(folder: Path, names: list[str]) -> BrokenCheckpoint:
    if any(name.endswith(PICKLES) for name in names):
        return BrokenCheckpoint(
            f"{folder} has its weights as pickle only, which could run a stranger's program. "
            "Get the model as safetensors."
        )
    return BrokenCheckpoint(f"{folder} holds no weights (*.safetensors). {AGAIN}")
