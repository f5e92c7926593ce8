"""The prompt's editor: shows what the model will not read, and remembers earlier prompts."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTextCursor,
)
from PySide6.QtWidgets import QPlainTextEdit, QToolTip, QWidget

UNREAD = "Not read: the model stops before this."
FRAME = 8
"""Pixels of border and padding above and below, as the style sheet has them."""
READ_ANEW = "The model reads a part at a time; here the next one begins."


class PromptEdit(QPlainTextEdit):
    """A plain text field of a few lines.

    Signals:
        edited: The whole text, after the person changed it.
        recall_asked: +1 for an older prompt, -1 for a newer one.
    """

    edited = Signal(str)
    recall_asked = Signal(int)

    def __init__(
        self, name: str, placeholder: str, lines: int, most: int, parent: QWidget | None = None
    ):
        """Show at least `lines` lines, and as many as there is room for up to `most`."""
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setPlaceholderText(placeholder)
        self.setTabChangesFocus(True)
        self.setMinimumHeight(self._height_of(lines))
        self.setMaximumHeight(self._height_of(most))
        # Cursors, which move along with what is typed before them.
        self._unread: QTextCursor | None = None
        self._breaks: list[QTextCursor] = []
        self._break_colour = QColor()
        self.textChanged.connect(self._on_text_changed)

    def sizeHint(self) -> QSize:
        """As low as may be: the layout gives it what there is."""
        return QSize(super().sizeHint().width(), self.minimumHeight())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show whole lines: what is left of the height stays empty at the foot."""
        rest = (self.height() - self._height_of(0)) % self._height_of_line()
        rest += int(self.document().documentMargin())  # or the next line would begin there
        if self.viewportMargins().bottom() != rest:
            self.setViewportMargins(0, 0, 0, rest)
        super().resizeEvent(event)

    def _height_of(self, lines: int) -> int:
        """With its border, its padding, and the document's margin on both sides."""
        frame = 2 * int(self.document().documentMargin()) + FRAME
        return lines * self._height_of_line() + frame

    def _height_of_line(self) -> int:
        """As the text is laid out: whole pixels, rounded up."""
        return ceil(QFontMetricsF(self.font()).lineSpacing())

    def show_text(self, text: str) -> None:
        """Show `text` without telling anybody; the cursor stays when nothing changes."""
        if text != self.toPlainText():
            self.blockSignals(True)
            self.setPlainText(text)
            self.moveCursor(QTextCursor.MoveOperation.End)
            self.blockSignals(False)
            self._unread, self._breaks = None, []

    def mark_unread(self, start: int, colour: QColor) -> None:
        """Strike out everything from character `start` on; nothing when it is past the end."""
        if start >= len(self.toPlainText()):
            self._unread = None
            self.setExtraSelections([])
            return
        from PySide6.QtGui import QTextCharFormat  # 116 properties that the first paint can spare
        from PySide6.QtWidgets import QTextEdit

        unread = QTextEdit.ExtraSelection()
        unread.cursor = self._cursor_before(start)
        unread.cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        self._unread = QTextCursor(unread.cursor)
        form = QTextCharFormat()
        form.setForeground(colour)
        form.setFontStrikeOut(True)
        unread.format = form
        self.setExtraSelections([unread])

    def mark_breaks(self, places: Sequence[int], colour: QColor) -> None:
        """Draw a dotted line before these characters, where the model begins to read anew."""
        self._breaks = [self._cursor_before(place) for place in places]
        self._break_colour = colour
        self.viewport().update()

    def emphasize(self, by: float) -> None:
        """Add to the weight of the selected words, or of those at the cursor; one step to undo."""
        from core.prompts import emphasize  # not before the first paint

        text, cursor = self.toPlainText(), self.textCursor()
        start, end = (
            _characters(text, place) for place in (cursor.selectionStart(), cursor.selectionEnd())
        )
        change = emphasize(text, start, end, by)
        if change is None:
            return
        _select(cursor, text, change.start, change.end)
        cursor.insertText(change.text)
        _select(cursor, self.toPlainText(), *change.selected)
        self.setTextCursor(cursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Alt+Up and Alt+Down walk through earlier prompts, with Ctrl they weigh words."""
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}
        step = steps.get(Qt.Key(event.key()), 0)
        if step and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.recall_asked.emit(step)
        elif step and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.emphasize(step * 0.1)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The text, and over it the lines of `mark_breaks`."""
        super().paintEvent(event)
        if not self._breaks:
            return
        painter = QPainter(self.viewport())
        painter.setPen(QPen(self._break_colour, 1, Qt.PenStyle.DotLine))  # no cursor is dotted
        for cursor in self._breaks:
            at: QRect = self.cursorRect(cursor)
            painter.drawLine(at.left(), at.top(), at.left(), at.bottom())
        painter.end()

    def viewportEvent(self, event: QEvent) -> bool:
        """Tool tips that belong to a place in the text come before the field's own."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            tip = self.tip_at(self.cursorForPosition(event.pos()).position())
            QToolTip.showText(event.globalPos(), tip, self)
            return True
        return super().viewportEvent(event)

    def tip_at(self, place: int) -> str:
        """What there is to say about the text at that place, in UTF-16 units; else empty."""
        if self._unread is not None and place >= self._unread.selectionStart():
            return UNREAD
        is_break = any(place == cursor.position() for cursor in self._breaks)
        return READ_ANEW if is_break else ""

    def _cursor_before(self, place: int) -> QTextCursor:
        cursor = QTextCursor(self.document())
        cursor.setPosition(_utf16(self.toPlainText()[:place]))
        return cursor

    def _on_text_changed(self) -> None:
        self.edited.emit(self.toPlainText())


def _select(cursor: QTextCursor, text: str, start: int, end: int) -> None:
    cursor.setPosition(_utf16(text[:start]))
    cursor.setPosition(_utf16(text[:end]), QTextCursor.MoveMode.KeepAnchor)


def _utf16(text: str) -> int:
    """Qt counts UTF-16 units; a character beyond the first plane is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _characters(text: str, place: int) -> int:
    """The inverse: how many characters lie before that UTF-16 unit."""
    units = text.encode("utf-16-le", "surrogatepass")[: 2 * place]
    return len(units.decode("utf-16-le", "surrogatepass"))
