"""The header of a safetensors file: names and shapes of its tensors, without reading a weight."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import BrokenAddon

PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
_LFS = b"version https://git-lfs"
_MAX_TENSORS = 200_000

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Header:
    """What a file says of itself.

    Attributes:
        shapes: Shape of each tensor by name.
        metadata: Texts that its author put in, such as those of kohya-ss' trainer.
    """

    shapes: Mapping[str, Shape]
    metadata: Mapping[str, str]


def read_header(file: Path) -> Header:
    """The header of `file`, checked against the file's size.

    Raises:
        BrokenAddon: a pickle, missing, cut short, a Git LFS pointer, damaged or empty.
    """
    _refuse_by_name(file)
    try:
        _refuse_by_start(file)
        header = _read(file)
    except OSError as error:
        raise BrokenAddon(f"{file} cannot be read ({error.strerror}). Check its rights.") from error
    if not header.shapes:
        raise BrokenAddon(f"{file} holds no weights. Download it again.")
    return header


def _refuse_by_name(file: Path) -> None:
    if file.suffix.lower() in PICKLES:
        raise BrokenAddon(
            f"{file} is a pickle, which could run a stranger's program. Get it as safetensors."
        )
    if not file.is_file():
        raise BrokenAddon(f"{file} is missing. Download it again.")


def _refuse_by_start(file: Path) -> None:
    """Say in words what the library would call an invalid header."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(len(_LFS))
    if start == _LFS:
        raise BrokenAddon(
            f"{file} is only a Git LFS pointer to the weights. Fetch them with “git lfs pull”."
        )
    if size >= 8 and struct.unpack("<Q", start[:8])[0] + 8 <= size:
        return
    if start.startswith((b"PK\x03\x04", b"\x80")):
        raise BrokenAddon(
            f"{file} is a pickle under another name, which could run a stranger's program. Get it "
            "as safetensors."
        )
    raise BrokenAddon(
        f"{file} is cut short, as by a broken download, or no safetensors file. Download it again."
    )


def _read(file: Path) -> Header:
    # The library checks every offset against shapes, types and the size of the file.
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(file), framework="np") as opened:
            names = opened.keys()
            if len(names) > _MAX_TENSORS:
                raise BrokenAddon(f"{file} holds {len(names):,} tensors. It is no add-on.")
            shapes = {name: tuple(opened.get_slice(name).get_shape()) for name in names}
            metadata = opened.metadata() or {}
    except SafetensorError as error:
        what = "is cut short, as by a broken download" if _lacks_bytes(error) else "is damaged"
        raise BrokenAddon(f"{file} {what}. Download it again.") from error
    return Header(shapes, {str(key): str(value) for key, value in metadata.items()})


def _lacks_bytes(error: Exception) -> bool:
    return "not fully covered" in str(error) or "MetadataIncompleteBuffer" in str(error)
