"""The divider between what was and what is new: left of it the original, right of it the result."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractSlider, QWidget

from gui.canvas.marks import draw_label, label_box
from gui.theme import Theme

WIDTH = 28
"""View pixels of the strip that takes hold of the divider."""
MOST = 1000
_AWAY = 10
_BEFORE, _AFTER = "Original", "Result"


class Wipe(QAbstractSlider):
    """A line that is dragged across an overlay, or moved by the arrow keys.

    Signals:
        switched: Whether the comparison is on from now on.
        moved: What is seen of the overlay is different.
    """

    switched = Signal(bool)
    moved = Signal()

    def __init__(self, canvas: QWidget, theme: Theme) -> None:
        super().__init__(canvas)
        self.setAccessibleName("Divider between original and result")
        self.setAccessibleDescription("The arrow keys move it")
        self.setToolTip("Original on the left, result on the right; drag")
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setRange(0, MOST)
        self.setSingleStep(MOST // 100)
        self.setPageStep(MOST // 10)
        self.setValue(MOST // 2)
        self._canvas = canvas
        self._theme = theme
        self._area: QRectF | None = None
        self._held_at = 0.0
        self.is_on = False
        self.valueChanged.connect(self._on_value_changed)
        self.hide()

    @property
    def is_shown(self) -> bool:
        """Whether it divides anything now."""
        return self.is_on and self._area is not None

    @property
    def column(self) -> float:
        """Where it stands, in the canvas's view pixels."""
        assert self._area is not None
        return self._area.left() + self._area.width() * self.value() / MOST

    def switch(self, on: bool) -> None:
        """Begin to compare, in the middle, or end it."""
        if on == self.is_on:
            return
        self.is_on = on
        self.setValue(MOST // 2)
        self._place()
        if self.is_shown:
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        elif self.hasFocus():
            self._canvas.setFocus(Qt.FocusReason.OtherFocusReason)
        self.switched.emit(on)
        self.moved.emit()

    def place_over(self, area: QRectF | None) -> None:
        """Stand across `area` of the canvas, or nowhere."""
        self._area = area
        self._place()

    def paint_labels(self, painter: QPainter) -> None:
        """Say on the canvas which side is which, where there is room for it."""
        if not self.is_shown or self._area is None:
            return
        room = self._area.intersected(QRectF(self._canvas.rect()))
        y = room.top() + _AWAY + painter.fontMetrics().height() / 2
        before = label_box(painter, QPointF(), _BEFORE).width()
        after = label_box(painter, QPointF(), _AFTER).width()
        if self.column - room.left() > before + 2 * _AWAY:
            draw_label(painter, QPointF(self.column - before - _AWAY, y), _BEFORE)
        if room.right() - self.column > after + 2 * _AWAY:
            draw_label(painter, QPointF(self.column + _AWAY, y), _AFTER)

    def sizeHint(self) -> QSize:
        """As narrow as it can be taken hold of."""
        return QSize(WIDTH, WIDTH)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of it."""
        self._held_at = event.position().x() - WIDTH / 2
        self.setSliderDown(True)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """It goes with the hand."""
        if self.isSliderDown() and self._area is not None and self._area.width():
            column = self.mapToParent(event.position()).x() - self._held_at
            self.setValue(round((column - self._area.left()) / self._area.width() * MOST))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let it go."""
        self.setSliderDown(False)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line, and a grip in its middle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = QPointF(self._line, self.height() / 2)
        for colour, width in ((QColor(0, 0, 0, 110), 3), (QColor(255, 255, 255, 235), 1)):
            painter.fillRect(QRectF(middle.x() - width / 2, 0, width, self.height()), colour)
        painter.setPen(QPen(self._theme.colour("accent" if self.hasFocus() else "line"), 1.5))
        painter.setBrush(self._theme.colour("panel"))
        painter.drawEllipse(middle, 11, 11)
        painter.setPen(_chevron_pen(self._theme.colour("text")))
        for side in (-1, 1):
            tip = QPointF(middle.x() + side * 6.5, middle.y())
            painter.drawPolyline(
                [tip + QPointF(-side * 3, -3.5), tip, tip + QPointF(-side * 3, 3.5)]
            )

    @property
    def _line(self) -> float:
        """The divider's column within this strip, on a whole device pixel of the canvas."""
        return round(self.column) - self.x() + 0.5

    def _place(self) -> None:
        """The strip covers what can be seen of the overlay's height."""
        self.setVisible(self.is_shown)
        if self._area is None or not self.is_shown:
            return
        room = self._area.intersected(QRectF(self._canvas.rect())).toAlignedRect()
        height = max(room.height(), WIDTH)
        self.setGeometry(round(self.column) - WIDTH // 2, room.top(), WIDTH, height)

    def _on_value_changed(self) -> None:
        self._place()
        self.moved.emit()


def _chevron_pen(colour: QColor) -> QPen:
    cap, join = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
    return QPen(colour, 1.5, Qt.PenStyle.SolidLine, cap, join)
