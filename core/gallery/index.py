"""The index of the gallery: SQLite in WAL mode, one connection behind one lock."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from core.errors import StorageFailed
from core.gallery.migrations import migrate
from core.gallery.records import COLUMNS
from core.logs import logger

Row = dict[str, Any]
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_LEAST_TRIGRAM = 3  # characters; shorter words are not in the trigram index
_INSERT = (
    f"INSERT INTO items ({', '.join(COLUMNS)}) VALUES ({', '.join(f':{c}' for c in COLUMNS)}) "
    "ON CONFLICT (id) DO NOTHING"
)
_log = logger("gallery")


class Index:
    """Rows of kept pictures; every method may be called from any thread.

    Args:
        file: The database; made when it is missing, set aside when it is damaged.

    Raises:
        StorageFailed: it cannot be opened, or is from a newer Sfumato.

    Attributes:
        is_new: Whether there was no index, so that the rows must come from the files.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.RLock()
        with self._storage():
            self._connection, version = _open_or_replace(file)
        self.is_new = version == 0

    def close(self) -> None:
        """Give the database back; the write-ahead log goes into it. May be called twice."""
        with self._lock:
            self._connection.close()

    def add(self, row: Row) -> None:
        """Add one row for good; one with the same id stays as it is."""
        with self._transaction() as connection:
            connection.execute(_INSERT, row)

    def remake(self, merge: Callable[[list[Row]], list[Row]]) -> int:
        """Put what `merge` makes of the present rows in their place, oldest first.

        All or nothing, and no row that another thread adds meanwhile is lost. Returns how many.
        """
        with self._transaction() as connection:
            rows = merge(self.all())
            connection.execute("DELETE FROM items")
            connection.executemany(_INSERT, rows)
        return len(rows)

    def mark(self, item_id: str, trashed: str | None) -> None:
        """Note when a picture was deleted, or with None that it is back."""
        with self._transaction() as connection:
            connection.execute("UPDATE items SET trashed = ? WHERE id = ?", (trashed, item_id))

    def all(self) -> list[Row]:
        """Every row, trashed ones too, oldest first."""
        return self._rows("SELECT * FROM items ORDER BY number", [])

    def starting_with(self, start: str) -> list[Row]:
        """The row of that id alone, or at most two whose ids begin like that."""
        query = "SELECT * FROM items WHERE id >= ? AND id < ? ORDER BY id LIMIT 2"
        rows = self._rows(query, [start, start + "\uffff"])
        return [row for row in rows if row["id"] == start] or rows

    def page(self, limit: int, before: str | None, search: str, trashed: bool) -> list[Row]:
        """Rows with every word of `search`, newest first, older than the row `before`."""
        source, values = _source(search, trashed)
        number = "prompts.rowid" if "prompts" in source else "number"  # what the source runs by
        if before is not None:
            source += f" AND {number} < (SELECT number FROM items WHERE id = ?)"
            values.append(before)
        query = f"SELECT items.* FROM {source} ORDER BY {number} DESC LIMIT ?"
        return self._rows(query, [*values, limit])

    def count(self, search: str, trashed: bool) -> int:
        """How many rows `page` would give without a limit."""
        source, values = _source(search, trashed)
        return int(self._rows(f"SELECT COUNT(*) AS count FROM {source}", values)[0]["count"])

    def _rows(self, query: str, values: list[Any]) -> list[Row]:
        with self._storage(), self._lock:
            return [dict(row) for row in self._connection.execute(query, values)]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._storage(), self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            with self._connection:
                yield self._connection

    @contextmanager
    def _storage(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StorageFailed(
                f"The gallery's index {self._file} could not be used ({error}). Free some space, "
                "or choose another home with --home."
            ) from error


def _source(search: str, trashed: bool) -> tuple[str, list[Any]]:
    """What to select from, with its condition, and the values for both."""
    words = search.encode("utf-8", "replace").decode().split()
    long = [word for word in words if len(word) >= _LEAST_TRIGRAM]
    values: list[Any] = []
    source = "items WHERE"
    if long:
        # The text index leads and is walked from its newest entry: a page of a frequent word
        # ends after a page, not after a hundred thousand rows.
        source = "prompts CROSS JOIN items ON number = prompts.rowid WHERE prompts MATCH ? AND"
        values.append(" AND ".join(f'"{_doubled(word)}"' for word in long))
    source += " trashed IS NOT NULL" if trashed else " trashed IS NULL"
    for word in words:
        if len(word) < _LEAST_TRIGRAM:
            source += r" AND items.prompt LIKE ? ESCAPE '\'"
            values.append(f"%{_escaped(word)}%")
    return source, values


def _doubled(word: str) -> str:
    return word.replace("\0", "").replace('"', '""')


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def _open_or_replace(file: Path) -> tuple[sqlite3.Connection, int]:
    try:
        return _open(file)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF not in _DAMAGED:
            raise
        _log.warning("the index is damaged (%s); it is set aside and made again", error)
    _set_aside(file)
    return _open(file)


def _open(file: Path) -> tuple[sqlite3.Connection, int]:
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(file, timeout=5, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a row is one per picture: it may wait
        return connection, migrate(connection, file)
    except BaseException:
        connection.close()
        raise


def _set_aside(file: Path) -> None:
    stamp = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
        part = file.with_name(name)
        if part.exists():
            part.replace(file.with_name(f"{name}.damaged-{stamp}"))
