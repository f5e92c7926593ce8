"""Windows to look at pictures beside the canvas: a grid's sheet, or two that are compared."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from gui.theme import Theme
from gui.widgets.picture_view import PictureView

SHARE = 0.8
"""Of the screen that such a window takes at most."""
MOST_FACTS = 6


class PictureWindow(QDialog):
    """One picture, with what there is to say about it at its foot; goes when it is closed."""

    def __init__(self, window: QWidget, theme: Theme, title: str) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.view = PictureView(theme, title)
        self._words = QLabel()
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setWordWrap(True)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._more = QLabel()
        self._more.setTextFormat(Qt.TextFormat.PlainText)
        self._more.setWordWrap(True)
        self._more.setProperty("quiet", True)
        self._more.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.view, 1)
        column.addLayout(self._make_foot(theme))

    def show_picture(self, image: QImage, words: str) -> None:
        """Show it in a window of its size, as far as the screen allows."""
        self._say(words, ())
        self.view.show_picture(image)
        self._open(image)

    def compare(
        self, then: QImage, now: QImage, names: tuple[str, str], words: str, facts: Sequence[str]
    ) -> None:
        """Show two, the verdict, and what was different when they were made."""
        self._say(words, facts)
        self.view.compare(then, now, names)
        self._open(then)

    def _say(self, words: str, facts: Sequence[str]) -> None:
        self._words.setText(words)
        shown = [*facts[:MOST_FACTS]]
        if len(facts) > MOST_FACTS:
            shown.append(f"and {len(facts) - MOST_FACTS} more")
        self._more.setText("\n".join(shown))
        self._more.setToolTip("\n".join(facts))
        self._more.setVisible(bool(facts))

    def _make_foot(self, theme: Theme) -> QHBoxLayout:
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(self._words)
        words.addWidget(self._more)
        foot = QHBoxLayout()
        foot.setContentsMargins(12, 8, 8, 8)
        foot.setSpacing(4)
        foot.addLayout(words, 1)
        for icon, tip, slot in (
            ("maximize", "Fit in the window (0)", self.view.fit),
            ("search", "100 % (1)", self.view.actual_size),
        ):
            button = QToolButton()
            button.setToolTip(tip)
            button.setAccessibleName(tip.partition(" (")[0])
            theme.set_icon(button, icon)
            button.clicked.connect(slot)
            foot.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        return foot

    def _open(self, image: QImage) -> None:
        screen = self.screen() or QGuiApplication.primaryScreen()
        room = screen.availableGeometry().size() * SHARE
        foot = 56 + self._more.sizeHint().height() * (not self._more.isHidden())
        self.resize(
            max(480, min(image.width(), room.width())),
            max(320, min(image.height() + foot, room.height())),
        )
        self.show()
        self.raise_()
        self.view.setFocus(Qt.FocusReason.PopupFocusReason)
