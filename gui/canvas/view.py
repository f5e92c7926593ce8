"""The canvas widget: shows the document through a viewport and hands gestures to the tool."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QMimeData, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTabletEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from core.geometry import Rect, Size
from gui.canvas import painter as draw
from gui.canvas.hover import Hover
from gui.canvas.outlines import Outlines
from gui.canvas.pointing import Hand, pointer_of
from gui.canvas.tools.framing import FrameTool, PanTool
from gui.canvas.tools.gesture import Pointer, Tool
from gui.canvas.tools.painting import BrushSettings, PaintingTool
from gui.canvas.viewport import Viewport
from gui.theme import Theme

if TYPE_CHECKING:
    from core.canvas.document import Document
    from gui.canvas.frame_bar import FrameBar

MARGIN = 28
BAR_ROOM = 56
"""View pixels below the frame that a view of the whole picture leaves to the bar."""


class CanvasView(QWidget):
    """Paints dirty rectangles only; every pixel it shows comes from the document's tiles.

    Attributes:
        frame_step: Sides of the frame stay whole multiples of this while it is resized.

    Signals:
        zoom_changed: Another part or size of the document is shown.
        frame_edited: The person moved or resized the frame.
        dropped: Something was let go over the canvas, at a document position.
        compare_held: The key that shows the original is down, or up again.
        painting_asked: A stroke is about to begin.
        gesture_ended: A press was followed to its release.
        refused: A press began no gesture, and why.
    """

    zoom_changed = Signal(float)
    frame_edited = Signal()
    dropped = Signal(QMimeData, QPointF)
    compare_held = Signal(bool)
    painting_asked = Signal()
    gesture_ended = Signal()
    refused = Signal(str)

    def __init__(
        self, theme: Theme, brush_settings: BrushSettings, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("canvas")
        self.setAccessibleName("Canvas")
        self.setAccessibleDescription("The picture. Paint with the tool chosen on the left.")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setTabletTracking(True)
        self.setAcceptDrops(True)
        self.setMinimumSize(320, 240)
        self._theme = theme
        self._brush = brush_settings
        self.document: Document | None = None
        self.viewport = Viewport()
        self.frame_step = 8
        self._bar: FrameBar | None = None
        self._hand = Hand(self)
        self._overlay: tuple[Rect, QImage] | None = None
        self._hover = Hover(self)
        self._outlines = Outlines(self)
        self._button = Qt.MouseButton.NoButton
        self._follows_fit = True
        self._bar_rect: Rect | None = None
        self._foot = 0
        self._checkerboard = draw.checkerboard()
        theme.changed.connect(self.update)
        brush_settings.changed.connect(self.update)

    # --- the document --------------------------------------------------------------------

    def show_document(self, document: Document) -> None:
        """Show another document, whole."""
        self.end_gesture()
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
        self._overlay = (rect, image)
        self.update()

    def hide_overlay(self) -> None:
        """Show the document alone again."""
        self._overlay = None
        self.update()

    def move_frame(self, frame: Rect) -> None:
        """Put the generation frame there."""
        if self.document is not None and frame != self.document.frame:
            self.document.set_frame(frame)
            self.frame_edited.emit()

    # --- the view ------------------------------------------------------------------------

    def fit(self) -> None:
        """Show the whole picture and the frame."""
        if self.document is not None:
            area = Rect.of_size(self.document.size).united(self.document.frame)
            room = Size(self.width(), self.height() - BAR_ROOM)
            self._look_through(Viewport.fitting(area, room, MARGIN))
            self._follows_fit = True

    def zoom_to(self, zoom: float) -> None:
        """Zoom about the middle of the view."""
        centre = QRectF(self.rect()).center()
        self._look_through(self.viewport.at_zoom(zoom, centre.x(), centre.y()))

    def pan(self, dx: float, dy: float) -> None:
        """Move the view by view pixels."""
        self._look_through(self.viewport.panned(dx, dy))

    def _look_through(self, viewport: Viewport) -> None:
        self._follows_fit = False
        self.viewport = viewport
        self._place_bar()
        self.update()
        self.zoom_changed.emit(viewport.zoom)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A view that showed all keeps showing all."""
        super().resizeEvent(event)
        if self._follows_fit:
            self.fit()
        else:
            self._place_bar()

    # --- tools and gestures --------------------------------------------------------------

    @property
    def tool(self) -> Tool:
        """The tool in the hand."""
        return self._hand.tool

    def take_tool(self, tool: Tool) -> None:
        """Put another tool into the hand; a gesture under way is given up, or carried out."""
        if not self.confirm_gesture():
            self.end_gesture()
        self._hand.tool = tool
        self._show_cursor()
        self.update()

    @property
    def in_gesture(self) -> bool:
        """Whether a press has not been released yet."""
        return self._hand.is_busy

    def end_gesture(self) -> bool:
        """Give up the gesture under way; True if there was one."""
        was_busy = self._hand.give_up()
        self._show_cursor()
        return was_busy

    def confirm_gesture(self) -> bool:
        """Carry out the gesture that waits for another press; True if there was one."""
        confirmed = self._hand.confirm()
        if confirmed:
            self.gesture_ended.emit()
        return confirmed

    def _press(self, pointer: Pointer, tool: Tool | None = None) -> None:
        if self.document is not None and isinstance(self._hand.press(pointer, tool), PanTool):
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def _ask_to_paint(self) -> None:
        if isinstance(self._hand.tool, PaintingTool) and not self._hand.moves_view:
            self.painting_asked.emit()

    def _follow(self, pointer: Pointer) -> None:
        if self._hand.follow(pointer):
            self._show_cursor()
            self.gesture_ended.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A gesture begins, or one that waits goes on."""
        if self._hand.is_busy and not self._hand.goes_on:
            return
        self._button = event.button()
        if self._button == Qt.MouseButton.MiddleButton:
            self._press(pointer_of(event, self.viewport), PanTool())
        elif self._button == Qt.MouseButton.LeftButton:
            self._ask_to_paint()
            self._press(pointer_of(event, self.viewport))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The gesture goes on, or the brush hovers."""
        self._hover.move(event.position(), self._outline_radius)
        self._follow(pointer_of(event, self.viewport))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The gesture ends with the button that began it; another one changes nothing."""
        if event.button() == self._button:
            self._button = Qt.MouseButton.NoButton
            self._follow(pointer_of(event, self.viewport, is_down=False))

    def tabletEvent(self, event: QTabletEvent) -> None:
        """The pen, with its pressure; accepted, so that no mouse event doubles it.

        Only its tip, or its other end, paints; a button on its side changes nothing.
        """
        event.accept()
        self._hover.move(event.position(), self._outline_radius)
        is_down = bool(event.buttons() & Qt.MouseButton.LeftButton)
        if self._hand.is_busy:
            if self._button == Qt.MouseButton.NoButton:  # not the mouse's gesture
                self._follow(pointer_of(event, self.viewport, is_down))
        elif event.type() == QEvent.Type.TabletPress and is_down:
            self._ask_to_paint()
            self._press(pointer_of(event, self.viewport))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the cursor; with Shift move sideways."""
        turned = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.pan(turned.y() / 2 or turned.x() / 2, 0)
        elif turned.y():
            factor = math.pow(1.2, turned.y() / 120)
            at = event.position()
            self._look_through(self.viewport.zoomed(factor, at.x(), at.y()))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space moves the view, C shows the original, for as long as they are held."""
        if event.isAutoRepeat():
            return
        if event.key() == Qt.Key.Key_Space:
            self._hand.moves_view = True
            self._show_cursor()
        elif event.key() == Qt.Key.Key_C and not event.modifiers():
            self.compare_held.emit(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """The held keys are let go."""
        if event.isAutoRepeat():
            return
        if event.key() == Qt.Key.Key_Space:
            self._hand.moves_view = False
            self._show_cursor()
        elif event.key() == Qt.Key.Key_C:
            self.compare_held.emit(False)
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Keys released elsewhere would never be heard of."""
        super().focusOutEvent(event)
        self._hand.moves_view = False
        self.compare_held.emit(False)
        self._show_cursor()
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show that the keys go here."""
        super().focusInEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """The brush outline goes with the pointer."""
        super().leaveEvent(event)
        self._hover.move(None, 0)

    def _show_cursor(self) -> None:
        cursor = Qt.CursorShape.OpenHandCursor if self._hand.moves_view else self._hand.tool.cursor
        self.setCursor(Qt.CursorShape.BlankCursor if cursor is None else cursor)

    @property
    def _outline_radius(self) -> float:
        """Of the brush in view pixels; 0 where a cursor stands for the tool."""
        if self._hand.tool.cursor is not None or self._hand.moves_view:
            return 0.0
        return self._brush.size / 2 * self.viewport.zoom

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and pictures."""
        if event.mimeData().hasUrls() or event.mimeData().hasImage():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Hand on what was let go, and where."""
        x, y = self.viewport.to_document(event.position().x(), event.position().y())
        self.dropped.emit(event.mimeData(), QPointF(x, y))
        event.acceptProposedAction()

    # --- painting ------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Repaint the dirty region."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), self._theme.colour("surround"))
        if self.document is None:
            return
        for area in draw.parts_of(event.region()):
            painter.setClipRect(area)
            draw.draw_document(
                painter, self.document, self.viewport, area, self._checkerboard, not self._overlay
            )
        painter.setClipRegion(event.region())
        if self._overlay is not None:
            draw.draw_overlay(painter, self.viewport, *self._overlay)
        self._outlines.paint(painter, self._hand.tool)
        self._paint_frame(painter)
        if self.hasFocus() and self.window().property("keyboard_moves"):
            draw.draw_focus(painter, self.rect(), self._theme.colour("accent"))
        if self._outline_radius:
            self._hover.paint(painter, self._outline_radius, self._hand.tool)

    def _paint_frame(self, painter: QPainter) -> None:
        assert self.document is not None
        frame = self.document.frame
        area = draw.view_rect(self.viewport, frame).adjusted(-0.5, -0.5, 0.5, 0.5)
        active = isinstance(self._hand.tool, FrameTool)
        label = str(frame.size) if active else ""
        draw.draw_frame(painter, area, self._theme.colour("accent"), active, label)

    def _on_document_changed(self, rect: Rect) -> None:
        area = draw.view_rect(self.viewport, rect.grown(1 << draw.level_of(self.viewport.zoom)))
        self.update(area.toAlignedRect().adjusted(-2, -2, 2, 2))

    def _on_structure_changed(self) -> None:
        if self._follows_fit:
            self.fit()
        self.update()

    def _on_frame_changed(self) -> None:
        self._place_bar()
        self.update()

    # --- the bar under the frame ---------------------------------------------------------

    @property
    def bar(self) -> FrameBar:
        """The bar; made when it is first asked for, which is after the first paint."""
        from gui.canvas.frame_bar import FrameBar

        if self._bar is None:
            self._bar = FrameBar(self._theme, self)
            self._bar.resized.connect(self._place_bar)
        return self._bar

    def place_bar_under(self, rect: Rect | None) -> None:
        """Keep the bar under that document rectangle; None means under the frame."""
        self._bar_rect = rect
        self._place_bar()

    def leave_foot(self, height: int) -> None:
        """Keep the bar out of that many view pixels at the foot; something lies over them."""
        self._foot = height
        self._place_bar()

    def _place_bar(self) -> None:
        if self.document is not None and self._bar is not None:
            area = draw.view_rect(self.viewport, self._bar_rect or self.document.frame)
            self._bar.place_under(area, self.rect().adjusted(8, 8, -8, -8 - self._foot))
