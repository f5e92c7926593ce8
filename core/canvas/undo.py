"""What can be taken back: one command for each gesture, as many as fit into a number of bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from core.geometry import Rect
from core.observable import Event

if TYPE_CHECKING:
    from core.canvas.document import Document

DEFAULT_LIMIT = 512 * 2**20


class Command(Protocol):
    """A change that has been made and can be unmade; it touches the document and nothing else."""

    @property
    def name(self) -> str:
        """What the person did, as it stands in the menu after "Undo"."""

    @property
    def bytes(self) -> int:
        """Memory it keeps alive."""

    def undo(self, document: Document) -> Rect:
        """Bring back the state before; returns the pixels that may have changed."""

    def redo(self, document: Document) -> Rect:
        """Make the change again; returns the pixels that may have changed."""


@dataclass(frozen=True, eq=False)
class _Step:
    command: Command
    position: object = field(default_factory=object)


class UndoStack:
    """Commands done and undone. A command enters after it was performed, never before.

    Attributes:
        changed: Emitted after every push, undo and redo.
    """

    def __init__(self, limit_bytes: int = DEFAULT_LIMIT) -> None:
        self.changed: Event[[]] = Event()
        self._limit = limit_bytes
        self._done: list[_Step] = []
        self._undone: list[_Step] = []
        self._floor: object = object()

    @property
    def limit_bytes(self) -> int:
        """The oldest commands are dropped beyond it, at once; the newest always stays."""
        return self._limit

    @limit_bytes.setter
    def limit_bytes(self, limit: int) -> None:
        self._limit = limit
        before = len(self._done)
        self._drop_oldest()
        if len(self._done) != before:
            self.changed.emit()

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is something to redo."""
        return bool(self._undone)

    @property
    def undo_name(self) -> str:
        """Name of the command that `undo` would unmake; empty if there is none."""
        return self._done[-1].command.name if self._done else ""

    @property
    def redo_name(self) -> str:
        """Name of the command that `redo` would make again; empty if there is none."""
        return self._undone[-1].command.name if self._undone else ""

    @property
    def position(self) -> object:
        """The state the document is in: the same object (`is`) whenever it is back there."""
        return self._done[-1].position if self._done else self._floor

    def stands(self, position: object) -> bool:
        """Whether what led to that state has not been taken back, nor forgotten for its size."""
        return position is self._floor or any(step.position is position for step in self._done)

    @property
    def bytes_used(self) -> int:
        """Memory that all commands keep alive."""
        return sum(step.command.bytes for step in (*self._done, *self._undone))

    @property
    def last(self) -> Command | None:
        """The command that `undo` would unmake."""
        return self._done[-1].command if self._done else None

    def forget_last(self) -> None:
        """Drop the newest command without unmaking it: the next one leads from where it began."""
        self._done.pop()

    def push(self, command: Command) -> None:
        """Take in a command that has just been performed; what was undone is forgotten."""
        self._undone.clear()
        self._done.append(_Step(command))
        self._drop_oldest()
        self.changed.emit()

    def undo(self, document: Document) -> Rect:
        """Unmake the newest command; returns what may have changed, empty if nothing.

        Widgets call `Document.undo`, which also announces the change. A command that fails stays.
        """
        if not self._done:
            return Rect(0, 0, 0, 0)
        dirty = self._done[-1].command.undo(document)
        self._undone.append(self._done.pop())
        self.changed.emit()
        return dirty

    def redo(self, document: Document) -> Rect:
        """Make the command undone last again; returns what may have changed."""
        if not self._undone:
            return Rect(0, 0, 0, 0)
        dirty = self._undone[-1].command.redo(document)
        self._done.append(self._undone.pop())
        self.changed.emit()
        return dirty

    def _drop_oldest(self) -> None:
        used = sum(step.command.bytes for step in self._done)
        while used > self._limit and len(self._done) > 1:
            dropped = self._done.pop(0)
            used -= dropped.command.bytes
            self._floor = dropped.position
