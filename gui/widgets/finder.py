"""A small window to pick one thing out of many, by a part of its name or with the arrow keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication, QKeyEvent, QPalette
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

ROW = 28
MOST_ROWS = 12
WIDTH = 300
_CHOICE = Qt.ItemDataRole.UserRole
_WALK: dict[int, int] = {
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_PageUp: -MOST_ROWS,
    Qt.Key.Key_PageDown: MOST_ROWS,
}


class Choice(NamedTuple):
    """One thing to pick.

    Attributes:
        group: Under which heading it stands.
        name: What is shown and searched.
        tip: What more there is to say.
        value: Handed over when it is picked.
    """

    group: str
    name: str
    tip: str
    value: Any


class Finder(QFrame):
    """A search field over a list with headings.

    Signals:
        picked: The value of the choice.
    """

    picked = Signal(object)

    def __init__(self, name: str, hint: str, parent: QWidget) -> None:
        """`hint` stands below the list and may be empty."""
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("popover")
        self.setAccessibleName(name)
        self.setFixedWidth(WIDTH)
        self._choices: tuple[Choice, ...] = ()
        self._search = QLineEdit()
        self._search.setAccessibleName(f"Search: {name}")
        self._search.setPlaceholderText("Search")
        self._list = QListWidget()
        self._list.setAccessibleName(name)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._nothing = QLabel("Nothing of that name.")
        self._nothing.setProperty("quiet", True)
        self._hint = QLabel(hint)
        self._hint.setProperty("quiet", True)
        self._hint.setWordWrap(True)
        self._hint.setVisible(bool(hint))
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        for widget in (self._search, self._list, self._nothing, self._hint):
            column.addWidget(widget)
        self._search.installEventFilter(self)
        self._search.textChanged.connect(self._narrow)
        self._search.returnPressed.connect(self._on_return)
        self._list.itemClicked.connect(self._pick)

    def show_hint(self, hint: str) -> None:
        """Say something below the list; nothing for an empty text."""
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))

    def show_choices(self, choices: Sequence[Choice]) -> None:
        """Offer these, in their order; a heading goes before each group."""
        self._list.clear()
        group = ""
        self._choices = tuple(choices)
        for number, choice in enumerate(self._choices):
            if choice.group != group:
                group = choice.group
                self._list.addItem(self._heading(group))
            item = QListWidgetItem(choice.name)
            item.setData(_CHOICE, number)
            item.setToolTip(choice.tip)
            item.setSizeHint(QSize(0, ROW))
            self._list.addItem(item)
        self._search.clear()
        self._narrow("")

    def open_below(self, anchor: QWidget) -> None:
        """Show it below `anchor`, flush right, or above where there is no room."""
        self._search.clear()
        self.adjustSize()
        corner = anchor.mapToGlobal(anchor.rect().bottomRight())
        place = QPoint(corner.x() - self.width() + 1, corner.y() + 5)
        screen = QGuiApplication.screenAt(corner) or QGuiApplication.primaryScreen()
        area = screen.availableGeometry()
        if place.y() + self.height() > area.bottom():
            top = anchor.mapToGlobal(anchor.rect().topLeft()).y()
            place.setY(max(area.top(), top - self.height() - 4))
        place.setX(max(area.left(), place.x()))
        self.move(place)
        self.show()
        self._search.setFocus(Qt.FocusReason.PopupFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrow keys in the search field walk through the list."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            steps = _WALK.get(event.key(), 0)
            self._walk(steps)
            return bool(steps)
        return super().eventFilter(watched, event)

    def _choice(self, item: QListWidgetItem) -> Choice | None:
        """What the item stands for; None for a heading."""
        number = item.data(_CHOICE)
        return None if number is None else self._choices[number]

    def _heading(self, text: str) -> QListWidgetItem:
        item = QListWidgetItem(text)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        item.setForeground(self.palette().color(QPalette.ColorRole.PlaceholderText))
        item.setSizeHint(QSize(0, ROW))
        return item

    @Slot(str)
    def _narrow(self, text: str) -> None:
        """Show what has every typed word in its name, and headings that have something below."""
        words = text.lower().split()
        heading: QListWidgetItem | None = None
        first, shown = -1, 0
        for line in range(self._list.count()):
            item = self._list.item(line)
            choice = self._choice(item)
            if choice is None:
                heading = item
                item.setHidden(True)
                continue
            fits = all(word in choice.name.lower() for word in words)
            item.setHidden(not fits)
            if fits:
                first = line if first < 0 else first
                shown += 1
                if heading is not None and heading.isHidden():
                    heading.setHidden(False)
                    shown += 1
        self._list.setCurrentRow(first)
        self._list.setVisible(shown > 0)
        self._nothing.setVisible(shown == 0)
        self._list.setFixedHeight(ROW * max(1, min(shown, MOST_ROWS)) + 2)
        self.adjustSize()

    def _walk(self, steps: int) -> None:
        if steps == 0:
            return
        rows = [
            row
            for row in range(self._list.count())
            if not self._list.item(row).isHidden() and self._choice(self._list.item(row))
        ]
        if rows:
            here = rows.index(self._list.currentRow()) if self._list.currentRow() in rows else 0
            self._list.setCurrentRow(rows[min(max(here + steps, 0), len(rows) - 1)])

    @Slot()
    def _on_return(self) -> None:
        self._pick(self._list.currentItem())

    @Slot(QListWidgetItem)
    def _pick(self, item: QListWidgetItem | None) -> None:
        choice = None if item is None or item.isHidden() else self._choice(item)
        if choice is not None:
            self.hide()
            self.picked.emit(choice.value)
