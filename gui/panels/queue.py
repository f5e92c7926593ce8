"""What is being made and what waits for it, hung below the header's word on the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.theme import Theme

WIDTH = 340
ROW = 48
MOST_ROWS = 7
"""Rows that are seen at once; more are scrolled."""


@dataclass(frozen=True)
class Entry:
    """One picture on its way.

    Attributes:
        request_id: Whose row it is.
        prompt: What it shows.
        facts: A line below the prompt: size, seed, or how far it is.
        is_running: Whether it is being made; it comes first and cannot be moved.
    """

    request_id: str
    prompt: str
    facts: str
    is_running: bool = False


class QueuePanel(QFrame):
    """Stays open until the person clicks elsewhere; never stops anything by itself.

    Signals:
        cancel_asked: Take this request out, or stop it.
        up_asked: Make this waiting request one place sooner.
        cancel_all_asked: Stop the running one and forget the others.
        pause_asked: Rest after the step, or go on.
    """

    cancel_asked = Signal(str)
    up_asked = Signal(str)
    cancel_all_asked = Signal()
    pause_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("popover")
        self.setAccessibleName("Queue")
        self.setFixedWidth(WIDTH)
        self._theme = theme
        self._rows: dict[str, _Row] = {}
        title = QLabel("Queue")
        title.setObjectName("section")
        self._pause = QToolButton()
        self._pause.clicked.connect(self.pause_asked)
        self._clear = QPushButton("Cancel all")
        self._clear.setToolTip("Stop the running picture and forget the others")
        self._clear.clicked.connect(self.cancel_all_asked)
        head = QHBoxLayout()
        head.setSpacing(4)
        head.addWidget(title, 1)
        head.addWidget(self._pause)
        head.addWidget(self._clear)
        self._empty = QLabel("Nothing waits. Every picture you ask for is listed here.")
        self._empty.setProperty("quiet", True)
        self._empty.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 8, 8)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._empty)
        column.addWidget(self._make_list())
        self.show_paused(False)
        self.show_entries(())

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """List these, the running one first."""
        for gone in self._rows.keys() - {entry.request_id for entry in entries}:
            row = self._rows.pop(gone)
            row.hide()  # it is deleted when the event loop comes to it
            row.deleteLater()
        for place, entry in enumerate(entries):
            if entry.request_id not in self._rows:
                self._rows[entry.request_id] = self._make_row(entry.request_id)
            row = self._rows[entry.request_id]
            first_waiting = 1 if entries[0].is_running else 0
            row.show_entry(entry, can_rise=place > first_waiting)
            self._list.insertWidget(place, row)
        self._empty.setVisible(not entries)
        self._pause.setVisible(bool(entries))
        self._clear.setVisible(bool(entries))
        self._scroll.setVisible(bool(entries))
        self._scroll.setFixedHeight(min(len(entries), MOST_ROWS) * ROW)
        self.adjustSize()

    def show_facts(self, request_id: str, facts: str) -> None:
        """Other words below that prompt, such as how far it is."""
        if request_id in self._rows:
            self._rows[request_id].say(facts)

    def show_paused(self, paused: bool) -> None:
        """Offer to go on, or to pause."""
        tip = "Go on" if paused else "Pause after this step"
        self._pause.setToolTip(tip)
        self._pause.setAccessibleName(tip)
        self._theme.set_icon(self._pause, "play" if paused else "pause")

    def open_at(self, corner: QPoint) -> None:
        """Show it with its upper right corner at that place of the screen."""
        self.adjustSize()
        self.move(corner.x() - self.width(), corner.y())
        self.show()

    def _make_list(self) -> QScrollArea:
        inner = QWidget()
        inner.setObjectName("popoverlist")
        self._list = QVBoxLayout(inner)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(0)
        self._list.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setObjectName("popoverlist")
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(inner)
        return self._scroll

    def _make_row(self, request_id: str) -> _Row:
        row = _Row(self._theme, request_id)
        row.up_asked.connect(self.up_asked)
        row.cancel_asked.connect(self.cancel_asked)
        return row


class _Row(QWidget):
    """A prompt, a line of facts, and two buttons."""

    up_asked = Signal(str)
    cancel_asked = Signal(str)

    def __init__(self, theme: Theme, request_id: str) -> None:
        super().__init__()
        self.setFixedHeight(ROW)
        self._request_id = request_id
        self._prompt = _Elided()
        self._facts = QLabel()
        self._facts.setProperty("quiet", True)
        self._up = _button(theme, "chevron-up", "One place sooner")
        self._up.clicked.connect(self._on_up)
        self._cancel = _button(theme, "x", "Take it out of the queue")
        self._cancel.clicked.connect(self._on_cancel)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addStretch(1)
        words.addWidget(self._prompt)
        words.addWidget(self._facts)
        words.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addLayout(words, 1)
        row.addWidget(self._up)
        row.addWidget(self._cancel)

    def show_entry(self, entry: Entry, can_rise: bool) -> None:
        self._prompt.show_text(entry.prompt)
        self._facts.setText(entry.facts)
        self._facts.setProperty("running", entry.is_running)
        self._facts.style().polish(self._facts)
        self._up.setVisible(can_rise)
        tip = "Stop it" if entry.is_running else "Take it out of the queue"
        self._cancel.setToolTip(tip)
        self._cancel.setAccessibleName(f"{tip}: {entry.prompt}")

    def say(self, facts: str) -> None:
        self._facts.setText(facts)

    def _on_up(self) -> None:
        self.up_asked.emit(self._request_id)

    def _on_cancel(self) -> None:
        self.cancel_asked.emit(self._request_id)


class _Elided(QLabel):
    """One line that ends in an ellipsis where it has no more room."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)

    def show_text(self, text: str) -> None:
        self._whole = " ".join(text.split())
        self.setToolTip(self._whole)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        return QSize(0, super().sizeHint().height())

    def _fit(self) -> None:
        metrics = QFontMetrics(self.font())
        self.setText(metrics.elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width()))


def _button(theme: Theme, icon: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    theme.set_icon(button, icon, "text2")
    return button
