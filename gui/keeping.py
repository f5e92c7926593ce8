"""What is kept of files that would be lost: one that others have changed, a damaged session."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from core.atomic import write_atomically
from core.errors import KnownError, StorageFailed, UnreadableImage
from core.projects import Project, load_project
from gui.leaving import new_copy

Stamp = tuple[int, int]
"""When a file was written, in nanoseconds, and its bytes."""


def stamp_of(file: Path | None) -> Stamp | None:
    """What tells whether a file is still the same; None where it cannot be looked at."""
    if file is None:
        return None
    try:
        found = file.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size


def read_stamp(record: Any) -> Stamp | None:
    """A stamp that has been JSON data; None for anything else."""
    if not isinstance(record, list) or len(record) != 2:
        return None
    return (record[0], record[1]) if all(type(part) is int for part in record) else None


def keep_others_version(file: Path, ours: Stamp | None, folder: Path) -> Path | None:
    """Copy a file that is about to be written over and is not what was read or written last.

    Args:
        ours: Its stamp at that time; None where it is not known, and nothing is copied.
        folder: Where the copy goes.

    Returns:
        The copy; None where there is nothing that would be lost.

    Raises:
        StorageFailed: it cannot be copied.
    """
    if ours is None or stamp_of(file) in (None, ours):
        return None
    try:
        content = file.read_bytes()
    except OSError as error:
        raise StorageFailed(
            f"Another program has changed {file}, and its version cannot be read "
            f"({error.strerror}). Save under another name."
        ) from error
    copy = new_copy(folder)
    write_atomically(copy, content)
    return copy


def load_session(file: Path) -> Project:
    """Read a session; one that cannot be read makes room for the next, and is kept beside it.

    Raises:
        UnreadableImage: it is damaged, or a later Sfumato wrote it.
    """
    try:
        return load_project(file)
    except KnownError as error:
        beside = file.with_name(f"unreadable-{file.name}")
        with suppress(OSError):
            file.replace(beside)
        kept = f" It is kept as {beside}." if beside.exists() else ""
        raise UnreadableImage(f"The last session could not be read. {error}{kept}") from error


def remove_session(file: Path) -> None:
    """Let the next start begin afresh.

    Raises:
        StorageFailed: the file cannot be removed.
    """
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise StorageFailed(f"{file} cannot be removed ({error.strerror}).") from error
