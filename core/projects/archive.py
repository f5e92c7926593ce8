"""The zip around a project: entries are read by name and never unpacked to disk.

A file may come from anybody, so what it claims is checked before anything is read: number and
sizes of entries, names, kinds. Everything that is wrong with a file is a `Flaw`.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from core.errors import UnreadableImage
from core.geometry import Size
from core.images import MAX_PIXELS, MAX_SIDE, require_plain_file
from core.request import Pixels

MIMETYPE = "image/openraster"
MOST_ENTRIES = 2_000
MOST_BYTES = 4 * 2**30
MOST_TEXT = 16 * 2**20
_MOST_RATIO = 200
_TOO_SMALL_TO_HARM = 2**20
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
# pyora names its entries /data/layer0.png; harmless, as no name is ever used as a path.
_ODD_BUT_REAL = re.compile(r"/data/[^/]+")
_UNSAFE_NAME = re.compile(r"\A/|\\|\0|\A[A-Za-z]:|(?:\A|/)\.\.(?:/|\Z)")
# What zipfile and Pillow were seen to raise on damaged files (tests/core/test_projects.py).
_DAMAGE = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    LookupError,
    RuntimeError,
    ArithmeticError,
    TypeError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


class Flaw(Exception):
    """What is wrong with a project, as a clause after a colon; `remedy` is a whole sentence."""

    def __init__(self, reason: str, remedy: str = "Take another copy of it.") -> None:
        super().__init__(reason)
        self.remedy = remedy


class Archive:
    """The entries of one project file, by name."""

    def __init__(self, entries: zipfile.ZipFile) -> None:
        """Look at the table of contents.

        Raises:
            Flaw: it is not that of an OpenRaster file, or not that of a harmless one.
        """
        examine(entries.infolist())
        self._entries = entries
        self._infos = {info.filename: info for info in entries.infolist()}
        if self._content("mimetype", len(MIMETYPE) + 2).strip() != MIMETYPE.encode():
            raise Flaw("it is not an OpenRaster file", "Choose a file that ends in .ora.")

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    def text(self, name: str) -> bytes:
        """A whole entry of at most 16 MiB.

        Raises:
            Flaw: it is missing, damaged or larger.
        """
        if name in self and self._infos[name].file_size > MOST_TEXT:
            raise Flaw(f"its {name} is larger than {MOST_TEXT // 2**20} MB")
        return self._content(name, MOST_TEXT)

    def picture_size(self, name: str) -> Size:
        """Width and height that a PNG's header claims.

        Raises:
            Flaw: it is missing, no PNG, or larger than a canvas may be.
        """
        header = self._content(name, len(_PNG) + 8)
        if len(header) < len(_PNG) + 8 or not header.startswith(_PNG):
            raise Flaw(f"its {name} is not a PNG picture")
        size = Size(*struct.unpack(">II", header[len(_PNG) :]))
        if size.is_empty or max(size) > MAX_SIDE or size.area > MAX_PIXELS:
            raise Flaw(f"its {name} claims to have {size} pixels")
        return size

    def picture(self, name: str) -> Pixels:
        """A PNG's pixels: uint8 (h, w, 4), straight alpha.

        Raises:
            Flaw: as `picture_size`, or it is damaged.
        """
        self.picture_size(name)
        content = io.BytesIO(self._content(name, MOST_BYTES))
        with _damage_as_flaw(name), Image.open(content, formats=("PNG",)) as picture:
            return np.asarray(picture if picture.mode == "RGBA" else picture.convert("RGBA"))

    def _content(self, name: str, most: int) -> bytes:
        """The first `most` bytes; never more is unpacked than the entry claims to hold."""
        if name not in self._infos:
            raise Flaw(f"it has no {name}")
        wanted = min(self._infos[name].file_size, most)
        with _damage_as_flaw(name), self._entries.open(self._infos[name]) as stream:
            content = stream.read(wanted)
        if len(content) < wanted:
            raise Flaw(f"its {name} is incomplete")
        return content


@contextmanager
def opened(file: Path) -> Iterator[Archive]:
    """The archive in `file`, for as long as the block runs.

    Raises:
        UnreadableImage: there is no such file, or it may not be read.
        Flaw: it is not a zip, or one that `Archive` refuses.
    """
    require_plain_file(file)
    try:
        entries = zipfile.ZipFile(file)
    except FileNotFoundError as error:
        raise UnreadableImage(f"There is no file {file}. Check the name.") from error
    except _DAMAGE as error:
        reason = getattr(error, "strerror", None) or "it is not an OpenRaster file, or incomplete"
        raise Flaw(reason) from error
    with entries:
        yield Archive(entries)


def examine(infos: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse a table of contents that is larger, or says stranger things, than a project needs.

    Raises:
        Flaw: names what is wrong.
    """
    if len(infos) > MOST_ENTRIES:
        raise Flaw(f"it has {len(infos):,} entries, more than {MOST_ENTRIES:,}")
    if sum(info.file_size for info in infos) > MOST_BYTES:
        raise Flaw(f"unpacked it is larger than {MOST_BYTES // 2**30} GB")
    if len({info.filename for info in infos}) < len(infos):
        raise Flaw("it has two entries of the same name")
    for info in infos:
        _examine(info)


def _examine(info: zipfile.ZipInfo) -> None:
    # `filename` ends at the first NUL; the other one is what the file says.
    name = info.orig_filename
    if _UNSAFE_NAME.search(name) and not _ODD_BUT_REAL.fullmatch(name):
        raise Flaw(f"it has an entry with the unsafe name {name[:60]!r}")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise Flaw(f"its {name[:60]!r} is a link")
    if info.flag_bits & 1:
        raise Flaw("it is encrypted", "Save it again without a password.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Flaw(f"its {name[:60]!r} is compressed in an unknown way")
    largest = max(_TOO_SMALL_TO_HARM, _MOST_RATIO * info.compress_size)
    if info.file_size > largest:
        raise Flaw(f"its {name[:60]!r} unpacks to far more than it should (a “zip bomb”)")


@contextmanager
def _damage_as_flaw(name: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise Flaw(f"its {name} is damaged") from error
