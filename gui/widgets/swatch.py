"""The brush's colour, and the way to another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolButton, QWidget

from gui.canvas.tools.painting import BrushSettings

if TYPE_CHECKING:
    from PySide6.QtWidgets import QColorDialog


class Swatch(QToolButton):
    """A button filled with the colour; pressing it opens the colour dialog."""

    def __init__(self, settings: BrushSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setToolTip("Colour of the brush")
        self.setAccessibleName("Colour of the brush")
        self.setFixedSize(QSize(34, 34))
        self._dialog: QColorDialog | None = None
        self.clicked.connect(self._on_clicked)
        settings.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A rounded square of the colour."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(128, 128, 132), 1))
        painter.setBrush(QColor(*self._settings.colour))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(7.5, 7.5, -7.5, -7.5), 4, 4)

    def _on_clicked(self) -> None:
        from PySide6.QtWidgets import QColorDialog  # not before somebody wants a colour

        if self._dialog is None:
            self._dialog = QColorDialog(self)
            self._dialog.setOption(QColorDialog.ColorDialogOption.NoButtons)
            self._dialog.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog)
            self._dialog.setWindowFlag(Qt.WindowType.Tool)
            self._dialog.currentColorChanged.connect(self._on_colour_chosen)
        self._dialog.setCurrentColor(QColor(*self._settings.colour))
        self._dialog.show()

    def _on_colour_chosen(self, colour: QColor) -> None:
        self._settings.change(colour=(colour.red(), colour.green(), colour.blue()))
