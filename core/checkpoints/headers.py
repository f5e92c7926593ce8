"""The header of a safetensors file: names, formats, shapes and places of its tensors.

The format: eight bytes of length, that many bytes of JSON, then the numbers, each tensor where the
header says, without gaps (huggingface/safetensors, README). Everything is checked against that
and against the file's size before a weight is read.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from core.errors import BrokenCheckpoint

AGAIN = "Download the model again."

_MAX_HEADER = 100_000_000  # the limit of the safetensors library
_MAX_TENSORS = 200_000
_MAX_NUMBERS = 1 << 48
_LFS = b"version https://git-lfs"
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80")
_BITS = {
    "F64": 64,
    "F32": 32,
    "F16": 16,
    "BF16": 16,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "F4": 4,
    "C64": 64,
    "I64": 64,
    "I32": 32,
    "I16": 16,
    "I8": 8,
    "U64": 64,
    "U32": 32,
    "U16": 16,
    "U8": 8,
    "BOOL": 8,
}


class TensorPlace(NamedTuple):
    """One tensor in a file.

    Attributes:
        dtype: As the format spells it, such as ``"F16"``.
        shape: Its sides.
        begin: Where in the file it begins, in bytes.
        end: Where it ends.
    """

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """What a file says of itself.

    Attributes:
        tensors: Every tensor by name.
        metadata: Texts that its author put in.
    """

    tensors: Mapping[str, TensorPlace]
    metadata: Mapping[str, str] = field(default_factory=dict)

    def below(self, prefix: str) -> dict[str, TensorPlace]:
        """The tensors whose names begin with `prefix`."""
        return {name: place for name, place in self.tensors.items() if name.startswith(prefix)}


def read_header(file: Path) -> Header:
    """The header of `file`; remembered while the file's time and size stay as they are.

    Raises:
        BrokenCheckpoint: missing, cut short, damaged, empty, a pickle, or only a pointer of Git
            LFS.
    """
    try:
        status = file.stat()
        if not file.is_file():
            raise BrokenCheckpoint(f"{file} is no file. Take it out of the folder.")
        return _header(file, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise unreadable(file, error) from error


def unreadable(file: Path, error: OSError) -> BrokenCheckpoint:
    """What is said of a file that the system does not give."""
    if isinstance(error, FileNotFoundError):
        return BrokenCheckpoint(f"{file} is missing. {AGAIN}")
    return BrokenCheckpoint(f"{file} cannot be read ({error.strerror}). Check its rights.")


def damaged(file: Path, why: str) -> BrokenCheckpoint:
    """What is said of a file whose content makes no sense."""
    return BrokenCheckpoint(f"{file} is damaged: {why}. {AGAIN}")


@lru_cache(maxsize=32)  # half a megabyte each
def _header(file: Path, size: int, _time: int) -> Header:
    with file.open("rb") as stream:
        length = _length(file, stream, size)
        header = _parsed(file, stream.read(length))
    metadata = header.pop("__metadata__", None)
    if not header:
        raise BrokenCheckpoint(f"{file} holds no weights. {AGAIN}")
    if len(header) > _MAX_TENSORS:
        raise damaged(file, f"it names {len(header):,} tensors")
    tensors = {name: _place(file, value, 8 + length) for name, value in header.items()}
    _require_whole(file, tensors, 8 + length, size)
    return Header(tensors, _texts(metadata))


def _length(file: Path, stream: BinaryIO, size: int) -> int:
    """Length in bytes of the JSON, whose first 8 bytes in the file say so."""
    start = stream.read(len(_LFS))
    stream.seek(8)
    if start == _LFS:
        raise BrokenCheckpoint(
            f"{file} is only a Git LFS pointer to the weights. Fetch them with “git lfs pull”."
        )
    if len(start) < 8:
        raise _cut_short(file)
    length = int(struct.unpack("<Q", start[:8])[0])
    if 2 <= length <= _MAX_HEADER:
        if length + 8 > size:
            raise _cut_short(file)
        return length
    if start.startswith(_PICKLE_STARTS):
        raise BrokenCheckpoint(
            f"{file} is a pickle under another name, which could run a stranger's program. Get the "
            "model as safetensors."
        )
    raise damaged(file, "it is no safetensors file")


def _parsed(file: Path, text: bytes) -> dict[str, Any]:
    try:
        content = json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise damaged(file, "its header is unreadable") from error
    if not isinstance(content, dict):
        raise damaged(file, "its header is unreadable")
    return content


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two tensors of one name: which one is meant, a stranger would have decided."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _place(file: Path, value: Any, start: int) -> TensorPlace:
    try:
        dtype, shape, (begin, end) = value["dtype"], value["shape"], value["data_offsets"]
        numbers = [*shape, begin, end]
        if not all(type(number) is int and 0 <= number < _MAX_NUMBERS for number in numbers):
            raise ValueError("no numbers")
        whole = math.prod(shape) * _BITS[dtype] == 8 * (end - begin)
    except (ValueError, TypeError, KeyError) as error:
        raise damaged(file, "its header is unreadable") from error
    if not whole:
        raise damaged(file, "a tensor in it has not the size that its shape asks for")
    return TensorPlace(dtype, tuple(shape), start + begin, start + end)


def _require_whole(file: Path, tensors: Mapping[str, TensorPlace], start: int, size: int) -> None:
    """The tensors follow each other from the header to the end of the file."""
    position = start
    for begin, end in sorted((place.begin, place.end) for place in tensors.values()):
        if begin != position:
            raise damaged(file, "its tensors overlap or leave gaps")
        position = end
    if position > size:
        raise _cut_short(file)
    if position < size:
        raise damaged(file, "it is longer than it says")


def _texts(metadata: Any) -> dict[str, str]:
    if not isinstance(metadata, dict):
        return {}
    return {key: value for key, value in metadata.items() if isinstance(value, str)}


def _cut_short(file: Path) -> BrokenCheckpoint:
    return BrokenCheckpoint(f"{file} is cut short, as by a broken download. {AGAIN}")


def chunks(file: Path, places: Iterator[TensorPlace], size: int = 1 << 22) -> Iterator[bytes]:
    """The bytes of these tensors, one after the other.

    Raises:
        OSError: the file cannot be read.
    """
    with file.open("rb") as stream:
        for place in places:
            stream.seek(place.begin)
            left = place.end - place.begin
            while left > 0 and (chunk := stream.read(min(left, size))):
                left -= len(chunk)
                yield chunk
