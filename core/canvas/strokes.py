"""One gesture of the brush, from press to release: covered pixels in, one undo command out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import StrEnum

import cv2
import numpy as np

from core.canvas.blending import Ink
from core.canvas.brush import Brush, Dabs, Placed, Sample, dabs_between, stamp_side
from core.canvas.commands import TilesChanged
from core.canvas.tiles import (
    EMPTY_TILE,
    NOWHERE,
    Slices,
    Snapshot,
    TiledSurface,
    TileKey,
    pieces,
)
from core.geometry import Rect
from core.request import Pixels

_FAR = 1e6  # pixels; no document reaches there, and sums of such numbers are still exact enough
_GROUP = 256  # pixels a group of dabs may be long beyond one dab, so that diagonals stay cheap


class StrokeTarget(StrEnum):
    """What a stroke changes."""

    PAINT = "paint"
    MASK = "mask"


class Stroke:
    """Collects coverage and shows it at once; made by `Document.begin_stroke`.

    The stroke never paints over its own result: it keeps how far each pixel is covered (0 to 255,
    the most any dab gave it) and blends that, times the brush's opacity, onto the tiles as they
    were before. So crossing itself builds nothing up beyond the opacity.

    Attributes:
        is_open: Whether it still takes moves; False after `finish` or `cancel`.
    """

    def __init__(
        self,
        surface: TiledSurface,
        brush: Brush,
        target: StrokeTarget,
        painted: Callable[[TiledSurface, Rect], None],
        closed: Callable[[TilesChanged | None], None],
    ) -> None:
        """`painted` hears of every changed rectangle, `closed` of the end and its command."""
        self.is_open = True
        self._surface, self._brush, self._target = surface, brush, target
        self._painted, self._closed = painted, closed
        self._before = surface.snapshot()
        self._coverage = TiledSurface(1, surface.size)
        self._touched: set[TileKey] = set()
        self._ink = _ink(brush, surface.channels)
        self._gain = _table(brush.flow, least=1)
        self._fade = _table(brush.opacity)
        self._box = np.empty(0, np.uint8)
        self._last: Sample | None = None
        self._to_next = 0.0

    def move_to(self, x: float, y: float, pressure: float = 1.0) -> Rect:
        """Go on to this place, in document pixels; the first call sets the pen down.

        Args:
            pressure: 0 to 1, clamped. It goes along with every dab and shapes none yet.

        Returns:
            A rectangle around what changed; empty when no dab fell, when the place is not a
            number, or when the stroke is over.
        """
        if not (self.is_open and math.isfinite(x) and math.isfinite(y)):
            return NOWHERE
        here = Sample(_clamp(x, -_FAR, _FAR), _clamp(y, -_FAR, _FAR), self._usable(pressure))
        dabs, self._to_next = dabs_between(
            self._last or here, here, self._brush.step, self._to_next, self._reach()
        )
        self._last = here
        return self._lay(dabs)

    def finish(self) -> None:
        """Pen up: push one command, or none where no pixel is different."""
        if self.is_open:
            self._close(self._command())

    def cancel(self) -> Rect:
        """As if it had never been; returns what changed back."""
        if not self.is_open:
            return NOWHERE
        dirty = self._surface.put({key: self._before.tiles.get(key) for key in self._touched})
        self._close(None)
        if not dirty.is_empty:
            self._painted(self._surface, dirty)
        return dirty

    def _close(self, command: TilesChanged | None) -> None:
        self.is_open = False
        self._coverage = TiledSurface(1, self._surface.size)
        self._before = Snapshot({})
        self._closed(command)

    def _usable(self, pressure: float) -> float:
        if math.isnan(pressure):
            return self._last.pressure if self._last else 1.0
        return _clamp(pressure, 0.0, 1.0)

    def _reach(self) -> Rect:
        return self._surface.bounds.grown(stamp_side(self._brush.size))

    def _lay(self, dabs: Dabs) -> Rect:
        """Cover and blend, a few neighbouring dabs at a time."""
        placed = self._brush.placed(dabs)
        at_once = max(1, int(_GROUP / self._brush.step))
        dirty = NOWHERE
        for first in range(0, len(placed), at_once):
            dirty = dirty.united(self._lay_group(placed[first : first + at_once]))
        return dirty

    def _lay_group(self, placed: Sequence[Placed]) -> Rect:
        box = self._box_around(placed)
        if box.is_empty:
            return NOWHERE
        coverage = self._coverage.read(box, out=self._work(box))
        for dab in placed:
            self._cover(coverage, box, dab)
        self._blend(box, coverage)
        self._painted(self._surface, box)
        return box

    def _box_around(self, placed: Sequence[Placed]) -> Rect:
        side = stamp_side(self._brush.size)
        columns, rows = [dab.left for dab in placed], [dab.top for dab in placed]
        box = Rect.between(min(columns), min(rows), max(columns) + side, max(rows) + side)
        return box.intersected(self._surface.bounds)

    def _work(self, box: Rect) -> Pixels:
        """An array for this box in memory that is kept for the next."""
        if self._box.size < box.size.area:
            self._box = np.empty(box.size.area, np.uint8)
        return self._box[: box.size.area].reshape(box.height, box.width)

    def _cover(self, coverage: Pixels, box: Rect, dab: Placed) -> None:
        """Raise the coverage towards the stamp's, by the flow and by one step at least."""
        x, y, phase_x, phase_y = dab
        stamp = self._brush.stamp(phase_x, phase_y)
        left, right = max(x, box.x), min(x + stamp.shape[1], box.right)
        top, bottom = max(y, box.y), min(y + stamp.shape[0], box.bottom)
        if left >= right or top >= bottom:
            return
        stamp = stamp[top - y : bottom - y, left - x : right - x]
        part = coverage[top - box.y : bottom - box.y, left - box.x : right - box.x]
        if self._brush.flow == 1:
            np.maximum(part, stamp, out=part)
        else:
            part += cv2.LUT(cv2.subtract(stamp, part), self._gain)

    def _blend(self, box: Rect, coverage: Pixels) -> None:
        """Take the coverage over and blend it, tile by tile, where it has become more."""
        for key, in_tile, in_box in pieces(box):
            covered = coverage[in_box]
            if not np.array_equal(covered, self._coverage.tile(*key)[in_tile]):
                self._coverage.tile_for_writing(*key)[in_tile] = covered
                self._blend_tile(key, in_tile, covered)

    def _blend_tile(self, key: TileKey, part: Slices, covered: Pixels) -> None:
        alpha = covered if self._brush.opacity == 1 else cv2.LUT(covered, self._fade)
        before = self._before.tiles.get(key, EMPTY_TILE[self._surface.channels])
        after = self._surface.tile_for_writing(*key)
        self._touched.add(key)
        self._ink.lay(before[part], alpha, out=after[part])

    def _command(self) -> TilesChanged | None:
        name = _NAMES[self._target, self._brush.erases]
        return TilesChanged.since(self._before, self._surface, name, self._touched)


_NAMES = {
    (StrokeTarget.PAINT, False): "Brush stroke",
    (StrokeTarget.PAINT, True): "Eraser stroke",
    (StrokeTarget.MASK, False): "Mask stroke",
    (StrokeTarget.MASK, True): "Mask eraser stroke",
}


def _ink(brush: Brush, channels: int) -> Ink:
    """What full coverage gives: the opaque colour, full mask, or nothing."""
    if brush.erases:
        return Ink((0,) * channels)
    return Ink((255,) if channels == 1 else (*brush.colour, 255))


def _table(share: float, least: int = 0) -> Pixels:
    """0 to 255 times `share`, rounded; what is not zero stays at least `least`."""
    table = np.rint(np.arange(256) * share)
    if share > 0:
        table[1:] = np.maximum(table[1:], least)
    return table.astype(np.uint8)


def _clamp(value: float, least: float, most: float) -> float:
    return min(max(value, least), most)
