"""The column on the left: one button for each tool, and the brush's colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from PySide6.QtCore import QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QAction, QContextMenuEvent, QKeyEvent, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QFrame, QMenu, QToolButton, QVBoxLayout, QWidget

from gui.canvas.tools.painting import BrushSettings
from gui.theme import ICON_SIZE
from gui.widgets.swatch import SwatchPair

WIDTH = 46
_MARK = 4
"""Side of the triangle that says that a button holds several tools."""


class ToolColumn(QWidget):
    """Tools above, undo and redo below them, the colours at the foot.

    Tools whose actions have the same property "group" share one button.
    """

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
        for group in _grouped(tools):
            column.addWidget(_button(group[0]) if len(group) == 1 else ToolGroup(group))
        line = QFrame()
        line.setObjectName("separator")
        line.setFixedHeight(1)
        column.addSpacing(4)
        column.addWidget(line)
        column.addSpacing(4)
        for action in others:
            column.addWidget(_button(action))
        column.addStretch(1)
        column.addWidget(SwatchPair(settings))


class ToolGroup(QToolButton):
    """One button for several tools: a click takes the one that is shown.

    The others are in a menu that opens when the button is held, with the right button, or with
    the Down key; the button then shows the one that was chosen.
    """

    def __init__(self, actions: list[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setIconSize(QSize(ICON_SIZE, ICON_SIZE))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        menu = QMenu(self)
        menu.addActions(actions)
        self.setMenu(menu)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.DelayedPopup)
        for action in actions:
            action.toggled.connect(self._on_toggled)
        self._show(actions[0])

    def paintEvent(self, event: QPaintEvent) -> None:
        """The tool's drawing, and a small triangle in the corner."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().placeholderText())
        corner = QPointF(self.width() - 4, self.height() - 4)
        up, left = QPointF(0, -_MARK), QPointF(-_MARK, 0)
        painter.drawPolygon(QPolygonF([corner, corner + up, corner + left]))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer the others."""
        self._offer()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The Down key offers the others."""
        if event.key() == Qt.Key.Key_Down:
            self._offer()
        else:
            super().keyPressEvent(event)

    def _offer(self) -> None:
        """Without waiting for the choice: a job may be running."""
        self.menu().popup(self.mapToGlobal(QPoint(self.width() + 2, 0)))

    def _on_toggled(self, checked: bool) -> None:
        action = self.sender()
        if checked and isinstance(action, QAction):
            self._show(action)

    def _show(self, action: QAction) -> None:
        self.setDefaultAction(action)
        self.setAccessibleName(action.text())
        self.setToolTip(f"{action.toolTip()}; hold for more")


def _grouped(tools: Iterable[QAction]) -> Iterator[list[QAction]]:
    """Neighbours of one group together, every other tool by itself."""
    for _, actions in groupby(tools, lambda action: action.property("group") or action):
        yield list(actions)


def _button(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
    button.setIconSize(QSize(ICON_SIZE, ICON_SIZE))
    button.setAccessibleName(action.text())
    return button
