"""Digests of add-on files: ours for the record, and the short ones that A1111 writes."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

_CHUNK = 1 << 22
_known: dict[tuple[str, int, int], Digests] = {}


class Digests(NamedTuple):
    """Of one file.

    Attributes:
        sha256: Of the whole file, 64 hex digits.
        tensors: Of what comes after the header, which says what A1111 calls a LoRA's hash
            (modules/hashes.py, `addnet_hash_safetensors`); edited metadata leaves it as it is.
    """

    sha256: str
    tensors: str


def digests_of(file: Path, between: Callable[[], None] = lambda: None) -> Digests:
    """Read the file once; later calls remember it while its time and size stay as they are.

    Args:
        file: A safetensors file.
        between: Called after every 4 MiB; may raise to give up.

    Raises:
        OSError: it cannot be read.
    """
    status = file.stat()
    key = (str(file.resolve()), status.st_mtime_ns, status.st_size)
    if key not in _known:
        _known[key] = _read(file, between)
    return _known[key]


def _read(file: Path, between: Callable[[], None]) -> Digests:
    whole, tensors = hashlib.sha256(), hashlib.sha256()
    with file.open("rb") as stream:
        start = stream.read(8)
        header = stream.read(struct.unpack("<Q", start.ljust(8, b"\0"))[0])
        whole.update(start + header)
        while chunk := stream.read(_CHUNK):
            whole.update(chunk)
            tensors.update(chunk)
            between()
    return Digests(whole.hexdigest(), tensors.hexdigest())
