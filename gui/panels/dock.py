"""The column on the right: generation above layers, or one of them where there is little room."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from gui.widgets.segmented import Segmented

ROOM_FOR_BOTH = 840
"""Pixels of height from which both are shown; below, generation alone needs nearly all of it."""
FOR_GENERATION = 860
"""Pixels of height that generation has before the layers get more than they need."""
FOR_LAYERS = 230
CHOICES = (
    ("generate", "Generate", "What to make, and how"),
    ("layers", "Layers", "The layers of the picture"),
)


class Dock(QWidget):
    """Shows both panels over each other, or, when it is low, the one that was chosen."""

    def __init__(self, generation: QWidget, layers: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panels = {"generate": generation, "layers": layers}
        self._chosen = "generate"
        self._shows_both = False
        self._divided_by_hand = False
        self._tabs = QWidget()
        self._tabs.setObjectName("docktabs")
        self._tabs.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._choice = Segmented("Panel", CHOICES)
        self._choice.chosen.connect(self.choose)
        row = QHBoxLayout(self._tabs)
        row.setContentsMargins(12, 8, 12, 0)
        row.addWidget(self._choice)
        self._splitter = QSplitter(Qt.Orientation.Vertical)
        self._splitter.setObjectName("dock")
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setHandleWidth(1)
        for panel in (generation, layers):
            self._splitter.addWidget(panel)
        self._splitter.splitterMoved.connect(self._on_splitter_moved)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._tabs)
        column.addWidget(self._splitter, 1)
        self.setFixedWidth(generation.width())
        self.choose("generate")

    def choose(self, name: str) -> None:
        """Show ``"generate"`` or ``"layers"``, if it is not shown anyway."""
        self._chosen = name
        self._choice.show_choice(name)
        for each, panel in self._panels.items():
            panel.setVisible(self._shows_both or each == name)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show both as soon as there is room."""
        super().resizeEvent(event)
        shows_both = event.size().height() >= ROOM_FOR_BOTH
        if shows_both != self._shows_both:
            self._shows_both = shows_both
            self._tabs.setVisible(not shows_both)
            self.choose(self._chosen)
        if not self._divided_by_hand:
            height = event.size().height()
            upper = min(FOR_GENERATION, height - FOR_LAYERS)
            self._splitter.setSizes([upper, height - upper])

    def _on_splitter_moved(self) -> None:
        self._divided_by_hand = True
