"""Safetensors files damaged on purpose, from a seed: what downloads, disks and strangers do."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass
class Anatomy:
    """A file taken apart: its header as JSON data, and its numbers."""

    header: dict[str, Any]
    body: bytes

    @classmethod
    def of(cls, content: bytes) -> Anatomy:
        """Take a sound file apart."""
        (length,) = struct.unpack("<Q", content[:8])
        return cls(json.loads(content[8 : 8 + length]), content[8 + length :])

    def whole(self, text: str | None = None, length: int | None = None) -> bytes:
        """The file again; with another text as header, or another length of it, if given."""
        header = (json.dumps(self.header) if text is None else text).encode()
        return struct.pack("<Q", len(header) if length is None else length) + header + self.body

    def pick(self, rng: random.Random) -> dict[str, Any]:
        """One tensor's entry, to be changed."""
        name = rng.choice([name for name in self.header if name != "__metadata__"])
        found: dict[str, Any] = self.header[name]
        return found


Mutation = Callable[[Anatomy, random.Random], bytes]


def _cut(file: Anatomy, rng: random.Random) -> bytes:
    content = file.whole()
    return content[: rng.randrange(len(content))]


def _cut_header(file: Anatomy, rng: random.Random) -> bytes:
    return file.whole()[: rng.randrange(2000)]


def _lie_about_length(file: Anatomy, rng: random.Random) -> bytes:
    length = len(json.dumps(file.header))
    lies = [0, 1, length - 1, length + 1, length // 2, 2**31, 2**63, 2**64 - 1, 200_000_000]
    return file.whole(length=rng.choice([*lies, rng.randrange(2**64)]))


def _lie_about_offsets(file: Anatomy, rng: random.Random) -> bytes:
    offsets = file.pick(rng)["data_offsets"]
    lies = [-1, 2**63, 2**80, 1.5, None, "0", offsets[0] + 4, max(0, offsets[1] - 8)]
    offsets[rng.randrange(2)] = rng.choice(lies)
    return file.whole()


def _overlap(file: Anatomy, rng: random.Random) -> bytes:
    first, second = file.pick(rng), file.pick(rng)
    size = first["data_offsets"][1] - first["data_offsets"][0]
    begin = second["data_offsets"][0] + 2
    first["data_offsets"] = [begin, begin + size]
    return file.whole()


def _wrong_dtype(file: Anatomy, rng: random.Random) -> bytes:
    file.pick(rng)["dtype"] = rng.choice(["F16", "F64", "I8", "C128", "float", "", None, 7, []])
    return file.whole()


def _wrong_shape(file: Anatomy, rng: random.Random) -> bytes:
    entry = file.pick(rng)
    odd = [[], [0], [-1], [2**40, 2**40], [1.0], "x", None, [True], [*entry["shape"], 2]]
    entry["shape"] = rng.choice(odd)
    return file.whole()


def _lost_field(file: Anatomy, rng: random.Random) -> bytes:
    entry = file.pick(rng)
    entry.pop(rng.choice(list(entry)))
    return file.whole()


def _two_of_a_name(file: Anatomy, rng: random.Random) -> bytes:
    text = json.dumps(file.header)
    name = rng.choice([name for name in file.header if name != "__metadata__"])
    return file.whole(f"{text[:-1]}, {json.dumps(name)}: {json.dumps(file.header[name])}}}")


def _no_json(file: Anatomy, rng: random.Random) -> bytes:
    odd = ["[" * 100_000, "[]", "null", "{", '"text"', "{}", "\0" * 9, '{"a": 1}', "{1: 2}"]
    return file.whole(rng.choice(odd))


def _bits(file: Anatomy, rng: random.Random) -> bytes:
    """Flipped bits in the header, where they are noticed; the weights have no check sum."""
    content = bytearray(file.whole())
    end = 8 + len(json.dumps(file.header))
    for _ in range(rng.choice([1, 2, 8])):
        content[rng.randrange(end)] ^= 1 << rng.randrange(8)
    return bytes(content)


def _tail(file: Anatomy, rng: random.Random) -> bytes:
    return file.whole() + rng.randbytes(rng.choice([1, 100, 5000]))


def _noise(file: Anatomy, rng: random.Random) -> bytes:
    starts = [b"", b"<html>", b"PK\x03\x04", b"\x80\x02", b"version https://git-lfs.github.com\n"]
    return rng.choice(starts) + rng.randbytes(rng.randrange(300))


HEADER_MUTATIONS: Mapping[str, Mutation] = MappingProxyType(
    {
        "cut": _cut,
        "cut in the header": _cut_header,
        "length": _lie_about_length,
        "offsets": _lie_about_offsets,
        "overlap": _overlap,
        "dtype": _wrong_dtype,
        "shape": _wrong_shape,
        "lost field": _lost_field,
        "two of a name": _two_of_a_name,
        "no JSON": _no_json,
        "bits": _bits,
        "tail": _tail,
        "noise": _noise,
    }
)


def mutant(content: bytes, kind: str, seed: int) -> bytes:
    """`content`, a sound file, damaged in that way; the same seed gives the same bytes."""
    return HEADER_MUTATIONS[kind](Anatomy.of(content), random.Random(f"{kind} {seed}"))
