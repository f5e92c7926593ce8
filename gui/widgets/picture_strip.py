"""A row of small pictures: more are added by a click or a drop, each is changed or taken out."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from gui.theme import Theme
from gui.widgets.form import label
from gui.widgets.picture_button import PictureButton

EMPTY = "Choose pictures, or drop them here"


class PictureStrip(QWidget):
    """Thumbnails of files, and a place for the next.

    Signals:
        changed: All files, after one was dropped or taken out.
        asked: Files are to be chosen for this place; the number of pictures stands for new ones.
    """

    changed = Signal(list)
    asked = Signal(int)

    def __init__(self, theme: Theme, name: str, most: int, empty: str = EMPTY) -> None:
        """Call it `name`, let it hold up to `most` pictures, and say `empty` where it has none."""
        super().__init__()
        self._theme, self._name, self._most = theme, name, most
        self._files: list[str] = []
        self._buttons: list[PictureButton] = []
        self._add = PictureButton(theme, f"{name}: add")
        self._add.clicked.connect(self._on_add_clicked)
        self._add.dropped.connect(self._on_added)
        self._hint = label(empty, quiet=True)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(4)
        self._row.addWidget(self._add)
        self._row.addWidget(self._hint)
        self._row.addStretch(1)

    def show_files(self, files: Sequence[str]) -> None:
        """Show these; a button stays the same button while its picture does."""
        self._files = list(files)[: self._most]
        while len(self._buttons) > len(self._files):
            old = self._buttons.pop()
            self._row.removeWidget(old)
            old.hide()
            old.deleteLater()
        while len(self._buttons) < len(self._files):
            self._buttons.append(self._make_button(len(self._buttons)))
        for button, file in zip(self._buttons, self._files, strict=True):
            button.show_file(file)
        self._add.setVisible(len(self._files) < self._most)
        self._hint.setVisible(not self._files)

    def _make_button(self, place: int) -> PictureButton:
        name = f"{self._name} {place + 1}" if self._most > 1 else self._name
        button = PictureButton(self._theme, name, "Click to change it")
        button.setProperty("place", place)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        menu.addAction("Choose another…").triggered.connect(lambda: self.asked.emit(place))
        menu.addAction("Take out").triggered.connect(lambda: self._take_out(place))
        button.setMenu(menu)
        button.dropped.connect(self._on_replaced)
        button.removal_asked.connect(self._on_removal_asked)
        self._row.insertWidget(place, button)
        return button

    @Slot()
    def _on_add_clicked(self) -> None:
        self.asked.emit(len(self._files))

    @Slot(list)
    def _on_added(self, files: list[str]) -> None:
        self._tell([*self._files, *files])

    @Slot(list)
    def _on_replaced(self, files: list[str]) -> None:
        place = self.sender().property("place")
        self._tell([*self._files[:place], *files, *self._files[place + 1 :]])

    @Slot()
    def _on_removal_asked(self) -> None:
        self._take_out(self.sender().property("place"))
        self._add.setFocus(Qt.FocusReason.OtherFocusReason)

    def _take_out(self, place: int) -> None:
        self._tell([*self._files[:place], *self._files[place + 1 :]])

    def _tell(self, files: list[str]) -> None:
        self.changed.emit(list(dict.fromkeys(files))[: self._most])

    def add_control(self, widget: QWidget) -> None:
        """Put something at the end of the row."""
        self._row.addWidget(widget)
