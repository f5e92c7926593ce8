"""One line above the results that says what happened, and the list of what was said."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QPushButton, QToolButton, QWidget

from gui.theme import Theme, pixmap

SHOWN_FOR_MS = 8000
REMEMBERED = 50


class MessageStrip(QFrame):
    """Never takes the focus, never stops anything; bad news stays until it is closed.

    It lies over the foot of its parent, so that nothing moves when it comes and goes.

    Signals:
        height_changed: How much of its parent's foot it covers now.
    """

    height_changed = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message")
        self._theme = theme
        self._past: deque[str] = deque(maxlen=REMEMBERED)
        self._icon = QLabel()
        self._sign = ("info", "text2")
        theme.changed.connect(self._draw_icon)
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)  # file names may look like markup
        self._text.setAccessibleName("Message")
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._offers = (QPushButton(), QPushButton())
        self._taken: tuple[Callable[[], None], ...] = ()
        for button in self._offers:
            button.setAccessibleName("Answer")  # while it is hidden; then by its text
            button.clicked.connect(self._on_offer_taken)
        close = QToolButton()
        close.setToolTip("Close this message")
        close.setAccessibleName("Close this message")
        theme.set_icon(close, "x", "text2")
        close.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 6, 6)
        row.setSpacing(8)
        row.addWidget(self._icon)
        row.addWidget(self._text, 1)
        for widget in (*self._offers, close):
            row.addWidget(widget)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        if parent is not None:
            parent.installEventFilter(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SHOWN_FOR_MS)
        self._timer.timeout.connect(self.hide)
        self.hide()

    @property
    def text(self) -> str:
        """What is said now; empty when nothing is."""
        return "" if self.isHidden() else self._text.text()

    def tell(self, text: str, offer: str = "", taken: Callable[[], None] | None = None) -> None:
        """Say something good to know, for a few seconds; with a button when `offer` is given."""
        self._say(text, "info", "text2", {offer: taken} if offer and taken else {})
        self._timer.start()

    def warn(self, text: str, offer: str = "", taken: Callable[[], None] | None = None) -> None:
        """Say what went wrong; it stays. With a button when `offer` is given."""
        self._say(text, "triangle-alert", "danger", {offer: taken} if offer and taken else {})
        self._timer.stop()

    def ask(self, text: str, offers: Mapping[str, Callable[[], None]]) -> None:
        """Say something that can be answered with one of two buttons; it stays until then."""
        self._say(text, "info", "text2", offers)
        self._timer.stop()

    def past_menu(self, parent: QWidget) -> QMenu:
        """What was said so far, newest first, to be read again."""
        menu = QMenu("Messages", parent)
        for line in reversed(self._past):
            menu.addAction(line).setEnabled(False)
        if not self._past:
            menu.addAction("No messages yet").setEnabled(False)
        return menu

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the parent's size."""
        if event.type() == QEvent.Type.Resize:
            self._lie_down()
        return False

    def showEvent(self, event: QShowEvent) -> None:
        """Take its room."""
        super().showEvent(event)
        self._lie_down()

    def hideEvent(self, event: QHideEvent) -> None:
        """Give its room back."""
        super().hideEvent(event)
        self.height_changed.emit(0)

    def _lie_down(self) -> None:
        parent = self.parentWidget()
        if parent is None or self.isHidden():
            return
        height = self.heightForWidth(parent.width())
        self.setGeometry(0, parent.height() - height, parent.width(), height)
        self.height_changed.emit(height)

    def _say(
        self, text: str, icon: str, colour: str, offers: Mapping[str, Callable[[], None]]
    ) -> None:
        self._past.append(f"{datetime.now().astimezone():%H:%M}  {text}")
        self._sign = (icon, colour)
        self._draw_icon()
        self._text.setText(text)
        words = (*offers, "", "")
        for button, offer in zip(self._offers, words, strict=False):
            button.setAccessibleName(offer or "Answer")
            button.setText(offer)
            button.setVisible(bool(offer))
        self._taken = tuple(offers.values())
        self.show()
        self._lie_down()

    def _draw_icon(self) -> None:
        icon, colour = self._sign
        self._icon.setPixmap(pixmap(icon, getattr(self._theme.tokens, colour), ratio=2.0))

    def _on_offer_taken(self) -> None:
        number = self._offers.index(self.sender())
        self.hide()
        if number < len(self._taken):
            self._taken[number]()
