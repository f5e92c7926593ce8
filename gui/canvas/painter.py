"""Draws a document's tiles and its mask in device pixels; holds no state but caches.

Every viewport in here is one of `Viewport.on_device`, and the painter's unit is a device pixel.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QImage,
    QPainter,
    QPen,
    QPixmap,
    QPolygonF,
    QRegion,
    QTransform,
    qRgba,
)

from core.geometry import Rect, Size
from gui.canvas.viewport import Viewport
from gui.images import view_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.canvas.document import Document
    from core.request import Pixels

    TileOf = Callable[[int, int, int], Pixels]
    ToImage = Callable[[Pixels], QImage | None]

TILE = 256
BLOCK = 512
"""Device pixels of the squares in which a turned picture is drawn."""
PART_COST = 40_000
"""Pixels that are drawn in the time that it takes to begin another rectangle."""
MASK_COLOUR = (236, 72, 88)
MASK_ALPHA = 0.5
PIXELS_SHOW_FROM = 6.0
"""Scale from which single pixels are drawn as squares instead of being smoothed."""
GRID_SHOWS_FROM = 8.0
"""Scale beyond which lines run between the pixels."""
MOST_GRID = 32
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


def level_of(scale: float) -> int:
    """The reduced picture that is drawn at `scale`: 0 is whole, each next one half as large."""
    return max(0, min(6, math.floor(math.log2(1 / scale) + 1e-6))) if scale < 1 else 0


def grid_strength(scale: float) -> int:
    """How far, 0 to 255, lines between pixels differ from these; the denser, the fainter."""
    return min(MOST_GRID, round(2 * scale)) if scale > GRID_SHOWS_FROM else 0


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
    shows_grid: bool = True,
    surround: QColor | None = None,
) -> None:
    """Draw what of a document lies in `area`; mask and pixel grid only where they are asked for.

    Args:
        surround: Fills what the document leaves; None keeps what is there.
    """
    line = grid_strength(viewport.zoom) if shows_grid else 0
    if not _hides_ground(document, viewport, area):
        if surround is not None:
            painter.fillRect(area, surround)
        draw_checkerboard(painter, viewport, document.size, area, checkers)
    _draw(painter, document.flattened_tile, document.size, viewport, area, view_of, line)
    if line and viewport.angle != 0:
        seen = viewport.seen_in(Rect(*area.getRect()))  # type: ignore[misc]
        draw_grid(painter, viewport, seen.intersected(Rect.of_size(document.size)))
    if shows_mask and not document.mask_is_empty:
        _draw(painter, document.mask_tile, document.size, viewport, area, _tinted)


def _hides_ground(document: Document, viewport: Viewport, area: QRect) -> bool:
    """Whether the picture alone covers all of `area`, so that nothing need be drawn below it."""
    from gui.canvas.mosaic import is_opaque

    level = level_of(viewport.zoom)
    around = (1 << level) + math.ceil(2 / viewport.zoom)  # what smoothing, or rounding, looks at
    seen = viewport.seen_in(Rect(*area.getRect())).grown(around)  # type: ignore[misc]
    return Rect.of_size(document.size).contains(seen) and is_opaque(
        document.flattened_tile, seen, document.size, level
    )


def draw_overlay(
    painter: QPainter, viewport: Viewport, rect: Rect, image: QImage, shows_grid: bool = True
) -> None:
    """Draw a picture over a document rectangle, scaled to it."""
    smooth = viewport.zoom < PIXELS_SHOW_FROM or rect.width > image.width()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
    if viewport.is_upright:
        painter.drawImage(placed(viewport, rect), image)
    else:
        _draw_turned_overlay(painter, viewport, rect, image)
    if shows_grid and viewport.zoom > GRID_SHOWS_FROM:
        clip = Rect(*painter.clipBoundingRect().toAlignedRect().getRect())  # type: ignore[misc]
        draw_grid(painter, viewport, viewport.seen_in(clip).intersected(rect))


def _draw_turned_overlay(painter: QPainter, viewport: Viewport, rect: Rect, image: QImage) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, not viewport.is_square)
    painter.setTransform(turning(viewport), True)
    painter.drawImage(QRectF(*rect), image)
    painter.restore()


def draw_checkerboard(
    painter: QPainter, viewport: Viewport, size: Size, area: QRect, brush: QBrush
) -> None:
    """Draw what shows through where the picture is transparent; it goes with the document."""
    painter.setBrushOrigin(QPointF(round(viewport.left), round(viewport.top)))
    whole = Rect.of_size(size)
    if viewport.is_square:
        painter.fillRect(placed(viewport, whole).intersected(QRectF(area)), brush)
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(brush)
        painter.drawPolygon(outline(viewport, whole, 1))  # or it would shine through at the edge
    painter.setBrushOrigin(QPointF())


def checkerboard(light: str = "#b9b9b9", dark: str = "#9c9c9c", side: int = 8) -> QBrush:
    """Squares of `side` pixels."""
    squares = QPixmap(2 * side, 2 * side)
    squares.fill(QColor(light))
    painter = QPainter(squares)
    painter.fillRect(0, 0, side, side, QColor(dark))
    painter.fillRect(side, side, side, side, QColor(dark))
    painter.end()
    return QBrush(squares)


def parts_of(region: QRegion) -> list[QRect]:
    """The rectangles of a region; where they are many, or near each other, the one around them."""
    whole, count = region.boundingRect(), region.rectCount()
    if not 1 < count <= 4:
        return [whole]
    parts = [QRect(part) for part in region]  # type: ignore[attr-defined]  # missing in the stubs
    between = _area(whole) - sum(map(_area, parts))
    return parts if between > PART_COST * (count - 1) else [whole]


def _area(rect: QRect) -> int:
    return rect.width() * rect.height()


def placed(viewport: Viewport, rect: Rect) -> QRectF:
    """Around a document rectangle; its edges on whole pixels."""
    left, top, right, bottom = map(round, viewport.around(rect))
    return QRectF(QPointF(left, top), QPointF(right, bottom))


def outline(viewport: Viewport, rect: Rect, inset: float = 0.0) -> QPolygonF:
    """A document rectangle as it is turned, smaller by `inset` device pixels on each side."""
    less = inset / viewport.zoom
    left, top, right, bottom = rect.x + less, rect.y + less, rect.right - less, rect.bottom - less
    corners = (left, top), (right, top), (right, bottom), (left, bottom)
    return QPolygonF([QPointF(*viewport.to_view(*corner)) for corner in corners])


def turning(viewport: Viewport) -> QTransform:
    """From document positions to the viewport's."""
    return QTransform(*viewport.matrix, viewport.left, viewport.top)


def _draw(
    painter: QPainter,
    tile: TileOf,
    size: Size,
    viewport: Viewport,
    area: QRect,
    to_image: ToImage,
    line: int = 0,
) -> None:
    level = level_of(viewport.zoom)
    exact = viewport.is_square and viewport.zoom * (1 << level) == 1.0
    smooth = viewport.zoom < PIXELS_SHOW_FROM and not exact
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
    if viewport.angle == 0 and viewport.zoom >= PIXELS_SHOW_FROM:
        _draw_pixels(painter, tile, size, viewport, area, to_image, line)
    elif viewport.is_upright:
        _draw_tiles(painter, tile, size, viewport, area, to_image)
    else:
        _draw_turned(painter, tile, size, viewport, area, to_image)


def _draw_tiles(
    painter: QPainter,
    tile: TileOf,
    size: Size,
    viewport: Viewport,
    area: QRect,
    to_image: ToImage,
) -> None:
    """Each tile by itself, straight from its memory."""
    level = level_of(viewport.zoom)
    span = TILE << level
    rect = viewport.seen_in(Rect(*area.getRect())).grown(1)  # type: ignore[misc]
    for tx, ty in tiles_in(rect, size, level):
        covered = Rect(tx * span, ty * span, span, span).intersected(Rect.of_size(size))
        pixels = tile(tx, ty, level)
        image = to_image(pixels)
        if image is None:
            continue
        source = QRectF(0, 0, covered.width / (1 << level), covered.height / (1 << level))
        painter.drawImage(placed(viewport, covered), image, source)


def _draw_pixels(
    painter: QPainter,
    tile: TileOf,
    size: Size,
    viewport: Viewport,
    area: QRect,
    to_image: ToImage,
    line: int,
) -> None:
    """Each pixel a square of device pixels, just where the viewport says."""
    from gui.canvas.mosaic import enlarged

    part = Rect(*area.getRect())  # type: ignore[misc]
    pixels, corner = enlarged(tile, size, viewport, part, line)
    image = to_image(pixels) if pixels.size else None
    if image is not None:
        painter.drawImage(QPointF(*corner), image)


def _draw_turned(
    painter: QPainter,
    tile: TileOf,
    size: Size,
    viewport: Viewport,
    area: QRect,
    to_image: ToImage,
) -> None:
    """Block by block, from tiles that are joined first: turned one by one they would leave gaps.

    Blocks keep what is joined small; a turned rectangle's surroundings are much larger than it is.
    """
    from gui.canvas.mosaic import joined

    level = level_of(viewport.zoom)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, not viewport.is_square)
    for block in _blocks(area):
        around = viewport.seen_in(Rect(*block.getRect())).grown(2 << level)  # type: ignore[misc]
        part = around.intersected(Rect.of_size(size))
        if part.is_empty:
            continue
        pixels, covered = joined(tile, part, size, level)
        image = to_image(pixels)
        if image is None:
            continue
        source = QRectF(0, 0, covered.width / (1 << level), covered.height / (1 << level))
        painter.save()
        painter.setClipRect(block, Qt.ClipOperation.IntersectClip)
        painter.setTransform(turning(viewport), True)
        painter.drawImage(QRectF(*covered), image, source)
        painter.restore()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def draw_grid(painter: QPainter, viewport: Viewport, part: Rect) -> None:
    """Draw lines between the pixels of a part of the document, for views that are turned.

    They are not smoothed: that would cost five times as much, and they are faint.
    """
    strength = grid_strength(viewport.zoom)
    columns = [QLineF(x, part.y, x, part.bottom) for x in range(part.x + 1, part.right)]
    rows = [QLineF(part.x, y, part.right, y) for y in range(part.y + 1, part.bottom)]
    painter.save()
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Difference)
    painter.setPen(QPen(QColor(strength, strength, strength), 0))
    painter.setTransform(turning(viewport), True)
    painter.drawLines([*columns, *rows])
    painter.restore()


def _blocks(area: QRect) -> Iterator[QRect]:
    for top in range(area.top(), area.bottom() + 1, BLOCK):
        for left in range(area.left(), area.right() + 1, BLOCK):
            yield QRect(left, top, BLOCK, BLOCK).intersected(area)


def _tinted(pixels: Pixels) -> QImage | None:
    if not pixels.any():
        return None
    height, width = pixels.shape
    image = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_Indexed8)
    image.setColorTable(_MASK_TABLE)
    return image
