"""What runs over the picture but is not in it: the edge of the selection, and a tool's sketch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from gui.canvas.tools.gesture import Sketch, Sketching, Tool
from gui.canvas.viewport import Viewport

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.canvas.tiles import TiledSurface
    from gui.canvas.view import CanvasView

DASH = 4
"""Screen pixels of a black dash and of a white one."""
MOST_TURNED = 100_000
"""Pixels of an edge of which the direction is looked at; more of them are no line any more."""
_WHITE, _BLACK = 0xFFFFFFFF, 0xFF000000
GRIP_SIDE = 8


class Outlines:
    """Draws them; the selection's edge is kept until it, or the part that is seen, is another.

    The edge is found on the screen's own pixels: each looks up one pixel of the selection, and
    where two neighbours differ the line runs. So it is one pixel thin at every zoom, and costs the
    same however large the document or however ragged the edge is.
    """

    def __init__(self, canvas: CanvasView) -> None:
        self._canvas = canvas
        self._surface: TiledSurface | None = None
        self._seen: tuple[Viewport, QSize, float] | None = None
        self._edge = QImage()

    def paint(self, painter: QPainter, tool: Tool) -> None:
        """Draw the selection's edge, and what the tool shows."""
        canvas = self._canvas
        if canvas.document is None:
            return
        surface = canvas.document.selection.surface
        if surface is not None:
            seen = (canvas.viewport, canvas.size(), canvas.devicePixelRatioF())
            if surface is not self._surface or seen != self._seen:
                self._edge = edge_of(surface, *seen)
            self._seen = seen
            painter.drawImage(0, 0, self._edge)
        elif self._surface is not None:
            self._edge = QImage()
        self._surface = surface
        sketch = tool.sketch(canvas) if isinstance(tool, Sketching) else None
        if sketch is not None:
            draw_sketch(painter, canvas.viewport, sketch)


def edge_of(surface: TiledSurface, viewport: Viewport, view: QSize, ratio: float) -> QImage:
    """The edge of what is selected at least by half, dashed black and white, else transparent.

    Args:
        view: In device-independent pixels; the image has `ratio` times as many.
    """
    import numpy as np

    width, height = round(view.width() * ratio), round(view.height() * ratio)
    inside = _sampled(surface, viewport, width, height, ratio)
    edge = np.zeros_like(inside)
    edge[:, 1:] = inside[:, 1:] != inside[:, :-1]
    edge[1:] |= inside[1:] != inside[:-1]
    rows, columns = np.nonzero(edge)
    dashes = np.zeros((height, width), np.uint32)
    if rows.size < MOST_TURNED:
        columns_along = np.where(_runs_up(inside, rows, columns), -columns, columns)
    else:
        columns_along = columns  # noise, not a line
    along = rows + columns_along
    is_white = (along // max(1, round(DASH * ratio))) % 2 == 0
    dashes[rows, columns] = np.where(is_white, np.uint32(_WHITE), np.uint32(_BLACK))
    layout = QImage.Format.Format_ARGB32_Premultiplied
    image = QImage(dashes.data, width, height, width * 4, layout).copy()
    image.setDevicePixelRatio(ratio)
    return image


def draw_sketch(painter: QPainter, viewport: Viewport, sketch: Sketch) -> None:
    """Draw a tool's lines and grips, visible on light and on dark."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, len(sketch.lines) > 0)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    dashes = QPen(QColor(255, 255, 255), 1)
    dashes.setDashPattern([DASH, DASH])
    for line in sketch.lines:
        corners = QPolygonF([QPointF(*viewport.to_view(x, y)) for x, y in line])
        for pen in (QPen(QColor(0, 0, 0), 1), dashes):
            painter.setPen(pen)
            painter.drawPolyline(corners)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(QColor(0, 0, 0, 200), 1))
    painter.setBrush(QColor(255, 255, 255))
    for x, y in sketch.grips:
        at = QPointF(*viewport.to_view(x, y))
        half = QPointF(GRIP_SIDE / 2, GRIP_SIDE / 2)
        painter.drawRect(QRectF(at - half, at + half))


def _sampled(
    surface: TiledSurface, viewport: Viewport, width: int, height: int, ratio: float
) -> NDArray[np.bool_]:
    """Whether each screen pixel lies in the selection."""
    import numpy as np

    from core.canvas.tiles import FULL_TILE, TILE

    inside = np.zeros((height, width), bool)
    columns = _looked_up(width, ratio, viewport.left, viewport.zoom)
    rows = _looked_up(height, ratio, viewport.top, viewport.zoom)
    for (tx, ty), tile in surface.tiles.items():
        right, bottom = (
            min(TILE * (t + 1), s) for t, s in zip((tx, ty), surface.size, strict=True)
        )
        left, stop = np.searchsorted(columns, (tx * TILE, right))
        top, foot = np.searchsorted(rows, (ty * TILE, bottom))
        if left == stop or top == foot:
            continue
        if tile is FULL_TILE[1]:
            inside[top:foot, left:stop] = True
        else:
            here = np.ix_(rows[top:foot] - ty * TILE, columns[left:stop] - tx * TILE)
            inside[top:foot, left:stop] = tile[here] >= 128
    return inside


def _runs_up(
    inside: NDArray[np.bool_], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Where the edge rises to the right; rows and columns add up to the same all along it there."""
    import numpy as np

    height, width = inside.shape
    reach = 3
    after, before = np.minimum(columns + reach, width - 1), np.maximum(columns - reach, 0)
    below, above = np.minimum(rows + reach, height - 1), np.maximum(rows - reach, 0)
    across = inside[rows, after].astype(np.int8) - inside[rows, before]
    down = inside[below, columns].astype(np.int8) - inside[above, columns]
    return across * down > 0


def _looked_up(count: int, ratio: float, offset: float, zoom: float) -> NDArray[np.int64]:
    """The document's column (or row) under the middle of each screen pixel."""
    import numpy as np

    middles = (np.arange(count) + 0.5) / ratio
    return np.floor((middles - offset) / zoom).astype(np.int64)
