"""A small field in which a curve is bent with the pointer or the arrow keys."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from core.canvas.dynamics import Curve, Point

MARGIN = 7
GRIP = 9
"""Pixels around a point that take hold of it."""
KEY_STEP = 0.02
_CLOSEST = 0.02  # two points of a curve come no closer to each other


class CurveEditor(QWidget):
    """In goes what the pen says, from left to right; out comes the part that is left, upwards.

    A click on the curve makes a point, a drag moves it, a double click or Delete takes it away.
    With the keyboard: Page Up and Page Down choose a point, the arrows move it.

    Signals:
        edited: The person bent it; the new curve.
    """

    edited = Signal(object)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setToolTip("Click to add a point, drag to move it, double-click to take it away")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFixedHeight(104)
        self.setMinimumWidth(120)
        self._points: list[Point] = [(0.0, 0.0), (1.0, 1.0)]
        self._chosen = 1
        self._dragging = False

    def show_curve(self, curve: Curve) -> None:
        """Show that curve without telling anybody."""
        if tuple(self._points) != curve.points:
            self._points = list(curve.points)
            self._chosen = min(self._chosen, len(self._points) - 1)
            self.update()

    @property
    def curve(self) -> Curve:
        """The curve as it is."""
        from core.canvas.dynamics import Curve

        return Curve(tuple(self._points))

    # --- hands ---------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of a point, or make one."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        found = self._point_at(event.position())
        self._chosen = self._added(event.position()) if found is None else found
        self._dragging = True
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the point that is held."""
        if self._dragging:
            self._move(self._chosen, *self._value_at(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let it go."""
        self._dragging = False

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Take the point away."""
        self._dragging = False
        found = self._point_at(event.position())
        if found is not None:
            self._remove(found)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the chosen point, choose another one, or take it away."""
        ways = {
            Qt.Key.Key_Left: (-KEY_STEP, 0.0),
            Qt.Key.Key_Right: (KEY_STEP, 0.0),
            Qt.Key.Key_Up: (0.0, KEY_STEP),
            Qt.Key.Key_Down: (0.0, -KEY_STEP),
        }
        turns = {Qt.Key.Key_PageUp: 1, Qt.Key.Key_PageDown: -1}
        key = Qt.Key(event.key())
        if key in ways:
            x, y = self._points[self._chosen]
            self._move(self._chosen, x + ways[key][0], y + ways[key][1])
        elif key in turns:
            self._chosen = (self._chosen + turns[key]) % len(self._points)
            self.update()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._remove(self._chosen)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show that the keys go here."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show that they go elsewhere."""
        super().focusOutEvent(event)
        self.update()

    def _added(self, at: QPointF) -> int:
        """Index of a new point there, or of the nearest where there is no room for one."""
        from core.canvas.dynamics import MOST_POINTS

        x, y = self._value_at(at)
        nearest = min(range(len(self._points)), key=lambda i: abs(self._points[i][0] - x))
        if len(self._points) >= MOST_POINTS or abs(self._points[nearest][0] - x) < _CLOSEST:
            return nearest
        index = sum(point[0] < x for point in self._points)
        self._points.insert(index, (x, y))
        self._tell()
        return index

    def _move(self, index: int, x: float, y: float) -> None:
        """Both ends keep their place from left to right, the others stay between theirs."""
        last = len(self._points) - 1
        if index in (0, last):
            x = float(index > 0)
        else:
            left, right = self._points[index - 1][0], self._points[index + 1][0]
            x = min(max(x, left + _CLOSEST / 2), right - _CLOSEST / 2)
        self._points[index] = (x, min(max(y, 0.0), 1.0))
        self._tell()

    def _remove(self, index: int) -> None:
        if 0 < index < len(self._points) - 1:
            del self._points[index]
            self._chosen = index - 1
            self._tell()

    def _tell(self) -> None:
        self.update()
        self.edited.emit(self.curve)

    # --- what is seen --------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """The field with its quarters, the curve, its points."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        line = QColor(palette.color(QPalette.ColorRole.PlaceholderText))
        accent = palette.color(QPalette.ColorRole.Link)
        if not self.isEnabled():
            accent = line
        self._paint_field(painter, line, accent)
        path = QPainterPath(self._place(0, self.curve.at(0)))
        curve = self.curve
        for step in range(1, 65):
            path.lineTo(self._place(step / 64, curve.at(step / 64)))
        painter.strokePath(path, QPen(accent, 1.5))
        painter.setPen(QPen(accent, 1.5))
        for index, point in enumerate(self._points):
            is_chosen = index == self._chosen and self.hasFocus()
            painter.setBrush(accent if is_chosen else palette.color(QPalette.ColorRole.Base))
            painter.drawEllipse(self._place(*point), 3.5, 3.5)

    def _paint_field(self, painter: QPainter, line: QColor, accent: QColor) -> None:
        quiet = QColor(line)
        quiet.setAlpha(60)
        painter.setPen(QPen(accent if self.hasFocus() else quiet, 1))
        painter.setBrush(self.palette().color(QPalette.ColorRole.Base))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        quiet.setAlpha(34)
        painter.setPen(QPen(quiet, 1))
        for part in (0.25, 0.5, 0.75):
            for start, end in (((part, 0), (part, 1)), ((0, part), (1, part))):
                painter.drawLine(_crisp(self._place(*start)), _crisp(self._place(*end)))

    def _place(self, x: float, y: float) -> QPointF:
        width, height = self.width() - 2 * MARGIN, self.height() - 2 * MARGIN
        return QPointF(MARGIN + x * width, MARGIN + (1 - y) * height)

    def _value_at(self, at: QPointF) -> Point:
        width, height = self.width() - 2 * MARGIN, self.height() - 2 * MARGIN
        x, y = (at.x() - MARGIN) / width, 1 - (at.y() - MARGIN) / height
        return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)

    def _point_at(self, at: QPointF) -> int | None:
        for index, point in enumerate(self._points):
            away = self._place(*point) - at
            if abs(away.x()) <= GRIP and abs(away.y()) <= GRIP:
                return index
        return None


def _crisp(place: QPointF) -> QPointF:
    """The middle of that pixel, where a thin line covers one row of pixels and not two."""
    return QPointF(math.floor(place.x()) + 0.5, math.floor(place.y()) + 0.5)
