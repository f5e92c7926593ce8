"""The list of keys, with a field to search it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from gui.actions import HELD_KEYS, TABLE, plain, shown


class KeysDialog(QDialog):
    """Every key of the window; stays open beside it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.resize(420, 560)
        self._search = QLineEdit()
        self._search.setPlaceholderText("Search")
        self._search.setAccessibleName("Search the keys")
        self._search.setClearButtonEnabled(True)
        self._search.textChanged.connect(self._on_search_changed)
        self._rows: list[tuple[str, QLabel, QLabel]] = []
        form = QWidget()
        form.setObjectName("form")
        grid = QGridLayout(form)
        grid.setColumnStretch(0, 1)
        for line, (name, keys) in enumerate(_lines()):
            self._add(grid, line, name, keys)
        grid.setRowStretch(grid.rowCount(), 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(form)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.addWidget(self._search)
        column.addWidget(scroll)

    def _add(self, grid: QGridLayout, line: int, name: str, keys: str) -> None:
        label, key = QLabel(name), QLabel(keys)
        key.setProperty("quiet", True)
        key.setAlignment(Qt.AlignmentFlag.AlignRight)
        grid.addWidget(label, line, 0)
        grid.addWidget(key, line, 1)
        self._rows.append((f"{name} {keys}".lower(), label, key))

    def _on_search_changed(self, text: str) -> None:
        for words, *labels in self._rows:
            for label in labels:
                label.setVisible(text.lower() in words)


def _lines() -> list[tuple[str, str]]:
    rows = [(plain(row.text), ", ".join(map(shown, row.keys))) for row in TABLE if row.keys]
    return rows + [(text, keys) for keys, text in HELD_KEYS]
