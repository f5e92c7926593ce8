"""Shows a document through a viewport: what is seen, and from where; nothing is done to it here."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QRegion, QResizeEvent
from PySide6.QtWidgets import QWidget

from core.geometry import Rect, Size
from gui.canvas import marks
from gui.canvas import painter as draw
from gui.canvas.shown_picture import ShownPicture
from gui.canvas.viewport import Viewport
from gui.canvas.wipe import Wipe
from gui.theme import Theme

if TYPE_CHECKING:
    from core.canvas.document import Document
    from gui.canvas.frame_bar import FrameBar

MARGIN = 28
BAR_ROOM = 70
"""View pixels below the frame that a view of the whole picture leaves to the bar."""


class DocumentView(QWidget):
    """Paints dirty regions only; every pixel it shows comes from the document's tiles.

    Attributes:
        document: What is shown.
        viewport: From where.
        wipe: The divider between what was and what an overlay shows.

    Signals:
        zoom_changed: Another part or size of the document is shown; the scale, 1.0 for 100 %.
        turn_changed: It is shown at this angle in degrees, and mirrored or not.
    """

    zoom_changed = Signal(float)
    turn_changed = Signal(float, bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._theme = theme
        self.document: Document | None = None
        self.viewport = Viewport(ratio=self.devicePixelRatioF())
        self._bar: FrameBar | None = None
        self._bar_rect: Rect | None = None
        self._foot = 0
        self._overlay: tuple[Rect, QImage] | None = None
        self._follows_fit = True
        self._origin = (0, 0)  # of the view in device pixels, while it is painted
        self._dirty = QRectF()  # what is painted again, in device pixels
        self._checkers = draw.checkerboard(side=round(8 * self.viewport.ratio))
        self._picture = ShownPicture()
        self.wipe = Wipe(self, theme)
        self.lay_over(self.wipe)
        self.wipe.moved.connect(self.update)
        self._shows_grid = True
        theme.changed.connect(self.update)

    # --- what is shown -------------------------------------------------------------------

    @property
    def shows_grid(self) -> bool:
        """Whether lines run between pixels that are shown very large."""
        return self._shows_grid

    @shows_grid.setter
    def shows_grid(self, shows: bool) -> None:
        self._shows_grid = shows
        self.update()

    def show_document(self, document: Document) -> None:
        """Show another document, whole."""
        before, self.document = self.document, document
        if before is not None:
            before.changed.disconnect(self._on_document_changed)
            before.structure_changed.disconnect(self._on_structure_changed)
            before.frame_changed.disconnect(self._on_frame_changed)
            before.selection.changed.disconnect(self._on_frame_changed)
        document.changed.connect(self._on_document_changed)
        document.structure_changed.connect(self._on_structure_changed)
        document.frame_changed.connect(self._on_frame_changed)
        document.selection.changed.connect(self._on_frame_changed)
        self.fit()

    def show_overlay(self, rect: Rect, image: QImage) -> None:
        """Show `image` over the document rectangle `rect`, scaled, until it is taken away.

        The mask's tint is hidden meanwhile, so that the picture can be judged.
        """
        is_next = self._overlay is not None and self._overlay[0] == rect
        self._overlay = (rect, image)
        if is_next:  # a preview after another
            self.update(self._view_rect(rect).toAlignedRect().adjusted(-2, -2, 2, 2))
            return
        self._place_over()
        self.update()

    def hide_overlay(self) -> None:
        """Show the document alone again."""
        self._overlay = None
        self._place_over()
        self.update()

    @property
    def has_overlay(self) -> bool:
        """Whether a picture is shown over the document."""
        return self._overlay is not None

    # --- from where ----------------------------------------------------------------------

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of the view."""
        centre = QRectF(self.rect()).center()
        return centre.x(), centre.y()

    def fit(self) -> None:
        """Show the whole picture and the frame, turned as it is."""
        if self.document is not None:
            area = Rect.of_size(self.document.size).united(self.document.frame)
            room = Size(self.width(), self.height() - BAR_ROOM)
            self.look_through(self.viewport.fitted(area, room, MARGIN))
            self._follows_fit = True

    def zoom_to(self, scale: float) -> None:
        """Zoom about the middle of the view; at 1.0 a picture's pixel is one of the device's."""
        self.look_through(self.viewport.at_scale(scale, *self.middle))

    def pan(self, dx: float, dy: float) -> None:
        """Move the view by view pixels."""
        self.look_through(self.viewport.panned(dx, dy))

    def turn_to(self, angle: float) -> None:
        """Turn about the middle of the view to that many degrees, clockwise."""
        self.look_through(self.viewport.turned_to(angle, *self.middle))

    def mirror(self) -> None:
        """Exchange left and right of what is seen."""
        self.look_through(self.viewport.mirrored(self.middle[0]))

    def stand_upright(self) -> None:
        """Neither turned nor mirrored."""
        self.look_through(self.viewport.upright(*self.middle))

    def look_through(self, viewport: Viewport) -> None:
        """Show the document from there."""
        before, self.viewport = self.viewport, viewport
        self._follows_fit = False
        self._place_over()
        self.update()
        self.zoom_changed.emit(viewport.scale)
        if (before.angle, before.is_mirrored) != (viewport.angle, viewport.is_mirrored):
            self.turn_changed.emit(viewport.angle, viewport.is_mirrored)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A view that showed all keeps showing all."""
        super().resizeEvent(event)
        if self._follows_fit:
            self.fit()
        else:
            self._place_over()

    def event(self, event: QEvent) -> bool:
        """On another screen 100 % is still a pixel for a pixel."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._follow_screen()
        return super().event(event)

    def _follow_screen(self) -> None:
        ratio = self.devicePixelRatioF()
        if ratio == self.viewport.ratio:
            return
        scale, follows_fit = self.viewport.scale, self._follows_fit
        self._checkers = draw.checkerboard(side=round(8 * ratio))
        place = self.viewport.to_document(*self.middle)
        anew = replace(self.viewport, zoom=scale / ratio, ratio=ratio)
        self.look_through(anew.holding(place, *self.middle))
        if follows_fit:
            self.fit()

    # --- painting ------------------------------------------------------------------------

    def update(self, *area: Any) -> None:
        """Have an area painted again, or everything, because the picture there is another."""
        if area:
            self._picture.spoil(QRegion(*area))
        else:
            self._picture.spoil_all()
        super().update(*area)

    def update_lines(self, *area: Any) -> None:
        """Have an area painted again, or everything, because of what lies over the picture."""
        super().update(*area)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Repaint the dirty region: in device pixels what must be exact, in view pixels the rest.

        A view that lies on a part of a device pixel would blur everything by that part.
        """
        painter = QPainter(self)
        if self.document is None:
            painter.fillRect(event.rect(), self._theme.colour("surround"))
            return
        to_device = painter.deviceTransform()
        self._origin = round(to_device.dx()), round(to_device.dy())
        self._dirty = to_device.mapRect(QRectF(event.rect()))
        viewport = self.viewport.on_device()
        self._picture.renew(
            self.size(), self.viewport.ratio, partial(self._paint_picture, viewport)
        )
        painter.setTransform(to_device.inverted()[0])
        self._picture.show(painter, self._dirty.toAlignedRect(), self._origin)
        self._paint_lines(painter, viewport.panned(*self._origin))
        painter.resetTransform()
        self._paint_labels(painter)

    def _paint_picture(self, viewport: Viewport, painter: QPainter, area: QRect) -> None:
        """In device pixels: the document, and what lies over it."""
        assert self.document is not None
        shows_mask = self._overlay is None
        grid, surround = self._shows_grid, self._theme.colour("surround")
        draw.draw_document(
            painter, self.document, viewport, area, self._checkers, shows_mask, grid, surround
        )
        if self._overlay is not None:
            if self.wipe.is_shown:
                left = round(self.wipe.column * self.viewport.ratio)
                painter.setClipRect(area.adjusted(max(0, left - area.left()), 0, 0, 0))
            draw.draw_overlay(painter, viewport, *self._overlay, grid)

    def _paint_lines(self, painter: QPainter, viewport: Viewport) -> None:
        """In device pixels: lines over the picture."""
        self._paint_frame(painter, viewport)

    def _paint_labels(self, painter: QPainter) -> None:
        """In view pixels: words over the picture."""
        self.wipe.paint_labels(painter)

    def _paint_frame(self, painter: QPainter, viewport: Viewport, is_held: bool = False) -> None:
        assert self.document is not None
        frame, accent = self.document.frame, self._theme.colour("accent")
        ratio = self.viewport.ratio
        if marks.frame_crosses(self._dirty, viewport, frame, ratio):
            marks.draw_frame(painter, viewport, frame, accent, is_held, ratio)

    def _view_rect(self, rect: Rect) -> QRectF:
        """Around a document rectangle, in view pixels."""
        left, top, right, bottom = self.viewport.around(rect)
        return QRectF(QPointF(left, top), QPointF(right, bottom))

    def _on_document_changed(self, rect: Rect) -> None:
        grown = rect.grown(1 << draw.level_of(self.viewport.scale))
        self.update(self._view_rect(grown).toAlignedRect().adjusted(-2, -2, 2, 2))

    def _on_structure_changed(self) -> None:
        if self._follows_fit:
            self.fit()
        self.update()

    def _on_frame_changed(self) -> None:
        self._place_over()
        self.update_lines()

    # --- what stands over it -------------------------------------------------------------

    @property
    def bar(self) -> FrameBar:
        """The bar; made when it is first asked for, which is after the first paint."""
        from gui.canvas.frame_bar import FrameBar

        if self._bar is None:
            self._bar = FrameBar(self._theme, self)
            self.lay_over(self._bar)
            self._bar.resized.connect(self._place_over)
            self._bar.wipe_asked.connect(self.wipe.switch)
            self.wipe.switched.connect(self._bar.show_wiping)
        return self._bar

    def lay_over(self, widget: QWidget) -> None:
        """Take a pointer over that widget, which lies on this one, for one that has left."""
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt itself tells a widget nothing when the pointer goes to one that lies on it."""
        if event.type() == QEvent.Type.Enter:
            self.leaveEvent(event)
        return False

    def place_bar_under(self, rect: Rect | None) -> None:
        """Keep the bar under that document rectangle; None means under the frame."""
        self._bar_rect = rect
        self._place_over()

    def leave_foot(self, height: int) -> None:
        """Keep the bar out of that many view pixels at the foot; something lies over them."""
        self._foot = height
        self._place_over()

    def _place_over(self) -> None:
        """Put the bar under its rectangle, and the divider over the overlay."""
        if self.document is not None and self._bar is not None:
            area = self._view_rect(self._bar_rect or self.document.frame)
            self._bar.place_under(area, self.rect().adjusted(8, 8, -8, -8 - self._foot))
        self.wipe.place_over(self._view_rect(self._overlay[0]) if self._overlay else None)
