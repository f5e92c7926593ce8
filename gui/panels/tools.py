"""The column on the left: one button for each tool, and the brush's colour."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QToolButton, QVBoxLayout, QWidget

from gui.canvas.tools.painting import BrushSettings
from gui.theme import ICON_SIZE
from gui.widgets.swatch import Swatch

WIDTH = 46


class ToolColumn(QWidget):
    """Tools above, undo and redo below them, the colour at the foot."""

    def __init__(
        self,
        tools: Iterable[QAction],
        others: Iterable[QAction],
        settings: BrushSettings,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("tools")
        self.setAccessibleName("Tools")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(WIDTH)
        column = QVBoxLayout(self)
        column.setContentsMargins(5, 8, 6, 8)
        column.setSpacing(2)
        for action in tools:
            column.addWidget(_button(action))
        line = QFrame()
        line.setObjectName("separator")
        line.setFixedHeight(1)
        column.addSpacing(4)
        column.addWidget(line)
        column.addSpacing(4)
        for action in others:
            column.addWidget(_button(action))
        column.addStretch(1)
        column.addWidget(Swatch(settings))


def _button(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
    button.setIconSize(QSize(ICON_SIZE, ICON_SIZE))
    button.setAccessibleName(action.text())
    return button
