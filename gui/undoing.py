"""Undo and redo: named in the menu, and how much memory their steps may take."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Slot

from core.settings import LEAST_UNDO
from gui.documents import DocumentController
from gui.main_window import MainWindow


class UndoController(QObject):
    """Joins the two actions with the open document's undo stack.

    Attributes:
        instead: What an undo does first; where it returns True nothing else is taken back.
    """

    def __init__(self, window: MainWindow, documents: DocumentController, megabytes: int) -> None:
        """Let every document's steps take `megabytes`, or the least that makes sense."""
        super().__init__(window)
        self._documents = documents
        self.instead: Callable[[], bool] = lambda: False
        self._actions = {name: window.actions_by_name[name] for name in ("undo", "redo")}
        self._limit = max(megabytes, LEAST_UNDO) * 2**20
        self._actions["undo"].triggered.connect(self._on_undo)
        self._actions["redo"].triggered.connect(self._on_redo)
        documents.opened.connect(self._on_opened)

    @property
    def bytes_used(self) -> int:
        """What the open document's steps take now."""
        return self._documents.document.undo_stack.bytes_used

    def limit(self, megabytes: int) -> None:
        """Let steps take that much from now on; the oldest are forgotten at once."""
        self._limit = max(megabytes, LEAST_UNDO) * 2**20
        self._documents.document.undo_stack.limit_bytes = self._limit

    @Slot()
    def _on_opened(self) -> None:
        stack = self._documents.document.undo_stack
        stack.limit_bytes = self._limit
        stack.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        """Say in the menu what would be undone, and what made again."""
        stack = self._documents.document.undo_stack
        for name, able, what in (
            ("undo", stack.can_undo, stack.undo_name),
            ("redo", stack.can_redo, stack.redo_name),
        ):
            self._actions[name].setEnabled(able)
            self._actions[name].setText(f"{name.capitalize()} {what}".strip())

    @Slot()
    def _on_undo(self) -> None:
        if not self.instead():
            self._documents.document.undo()

    @Slot()
    def _on_redo(self) -> None:
        self._documents.document.redo()
