"""The canvas widget: a view of the document that hands gestures to the tool."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QEvent,
    QKeyCombination,
    QMimeData,
    QPoint,
    QPointF,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QDragEnterEvent,
    QDropEvent,
    QFocusEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QTabletEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from core.geometry import Rect
from gui.canvas import marks
from gui.canvas.document_view import DocumentView
from gui.canvas.hover import Hover
from gui.canvas.nudging import nudge_of
from gui.canvas.outlines import Outlines
from gui.canvas.pointing import Hand, after_fingers, pointer_of
from gui.canvas.tools.framing import FrameTool
from gui.canvas.tools.gesture import Pointer, Tool
from gui.canvas.tools.looking import PanTool, looking_tool
from gui.canvas.tools.painting import BrushSettings, PaintingTool
from gui.canvas.viewport import Viewport, corners_of
from gui.theme import Theme

if TYPE_CHECKING:
    from core.canvas.document import Document


class CanvasView(DocumentView):
    """What the person paints on.

    Attributes:
        frame_step: Sides of the frame stay whole multiples of this while it is resized.
        held_keys: What acts for as long as it is held: ``"look"`` moves the view, ``"compare"``
            shows the original.

    Signals:
        frame_edited: The person moved or resized the frame.
        dropped: Something was let go over the canvas, at a document position.
        compare_held: The key that shows the original is down, or up again.
        painting_asked: A stroke is about to begin.
        hand_waits: The hand has moved in a gesture; False when that is on the screen.
        gesture_ended: A press was followed to its release.
        refused: A press began no gesture, and why.
        menu_asked: The right button, of mouse or pen, was pressed, at that place of the screen.
    """

    frame_edited = Signal()
    dropped = Signal(QMimeData, QPointF)
    compare_held = Signal(bool)
    painting_asked = Signal()
    hand_waits = Signal(bool)
    gesture_ended = Signal()
    refused = Signal(str)
    menu_asked = Signal(QPoint)

    def __init__(
        self, theme: Theme, brush_settings: BrushSettings, parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, parent)
        self.setObjectName("canvas")
        self.setAccessibleName("Canvas")
        self.setAccessibleDescription("The picture. Paint with the tool chosen on the left.")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setTabletTracking(True)
        self.setAcceptDrops(True)
        self.setMinimumSize(320, 240)
        self._brush = brush_settings
        self.frame_step = 8
        self.held_keys = {"look": QKeySequence("Space"), "compare": QKeySequence("C")}
        self._held: dict[int, str] = {}
        self._hand = Hand(self)
        self._hover = Hover(self)
        self._outlines = Outlines(self)
        self._button = self._pen_button = Qt.MouseButton.NoButton
        self._hand_waits = False
        self._moves: list[Pointer] = []
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._catch_up)
        brush_settings.changed.connect(self.update_lines)

    # --- the document --------------------------------------------------------------------

    def show_document(self, document: Document) -> None:
        """Show another document, whole."""
        self.end_gesture()
        super().show_document(document)

    def move_frame(self, frame: Rect) -> None:
        """Put the generation frame there."""
        if self.document is not None and frame != self.document.frame:
            self.document.set_frame(frame)
            self.frame_edited.emit()

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
        self.update_lines()

    @property
    def in_gesture(self) -> bool:
        """Whether a press has not been released yet."""
        return self._hand.is_busy

    def end_gesture(self) -> bool:
        """Give up the gesture under way; True if there was one."""
        self._moves.clear()
        self._soon.stop()
        was_busy = self._hand.give_up()
        self._show_cursor()
        return was_busy

    def confirm_gesture(self) -> bool:
        """Carry out the gesture that waits for another press; True if there was one."""
        self._catch_up()
        confirmed = self._hand.confirm()
        if confirmed:
            self.gesture_ended.emit()
        return confirmed

    def take_back(self) -> bool:
        """Take back the last corner of a shape that is being drawn; True if there was one."""
        return self._hand.take_back()

    def _press(self, pointer: Pointer, tool: Tool | None = None) -> None:
        if self.document is None:
            return
        self._catch_up()
        taken = self._hand.press(pointer, tool)
        if isinstance(taken, PanTool):
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif taken is not self._hand.tool and taken.cursor is not None:
            self.setCursor(taken.cursor)

    def _ask_to_paint(self, keys: Qt.KeyboardModifier) -> None:
        tool = self._hand.tool
        if isinstance(tool, PaintingTool) and not self._hand.moves_view and tool.paints_with(keys):
            self.painting_asked.emit()

    def _follow(self, pointer: Pointer) -> None:
        """Hear of a move soon, together with those that are waiting; of all else at once.

        What has come while the window was busy is painted in one go then: neighbouring dabs cover
        the same pixels, so that this is the faster the further the window is behind the hand.
        """
        if not self._hand.is_busy:
            return
        self._hand_waits = True
        self.hand_waits.emit(True)
        if pointer.is_down and not pointer.clicks:
            self._moves.append(pointer)
            self._soon.start()
        else:
            self._catch_up()
            self._hear(pointer)

    @Slot()
    def _catch_up(self) -> None:
        self._soon.stop()
        moves, self._moves = self._moves, []
        if moves:
            self._hear(replace(moves[-1], earlier=tuple(moves[:-1])))

    def _hear(self, pointer: Pointer) -> None:
        self._hover.move(QPointF(pointer.view_x, pointer.view_y), self._outline_radius)
        if self._hand.follow(pointer):
            self._show_cursor()
            self.gesture_ended.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A gesture begins, or one that waits goes on."""
        if self._hand.is_busy and not self._hand.goes_on:
            return
        self._button = event.button()
        self._press_with(self._button, event)

    def _press_with(self, button: Qt.MouseButton, event: QMouseEvent | QTabletEvent) -> None:
        pointer = pointer_of(event, self.viewport)
        if button == Qt.MouseButton.MiddleButton:
            self._press(pointer, looking_tool(event.modifiers()))
        elif button == Qt.MouseButton.LeftButton:
            self._ask_to_paint(event.modifiers())
            self._press(pointer)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The gesture goes on, or the brush hovers."""
        if self._hand.tool.cursor is not None and not event.buttons():
            self._show_cursor(pointer_of(event, self.viewport))
        if self._hand.is_busy:
            self._follow(pointer_of(event, self.viewport))
        else:
            self._hover.move(event.position(), self._outline_radius)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The gesture ends with the button that began it; another one changes nothing."""
        if event.button() == self._button:
            self._button = Qt.MouseButton.NoButton
            self._follow(pointer_of(event, self.viewport, is_down=False))

    def tabletEvent(self, event: QTabletEvent) -> None:
        """The pen, with its pressure; accepted, so that no mouse event doubles it.

        Only its tip, or its other end, paints; the buttons on its side are a mouse's other ones.
        """
        event.accept()
        if self._hand.tool.cursor is not None and not event.buttons():
            self._show_cursor(pointer_of(event, self.viewport))
        is_free = not self._hand.is_busy or self._hand.goes_on
        if event.type() == QEvent.Type.TabletPress and is_free:
            self._press_pen(event)
        elif not self._hand.is_busy:
            self._hover.move(event.position(), self._outline_radius)
        elif self._button == Qt.MouseButton.NoButton:  # not the mouse's gesture
            is_down = bool(event.buttons() & self._pen_button)
            self._follow(pointer_of(event, self.viewport, is_down))

    def _press_pen(self, event: QTabletEvent) -> None:
        self._pen_button = event.button()
        if self._pen_button == Qt.MouseButton.RightButton:
            self._ask_for_menu(event.globalPosition().toPoint())
        else:
            self._press_with(self._pen_button, event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the cursor; with Shift move sideways."""
        turned = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.pan(turned.y() / 2 or turned.x() / 2, 0)
        elif turned.y():
            factor = math.pow(1.2, turned.y() / 120)
            at = event.position()
            self.look_through(self.viewport.zoomed(factor, at.x(), at.y()))
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Two fingers on a touchpad zoom and turn the view."""
        if isinstance(event, QNativeGestureEvent):
            viewport = after_fingers(self.viewport, event)
            if viewport != self.viewport:
                self.look_through(viewport)
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Some keys act for as long as they are held."""
        nudge = nudge_of(event, self.viewport) if self.document is not None else None
        if nudge is not None and self._hand.nudge(nudge):
            self.gesture_ended.emit()
            return
        if event.isAutoRepeat():
            return
        role = self._role_of(event)
        if role:
            self._held[event.key()] = role
            self._hold(role, True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """The held keys are let go."""
        if event.isAutoRepeat():
            return
        role = self._held.pop(event.key(), "")
        if role:
            self._hold(role, False)
        else:
            super().keyReleaseEvent(event)

    def _role_of(self, event: QKeyEvent) -> str:
        """What a key does while it is held; Shift and Ctrl change what looking is."""
        pressed = event.keyCombination()
        for role, keys in self.held_keys.items():
            alone = QKeySequence(QKeyCombination(Qt.KeyboardModifier.NoModifier, pressed.key()))
            if keys == QKeySequence(pressed) or (role == "look" and keys == alone):
                return role
        return ""

    def _hold(self, role: str, held: bool) -> None:
        if role == "compare":
            self.compare_held.emit(held)
        else:
            self._hand.moves_view = held
            self._show_cursor()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Keys released elsewhere would never be heard of."""
        super().focusOutEvent(event)
        self._held.clear()
        self._hold("compare", False)
        self._hold("look", False)
        self.update_lines()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show that the keys go here."""
        super().focusInEvent(event)
        self.update_lines()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for what belongs to the tool; not while it is at work."""
        self._ask_for_menu(event.globalPos())

    def _ask_for_menu(self, at: QPoint) -> None:
        if not self._hand.is_busy:
            self.menu_asked.emit(at)

    def leaveEvent(self, event: QEvent) -> None:
        """The brush outline goes with the pointer."""
        super().leaveEvent(event)
        self._hover.move(None, 0)

    def _show_cursor(self, over: Pointer | None = None) -> None:
        cursor = self._hand.cursor_over(over if self.document else None)
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
        """What the hand has done is seen now."""
        super().paintEvent(event)
        if self._hand_waits and not self._moves:
            self._hand_waits = False
            self.hand_waits.emit(False)

    def _paint_lines(self, painter: QPainter, viewport: Viewport) -> None:
        self._outlines.paint(painter, viewport, self._origin, self._hand.tool)
        self._paint_frame(painter, viewport, isinstance(self._hand.tool, FrameTool))

    def _paint_labels(self, painter: QPainter) -> None:
        super()._paint_labels(painter)
        accent = self._theme.colour("accent")
        if isinstance(self._hand.tool, FrameTool):
            self._paint_frame_size(painter)
        if self.hasFocus() and self.window().property("keyboard_moves"):
            marks.draw_focus(painter, self.rect(), accent)
        if self._outline_radius:
            self._hover.paint(painter, self._outline_radius, self._hand.tool, accent)

    def _paint_frame_size(self, painter: QPainter) -> None:
        assert self.document is not None
        frame = self.document.frame
        corners = [QPointF(*self.viewport.to_view(*corner)) for corner in corners_of(frame)]
        highest = min(corners, key=lambda corner: (round(corner.y()), corner.x()))
        above = QPointF(0, painter.fontMetrics().height() / 2 + 6)
        marks.draw_label(painter, highest - above, str(frame.size))
