"""Files that are whole or not there, whenever the program, or the computer, stops."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from core.errors import StorageFailed


@contextmanager
def replacing(target: Path, temporary: Path) -> Iterator[BinaryIO]:
    """A stream to write the new file to; it takes the old one's place when the block succeeds.

    The bytes are on the disk before the name is, and then the name is too.

    Args:
        target: The file; its folder is made if it is missing.
        temporary: Where it is written at first, on the same disk; its folder likewise.

    Raises:
        StorageFailed: disk full, folder not writable; the old file is untouched.
    """
    try:
        for folder in (target.parent, temporary.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
        _flush_folder(target.parent)
    except OSError as error:
        raise StorageFailed(
            f"{target} could not be written ({error.strerror}). Free some space or choose "
            "another place."
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
        partial: Folder for the temporary file, on the same disk; beside the target without it.

    Raises:
        StorageFailed: disk full, folder not writable; the old file is untouched.
    """
    folder = partial or file.parent
    with replacing(file, folder / f".{file.name}.{os.getpid()}.tmp") as stream:
        stream.write(content)


def _flush_folder(folder: Path) -> None:
    """Let the new name outlive a power cut; Windows opens no folders, and needs none of it."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
