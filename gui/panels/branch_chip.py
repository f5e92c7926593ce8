"""The line above Generate that says from which step of which picture the next one goes on."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

from gui.theme import Theme, pixmap


class BranchChip(QFrame):
    """Hidden until it has something to say.

    Signals:
        removed: The next picture shall begin from its own start again.
    """

    removed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("chip")
        self._words = ""
        self._theme = theme
        self._mark = QLabel()
        self._draw_mark()
        theme.changed.connect(self._draw_mark)
        self._label = QLabel()
        self._label.setMinimumWidth(40)
        remove = QToolButton()
        remove.setToolTip("Begin from the start again (Esc)")
        remove.setAccessibleName("Begin from the start again")
        remove.clicked.connect(self.removed)
        theme.set_icon(remove, "x", "text2")
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 2, 2)
        row.setSpacing(6)
        row.addWidget(self._mark)
        row.addWidget(self._label, 1)
        row.addWidget(remove)
        self.hide()

    def show_words(self, words: str) -> None:
        """Say this."""
        self._words = words
        self.setToolTip(words)
        self.setAccessibleName(words)
        self._label.setAccessibleName(words)
        self._elide()
        self.show()

    @property
    def words(self) -> str:
        """What it says, in full."""
        return self._words

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shorten what does not fit."""
        super().resizeEvent(event)
        self._elide()

    @Slot()
    def _draw_mark(self) -> None:
        ratio, accent = self.devicePixelRatioF(), self._theme.tokens.accent
        self._mark.setPixmap(pixmap("git-branch", accent, 16, ratio))

    def _elide(self) -> None:
        metrics, mode = self._label.fontMetrics(), Qt.TextElideMode.ElideRight
        self._label.setText(metrics.elidedText(self._words, mode, self._label.width()))
