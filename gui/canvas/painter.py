"""Draws a document's tiles, its mask and the frame into a view; holds no state but caches."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPen, QPixmap, QRegion, qRgba

from core.geometry import Rect, Size
from gui.canvas.viewport import Viewport
from gui.images import view_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.canvas.document import Document
    from core.request import Pixels

TILE = 256
MASK_COLOUR = (236, 72, 88)
MASK_ALPHA = 0.5
PIXELS_SHOW_FROM = 6.0
"""Zoom from which single pixels are drawn as squares instead of being smoothed."""
_STRENGTHS = ((0, (64, 132, 255)), (96, (74, 190, 190)), (176, (240, 190, 64)), (255, MASK_COLOUR))
"""Colours of the mask from keep to repaint, like a heat map; full strength is the tint."""


def mask_tint(value: int) -> tuple[int, int, int, int]:
    """Red, green, blue and alpha, 0 to 255, of a mask value; little strength is little tint."""
    for (low, cold), (high, warm) in pairwise(_STRENGTHS):
        if value <= high:
            share = (value - low) / (high - low)
            red, green, blue = (round(a + share * (b - a)) for a, b in zip(cold, warm, strict=True))
            break
    return red, green, blue, round(255 * MASK_ALPHA * math.sqrt(value / 255))


_MASK_TABLE = [qRgba(*mask_tint(value)) for value in range(256)]


def level_of(zoom: float) -> int:
    """The reduced picture that is drawn at `zoom`: 0 is whole, each next one half as large."""
    return max(0, min(6, math.floor(math.log2(1 / zoom) + 1e-6))) if zoom < 1 else 0


def tiles_in(rect: Rect, size: Size, level: int) -> Iterator[tuple[int, int]]:
    """Indices of the tiles of `level` that a document rectangle touches."""
    span = TILE << level
    inside = rect.intersected(Rect.of_size(size))
    if inside.is_empty:
        return
    for ty in range(inside.y // span, (inside.bottom - 1) // span + 1):
        for tx in range(inside.x // span, (inside.right - 1) // span + 1):
            yield tx, ty


def draw_document(
    painter: QPainter,
    document: Document,
    viewport: Viewport,
    area: QRect,
    checkers: QBrush,
    shows_mask: bool,
) -> None:
    """Draw what of a document lies in `area` of the view; the mask only where it is asked for."""
    rect = viewport.seen_in(Rect(*area.getRect())).grown(1)  # type: ignore[misc]
    whole = view_rect(viewport, Rect.of_size(document.size))
    draw_checkerboard(painter, whole.intersected(QRectF(area)), checkers)
    draw_picture(painter, document, viewport, rect)
    if shows_mask and not document.mask_is_empty:
        draw_mask(painter, document, viewport, rect)


def draw_overlay(painter: QPainter, viewport: Viewport, rect: Rect, image: QImage) -> None:
    """Draw a picture over a document rectangle, scaled to it."""
    smooth = viewport.zoom < PIXELS_SHOW_FROM or rect.width > image.width()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
    painter.drawImage(view_rect(viewport, rect), image)


def draw_picture(painter: QPainter, document: Document, viewport: Viewport, rect: Rect) -> None:
    """Draw the flattened picture inside a document rectangle."""
    _draw_tiles(painter, document.flattened_tile, document.size, viewport, rect, view_of)


def draw_mask(painter: QPainter, document: Document, viewport: Viewport, rect: Rect) -> None:
    """Draw the mask as a tint over the picture."""
    _draw_tiles(painter, document.mask_tile, document.size, viewport, rect, _tinted)


def draw_checkerboard(painter: QPainter, area: QRectF, brush: QBrush) -> None:
    """Draw what shows through where the picture is transparent."""
    painter.fillRect(area, brush)


def checkerboard(light: str = "#b9b9b9", dark: str = "#9c9c9c", side: int = 8) -> QBrush:
    """Squares of `side` view pixels."""
    squares = QPixmap(2 * side, 2 * side)
    squares.fill(QColor(light))
    painter = QPainter(squares)
    painter.fillRect(0, 0, side, side, QColor(dark))
    painter.fillRect(side, side, side, side, QColor(dark))
    painter.end()
    return QBrush(squares)


def draw_frame(
    painter: QPainter, area: QRectF, accent: QColor, shows_corners: bool, label: str
) -> None:
    """Draw the generation frame: a light line on a dark one, so that it shows on any picture."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 140), 3))
    painter.drawRect(area)
    line = QPen(accent if shows_corners else QColor(255, 255, 255, 220), 1)
    if not shows_corners:
        line.setDashPattern([5, 4])
    painter.setPen(line)
    painter.drawRect(area)
    if shows_corners:
        _draw_corners(painter, area, accent)
    if label:
        above = QPointF(0, painter.fontMetrics().height() / 2 + 6)
        draw_label(painter, area.topLeft() - above, label)


def draw_brush_outline(painter: QPainter, x: float, y: float, radius: float) -> None:
    """Draw the circle a dab would fill, visible on light and on dark."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, extra in ((QColor(0, 0, 0, 150), 0.8), (QColor(255, 255, 255, 230), 0.0)):
        painter.setPen(QPen(colour, 1))
        painter.drawEllipse(QPointF(x, y), radius + extra, radius + extra)
    if radius < 3:
        painter.setPen(QPen(QColor(255, 255, 255, 230), 1))
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            painter.drawLine(QPointF(x + 5 * dx, y + 5 * dy), QPointF(x + 9 * dx, y + 9 * dy))


def draw_label(painter: QPainter, at: QPointF, label: str) -> None:
    """Write a few words on a dark ground; `at` is the middle of its left side."""
    metrics = painter.fontMetrics()
    height = metrics.height() + 4
    box = QRectF(at.x(), at.y() - height / 2, metrics.horizontalAdvance(label) + 12, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 150))
    painter.drawRoundedRect(box, 4, 4)
    painter.setPen(QColor(255, 255, 255, 235))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, label)


def draw_focus(painter: QPainter, area: QRect, accent: QColor) -> None:
    """Draw the line that says that the keys go here."""
    painter.setPen(accent)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(area.adjusted(0, 0, -1, -1))


def outline_area(centre: QPointF, radius: float) -> QRect:
    """What `draw_brush_outline` may touch."""
    reach = max(radius, 9) + 3
    corner = QPointF(reach, reach)
    return QRectF(centre - corner, centre + corner).toAlignedRect()


def parts_of(region: QRegion) -> list[QRect]:
    """The rectangles of a region; many small ones are drawn as one."""
    parts = [QRect(part) for part in region]  # type: ignore[attr-defined]  # missing in the stubs
    return parts if len(parts) <= 4 else [region.boundingRect()]


def view_rect(viewport: Viewport, rect: Rect) -> QRectF:
    """A document rectangle in view coordinates, its edges on whole pixels."""
    left, top = viewport.to_view(rect.x, rect.y)
    right, bottom = viewport.to_view(rect.right, rect.bottom)
    return QRectF(QPointF(round(left), round(top)), QPointF(round(right), round(bottom)))


def _draw_tiles(
    painter: QPainter,
    tile: Callable[[int, int, int], Pixels],
    size: Size,
    viewport: Viewport,
    rect: Rect,
    to_image: Callable[[Pixels], QImage | None],
) -> None:
    level = level_of(viewport.zoom)
    smooth = viewport.zoom < PIXELS_SHOW_FROM and viewport.zoom * (1 << level) != 1.0
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
    span = TILE << level
    for tx, ty in tiles_in(rect, size, level):
        covered = Rect(tx * span, ty * span, span, span).intersected(Rect.of_size(size))
        pixels = tile(tx, ty, level)
        image = to_image(pixels)
        if image is None:
            continue
        source = QRectF(0, 0, covered.width / (1 << level), covered.height / (1 << level))
        painter.drawImage(view_rect(viewport, covered), image, source)


def _tinted(pixels: Pixels) -> QImage | None:
    if not pixels.any():
        return None
    height, width = pixels.shape
    image = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_Indexed8)
    image.setColorTable(_MASK_TABLE)
    return image


def _draw_corners(painter: QPainter, area: QRectF, accent: QColor) -> None:
    painter.setBrush(accent)
    painter.setPen(QPen(QColor(0, 0, 0, 140), 1))
    for corner in (area.topLeft(), area.topRight(), area.bottomLeft(), area.bottomRight()):
        painter.drawRect(QRectF(corner.x() - 4, corner.y() - 4, 8, 8))
