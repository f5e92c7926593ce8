"""A colour chosen by eye: a square of saturation and value, a bar of hues, and small chips."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QToolButton, QWidget

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""
RADIUS = 4
KNOB = 6
KEY_STEP = 0.02
CHIP = 22
_HUES = 6


class _Plane(QWidget):
    """Something on which one place is chosen with the pointer or the arrow keys.

    Signals:
        edited: The person chose another place: across and down, 0 to 1 each.
    """

    edited = Signal(float, float)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._place = (0.0, 0.0)

    def show_place(self, across: float, down: float) -> None:
        """Show another place without telling anybody."""
        self._place = across, down
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the place under the pointer."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._choose_at(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The place follows the pointer, and stays inside."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._choose_at(event.position())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The arrows move the place."""
        ways = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        way = ways.get(Qt.Key(event.key()))
        if way is None:
            super().keyPressEvent(event)
        else:
            self._choose(self._place[0] + way[0] * KEY_STEP, self._place[1] + way[1] * KEY_STEP)

    def _choose_at(self, at: QPointF) -> None:
        area = self._area
        self._choose((at.x() - area.x()) / area.width(), (at.y() - area.y()) / area.height())

    def _choose(self, across: float, down: float) -> None:
        self.show_place(min(max(across, 0.0), 1.0), min(max(down, 0.0), 1.0))
        self.edited.emit(*self._place)

    @property
    def _area(self) -> QRectF:
        return QRectF(self.rect()).adjusted(KNOB, KNOB, -KNOB, -KNOB)

    def _knob(self, painter: QPainter, at: QPointF, colour: QColor) -> None:
        """A ring that shows on any colour; the accent says that the keys go here."""
        painter.setBrush(colour)
        painter.setPen(QPen(QColor(0, 0, 0, 140), 3))
        painter.drawEllipse(at, KNOB - 1, KNOB - 1)
        ring = self.palette().link().color() if self.hasFocus() else QColor(255, 255, 255)
        painter.setPen(QPen(ring, 1.5))
        painter.drawEllipse(at, KNOB - 1, KNOB - 1)


class ShadeSquare(_Plane):
    """Saturation from left to right, value from the foot upwards, of one hue."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._hue = 0.0

    def show_hue(self, hue: float) -> None:
        """Be of that hue, 0 to 1."""
        self._hue = hue
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """White to the hue, both down to black."""
        painter, area = QPainter(self), self._area
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = QPainterPath()
        shape.addRoundedRect(area, RADIUS, RADIUS)
        across = QLinearGradient(area.topLeft(), area.topRight())
        across.setColorAt(0, QColor(255, 255, 255))
        across.setColorAt(1, QColor.fromHsvF(self._hue, 1, 1))
        painter.fillPath(shape, across)
        down = QLinearGradient(area.topLeft(), area.bottomLeft())
        down.setColorAt(0, QColor(0, 0, 0, 0))
        down.setColorAt(1, QColor(0, 0, 0))
        painter.fillPath(shape, down)
        x, y = self._place
        at = QPointF(area.x() + x * area.width(), area.y() + y * area.height())
        self._knob(painter, at, QColor.fromHsvF(self._hue, x, 1 - y))


class HueBar(_Plane):
    """All hues from left to right; only the place across matters."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self.setFixedHeight(2 * KNOB + 10)

    def paintEvent(self, event: QPaintEvent) -> None:
        """From red round to red."""
        painter, area = QPainter(self), self._area
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        hues = QLinearGradient(area.topLeft(), area.topRight())
        for number in range(_HUES + 1):
            hues.setColorAt(number / _HUES, QColor.fromHsvF(number / _HUES % 1, 1, 1))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(hues)
        painter.drawRoundedRect(area, RADIUS, RADIUS)
        at = QPointF(area.x() + self._place[0] * area.width(), area.center().y())
        self._knob(painter, at, QColor.fromHsvF(self._place[0] % 1, 1, 1))


class ColourChip(QToolButton):
    """A small button that is one colour.

    Attributes:
        colour: Which.
    """

    def __init__(self, colour: Colour, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colour = colour
        name = QColor(*colour).name()
        self.setAccessibleName(f"Colour {name}")
        self.setToolTip(name)
        self.setFixedSize(QSize(CHIP, CHIP))

    def paintEvent(self, event: QPaintEvent) -> None:
        """A rounded square of the colour, ringed under the pointer or the keys."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        looked_at = self.hasFocus() or self.underMouse()
        ring = self.palette().link().color() if looked_at else QColor(128, 128, 132)
        painter.setPen(QPen(ring, 1))
        painter.setBrush(QColor(*self.colour))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5), RADIUS, RADIUS)
