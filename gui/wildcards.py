"""The way from the window to the person's files of alternatives."""

from __future__ import annotations

from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices

from core.errors import KnownError
from core.prompts import EXAMPLE, WildcardFolder
from gui.main_window import MainWindow


class WildcardController(QObject):
    """Opens their folder in the desktop's file browser; a new one has an example in it."""

    def __init__(self, window: MainWindow, folder: WildcardFolder) -> None:
        super().__init__(window)
        self._window = window
        self._folder = folder
        window.actions_by_name["wildcards"].triggered.connect(self.open)

    @Slot()
    def open(self) -> None:
        """Show the folder, and say what its files are for."""
        try:
            self._folder.furnish()
        except KnownError as error:
            self._window.messages.warn(str(error))
            return
        names = sorted(file.stem for file in self._folder.folder.glob("*.txt"))
        name = names[0] if names else EXAMPLE
        self._window.messages.tell(
            f"__{name}__ in a prompt draws a line of {name}.txt. The files are in "
            f"{self._folder.folder}."
        )
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder.folder)))
