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
        self.view.beside_changed.connect(self._beside.setChecked)

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
        self._beside.show()
        if then.width() * now.height() != then.height() * now.width():
            self.view.show_beside(True)  # over each other they would hardly meet
        self._open(then if then.width() >= now.width() else now)

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
        self._beside = _button(theme, "columns-2", "Side by side (S)")
        self._beside.setCheckable(True)
        self._beside.toggled.connect(self.view.show_beside)
        self._beside.hide()
        fit = _button(theme, "maximize", "Fit in the window (0)")
        fit.clicked.connect(self.view.fit)
        actual = _button(theme, "search", "100 % (1)")
        actual.clicked.connect(self.view.actual_size)
        for button in (self._beside, fit, actual):
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


def _button(theme: Theme, icon: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setToolTip(tip)
    button.setAccessibleName(tip.partition(" (")[0])
    theme.set_icon(button, icon)
    return button
