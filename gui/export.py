"""Export, from the menu to the file: a sheet, then the name, then the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Slot

from core.errors import KnownError
from core.result import GenerationResult
from gui.choosing import choose_file
from gui.documents import DocumentController
from gui.exporting import FILTERS, ExportChoice, made_of, write_picture
from gui.main_window import MainWindow
from gui.panels.export_sheet import ExportSheet


class ExportController(QObject):
    """Writes the open document as a picture for others.

    Attributes:
        choice: How pictures are exported; the sheet begins with it.
    """

    def __init__(
        self, window: MainWindow, documents: DocumentController, kept: Mapping[str, Any]
    ) -> None:
        """Begin with what `kept`, the `choice` of an earlier start as JSON data, says."""
        super().__init__(window)
        self._window = window
        self._documents = documents
        self._sheet: ExportSheet | None = None
        self.choice = ExportChoice.from_dict(kept)
        window.actions_by_name["export"].triggered.connect(self.ask)

    @Slot()
    def ask(self) -> None:
        """Ask for format and quality, then where to."""
        if self._sheet is None:
            self._sheet = ExportSheet(self._window)
            self._sheet.asked.connect(self._on_asked)
        choice, knows = self.choice, self._documents.made is not None
        self._sheet.ask(choice.format, choice.quality, choice.lossless, choice.tells, knows)

    def export(self, name: str) -> None:
        """Write the picture as chosen; the name's ending decides the format."""
        try:
            document = self._documents.document
            write_picture(document, Path(name), self.choice, self._documents.made)
        except KnownError as error:
            self._window.messages.warn(str(error))
            return
        self._window.messages.tell(f"Exported {Path(name).name}.")

    @Slot(object)
    def on_kept(self, result: GenerationResult) -> None:
        """The document's picture is made of this one now."""
        self._documents.made = made_of(result)

    @Slot(str, int, bool, bool)
    def _on_asked(self, kind: str, quality: int, lossless: bool, tells: bool) -> None:
        self.choice = ExportChoice(kind, quality, lossless, tells)
        stem = Path(self._documents.title).stem
        filters = FILTERS[kind]
        choose_file(self._window, "Export picture", filters, self.export, save_as=stem, suffix=kind)
