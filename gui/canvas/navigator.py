"""The whole picture small in the canvas's corner, and in it what the canvas shows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPointF, QRect, QRectF, QSizeF, Qt, QTimer, Slot
from PySide6.QtGui import (
    QColor,
    QHideEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QRegion,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from core.geometry import Rect, Size
from gui.canvas.painter import checkerboard, draw_document
from gui.canvas.viewport import Viewport
from gui.theme import Theme

if TYPE_CHECKING:
    from core.canvas.document import Document
    from gui.canvas.view import CanvasView

SIDE = 176
"""View pixels of its longer side."""
LEAST_SIDE = 48
AWAY = 12
_BORDER = 5
_DELAY_MS = 150
"""How long it waits for more changes before it draws the picture anew."""
_VEIL = QColor(0, 0, 0, 110)


class Navigator(QWidget):
    """Dragging in it moves the view, the wheel zooms; it is turned and mirrored as the view is.

    The picture is drawn from the reduced levels that the canvas has anyway, and not before the
    hand rests; while it is hidden it listens to nothing.
    """

    def __init__(self, canvas: CanvasView, theme: Theme) -> None:
        super().__init__(canvas)
        self.setAccessibleName("Navigator")
        self.setAccessibleDescription("The whole picture; drag to move the view")
        self.setToolTip("Drag to move the view, turn the wheel to zoom")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self._canvas = canvas
        self._theme = theme
        self._document: Document | None = None
        self._picture: QPixmap | None = None
        self._seen = (0.0, False)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self._on_rested)
        self.hide()
        canvas.lay_over(self)

    @property
    def view(self) -> Viewport:
        """How the picture lies in it."""
        assert self._document is not None
        whole, room = Rect.of_size(self._document.size), Size(self.width(), self.height())
        return self._canvas.viewport.fitted(whole, room, _BORDER)

    @property
    def seen(self) -> QRectF:
        """What the canvas shows, in its own pixels; a part of it may lie outside."""
        canvas, own = self._canvas, self.view
        corners = (0.0, 0.0), (float(canvas.width()), float(canvas.height()))
        first, last = (own.to_view(*canvas.viewport.to_document(*at)) for at in corners)
        return QRectF(QPointF(*first), QPointF(*last)).normalized()

    def look_at(self, at: QPointF) -> None:
        """Bring what is shown at this place, or next to it, into the middle of the canvas."""
        assert self._document is not None
        x, y = self.view.to_document(at.x(), at.y())
        size, canvas = self._document.size, self._canvas
        place = min(max(x, 0.0), float(size.width)), min(max(y, 0.0), float(size.height))
        canvas.look_through(canvas.viewport.holding(place, *canvas.middle))

    # --- what it listens to --------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Begin to follow the canvas."""
        super().showEvent(event)
        self._canvas.installEventFilter(self)
        self._canvas.zoom_changed.connect(self._on_view_changed)
        self._theme.changed.connect(self.update)
        self._follow()

    def hideEvent(self, event: QHideEvent) -> None:
        """Listen to nothing any more."""
        super().hideEvent(event)
        self._canvas.removeEventFilter(self)
        self._canvas.zoom_changed.disconnect(self._on_view_changed)
        self._theme.changed.disconnect(self.update)
        self._timer.stop()
        self._listen_to(None)
        self._picture = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The canvas has another size: its corner is elsewhere."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    @Slot()
    def _on_view_changed(self) -> None:
        viewport = self._canvas.viewport
        turned = (viewport.angle, viewport.is_mirrored) != self._seen
        if turned or self._canvas.document is not self._document:
            self._follow()
        self.update()

    def _follow(self) -> None:
        """Another document, or the same one turned another way."""
        viewport = self._canvas.viewport
        self._seen = viewport.angle, viewport.is_mirrored
        self._listen_to(self._canvas.document)
        self._draw_anew()

    def _listen_to(self, document: Document | None) -> None:
        before, self._document = self._document, document
        if before is document:
            return
        if before is not None:
            before.changed.disconnect(self._on_document_changed)
            before.structure_changed.disconnect(self._draw_anew)
        if document is not None:
            document.changed.connect(self._on_document_changed)
            document.structure_changed.connect(self._draw_anew)

    def _on_document_changed(self, rect: Rect) -> None:
        if not self._timer.isActive():
            self._timer.start()

    @Slot()
    def _on_rested(self) -> None:
        if self._canvas.in_gesture:
            self._timer.start()
        else:
            self._draw_anew()

    def _draw_anew(self) -> None:
        self._picture = None
        self._place()
        self.update()

    def _place(self) -> None:
        """In the canvas's upper right corner, of the shape that the turned picture has."""
        if self._document is None:
            return
        size = self._document.size
        left, top, right, bottom = self._canvas.viewport.around(Rect.of_size(size))
        shape = QSizeF(right - left, bottom - top)
        shape.scale(SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio)
        width, height = (max(LEAST_SIDE, round(side)) for side in (shape.width(), shape.height()))
        place = QRect(self._canvas.width() - width - AWAY, AWAY, width, height)
        if place != self.geometry():
            self._picture = None
            self.setGeometry(place)

    # --- hands ---------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The view goes there."""
        self._move_to(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The view goes along."""
        self._move_to(event)

    def _move_to(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and self._document is not None:
            self.look_at(event.position())

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the middle of the view."""
        steps = event.angleDelta().y() / 120
        canvas = self._canvas
        canvas.look_through(canvas.viewport.zoomed(1.2**steps, *canvas.middle))
        event.accept()

    # --- painting ------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture, darker where the canvas does not show it."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.colour("panel"))
        if self._document is None:
            return
        if self._picture is None:
            self._picture = self._drawn(self._document)
        painter.drawPixmap(0, 0, self._picture)
        self._paint_seen(painter)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(self._theme.colour("line"))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _drawn(self, document: Document) -> QPixmap:
        """The whole picture, from its reduced levels."""
        ratio = self._canvas.viewport.ratio
        picture = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        picture.fill(self._theme.colour("panel"))
        painter = QPainter(picture)
        area, own = picture.rect(), self.view.on_device()
        draw_document(painter, document, own, area, checkerboard(side=4), False, False)
        painter.end()
        picture.setDevicePixelRatio(ratio)
        return picture

    def _paint_seen(self, painter: QPainter) -> None:
        inside = self.rect().adjusted(1, 1, -1, -1)
        seen = self.seen.toAlignedRect().intersected(inside)
        if seen == inside:
            return
        painter.save()
        painter.setClipRegion(QRegion(inside).subtracted(QRegion(seen)))
        painter.fillRect(inside, _VEIL)
        painter.restore()
        if not seen.isEmpty():
            painter.setPen(QPen(self._theme.colour("accent"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(seen.adjusted(0, 0, -1, -1))
