"""The brush's colour and the second one, and the way to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolButton, QWidget

from gui.canvas.tools.painting import BrushSettings

if TYPE_CHECKING:
    from gui.widgets.colour_popover import ColourPopover

_SIDE, _SHIFT = 24, 11
"""Pixels: how large a colour's button is, and how far the second lies right and down of it."""


class Swatch(QToolButton):
    """A button filled with one of the two colours; pressing it opens the way to others."""

    def __init__(
        self, settings: BrushSettings, which: str = "colour", parent: QWidget | None = None
    ) -> None:
        """Show the attribute `which` of the settings: ``"colour"`` or ``"background"``."""
        super().__init__(parent)
        self._settings, self._which = settings, which
        is_first = which == "colour"
        name = "Colour of the brush" if is_first else "Second colour, where gradients can end"
        self.setToolTip(name)
        self.setAccessibleName(name)
        self.setFixedSize(QSize(_SIDE, _SIDE))
        self._popover: ColourPopover | None = None
        self.clicked.connect(self._on_clicked)
        settings.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A rounded square of the colour, on the panel's own ground; the line says where it is."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().window())
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        looked_at = self.hasFocus() or self.underMouse()
        ring = self.palette().highlight().color() if looked_at else QColor(128, 128, 132)
        painter.setPen(QPen(ring, 1))
        painter.setBrush(QColor(*getattr(self._settings, self._which)))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5), 4, 4)

    def _on_clicked(self) -> None:
        from gui.widgets.colour_popover import ColourPopover  # not before somebody wants a colour

        if self._popover is None:
            name = self.accessibleName()
            self._popover = ColourPopover(self._settings, self._which, name, self)
        self._popover.adjustSize()
        foot = self.mapToGlobal(QPoint(self.width() + 2 * _SHIFT, self.height()))
        self._popover.move(foot - QPoint(0, self._popover.height()))
        self._popover.show()


class SwatchPair(QWidget):
    """The brush's colour in front of the second one."""

    def __init__(self, settings: BrushSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(_SIDE + _SHIFT, _SIDE + _SHIFT)
        first, second = (Swatch(settings, which, self) for which in ("colour", "background"))
        second.move(_SHIFT, _SHIFT)
        first.raise_()
