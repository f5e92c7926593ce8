"""A number that can be typed, dragged sideways, or stepped with the arrow keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPalette, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QWidget

HEIGHT = 30
MINIMUM_WIDTH = 56
DRAG_THRESHOLD = 4
"""Pixels the pointer moves sideways before a press counts as dragging."""


class NumberField(QDoubleSpinBox):
    """A field with a thin bar at its foot that shows where the value lies in its range.

    Signals:
        edited: The person gave it another value.
    """

    edited = Signal(float)

    def __init__(
        self,
        name: str,
        least: float,
        most: float,
        step: float = 1.0,
        decimals: int = 0,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFixedHeight(HEIGHT)
        self.setRange(least, most)
        self.setSingleStep(step)
        self.setDecimals(decimals)
        self.setKeyboardTracking(False)
        self.setCorrectionMode(QAbstractSpinBox.CorrectionMode.CorrectToNearestValue)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.shows_bar = True
        self._press: tuple[QPointF, float] | None = None
        self._dragging = False
        self.lineEdit().setTextMargins(6, 0, 6, 2)
        self.lineEdit().installEventFilter(self)
        self.lineEdit().setCursor(Qt.CursorShape.SizeHorCursor)
        self.valueChanged.connect(self._on_value_changed)

    def show_value(self, value: float) -> None:
        """Show `value` without telling anybody that it was edited."""
        self.blockSignals(True)
        self.setValue(value)
        self.blockSignals(False)
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Turn a sideways drag on the text into a change of the value."""
        if isinstance(event, QMouseEvent) and watched is self.lineEdit() and self.isEnabled():
            if event.type() == QEvent.Type.MouseButtonPress:
                self._press = (event.globalPosition(), self.value())
                self._dragging = False
            elif event.type() == QEvent.Type.MouseMove and self._press:
                return self._drag(event)
            elif event.type() == QEvent.Type.MouseButtonRelease:
                dragged, self._press, self._dragging = self._dragging, None, False
                return dragged
        return super().eventFilter(watched, event)

    def _drag(self, event: QMouseEvent) -> bool:
        assert self._press is not None
        start, value = self._press
        moved = event.globalPosition().x() - start.x()
        if not self._dragging and abs(moved) < DRAG_THRESHOLD:
            return False
        self._dragging = True
        fine = 0.2 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        per_pixel = max((self.maximum() - self.minimum()) / 240, self.singleStep() / 8)
        steps = round(moved * fine * per_pixel / self.singleStep())
        self.setValue(value + steps * self.singleStep())
        self.lineEdit().deselect()
        return True

    def minimumSizeHint(self) -> QSize:
        """Room for a few digits; Qt would ask for as much as the longest value needs."""
        return QSize(MINIMUM_WIDTH, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        """As small as may be: the layout gives it what there is."""
        return self.minimumSizeHint()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Only a field that was chosen turns with the wheel; others let the panel scroll."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The field, and the bar."""
        super().paintEvent(event)
        if not self.shows_bar or not self.isEnabled():
            return
        span = self.maximum() - self.minimum()
        fraction = (self.value() - self.minimum()) / span if span else 0.0
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = QRectF(7, self.height() - 5, self.width() - 14, 2)
        colour = QColor(self.palette().color(QPalette.ColorRole.PlaceholderText))
        colour.setAlpha(50)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(track, 1, 1)
        painter.setBrush(self.palette().color(QPalette.ColorRole.Link))
        track.setWidth(track.width() * fraction)
        painter.drawRoundedRect(track, 1, 1)

    def _on_value_changed(self, value: float) -> None:
        self.update()
        self.edited.emit(value)
