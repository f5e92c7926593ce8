"""A small list that hangs below a button, in which several things are ticked."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

ROW = 26
MOST_ROWS = 12
WIDTH = 240


class CheckList(QFrame):
    """Stays open while things are ticked; a click elsewhere closes it.

    Signals:
        ticked: Names of everything that is ticked now, in the list's order.
    """

    ticked = Signal(list)

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("popover")
        self.setAccessibleName(name)
        self.setFixedWidth(WIDTH)
        self._list = QListWidget()
        self._list.setAccessibleName(name)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._list.itemChanged.connect(self._on_changed)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.addWidget(self._list)

    def offer(self, names: Sequence[str], ticked: Collection[str]) -> None:
        """List these, some of them ticked already."""
        self._list.blockSignals(True)
        self._list.clear()
        for name in names:
            item = QListWidgetItem(name)
            item.setToolTip(name)
            item.setSizeHint(QSize(0, ROW))
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            is_on = name in ticked
            item.setCheckState(Qt.CheckState.Checked if is_on else Qt.CheckState.Unchecked)
            self._list.addItem(item)
        self._list.blockSignals(False)
        self._list.setCurrentRow(0)
        self._list.setFixedHeight(ROW * max(1, min(len(names), MOST_ROWS)) + 4)
        self.adjustSize()

    def open_below(self, anchor: QWidget) -> None:
        """Show it below `anchor`, flush right, on the screen."""
        corner = anchor.mapToGlobal(anchor.rect().bottomRight())
        area = (
            QGuiApplication.screenAt(corner) or QGuiApplication.primaryScreen()
        ).availableGeometry()
        top = min(corner.y() + 4, area.bottom() - self.height())
        self.move(QPoint(max(area.left(), corner.x() - self.width() + 1), top))
        self.show()
        self._list.setFocus(Qt.FocusReason.PopupFocusReason)

    def _on_changed(self) -> None:
        items = (self._list.item(row) for row in range(self._list.count()))
        self.ticked.emit([i.text() for i in items if i.checkState() is Qt.CheckState.Checked])
