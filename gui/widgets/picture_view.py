"""A picture to be looked at: fitted, zoomed, moved; or two of them, parted or side by side."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from gui.theme import Theme

MOST_ZOOM = 16.0
SMALL_SIDE = 2048
"""From a copy of this size larger pictures are drawn where they are shown small."""
_GRASP = 12  # pixels beside the line in which a press takes hold of it
_MARGIN = 12
_GAP = 2  # pixels between two pictures side by side


class PictureView(QWidget):
    """Wheel zooms, dragging moves, a double click goes to 100 % and back.

    With a second picture a line parts the two; it is dragged, or moved by the arrow keys. Or both
    are side by side, and what is done with one is done with the other. Where their sizes differ,
    the smaller one is enlarged to lie over the larger.

    Signals:
        beside_changed: Whether two are side by side from now on.
    """

    beside_changed = Signal(bool)

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(QSize(240, 180))
        self._theme = theme
        self._pictures: list[_Layered] = []
        self._names = ("", "")
        self._zoom: float | None = None
        self._centre = QPointF(0.5, 0.5)
        self._parting = 0.5
        self._beside = False
        self._held: QPointF | None = None
        self._holds_line = False

    def show_picture(self, image: QImage) -> None:
        """Show one picture, fitted."""
        self._pictures = [_Layered(image)]
        self.fit()

    def compare(self, left: QImage, right: QImage, names: tuple[str, str]) -> None:
        """Show two pictures, fitted, with the line between them in the middle."""
        self._pictures = [_Layered(left), _Layered(right)]
        self._names = names
        self._parting = 0.5
        self.fit()

    @property
    def is_beside(self) -> bool:
        """Whether two pictures are side by side."""
        return self._beside and len(self._pictures) > 1

    def show_beside(self, beside: bool) -> None:
        """Show two pictures side by side, or one over the other with a line between."""
        if beside != self._beside:
            self._beside = beside
            self._move(QPointF())
            self.beside_changed.emit(beside)

    @property
    def parting(self) -> float:
        """Where the line stands on the picture, 0 to 1 from the left."""
        return self._parting

    @property
    def zoom(self) -> float:
        """Screen pixels for one of the picture's."""
        return self._fitting() if self._zoom is None else self._zoom

    def fit(self) -> None:
        """Show all of it, no larger than it is."""
        self._zoom, self._centre = None, QPointF(0.5, 0.5)
        self.update()

    def actual_size(self) -> None:
        """One pixel of the picture on one of the screen."""
        self._zoom = 1.0
        self.update()

    # --- painting ------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture, or both with the line."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.colour("surround"))
        if not self._pictures:
            return
        place = self._place()
        # Enlarged pixels are shown as they are: one looks at them to compare them.
        smooth = QPainter.RenderHint.SmoothPixmapTransform
        painter.setRenderHint(smooth, self.zoom < 2)
        if self.is_beside:
            self._draw_both(painter, place)
        else:
            self._pictures[0].draw(painter, place)
            if len(self._pictures) > 1:
                self._draw_second(painter, place)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.colour("accent"), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _draw_both(self, painter: QPainter, place: QRectF) -> None:
        for number, picture in enumerate(self._pictures):
            left, width = self._pane(number), self._room.width()
            painter.setClipRect(QRectF(left, 0, width, self.height()))
            picture.draw(painter, place.translated(left, 0))
        painter.setClipping(False)
        middle = QRectF(self._room.width(), 0, _GAP, self.height())
        painter.fillRect(middle, self._theme.colour("line"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_names(painter)

    def _draw_second(self, painter: QPainter, place: QRectF) -> None:
        x = self._line_x(place)
        painter.save()
        painter.setClipRect(QRectF(x, 0, self.width() - x, self.height()))
        self._pictures[1].draw(painter, place)
        painter.restore()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(0, 0, 0, 110), 3))
        top, bottom = max(place.top(), 0.0), min(place.bottom(), float(self.height()))
        painter.drawLine(QPointF(x, top), QPointF(x, bottom))
        painter.setPen(QPen(QColor("#ffffff"), 1.5))
        painter.drawLine(QPointF(x, top), QPointF(x, bottom))
        painter.setPen(QPen(QColor(0, 0, 0, 110), 1.5))
        painter.setBrush(QColor("#ffffff"))
        painter.drawEllipse(QPointF(x, (top + bottom) / 2), 5, 5)
        self._draw_names(painter)

    def _draw_names(self, painter: QPainter) -> None:
        font = QFont(self.font())
        painter.setFont(font)
        left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        for name, flag in zip(self._names, (left, right), strict=True):
            room = QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
            text = painter.boundingRect(room, flag | Qt.AlignmentFlag.AlignTop, name)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(0, 0, 0, 160))
            painter.drawRoundedRect(text.adjusted(-6, -3, 6, 3), 4, 4)
            painter.setPen(QColor("#ffffff"))
            painter.drawText(text, Qt.AlignmentFlag.AlignCenter, name)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A fitted picture stays fitted."""
        super().resizeEvent(event)
        self.update()

    # --- hands ---------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom, so that what is under the pointer stays there."""
        if not self._pictures:
            return
        before = self._to_picture(event.position())
        factor = 1.25 ** (event.angleDelta().y() / 120)
        least = min(self._fitting(), 1.0)
        self._zoom = min(max(self.zoom * factor, least), MOST_ZOOM)
        moved = before - self._to_picture(event.position())
        self._move(moved)
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the line, or of the picture."""
        if event.button() is Qt.MouseButton.LeftButton and self._pictures:
            self._held = event.position()
            self._holds_line = self._is_at_line(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move what is held."""
        if self._held is None:
            at_line = self._is_at_line(event.position())
            shape = Qt.CursorShape.SplitHCursor if at_line else Qt.CursorShape.ArrowCursor
            self.setCursor(shape)
        elif self._holds_line:
            self._part_at(self._to_picture(event.position()).x())
        else:
            self._move(self._to_picture(self._held) - self._to_picture(event.position()))
            self._held = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._held = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """To 100 % about the pointer, or back to all of it."""
        if self._zoom is None and self._pictures:
            self._centre = self._to_picture(event.position())
            self._zoom = 1.0
            self.update()
        else:
            self.fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the line, S shows two side by side; 0 fits, 1 is 100 %."""
        step = {Qt.Key.Key_Left: -0.02, Qt.Key.Key_Right: 0.02}.get(Qt.Key(event.key()))
        if step is not None and len(self._pictures) > 1:
            self._part_at(self._parting + step)
        elif event.key() == Qt.Key.Key_S and len(self._pictures) > 1:
            self.show_beside(not self._beside)
        elif event.key() == Qt.Key.Key_0:
            self.fit()
        elif event.key() == Qt.Key.Key_1:
            self.actual_size()
        else:
            super().keyPressEvent(event)

    # --- where things are ------------------------------------------------------------------------

    def _fitting(self) -> float:
        if not self._pictures:
            return 1.0
        size, room = self._size, self._room
        return min(1.0, room.width() / size.width(), room.height() / size.height())

    @property
    def _size(self) -> QSize:
        """Of the larger picture: at 100 % none of its pixels is lost."""
        sizes = [picture.size for picture in self._pictures]
        return max(sizes, key=lambda size: size.width() * size.height())

    @property
    def _room(self) -> QRectF:
        """What there is for one picture, at the left."""
        width = (self.width() - _GAP) / 2 if self.is_beside else float(self.width())
        return QRectF(0, 0, width, self.height())

    def _pane(self, number: int) -> float:
        """Where the room of a picture begins."""
        return number * (self._room.width() + _GAP) if self.is_beside else 0.0

    def _place(self) -> QRectF:
        """Where the whole of the first picture lies, most of it perhaps outside."""
        size = self._size
        width, height = size.width() * self.zoom, size.height() * self.zoom
        x = self._room.width() / 2 - self._centre.x() * width
        y = self.height() / 2 - self._centre.y() * height
        return QRectF(round(x), round(y), width, height)

    def _to_picture(self, at: QPointF) -> QPointF:
        """From the widget to the picture, whose sides are 1."""
        place = self._place()
        if self.is_beside and at.x() >= self._pane(1):
            place.translate(self._pane(1), 0)
        return QPointF((at.x() - place.x()) / place.width(), (at.y() - place.y()) / place.height())

    def _move(self, by: QPointF) -> None:
        """What is larger than the room is moved; the rest stays in the middle."""
        place, centre = self._place(), self._centre + by
        half = 0.5 * self._room.width() / place.width(), 0.5 * self.height() / place.height()
        self._centre = QPointF(_within(centre.x(), half[0]), _within(centre.y(), half[1]))
        self.update()

    def _line_x(self, place: QRectF) -> float:
        return place.x() + self._parting * place.width()

    def _is_at_line(self, at: QPointF) -> bool:
        if len(self._pictures) < 2 or self.is_beside:
            return False
        return abs(at.x() - self._line_x(self._place())) <= _GRASP

    def _part_at(self, parting: float) -> None:
        self._parting = min(max(parting, 0.0), 1.0)
        self.update()


class _Layered:
    """A picture, and a small copy where it is large: drawing tens of megapixels takes a while."""

    def __init__(self, image: QImage) -> None:
        self._image = image
        self._small: QImage | None = None
        if max(image.width(), image.height()) > 2 * SMALL_SIDE:
            self._small = image.scaled(
                SMALL_SIDE,
                SMALL_SIDE,
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )

    @property
    def size(self) -> QSize:
        """Of the picture itself."""
        return self._image.size()

    def draw(self, painter: QPainter, place: QRectF) -> None:
        """Draw it there, whole and undistorted."""
        image = self._image
        if self._small is not None and place.width() <= self._small.width():
            image = self._small
        shape = QSizeF(image.size()).scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
        inside = QRectF(QPointF(), shape)
        inside.moveCenter(place.center())
        painter.drawImage(inside, image)


def _within(centre: float, half: float) -> float:
    return 0.5 if half >= 0.5 else min(max(centre, half), 1 - half)
