"""A slim scrubber with one tick a step, for mouse and keys."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSlider, QWidget

MARGIN = 8
HEIGHT = 24
HANDLE = 5.0
LEAST_BETWEEN_TICKS = 4.0
"""Pixels; where steps lie closer, every second or fifth has its tick."""


class StepScrubber(QSlider):
    """From a first to a last step; a press goes there at once, and arrow keys go step by step.

    Signals:
        left: Enter was pressed: the keys shall go elsewhere.
    """

    left = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSingleStep(1)
        self.setPageStep(5)
        self.setFixedHeight(HEIGHT)

    def sizeHint(self) -> QSize:
        """Wide enough for twenty ticks."""
        return QSize(220, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """Still to be hit."""
        return QSize(120, HEIGHT)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter leaves; all else as a slider does."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to the step under the pointer."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self.setValue(self._step_at(event.position().x()))
            event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer while it is down."""
        if self.isSliderDown():
            self.setValue(self._step_at(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Stay there."""
        self.setSliderDown(False)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line, its ticks, and the handle; what lies before it in the accent."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        quiet = QColor(self.palette().color(QPalette.ColorRole.PlaceholderText))
        accent = self.palette().color(QPalette.ColorRole.Link)
        middle, here = self.height() / 2, self._place_of(self.value())
        left, right = self._place_of(self.minimum()), self._place_of(self.maximum())
        faint = QColor(quiet)
        faint.setAlpha(110)
        painter.setBrush(faint)
        painter.drawRoundedRect(QRectF(left, middle - 1, right - left, 2), 1, 1)
        painter.setBrush(accent)
        painter.drawRoundedRect(QRectF(left, middle - 1, here - left, 2), 1, 1)
        for step in self._ticks():
            x = self._place_of(step)
            painter.setBrush(accent if x <= here else quiet)
            painter.drawRoundedRect(QRectF(x - 0.75, middle - 4, 1.5, 8), 0.75, 0.75)
        self._paint_handle(painter, here, middle, accent)

    def _paint_handle(self, painter: QPainter, x: float, y: float, accent: QColor) -> None:
        at = QPointF(x, y)
        if self.hasFocus():
            ring = QColor(accent)
            ring.setAlpha(90)
            painter.setBrush(ring)
            painter.drawEllipse(at, HANDLE + 3, HANDLE + 3)
        painter.setBrush(accent)
        painter.drawEllipse(at, HANDLE, HANDLE)

    def _ticks(self) -> list[int]:
        between = (self.width() - 2 * MARGIN) / max(1, self.maximum() - self.minimum())
        every = next(n for n in (1, 2, 5, 10, 20, 50, 1000) if n * between >= LEAST_BETWEEN_TICKS)
        return [
            step
            for step in range(self.minimum(), self.maximum() + 1)
            if step % every == 0 or step in (self.minimum(), self.maximum())
        ]

    def _place_of(self, step: int) -> float:
        span = max(1, self.maximum() - self.minimum())
        return MARGIN + (step - self.minimum()) / span * (self.width() - 2 * MARGIN)

    def _step_at(self, x: float) -> int:
        span = self.maximum() - self.minimum()
        share = (x - MARGIN) / max(1, self.width() - 2 * MARGIN)
        return self.minimum() + round(min(max(share, 0.0), 1.0) * span)
