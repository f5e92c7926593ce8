"""A drop-down list whose entries stand in groups with headings."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QWidget

MOST_SEEN = 16


class GroupedBox(QComboBox):
    """A choice among named entries; headings cannot be chosen, with the keys neither.

    Signals:
        chosen: The entry that the person chose.
    """

    chosen = Signal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setProperty("grouped", True)
        self.setMaxVisibleItems(MOST_SEEN)
        # Else it grows to its longest entry when the theme changes, and out of the dock.
        self.setSizeAdjustPolicy(self.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.currentIndexChanged.connect(self._on_index_changed)

    def show_groups(self, groups: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Offer these (heading, entries); an empty heading is left out. Nobody is told."""
        self.blockSignals(True)
        self.clear()
        for heading, entries in groups:
            if heading:
                self._add_heading(heading)
            for entry in entries:
                self.addItem(entry, entry)
        self.blockSignals(False)

    def show_choice(self, entry: str) -> None:
        """Show which is chosen without telling anybody; nothing where it is not offered."""
        self.blockSignals(True)
        self.setCurrentIndex(self.findData(entry))
        self.blockSignals(False)

    @property
    def entries(self) -> list[str]:
        """What can be chosen, from top to bottom."""
        found = (self.itemData(index) for index in range(self.count()))
        return [entry for entry in found if entry is not None]

    def _add_heading(self, heading: str) -> None:
        self.addItem(heading)
        index = self.model().index(self.count() - 1, 0)
        # The model behind a combo box that was given none takes a role for what can be done.
        self.model().setData(index, 0, Qt.ItemDataRole.UserRole - 1)
        small = self.font()
        small.setPixelSize(round(small.pixelSize() * 0.86))  # the theme sets pixels
        self.model().setData(index, small, Qt.ItemDataRole.FontRole)

    @Slot(int)
    def _on_index_changed(self, index: int) -> None:
        entry = self.itemData(index)
        if isinstance(entry, str):
            self.chosen.emit(entry)
