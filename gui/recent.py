"""The files that were opened or saved last, as a menu."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

MOST = 10


class RecentFiles(QObject):
    """Newest first; a file that is gone leaves the list when the menu is opened.

    Attributes:
        files: Their whole names.

    Signals:
        chosen: The name of a file to open.
    """

    chosen = Signal(str)

    def __init__(self, action: QAction, window: QWidget) -> None:
        """Hang the menu on `action`."""
        super().__init__(window)
        self.files: tuple[str, ...] = ()
        self._action = action
        self._menu = QMenu(window)
        self._menu.setToolTipsVisible(True)
        self._menu.aboutToShow.connect(self._fill)
        self._menu.triggered.connect(self._on_triggered)
        action.setMenu(self._menu)
        self.show_files(())

    def show_files(self, files: tuple[str, ...]) -> None:
        """List these, newest first."""
        self.files = files[:MOST]
        self._action.setEnabled(bool(files))

    @Slot(str)
    def remember(self, file: str) -> None:
        """Put a file in front."""
        name = str(Path(file).absolute())
        self.show_files((name, *(other for other in self.files if other != name)))

    def _fill(self) -> None:
        self.show_files(tuple(file for file in self.files if Path(file).exists()))
        self._menu.clear()
        for number, file in enumerate(self.files, 1):
            name = Path(file).name.replace("&", "&&")
            action = self._menu.addAction(f"&{number % 10}  {name}")
            action.setToolTip(file)
            action.setData(file)
        self._menu.addSeparator()
        self._menu.addAction("&Forget these files")

    def _on_triggered(self, action: QAction) -> None:
        if action.data() is None:
            self.show_files(())
        else:
            self.chosen.emit(action.data())
