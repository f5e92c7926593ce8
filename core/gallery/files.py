"""Files of the gallery: unfinished ones apart, so that a killed program leaves nothing torn."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image

from core.atomic import write_atomically
from core.errors import StorageFailed
from core.images import encode
from core.logs import logger
from core.request import Pixels, pixel_digest

PARTIAL = ".partial"
_PID = re.compile(r"\.(\d+)\.(?:tmp|keeping)$")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_DAY = 86_400.0
_STARTED = time.time()
_log = logger("gallery")


def picture_name(created: datetime, seed: int, item_id: str) -> str:
    """Path below the pictures folder, like ``2026-11/20261123-071617-31-1a2b3c4d.png``."""
    return f"{created:%Y-%m}/{created:%Y%m%d-%H%M%S}-{seed}-{item_id[:8]}.png"


def month_of(name: str) -> str:
    """The folder in which `picture_name` put a file of that name."""
    return f"{name[:4]}-{name[4:6]}"


def keep_input(folder: Path, pixels: Pixels) -> tuple[Path, bool]:
    """Write an input under its digest; returns its path and whether it is new.

    Raises:
        StorageFailed: it cannot be written.
    """
    path = folder / f"{pixel_digest(pixels)}.png"
    if path.exists():
        return path, False
    write_atomically(path, encode(pixels, "PNG"), folder / PARTIAL)
    return path, True


def read_input(folder: Path, digest: str) -> Pixels:
    """The pixels of that digest, exactly.

    Raises:
        KeyError: they are missing or no longer what they were.
    """
    if _DIGEST.fullmatch(digest) is None:
        raise KeyError(digest)
    try:
        with Image.open(folder / f"{digest}.png", formats=("PNG",)) as picture:
            pixels = np.array(picture)
    except (OSError, SyntaxError, ValueError) as error:
        raise KeyError(digest) from error
    if pixel_digest(pixels) != digest:
        raise KeyError(digest)
    return pixels


@contextmanager
def keeping(pictures: Path, name: str) -> Iterator[None]:
    """Leave a note while a picture has its file but may not have its row yet.

    After a kill the note stays, and the next start knows which picture to look at.
    """
    note = pictures / PARTIAL / f"{Path(name).name}.{os.getpid()}.keeping"
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch()
    except OSError as error:
        raise StorageFailed(
            f"{pictures} cannot be written ({error.strerror}). Free some space, or choose "
            "another home with --home."
        ) from error
    try:
        yield
    finally:
        remove(note)


def take_stale(folder: Path) -> list[str]:
    """Remove what killed programs left unfinished; names of pictures that may lack a row."""
    names = []
    with suppress(FileNotFoundError):
        for path in sorted((folder / PARTIAL).iterdir()):
            if _is_stale(path):
                if path.name.endswith(".keeping"):
                    names.append(_PID.sub("", path.name))
                remove(path)
    return names


def move(source: Path, target: Path) -> None:
    """Move a file, also to another disk, so that one of the two is always whole.

    Raises:
        StorageFailed: it cannot be moved; it stays where it was.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise StorageFailed(f"{source} could not be moved ({error.strerror}).") from error
        write_atomically(target, source.read_bytes())
        remove(source)


def remove(path: Path) -> None:
    """Remove a file if it is there; what cannot be removed is left and logged."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.info("%s stays: %s", path.name, error.strerror)


def _is_stale(path: Path) -> bool:
    """Whether the process that wrote `path` is gone; a day is enough where that is unknowable."""
    match = _PID.search(path.name)
    try:
        modified = path.stat().st_mtime
    except OSError:
        return False
    if match is None or modified < time.time() - _DAY:
        return True
    pid = int(match[1])
    # After a restart, a container often hands out the same number again.
    return modified < _STARTED if pid == os.getpid() else not _is_alive(pid)


def _is_alive(pid: int) -> bool:
    if os.name == "nt":  # signal 0 would end the process there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
