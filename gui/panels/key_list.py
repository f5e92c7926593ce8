"""The rows of the list of keys: what they hold, how they look, and how a new key is pressed."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from gui.actions import FIXED_KEYS, MENUS, TABLE, Row, plain, shown
from gui.keymap import RESERVED, Keymap, pressed_key
from gui.theme import Theme

ROW, HEADING = 32, 36
PADDING, GAP = 10, 16
CAP = 14
"""What a key's cap is wider than its name."""
PRESS = "Press the new key. Esc leaves it as it is"
_Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class Role(IntEnum):
    """What a row tells besides its text."""

    NAME = Qt.ItemDataRole.UserRole + 1
    KEYS = Qt.ItemDataRole.UserRole + 2
    IS_HEADING = Qt.ItemDataRole.UserRole + 3
    IS_CHANGED = Qt.ItemDataRole.UserRole + 4


class Line(NamedTuple):
    """One row. A heading has no keys; what cannot be changed has no name."""

    text: str
    name: str = ""
    fixed: str = ""
    is_heading: bool = False


class KeyList(QAbstractListModel):
    """All actions under headings, narrowed to what is searched."""

    def __init__(self, keymap: Keymap, parent: QObject) -> None:
        super().__init__(parent)
        self._keymap = keymap
        self._all = _lines(keymap)
        self._shown = list(self._all)
        self._sought = ""
        keymap.changed.connect(self._on_changed)

    def narrow(self, text: str) -> None:
        """Show rows whose name or keys hold all words; in quotes, those that have just that key."""
        self.beginResetModel()
        self._sought = text.strip().lower()
        self._shown = self._matching()
        self.endResetModel()

    def row_of(self, name: str) -> int:
        """Where an action stands; -1 if it is not shown."""
        return next((n for n, line in enumerate(self._shown) if line.name == name), -1)

    def rowCount(self, parent: _Index = _NOWHERE) -> int:
        """Headings included."""
        return 0 if parent.isValid() else len(self._shown)

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """A heading cannot be chosen."""
        if self._shown[index.row()].is_heading:
            return Qt.ItemFlag.ItemIsEnabled
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text, and what `Role` names."""
        line = self._shown[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return line.text
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{line.text}: {', '.join(self._keys(line)) or 'no key'}"
            case Role.NAME:
                return line.name
            case Role.KEYS:
                return self._keys(line)
            case Role.IS_HEADING:
                return line.is_heading
            case Role.IS_CHANGED:
                return bool(line.name) and self._keymap.is_changed(line.name)
        return None

    def _keys(self, line: Line) -> list[str]:
        if line.fixed:
            return [keys] if (keys := self._keymap.written(line.fixed)) else []
        return [shown(key) for key in self._keymap.keys(line.name)] if line.name else []

    def _matching(self) -> list[Line]:
        found: list[Line] = []
        heading: Line | None = None
        for line in self._all:
            if line.is_heading:
                heading = line
            elif self._is_sought(line):
                found += [heading] if heading is not None else []
                found.append(line)
                heading = None
        return found

    def _is_sought(self, line: Line) -> bool:
        keys = [key.lower() for key in self._keys(line)]
        if len(self._sought) > 2 and self._sought[0] == self._sought[-1] == '"':
            return self._sought[1:-1] in keys
        everything = " ".join([line.text.lower(), *keys])
        return all(word in everything for word in self._sought.split())

    def _on_changed(self) -> None:
        if self._shown:
            self.dataChanged.emit(self.index(0), self.index(len(self._shown) - 1))


class KeyListView(QListView):
    """Shows the rows; Enter or a click waits for the new key of a row.

    Signals:
        key_pressed: The new key of the action of that name; an empty name: it is looked for.
        removal_asked: The action of that name shall have no key.
        recording_changed: It waits for a key, or no longer.

    Attributes:
        is_recording: Whether it waits for a key.
        recorded: Name of the action that shall have it; empty for a key that is looked for.
    """

    key_pressed = Signal(str, str)
    removal_asked = Signal(str)
    recording_changed = Signal()

    def __init__(self, model: KeyList, theme: Theme) -> None:
        self.is_recording = False
        self.recorded = ""
        super().__init__()
        self.setAccessibleName("Keys")
        self.setModel(model)
        self.setItemDelegate(_Look(theme, self))
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.clicked.connect(self._on_chosen)
        model.dataChanged.connect(self.scheduleDelayedItemsLayout)
        self.choose_first()

    def choose_first(self) -> None:
        """Choose the first row that is no heading."""
        for row in range(self.model().rowCount()):
            index = self.model().index(row, 0)
            if not index.data(Role.IS_HEADING):
                self.setCurrentIndex(index)
                return

    def record_search(self) -> None:
        """Wait for a key that is looked for."""
        self._record("")

    def stop_recording(self) -> None:
        """Wait for no key any more."""
        if self.is_recording:
            self.is_recording = False
            self.recorded = ""
            self.viewport().update()
            self.recording_changed.emit()

    def event(self, event: QEvent) -> bool:
        """While it waits for a key, every key is that key, Tab included."""
        if self.is_recording and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.KeyPress:
                self._take(event)
            event.accept()
            return True
        return super().event(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows and Enter in the search field walk through the list."""
        keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in keys:
                self.setFocus(Qt.FocusReason.TabFocusReason)
                self.keyPressEvent(event)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._on_chosen(self.currentIndex())
                return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter waits for the new key, Backspace and Del take the keys away."""
        name = str(self.currentIndex().data(Role.NAME) or "")
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._on_chosen(self.currentIndex())
        elif event.key() in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete) and name:
            self.removal_asked.emit(name)
        else:
            super().keyPressEvent(event)

    def _on_chosen(self, index: QModelIndex) -> None:
        name = str(index.data(Role.NAME) or "")
        if name:
            self._record(name)

    def _record(self, name: str) -> None:
        self.is_recording, self.recorded = True, name
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.viewport().update()
        self.recording_changed.emit()

    def _take(self, event: QKeyEvent) -> None:
        key, name = pressed_key(event), self.recorded
        if not key:
            return
        self.stop_recording()
        if key != RESERVED:
            self.key_pressed.emit(name, key)

    def focusOutEvent(self, event: Any) -> None:
        """A key that goes elsewhere is not waited for."""
        super().focusOutEvent(event)
        self.stop_recording()


class _Look(QStyledItemDelegate):
    """Draws a name on the left, in two lines where it must, and its keys, as caps, on the right."""

    def __init__(self, theme: Theme, view: KeyListView) -> None:
        super().__init__(view)
        self._theme = theme
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """As high as the name needs beside the keys."""
        if index.data(Role.IS_HEADING):
            return QSize(0, HEADING)
        metrics = option.fontMetrics
        whole = QRect(0, 0, self._view.viewport().width(), ROW)
        room = _beside(whole.adjusted(PADDING, 0, -PADDING, 0), _keys_width(metrics, index))
        name = metrics.boundingRect(room, Qt.TextFlag.TextWordWrap, str(index.data()))
        return QSize(0, max(ROW, name.height() + ROW - metrics.height()))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """One row."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRect(option.rect)
        if index.data(Role.IS_HEADING):
            self._heading(painter, rect, str(index.data()))
        else:
            self._line(painter, rect, option.state, index)
        painter.restore()

    def _heading(self, painter: QPainter, rect: QRect, text: str) -> None:
        font = QFont(painter.font())
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(self._theme.colour("text2"))
        bottom = Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft
        painter.drawText(rect.adjusted(PADDING, 0, -PADDING, -7), bottom, text)

    def _line(self, painter: QPainter, rect: QRect, state: QStyle.StateFlag, index: _Index) -> None:
        colour = self._theme.colour
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        if chosen or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("selection" if chosen else "field"))
            painter.drawRoundedRect(rect, 4, 4)
        if chosen and self._view.hasFocus():
            painter.setPen(colour("accent"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        self._words(painter, rect.adjusted(PADDING, 0, -PADDING, 0), index)

    def _words(self, painter: QPainter, room: QRect, index: _Index) -> None:
        middle, metrics = Qt.AlignmentFlag.AlignVCenter, painter.fontMetrics()
        colour = self._theme.colour("text" if index.data(Role.NAME) else "text2")
        painter.setPen(colour)
        name = str(index.data())
        if self._view.is_recording and self._view.recorded == index.data(Role.NAME):
            beside = _beside(room, metrics.horizontalAdvance(PRESS))
            name = metrics.elidedText(name, Qt.TextElideMode.ElideRight, beside.width())
            painter.drawText(room, middle | Qt.AlignmentFlag.AlignRight, PRESS)
        else:
            beside = _beside(room, _keys_width(metrics, index))
            self._caps(painter, room, index)
        painter.setPen(colour)
        painter.drawText(beside, middle | Qt.TextFlag.TextWordWrap, name)

    def _caps(self, painter: QPainter, room: QRect, index: _Index) -> None:
        """From the right: each key a cap; a dot before them where they were changed."""
        right = float(room.right())
        fixed = not index.data(Role.NAME)
        for key in reversed(index.data(Role.KEYS)):
            width = painter.fontMetrics().horizontalAdvance(key) + (0 if fixed else CAP)
            cap = QRectF(right - width, room.center().y() - 10.5, width, 22)
            if not fixed:
                painter.setPen(self._theme.colour("line_hover"))
                painter.setBrush(self._theme.colour("field"))
                painter.drawRoundedRect(cap, 4, 4)
            painter.setPen(self._theme.colour("text2" if fixed else "text"))
            painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, key)
            right -= width + 6
        if index.data(Role.IS_CHANGED):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.colour("accent"))
            painter.drawEllipse(QPointF(right - 6, room.center().y() + 0.5), 3, 3)


def _keys_width(metrics: QFontMetrics, index: _Index) -> int:
    """Of all caps in a row, and the dot before them."""
    wider = CAP if index.data(Role.NAME) else 0
    keys = sum(metrics.horizontalAdvance(key) + wider + 6 for key in index.data(Role.KEYS))
    return keys + (6 if index.data(Role.IS_CHANGED) else 0)


def _beside(room: QRect, width: int) -> QRect:
    """What is left of the room for a name."""
    return room.adjusted(0, 0, -width - GAP if width else 0, 0)


def _lines(keymap: Keymap) -> list[Line]:
    lines: list[Line] = []
    for title, rows in _groups():
        lines.append(Line(title, is_heading=True))
        lines += [Line(plain(row.text), row.name) for row in rows if keymap.acts(row.name)]
    lines.append(Line("Mouse, pen and fixed keys", is_heading=True))
    return lines + [Line(text, fixed=keys) for keys, text in FIXED_KEYS]


def _groups() -> list[tuple[str, list[Row]]]:
    groups = [(menu, [row for row in TABLE if row.menu == menu]) for menu in MENUS]
    groups.append(("Tools", [row for row in TABLE if row.is_tool]))
    groups.append(("Canvas", [row for row in TABLE if not row.menu and not row.is_tool]))
    return groups
