"""Undo and redo: named in the menu, and how much memory their steps may take."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from gui.documents import DocumentController
from gui.main_window import MainWindow

LEAST_MEGABYTES = 16


class UndoController(QObject):
    """Joins the two actions with the open document's undo stack."""

    def __init__(self, window: MainWindow, documents: DocumentController, megabytes: int) -> None:
        """Let every document's steps take `megabytes`, at least 16."""
        super().__init__(window)
        self._documents = documents
        self._actions = {name: window.actions_by_name[name] for name in ("undo", "redo")}
        self._limit = max(megabytes, LEAST_MEGABYTES) * 2**20
        self._actions["undo"].triggered.connect(self._on_undo)
        self._actions["redo"].triggered.connect(self._on_redo)
        documents.opened.connect(self._on_opened)

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
        self._documents.document.undo()

    @Slot()
    def _on_redo(self) -> None:
        self._documents.document.redo()
