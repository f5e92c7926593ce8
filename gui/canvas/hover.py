"""What goes along with the pointer over the canvas: the brush's outline, the mask's strength."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QRegion

from core.geometry import Rect
from gui.canvas import marks
from gui.canvas.pointing import FAR
from gui.canvas.tools.gesture import Tool
from gui.canvas.tools.painting import PaintingTool

if TYPE_CHECKING:
    from core.canvas.document import Document
    from gui.canvas.tools.sizing import Sizing
    from gui.canvas.view import CanvasView

_LABEL_AWAY = 10
_LABEL_AREA = QRectF(0, -14, 76, 28)


class Hover:
    """Knows where the pointer is, and repaints what it leaves and where it comes.

    Attributes:
        at: The pointer in view pixels; None when it is elsewhere.
    """

    def __init__(self, canvas: CanvasView) -> None:
        self._canvas = canvas
        self.at: QPointF | None = None
        self._area = QRegion()
        self._known: tuple[float, bool] = (0.0, False)

    def move(self, at: QPointF | None, radius: float) -> None:
        """Go there.

        Args:
            radius: Of the brush, in view pixels; 0 where a cursor stands for the tool.
        """
        self._canvas.update_lines(self._area)
        self.at = at if at is None or _is_near(at) else None
        self._area, self._known = QRegion(), (0.0, False)
        if radius:
            self._reach(radius)
        self._canvas.update_lines(self._area)

    def _reach(self, radius: float) -> None:
        """Add to what is repainted, when the pointer goes on, what is drawn about it now.

        A hand that rests may get another tool, size or zoom.
        """
        known = radius, self._has_label
        if self.at is not None and known != self._known:
            self._area += _area(self.at, *known)
            self._known = known

    @property
    def _has_label(self) -> bool:
        tool = self._canvas.tool
        return isinstance(tool, PaintingTool) and tool.paints_strength

    def paint(self, painter: QPainter, radius: float, tool: Tool, colour: QColor) -> None:
        """Draw the outline, and beside it what the tool has to know of the place.

        Args:
            colour: What shows how soft a brush is while its hardness is changed.
        """
        document = self._canvas.document
        if self.at is None or document is None:
            return
        if isinstance(tool, PaintingTool) and tool.sizing is not None:
            self._paint_sizing(painter, radius, tool.sizing, colour)
            self._area = QRegion(self._canvas.rect())
            return
        self._reach(radius)
        marks.draw_brush_outline(painter, self.at.x(), self.at.y(), radius)
        if isinstance(tool, PaintingTool) and tool.paints_strength:
            place = self._canvas.viewport.to_document(self.at.x(), self.at.y())
            label = strength_at(document, *place)
            if label:
                marks.draw_label(painter, self.at + _label_place(radius), label)

    def _paint_sizing(
        self, painter: QPainter, radius: float, sizing: Sizing, colour: QColor
    ) -> None:
        """The brush as it becomes, where the drag began, so that its rim is under the pointer."""
        at = QPointF(*sizing.place)
        marks.draw_softness(painter, at, radius, sizing.hardness, colour)
        marks.draw_brush_outline(painter, at.x(), at.y(), radius)
        label = sizing.figures
        box = marks.label_box(painter, at, label)
        below = min(at.y() + radius + 20, self._canvas.height() - box.height())
        marks.draw_label(painter, QPointF(at.x() - box.width() / 2, below), label)


def strength_at(document: Document, x: float, y: float) -> str:
    """How far the mask lets that pixel change, in per cent; nothing outside the picture."""
    pixel = Rect(math.floor(x), math.floor(y), 1, 1)
    if not Rect.of_size(document.size).contains(pixel):
        return ""
    return f"{round(int(document.mask_pixels(pixel)[0, 0]) / 2.55)} %"


def _is_near(at: QPointF) -> bool:
    """Whether it could be on a screen; a broken driver may report any number, and none."""
    return abs(at.x()) < FAR and abs(at.y()) < FAR


def _area(at: QPointF, radius: float, has_label: bool) -> QRegion:
    area = marks.outline_region(radius).translated(math.floor(at.x()), math.floor(at.y()))
    if has_label:
        area += _LABEL_AREA.translated(at + _label_place(radius)).toAlignedRect()
    return area


def _label_place(radius: float) -> QPointF:
    """Right of the pointer, within a large brush and beside a small one."""
    return QPointF(min(radius, 40) + _LABEL_AWAY, 0)
