"""Lines, labels and grips over the picture, thin on every screen and visible on any picture."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QRadialGradient, QRegion

from core.geometry import Rect
from gui.canvas.painter import outline, placed

if TYPE_CHECKING:
    from gui.canvas.viewport import Viewport

GRIP_SIDE = 8
_THIN_FROM = 48  # view pixels
_ARCS = 24
_DARK, _LIGHT = QColor(0, 0, 0, 140), QColor(255, 255, 255, 220)
_SHADE = QColor(0, 0, 0, 40)
_RING = QColor(255, 255, 255, 230)


def hairline(ratio: float) -> int:
    """Device pixels of a line that is one pixel thin, where a view pixel has `ratio` of them."""
    return max(1, round(ratio))


# --- in device pixels ----------------------------------------------------------------------------


def draw_frame(
    painter: QPainter, viewport: Viewport, frame: Rect, accent: QColor, is_held: bool, ratio: float
) -> None:
    """Draw the generation frame around its pixels: a light line on a dark one.

    Args:
        is_held: Whether the tool in the hand moves it; then it has corners to take hold of.
        ratio: Device pixels for a view pixel.
    """
    width = hairline(ratio)
    edge = _edge(viewport, frame, width / 2)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, times in ((_SHADE, 3), (_DARK, 1)):
        painter.setPen(_pen(colour, times * width))
        painter.drawPolygon(edge)
    line = _pen(accent if is_held else _LIGHT, width)
    if not is_held:
        line.setDashPattern([5, 4])
    painter.setPen(line)
    painter.drawPolygon(edge)
    if is_held:
        painter.setBrush(accent)
        painter.setPen(_pen(_DARK, width))
        draw_grips(painter, edge, ratio)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def frame_crosses(dirty: QRectF, viewport: Viewport, frame: Rect, ratio: float) -> bool:
    """Whether the lines of `draw_frame`, or its grips, may run through a rectangle."""
    edge, reach = placed(viewport, frame), (GRIP_SIDE + 2) * ratio
    if not edge.adjusted(-reach, -reach, reach, reach).intersects(dirty):
        return False
    inside = edge.adjusted(reach, reach, -reach, -reach)
    return not (viewport.is_square and inside.isValid() and inside.contains(dirty))


def draw_grips(painter: QPainter, places: list[QPointF], ratio: float) -> None:
    """Draw squares around these places in the painter's pen and brush."""
    side = round(GRIP_SIDE * ratio)
    width = painter.pen().widthF()
    for place in places:
        left, top = round(place.x() - side / 2), round(place.y() - side / 2)
        painter.drawRect(QRectF(left + width / 2, top + width / 2, side, side))


def _edge(viewport: Viewport, rect: Rect, away: float) -> list[QPointF]:
    """The corners of a document rectangle, that many device pixels outside if it is not turned."""
    if not viewport.is_square:
        corners = outline(viewport, rect)
        return [corners.at(number) for number in range(corners.size())]
    around = placed(viewport, rect).adjusted(-away, -away, away, away)
    return [around.topLeft(), around.topRight(), around.bottomRight(), around.bottomLeft()]


def _pen(colour: QColor, width: float) -> QPen:
    return QPen(
        colour,
        width,
        Qt.PenStyle.SolidLine,
        Qt.PenCapStyle.FlatCap,
        Qt.PenJoinStyle.MiterJoin,
    )


# --- in view pixels ------------------------------------------------------------------------------


def draw_brush_outline(painter: QPainter, x: float, y: float, radius: float) -> None:
    """Draw the circle a dab would fill, visible on light and on dark."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, extra in ((QColor(0, 0, 0, 150), 0.8), (_RING, 0.0)):
        painter.setPen(QPen(colour, 1))
        painter.drawEllipse(QPointF(x, y), radius + extra, radius + extra)
    if radius < 3:
        painter.setPen(QPen(_RING, 1))
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            painter.drawLine(QPointF(x + 5 * dx, y + 5 * dy), QPointF(x + 9 * dx, y + 9 * dy))


def draw_softness(
    painter: QPainter, at: QPointF, radius: float, hardness: float, colour: QColor
) -> None:
    """Fill a brush's circle as a dab would: whole up to its hardness, then less and less."""
    middle, rim = QColor(colour), QColor(colour)
    middle.setAlpha(120)
    rim.setAlpha(0)
    fill = QRadialGradient(at, radius)
    fill.setColorAt(0, middle)
    fill.setColorAt(min(hardness, 0.99), middle)
    fill.setColorAt(1, rim)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    painter.drawEllipse(at, radius, radius)


def draw_label(painter: QPainter, at: QPointF, label: str) -> None:
    """Write a few words on a dark ground; `at` is the middle of its left side."""
    box = label_box(painter, at, label)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 150))
    painter.drawRoundedRect(box, 4, 4)
    painter.setPen(QColor(255, 255, 255, 235))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, label)


def label_box(painter: QPainter, at: QPointF, label: str) -> QRectF:
    """What `draw_label` fills."""
    metrics = painter.fontMetrics()
    height = metrics.height() + 4
    return QRectF(at.x(), at.y() - height / 2, metrics.horizontalAdvance(label) + 12, height)


def draw_focus(painter: QPainter, area: QRect, accent: QColor) -> None:
    """Draw the line that says that the keys go here."""
    painter.setPen(accent)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(area.adjusted(0, 0, -1, -1))


@lru_cache(maxsize=4)
def outline_region(radius: float) -> QRegion:
    """What `draw_brush_outline` may touch around (0, 0) and up to a pixel from it.

    Of a large circle only the rim: what lies in it need not be painted again when it moves.
    """
    if radius < _THIN_FROM:
        reach = math.ceil(max(radius, 9)) + 4
        return QRegion(-reach, -reach, 2 * reach, 2 * reach)
    region = QRegion()
    turns = [math.tau * number / _ARCS for number in range(_ARCS + 1)]
    rim = [QPointF(radius * math.cos(turn), radius * math.sin(turn)) for turn in turns]
    bulge = math.ceil(radius * (1 - math.cos(math.pi / _ARCS))) + 4
    for start, end in pairwise(rim):
        arc = QRectF(start, end).normalized().toAlignedRect()
        region += arc.adjusted(-bulge, -bulge, bulge, bulge)
    return region
