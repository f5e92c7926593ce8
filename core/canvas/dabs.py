"""Where dabs fall along a stroke.

Positions are in document pixels, continuous: the centre of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.geometry import Rect

Dabs = NDArray[np.float64]
"""Rows of x, y, pressure, tilt."""

NO_DABS: Dabs = np.empty((0, 4))
_SHORT = 4096  # dabs; what leads further is cut before it is counted out


class Sample(NamedTuple):
    """One event of the pen or mouse.

    Attributes:
        x, y: Where.
        pressure: How hard, 0 to 1.
        tilt: How far the pen leans, 0 upright to 1 flat.
    """

    x: float
    y: float
    pressure: float = 1.0
    tilt: float = 0.0


def dabs_between(
    start: Sample, end: Sample, step: float, to_next: float, within: Rect
) -> tuple[Dabs, float]:
    """Dabs on the straight way from `start` to `end`, every `step` pixels.

    Args:
        to_next: Distance from `start` to the first dab, as the last call returned it.
        within: Dabs whose centre is elsewhere are counted but left out, so that a jump to the
            far side of the moon costs nothing.

    Returns:
        The dabs in order, and the distance from `end` to the next one. A way cut into several
        gives the same dabs.
    """
    length = math.hypot(end.x - start.x, end.y - start.y)
    count = max(0, math.floor((length - to_next) / step + 1e-9) + 1)
    if count == 0:
        return NO_DABS, to_next - length
    enter, leave = _inside(start, end, within)
    first = max(0, math.ceil((enter * length - to_next) / step - 1e-9))
    last = min(count - 1, math.floor((leave * length - to_next) / step + 1e-9))
    along = to_next + np.arange(first, last + 1, dtype=np.float64) * step
    return _placed(start, end, along, length), to_next + count * step - length


def dabs_through(
    places: Sequence[Sample], step: float, to_next: float, within: Rect
) -> tuple[Dabs, float]:
    """The like of `dabs_between` along a chain of straight pieces, in one go where it is short.

    Args:
        places: One at least; the first is where the last call ended, or the pen came down.
    """
    chain = np.array(places if len(places) > 1 else [*places, *places])
    ways = np.diff(chain, axis=0)
    lengths = np.hypot(ways[:, 0], ways[:, 1])
    ends = np.cumsum(lengths)
    if ends[-1] > _SHORT * step:
        return _piece_by_piece(places, step, to_next, within)
    count = max(0, math.floor((ends[-1] - to_next) / step + 1e-9) + 1)
    along = to_next + np.arange(count, dtype=np.float64) * step
    piece = np.minimum(np.searchsorted(ends, along), len(lengths) - 1)
    shares = (along - (ends - lengths)[piece]) / np.maximum(lengths, 1e-12)[piece]
    dabs = chain[piece] + shares[:, np.newaxis] * ways[piece]
    x, y = dabs[:, 0], dabs[:, 1]
    inside = (x >= within.x) & (x <= within.right) & (y >= within.y) & (y <= within.bottom)
    return dabs[inside], to_next + count * step - float(ends[-1])


def _piece_by_piece(
    places: Sequence[Sample], step: float, to_next: float, within: Rect
) -> tuple[Dabs, float]:
    found = []
    for start, end in pairwise(places):
        dabs, to_next = dabs_between(start, end, step, to_next, within)
        found.append(dabs)
    return np.concatenate(found), to_next


def dabs_with_steps(
    start: Sample,
    end: Sample,
    step_at: Callable[[float, float], float],
    to_next: float,
    within: Rect,
) -> tuple[Dabs, float]:
    """The like of `dabs_between` where the step depends on how the pen is held.

    Args:
        step_at: Pixels from a dab with that pressure and tilt to the next one, above 0.
    """
    length = math.hypot(end.x - start.x, end.y - start.y)
    enter, leave = _inside(start, end, within)
    along, at = [], to_next
    if enter <= leave:
        at = max(to_next, enter * length)  # outside nobody sees where exactly they would fall
    while enter <= leave and at <= leave * length + 1e-9:
        along.append(at)
        share = at / length if length else 0.0
        pressure = start.pressure + share * (end.pressure - start.pressure)
        at += step_at(pressure, start.tilt + share * (end.tilt - start.tilt))
    dabs = _placed(start, end, np.array(along), length) if along else NO_DABS
    return dabs, max(at - length, 0.0)


def _placed(start: Sample, end: Sample, along: NDArray[np.float64], length: float) -> Dabs:
    """Rows for dabs that lie `along` pixels from the start."""
    shares = along / max(length, 1e-12)
    origin = np.array(start)
    return origin + shares[:, np.newaxis] * (np.array(end) - origin)


def _inside(start: Sample, end: Sample, within: Rect) -> tuple[float, float]:
    """Between which fractions the way is inside (Liang and Barsky, 1984); empty: (1, 0)."""
    enter, leave = 0.0, 1.0
    edges = ((start.x, end.x, within.x, within.right), (start.y, end.y, within.y, within.bottom))
    for origin, target, low, high in edges:
        way = target - origin
        if way == 0:
            if not low <= origin <= high:
                return 1.0, 0.0
            continue
        near, far = sorted(((low - origin) / way, (high - origin) / way))
        enter, leave = max(enter, near), min(leave, far)
    return (enter, leave) if enter <= leave else (1.0, 0.0)
