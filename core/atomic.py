"""Files that are whole or not there, whenever the program, or the computer, stops."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from core.errors import StorageFailed

_UNFINISHED = ".sfumato-{}.tmp"
_DAY = 86_400.0
_MORE_ROOM = "Free some space or choose another place."
_REMEDIES = {
    errno.ENAMETOOLONG: "Give it a shorter name.",
    errno.EACCES: "Choose another place.",
    errno.EPERM: "Choose another place.",
    errno.EROFS: "Choose another place.",
}


@contextmanager
def replacing(file: Path, partial: Path | None = None) -> Iterator[BinaryIO]:
    """A stream to write the new file to; it takes the old one's place when the block succeeds.

    The bytes are on the disk before the name is, and then the name is too. A link stays a link,
    and a file keeps its rights.

    Args:
        file: Its folder is made if it is missing.
        partial: Folder for the unfinished file, on the same disk, which its owner keeps clean;
            beside the file without it, where what a killed program left goes after a day.

    Raises:
        StorageFailed: disk full, folder not writable; the old file is untouched.
    """
    target = file if partial else Path(os.path.realpath(file))
    temporary = _beside(target) if partial is None else _in(partial, target)
    try:
        for folder in (target.parent, temporary.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            yield stream
            stream.flush()
            _keep_rights(target, temporary)
            os.fsync(stream.fileno())
        temporary.replace(target)
        _flush_folder(target.parent)
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, _MORE_ROOM)
        raise StorageFailed(
            f"{file} could not be written ({error.strerror or error}). {remedy}"
        ) from error
    finally:
        # Also after Ctrl+C; and where the folder is no folder, this would fail like the write.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_atomically(file: Path, content: bytes, partial: Path | None = None) -> None:
    """Write a temporary file, flush it to disk, and put it in the target's place.

    Args:
        file: The target; its folder is made if it is missing.
        content: Everything that the file will hold.
        partial: As for `replacing`.

    Raises:
        StorageFailed: disk full, folder not writable; the old file is untouched.
    """
    with replacing(file, partial) as stream:
        stream.write(content)


def _beside(target: Path) -> Path:
    """A name that is free and short, whatever the target is called."""
    _sweep(target.parent)
    return target.with_name(_UNFINISHED.format(os.urandom(16).hex()))


def _in(partial: Path, target: Path) -> Path:
    """A name that says which process writes it."""
    return partial / f".{target.name}.{os.getpid()}.tmp"


def _sweep(folder: Path) -> None:
    """Remove what a killed program left a day ago; a younger one may still be written."""
    with suppress(OSError):
        for stale in folder.glob(_UNFINISHED.format("*")):
            with suppress(OSError):
                if time.time() - stale.stat().st_mtime > _DAY:
                    stale.unlink()


def _keep_rights(old: Path, new: Path) -> None:
    with suppress(OSError):
        new.chmod(stat.S_IMODE(old.stat().st_mode))


def _flush_folder(folder: Path) -> None:
    """Let the new name outlive a power cut; Windows opens no folders, and needs none of it."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
