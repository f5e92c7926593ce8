"""What runs over the picture but is not in it: the edge of the selection, and a tool's sketch."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from core.geometry import Rect
from gui.canvas import painter as draw
from gui.canvas.marks import draw_grips, hairline
from gui.canvas.tools.gesture import Sketch, Sketching, Tool
from gui.canvas.viewport import Viewport
from gui.images import view_of

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

    def paint(
        self, painter: QPainter, viewport: Viewport, origin: tuple[int, int], tool: Tool
    ) -> None:
        """Draw the selection's edge, and what the tool shows.

        Args:
            viewport: From the document to the painter's device pixels.
            origin: Where in them the view begins.
        """
        canvas = self._canvas
        if canvas.document is None:
            return
        surface, ratio = canvas.document.selection.surface, canvas.devicePixelRatioF()
        sketch = cast(Sketching, tool).sketch(canvas) if _sketches(type(tool)) else None
        if surface is not None:
            size = (canvas.size().toSizeF() * ratio).toSize() + QSize(1, 1)
            across, down = _on_the_way(viewport, sketch)
            seen = (viewport.panned(across - origin[0], down - origin[1]), size, ratio)
            if surface is not self._surface or seen != self._seen:
                self._edge = edge_of(surface, *seen)
            self._seen = seen
            painter.drawImage(QPointF(*origin), self._edge)
        elif self._surface is not None:
            self._edge = QImage()
        self._surface = surface
        if sketch is not None:
            draw_sketch(painter, viewport, sketch, ratio)


@cache
def _sketches(kind: type[Tool]) -> bool:
    """Whether tools of that kind show something; asked at each paint, and slow to find out."""
    return issubclass(kind, Sketching)


def _on_the_way(viewport: Viewport, sketch: Sketch | None) -> tuple[float, float]:
    """How far from its place the selection is shown, in the viewport's pixels."""
    if sketch is None or sketch.selection_at == (0, 0):
        return 0.0, 0.0
    (x, y), (left, top) = viewport.to_view(*sketch.selection_at), viewport.to_view(0, 0)
    return x - left, y - top


def edge_of(surface: TiledSurface, viewport: Viewport, size: QSize, ratio: float) -> QImage:
    """The edge of what is selected at least by half, dashed black and white, else transparent.

    Args:
        viewport: From the document to the image's pixels.
        size: Of the image.
        ratio: Device pixels for a view pixel; the dashes are as many times longer.
    """
    import numpy as np

    width, height = size.width(), size.height()
    inside = (_sampled if viewport.is_upright else _drawn)(surface, viewport, width, height)
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
    return QImage(dashes.data, width, height, width * 4, layout).copy()


def draw_sketch(painter: QPainter, viewport: Viewport, sketch: Sketch, ratio: float) -> None:
    """Draw a tool's lines and grips, visible on light and on dark.

    Args:
        ratio: Device pixels for a view pixel.
    """
    width = hairline(ratio)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, len(sketch.lines) > 0)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    dashes = QPen(QColor(255, 255, 255), width)
    dashes.setDashPattern([DASH, DASH])
    for line in sketch.lines:
        corners = QPolygonF([QPointF(*viewport.to_view(x, y)) for x, y in line])
        for pen in (QPen(QColor(0, 0, 0), width), dashes):
            painter.setPen(pen)
            painter.drawPolyline(corners)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(QColor(0, 0, 0, 200), width))
    painter.setBrush(QColor(255, 255, 255))
    draw_grips(painter, [QPointF(*viewport.to_view(*grip)) for grip in sketch.grips], ratio)


def _drawn(surface: TiledSurface, viewport: Viewport, width: int, height: int) -> NDArray[np.bool_]:
    """Whether each pixel lies in the selection; Qt looks it up along turned lines."""
    import numpy as np

    from core.canvas.tiles import TILE

    looks = QImage(width, height, QImage.Format.Format_Grayscale8)
    looks.fill(0)
    painter = QPainter(looks)
    painter.setTransform(draw.turning(viewport))
    hair = 0.05 / viewport.zoom  # drawn as they are, turned tiles leave gaps here and there
    seen = viewport.seen_in(Rect(0, 0, width, height))
    for (tx, ty), tile in surface.tiles.items():
        covered = Rect(tx * TILE, ty * TILE, TILE, TILE).intersected(Rect.of_size(surface.size))
        if not covered.intersected(seen).is_empty:
            place = QRectF(*covered).adjusted(-hair, -hair, hair, hair)
            painter.drawImage(place, view_of(tile), QRectF(0, 0, *covered.size))
    painter.end()
    rows = np.frombuffer(looks.constBits(), np.uint8).reshape(height, looks.bytesPerLine())
    return rows[:, :width] >= 128


def _sampled(
    surface: TiledSurface, viewport: Viewport, width: int, height: int
) -> NDArray[np.bool_]:
    """Whether each pixel lies in the selection."""
    import numpy as np

    from core.canvas.tiles import FULL_TILE, TILE

    inside = np.zeros((height, width), bool)
    columns = _looked_up(width, viewport.left, viewport.zoom)
    rows = _looked_up(height, viewport.top, viewport.zoom)
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


def _looked_up(count: int, offset: float, zoom: float) -> NDArray[np.int64]:
    """The document's column (or row) under the middle of each screen pixel."""
    import numpy as np

    return np.floor((np.arange(count) + 0.5 - offset) / zoom).astype(np.int64)
