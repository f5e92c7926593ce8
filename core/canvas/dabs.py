"""Where dabs fall along a stroke.

Positions are in document pixels, continuous: the centre of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from core.geometry import Rect

_SLACK = 1e-9  # pixels; a dab that is due just at the end of a way falls


class Sample(NamedTuple):
    """One event of the pen or mouse, or a dab.

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
    start: Sample,
    end: Sample,
    step_at: Callable[[float, float], float],
    to_next: float,
    within: Rect,
) -> tuple[list[Sample], float]:
    """Dabs on the straight way from `start` to `end`.

    Numbers are computed one by one: most ways are chords of a few pixels on which no dab falls, or
    one does, and an array would take ten times as long to make as the dab.

    Args:
        step_at: Pixels from a dab with that pressure and tilt to the next one, above 0.
        to_next: Distance from `start` to the first dab, as the last call returned it.
        within: Dabs whose centre is elsewhere are counted but left out, so that a jump to the
            far side of the moon costs nothing; there every step is as long as the start's.

    Returns:
        The dabs in order, and the distance from `end` to the next one. A way cut into several
        gives the same dabs.
    """
    length = math.hypot(end.x - start.x, end.y - start.y)
    if length < to_next - _SLACK:
        return [], to_next - length
    enter, leave = _inside(start, end, within)
    step = step_at(start.pressure, start.tilt)
    at = to_next + max(0, math.ceil((enter * length - to_next) / step - _SLACK)) * step
    found = []
    while enter <= leave and at <= leave * length + _SLACK:
        dab = _between(start, end, at / length if length else 0.0)
        found.append(dab)
        at += step_at(dab.pressure, dab.tilt)
    if at <= length:
        at += (math.floor((length - at) / step + _SLACK) + 1) * step
    return found, max(at - length, 0.0)


def _between(start: Sample, end: Sample, share: float) -> Sample:
    """So far on the way; the position at the start and at the end is exact."""
    rest = 1 - share
    return Sample(
        rest * start.x + share * end.x,
        rest * start.y + share * end.y,
        rest * start.pressure + share * end.pressure,
        rest * start.tilt + share * end.tilt,
    )


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
