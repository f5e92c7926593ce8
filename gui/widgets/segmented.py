"""A row of choices of which one is taken."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QSizePolicy, QToolButton, QWidget


class Segmented(QFrame):
    """Buttons side by side, one of them pressed.

    Signals:
        chosen: The value of the button the person pressed.
    """

    chosen = Signal(str)

    def __init__(
        self, name: str, choices: Sequence[tuple[str, str, str]], parent: QWidget | None = None
    ) -> None:
        """Make a button for each (value, label, tool tip)."""
        super().__init__(parent)
        self.setObjectName("segmented")
        self.setAccessibleName(name)
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(2)
        self._group = QButtonGroup(self)
        self._buttons = {value: self._button(row, label, tip) for value, label, tip in choices}
        for value, button in self._buttons.items():
            button.setProperty("choice", value)
        self._group.buttonClicked.connect(self._on_clicked)

    def show_choice(self, value: str) -> None:
        """Press the button of `value` without telling anybody."""
        self._buttons[value].setChecked(True)

    def set_shown(self, value: str, shown: bool) -> None:
        """Offer a choice, or do not."""
        self._buttons[value].setVisible(shown)

    def _button(self, row: QHBoxLayout, label: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(label)
        button.setToolTip(tip)
        button.setAccessibleName(label)
        button.setCheckable(True)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._group.addButton(button)
        row.addWidget(button)
        return button

    def _on_clicked(self, button: QToolButton) -> None:
        self.chosen.emit(button.property("choice"))
