"""A new picture: its size is asked for first."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from core.canvas.limits import require_canvas_size
from core.errors import KnownError
from core.geometry import Size
from gui.documents import DocumentController
from gui.main_window import MainWindow
from gui.panels.sheets import NewSheet


class Beginning(QObject):
    """Puts an empty canvas in the place of what is open."""

    def __init__(self, window: MainWindow, documents: DocumentController) -> None:
        super().__init__(window)
        self._window = window
        self._documents = documents
        self._sheet: NewSheet | None = None
        window.actions_by_name["new"].triggered.connect(self._on_new)

    @Slot()
    def _on_new(self) -> None:
        if self._sheet is None:
            self._sheet = NewSheet(self._window)
            self._sheet.asked.connect(self._on_size_given)
        self._sheet.ask(self._documents.document.size)

    @Slot(int, int)
    def _on_size_given(self, width: int, height: int) -> None:
        size = Size(width, height)
        try:
            require_canvas_size(size)
        except KnownError as error:
            self._window.messages.warn(str(error))
        else:
            self._documents.ask_for_new(size)
