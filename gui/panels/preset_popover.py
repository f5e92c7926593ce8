"""The brushes to choose from, each shown as a stroke of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QIcon, QImage, QPalette, QPixmap
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.errors import KnownError
from core.geometry import Size
from gui.brush_settings import BrushSettings
from gui.images import to_qimage

if TYPE_CHECKING:
    from core.canvas.presets import BrushPreset, BrushShelf

PICTURE = Size(132, 34)
"""Size of a pictured stroke in device-independent pixels."""


class PresetPopover(QFrame):
    """Ours first, then the person's own; a click takes one.

    Signals:
        refused: Something could not be kept or read, and why.
    """

    refused = Signal(str)

    def __init__(self, settings: BrushSettings, shelf: BrushShelf, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("popover")
        self.setAccessibleName("Brushes")
        self._settings = settings
        self._shelf = shelf
        self._pictures: dict[BrushPreset, QImage] = {}
        self._list = QListWidget()
        self._list.setAccessibleName("Brushes")
        self._list.setIconSize(QSize(*PICTURE))
        self._list.setFixedSize(288, 352)
        self._name = QLineEdit()
        self._name.setAccessibleName("Name of the brush")
        self._name.setPlaceholderText("Name for the brush as it is")
        self._keep = QPushButton("Save")
        self._remove = QPushButton("Delete")
        self._tip = QPushButton("Tip from a picture…")
        self._drawing = QTimer(self)
        self._drawing.setInterval(0)
        self._lay_out()
        self._connect()

    def open(self) -> None:
        """Show what is on the shelf now; the caller has placed the window."""
        self.fill()
        self.show()
        self._list.setFocus(Qt.FocusReason.PopupFocusReason)

    def fill(self) -> None:
        """Read the shelf again; the strokes are drawn one after the other."""
        self._list.clear()
        for preset in self._shelf.presets():
            item = QListWidgetItem(preset.name)
            item.setData(Qt.ItemDataRole.UserRole, preset)
            item.setSizeHint(QSize(0, PICTURE.height + 8))
            self._list.addItem(item)
            if preset.name == self._settings.preset:
                self._list.setCurrentItem(item)
        self._show_removable()
        self._drawing.start()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self._list)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._name, 1)
        row.addWidget(self._keep)
        column.addLayout(row)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._tip)
        row.addStretch(1)
        row.addWidget(self._remove)
        column.addLayout(row)

    def _connect(self) -> None:
        self._list.itemClicked.connect(self._on_chosen)
        self._list.itemActivated.connect(self._on_chosen)
        self._list.currentItemChanged.connect(self._show_removable)
        self._drawing.timeout.connect(self._draw_next)
        self._name.returnPressed.connect(self._on_keep)
        self._keep.clicked.connect(self._on_keep)
        self._remove.clicked.connect(self._on_remove)
        self._tip.clicked.connect(self._on_tip)

    # --- pictures ------------------------------------------------------------------------------

    def _draw_next(self) -> None:
        """Draw one stroke, so that the window lives between two of them."""
        for row in range(self._list.count()):
            item = self._list.item(row)
            if item.icon().isNull():
                item.setIcon(self._icon(item.data(Qt.ItemDataRole.UserRole)))
                return
        self._drawing.stop()

    def _icon(self, preset: BrushPreset) -> QIcon:
        if preset not in self._pictures:
            self._pictures[preset] = self._picture(preset)
        colour = self.palette().color(QPalette.ColorRole.Text)
        stroke = _inked(self._pictures[preset], colour, self.devicePixelRatio())
        icon = QIcon(stroke)
        icon.addPixmap(stroke, QIcon.Mode.Selected)  # Qt's own way would fade it
        return icon

    def _picture(self, preset: BrushPreset) -> QImage:
        ratio = self.devicePixelRatio()
        size = Size(round(PICTURE.width * ratio), round(PICTURE.height * ratio))
        try:
            return to_qimage(self._shelf.picture(preset, size))
        except KnownError:  # said when the brush is taken; here its stroke stays empty
            image = QImage(size.width, size.height, QImage.Format.Format_Grayscale8)
            image.fill(0)
            return image

    # --- what is done --------------------------------------------------------------------------

    @Slot(QListWidgetItem)
    def _on_chosen(self, item: QListWidgetItem) -> None:
        self._take(item.data(Qt.ItemDataRole.UserRole))

    def _take(self, preset: BrushPreset) -> None:
        try:
            self._settings.take(preset, self._shelf.tip(preset.tip, preset.turns))
        except KnownError as error:
            self.refused.emit(str(error))
        self.close()

    @Slot()
    def _on_keep(self) -> None:
        try:
            preset = self._settings.as_preset(self._name.text())
            self._shelf.keep(preset)
        except KnownError as error:
            self.close()
            self.refused.emit(str(error))
            return
        self._name.clear()
        self._settings.change(preset=preset.name)
        self.fill()

    @Slot()
    def _on_remove(self) -> None:
        for item in self._list.selectedItems():
            self._forget(item.data(Qt.ItemDataRole.UserRole))
        self.fill()

    def _forget(self, preset: BrushPreset) -> None:
        try:
            self._shelf.remove(preset)
        except KnownError as error:
            self.refused.emit(str(error))
            return
        if self._settings.preset == preset.name:
            self._settings.change(preset="")  # the brush in the hand stays as it is

    @Slot()
    def _on_tip(self) -> None:
        self.close()
        dialog = QFileDialog(self.window().parentWidget(), "A picture as the brush's tip")
        dialog.setNameFilter("Pictures (*.png)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.add_tip)
        dialog.open()

    @Slot(str)
    def add_tip(self, name: str) -> None:
        """Make a brush of a picture, and take it."""
        try:
            like = self._settings.as_preset("brush")
            self._take(self._shelf.add_tip(Path(name), like))
        except KnownError as error:
            self.refused.emit(str(error))

    def _show_removable(self) -> None:
        item = self._list.currentItem()
        is_own = item is not None and self._shelf.is_own(item.data(Qt.ItemDataRole.UserRole))
        self._remove.setVisible(is_own)


def _inked(coverage: QImage, colour: QColor, ratio: float) -> QPixmap:
    """The coverage as a stroke of that colour on nothing."""
    stroke = QImage(coverage.size(), QImage.Format.Format_ARGB32)
    stroke.fill(colour)
    stroke.setAlphaChannel(coverage)
    pixmap = QPixmap.fromImage(stroke)
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
