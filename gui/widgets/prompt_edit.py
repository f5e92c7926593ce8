"""The prompt's editor: shows what the model will not read, and remembers earlier prompts."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QWidget


class PromptEdit(QPlainTextEdit):
    """A plain text field of a few lines.

    Signals:
        edited: The whole text, after the person changed it.
        recall_asked: +1 for an older prompt, -1 for a newer one.
    """

    edited = Signal(str)
    recall_asked = Signal(int)

    def __init__(self, name: str, placeholder: str, lines: int, parent: QWidget | None = None):
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setPlaceholderText(placeholder)
        self.setTabChangesFocus(True)
        margins = self.contentsMargins()
        frame = 2 * self.document().documentMargin() + margins.top() + margins.bottom() + 14
        self.setFixedHeight(int(lines * self.fontMetrics().lineSpacing() + frame))
        self.textChanged.connect(self._on_text_changed)

    def show_text(self, text: str) -> None:
        """Show `text` without telling anybody; the cursor stays when nothing changes."""
        if text != self.toPlainText():
            self.blockSignals(True)
            self.setPlainText(text)
            self.moveCursor(QTextCursor.MoveOperation.End)
            self.blockSignals(False)

    def mark_unread(self, start: int, colour: QColor) -> None:
        """Strike out everything from character `start` on; nothing when it is past the end."""
        if start >= len(self.toPlainText()):
            self.setExtraSelections([])
            return
        from PySide6.QtGui import QTextCharFormat  # 116 properties that the first paint can spare
        from PySide6.QtWidgets import QTextEdit

        unread = QTextEdit.ExtraSelection()
        unread.cursor = QTextCursor(self.document())
        unread.cursor.setPosition(_utf16(self.toPlainText()[:start]))
        unread.cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        form = QTextCharFormat()
        form.setForeground(colour)
        form.setFontStrikeOut(True)
        unread.format = form
        self.setExtraSelections([unread])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Alt+Up and Alt+Down walk through earlier prompts."""
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}
        alt = event.modifiers() & Qt.KeyboardModifier.AltModifier
        if alt and event.key() in steps:
            self.recall_asked.emit(steps[Qt.Key(event.key())])
            return
        super().keyPressEvent(event)

    def _on_text_changed(self) -> None:
        self.edited.emit(self.toPlainText())


def _utf16(text: str) -> int:
    """Qt counts UTF-16 units; a character beyond the first plane is two."""
    return len(text.encode("utf-16-le")) // 2
