"""The index's shape, one function per step; `user_version` says how many steps were taken."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from core.errors import StorageFailed

Step = Callable[[sqlite3.Connection], None]


def _create_items(connection: sqlite3.Connection) -> None:
    """Step 1: one row per picture, numbered in the order they were made, and prompt search."""
    for statement in _ITEMS:
        connection.execute(statement)


_ITEMS = (
    """CREATE TABLE items (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        file TEXT NOT NULL,
        created TEXT NOT NULL,
        trashed TEXT,
        prompt TEXT NOT NULL,
        kind TEXT NOT NULL,
        checkpoint TEXT NOT NULL,
        seed INTEGER NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        seconds REAL NOT NULL,
        record TEXT NOT NULL
    )""",
    "CREATE INDEX kept ON items (number) WHERE trashed IS NULL",
    """CREATE VIRTUAL TABLE prompts USING fts5 (
        prompt, content = 'items', content_rowid = 'number', tokenize = 'trigram'
    )""",
    """CREATE TRIGGER item_added AFTER INSERT ON items BEGIN
        INSERT INTO prompts (rowid, prompt) VALUES (new.number, new.prompt);
    END""",
    """CREATE TRIGGER item_removed AFTER DELETE ON items BEGIN
        INSERT INTO prompts (prompts, rowid, prompt) VALUES ('delete', old.number, old.prompt);
    END""",
    """CREATE TRIGGER prompt_changed AFTER UPDATE OF prompt ON items BEGIN
        INSERT INTO prompts (prompts, rowid, prompt) VALUES ('delete', old.number, old.prompt);
        INSERT INTO prompts (rowid, prompt) VALUES (new.number, new.prompt);
    END""",
)

STEPS: tuple[Step, ...] = (_create_items,)


def migrate(connection: sqlite3.Connection, file: Path, steps: Sequence[Step] = STEPS) -> int:
    """Take the steps that are missing, all in one transaction; returns the version found.

    An index of an older version is first copied beside itself as ``<name>.v<version>.bak``.

    Raises:
        StorageFailed: the index is from a newer Sfumato; it is left as it is.
    """
    found = _version(connection)
    if found > len(steps):
        raise StorageFailed(
            f"The gallery in {file.parent} is from a newer Sfumato (version {found}; this one "
            f"knows {len(steps)}). Update Sfumato, or choose another home with --home."
        )
    if found == len(steps):
        return found
    if found:
        _back_up(connection, file.with_name(f"{file.name}.v{found}.bak"))
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        for step in steps[_version(connection) :]:  # another process may have been faster
            step(connection)
        connection.execute(f"PRAGMA user_version = {len(steps)}")
    return found


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _back_up(connection: sqlite3.Connection, file: Path) -> None:
    copy = sqlite3.connect(file)
    try:
        connection.backup(copy)
    finally:
        copy.close()
