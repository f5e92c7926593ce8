"""One gesture of the brush, from press to release: covered pixels in, one undo command out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.canvas.blending import Ink, look_up
from core.canvas.brush import Brush, Placed
from core.canvas.commands import TilesChanged
from core.canvas.dabs import Sample, dabs_between
from core.canvas.tiles import (
    FULL_TILE,
    NOWHERE,
    TILE,
    Slices,
    Snapshot,
    TiledSurface,
    TileKey,
    pieces,
)
from core.geometry import Rect
from core.request import Pixels

_FAR = 1e6  # pixels; no document reaches there, and sums of such numbers are still exact enough
_HARDER = 0.04  # by so much more pressure a pen that stays in one place leaves another dab
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
        selected: TiledSurface | None = None,
    ) -> None:
        """Begin on a surface.

        Args:
            painted: Hears of every changed rectangle.
            closed: Hears of the end and its command.
            selected: How far each pixel may change, 0 to 255, one channel; None is all of it.
        """
        self.is_open = True
        self._surface, self._brush, self._target = surface, brush, target
        self._painted, self._closed = painted, closed
        self._selected = selected
        self._before = surface.snapshot()
        self._coverage = TiledSurface(1, surface.size)
        self._touched: set[TileKey] = set()
        self._ink = _ink(brush, surface.channels)
        self._count = 0
        self._fade = _table(brush.opacity)
        self._tables: dict[int, tuple[NDArray[Any], NDArray[Any]]] = {}
        self._box = np.empty(0, np.uint8)
        self._last: Sample | None = None
        self._dab: Sample | None = None
        self._to_next = 0.0
        self._reach = surface.bounds.grown(brush.side(brush.size))

    def move_to(self, x: float, y: float, pressure: float = 1.0, tilt: float = 0.0) -> Rect:
        """Go on to this place, in document pixels; the first call sets the pen down.

        Args:
            pressure: 0 to 1, clamped; what is not a number means that it stays as it was.
            tilt: 0 upright to 1 flat, in the same way.

        Returns:
            A rectangle around what is covered more than before; empty when no dab fell, when the
            place is not a number, or when the stroke is over.
        """
        return self.move_along([Sample(x, y, pressure, tilt)])

    def move_along(self, samples: Iterable[Sample]) -> Rect:
        """Go on through these places; the like of several `move_to`, and painted together."""
        if not self.is_open:
            return NOWHERE
        dabs: list[Sample] = []
        for sample in samples:
            if math.isfinite(sample.x) and math.isfinite(sample.y):
                dabs += self._dabs_to(self._usable(sample))
        return self._lay(dabs)

    def _dabs_to(self, here: Sample) -> list[Sample]:
        start = self._last or here
        step_at, reach = self._brush.step_at, self._reach
        dabs, self._to_next = dabs_between(start, here, step_at, self._to_next, reach)
        self._last = here
        if not dabs and self._presses_harder(here):
            dabs = [here]
        if dabs:
            self._dab = dabs[-1]
        return dabs

    def _presses_harder(self, here: Sample) -> bool:
        """Whether the pen, without moving on, asks for more than its last dab did.

        A pen reports a touch before it reports how hard; a dot would have the size of the touch.
        """
        last = self._dab
        return (
            last is not None
            and self._brush.dynamics.is_on
            and math.hypot(here.x - last.x, here.y - last.y) < 0.5
            and here.pressure > last.pressure + _HARDER
        )

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

    def _usable(self, sample: Sample) -> Sample:
        """The sample within what can be computed with."""
        x, y, pressure, tilt = sample
        if 0 <= pressure <= 1 and 0 <= tilt <= 1 and abs(x) <= _FAR and abs(y) <= _FAR:
            return sample
        before = self._last or Sample(0, 0)
        pressure = before.pressure if math.isnan(sample.pressure) else sample.pressure
        tilt = before.tilt if math.isnan(sample.tilt) else sample.tilt
        x, y = _clamp(sample.x, -_FAR, _FAR), _clamp(sample.y, -_FAR, _FAR)
        return Sample(x, y, _clamp(pressure, 0.0, 1.0), _clamp(tilt, 0.0, 1.0))

    def _lay(self, dabs: Sequence[Sample]) -> Rect:
        """Cover and blend, a few neighbouring dabs at a time."""
        placed = [self._brush.placed(dab, number) for number, dab in enumerate(dabs, self._count)]
        self._count += len(placed)
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
        dirty = self._blend(box, coverage)
        if not dirty.is_empty:
            self._painted(self._surface, dirty)
        return dirty

    def _box_around(self, placed: Sequence[Placed]) -> Rect:
        sides = [self._brush.side(dab.size) for dab in placed]
        right = max(dab.left + side for dab, side in zip(placed, sides, strict=True))
        bottom = max(dab.top + side for dab, side in zip(placed, sides, strict=True))
        left, top = min(dab.left for dab in placed), min(dab.top for dab in placed)
        return Rect.between(left, top, right, bottom).intersected(self._surface.bounds)

    def _work(self, box: Rect) -> Pixels:
        """An array for this box in memory that is kept for the next."""
        if self._box.size < box.size.area:
            self._box = np.empty(box.size.area, np.uint8)
        return self._box[: box.size.area].reshape(box.height, box.width)

    def _cover(self, coverage: Pixels, box: Rect, dab: Placed) -> None:
        """Raise the coverage towards the stamp's, by the flow and by one step at least."""
        stamp = self._brush.stamp(dab)
        x, y = dab.left - box.x, dab.top - box.y
        left, right = max(x, 0), min(x + stamp.shape[1], box.width)
        top, bottom = max(y, 0), min(y + stamp.shape[0], box.height)
        if left >= right or top >= bottom:
            return
        stamp = stamp[top - y : bottom - y, left - x : right - x]
        part = coverage[top:bottom, left:right]
        if dab.gain == 255:
            np.maximum(part, stamp, out=part)
        else:
            part += cv2.LUT(cv2.subtract(stamp, part), _gain(dab.gain))

    def _blend(self, box: Rect, coverage: Pixels) -> Rect:
        """Take the coverage over and blend it, tile by tile, where it has become more.

        Returns:
            The box around that; a round dab leaves corners alone, and the next one most of it.
        """
        dirty = NOWHERE
        for key, (rows, columns), in_box in pieces(box):
            covered = coverage[in_box]
            more = cv2.absdiff(covered, self._coverage.tile(*key)[rows, columns])
            x, y, width, height = cv2.boundingRect(more)
            if width == 0:
                continue
            part = Rect(columns.start + x, rows.start + y, width, height)
            covered = covered[y : y + height, x : x + width]
            self._coverage.tile_for_writing(*key)[part.slices()] = covered
            self._blend_tile(key, part.slices(), covered)
            dirty = dirty.united(part.translated(key[0] * TILE, key[1] * TILE))
        return dirty

    def _blend_tile(self, key: TileKey, part: Slices, covered: Pixels) -> None:
        before = self._before.tiles.get(key)
        after = self._surface.tile_for_writing(*key)[part]
        self._touched.add(key)
        plain = _PLAIN.get(id(before))
        if plain is None:
            assert before is not None
            self._ink.lay(before[part], self._alpha(key, part, covered), out=after)
        elif self._selected is None:
            look_up(self._on_plain(plain)[0], covered, out=after)
        else:
            look_up(self._on_plain(plain)[1], self._alpha(key, part, covered), out=after)

    def _on_plain(self, value: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """What becomes of white paper, or of nothing, by coverage and by alpha."""
        tables = self._tables.get(value)
        if tables is None:
            by_alpha = self._ink.on_plain(value)
            tables = self._tables[value] = by_alpha[self._fade], by_alpha
        return tables

    def _alpha(self, key: TileKey, part: Slices, covered: Pixels) -> Pixels:
        """What the ink is laid on with: the coverage, the brush's opacity, and the selection."""
        alpha = covered if self._brush.opacity == 1 else cv2.LUT(covered, self._fade)
        if self._selected is not None:
            alpha = cv2.multiply(alpha, self._selected.tile(*key)[part], scale=1 / 255)
        return np.asarray(alpha, np.uint8)

    def _command(self) -> TilesChanged | None:
        name = _NAMES[self._target, self._brush.erases]
        return TilesChanged.since(self._before, self._surface, name, self._touched)


_PLAIN = {id(None): 0} | {id(tile): 255 for tile in FULL_TILE.values()}
"""Tiles of which every channel has one value; these live as long as the program."""

_NAMES = {
    (StrokeTarget.PAINT, False): "Brush stroke",
    (StrokeTarget.PAINT, True): "Eraser stroke",
    (StrokeTarget.MASK, False): "Mask stroke",
    (StrokeTarget.MASK, True): "Mask eraser stroke",
}


def _ink(brush: Brush, channels: int) -> Ink:
    """What full coverage gives: the opaque colour, the mask's strength, or nothing."""
    if brush.erases:
        return Ink((0,) * channels)
    return Ink((round(255 * brush.strength),) if channels == 1 else (*brush.colour, 255))


@lru_cache(maxsize=256)
def _gain(level: int) -> Pixels:
    """How far a dab of that flow, 0 to 255, goes; by one at least, or it would never arrive."""
    return _table(level / 255, least=1)


def _table(share: float, least: int = 0) -> Pixels:
    """0 to 255 times `share`, rounded; what is not zero stays at least `least`."""
    table = np.rint(np.arange(256) * share)
    if share > 0:
        table[1:] = np.maximum(table[1:], least)
    return table.astype(np.uint8)


def _clamp(value: float, least: float, most: float) -> float:
    return min(max(value, least), most)
