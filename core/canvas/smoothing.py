"""From what a hand reports to the line it means: steadier, and round between two events."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from core.canvas.dabs import Sample

Place = NDArray[np.float64]
"""x, y, pressure, tilt."""

TOLERANCE = 0.1
"""Pixels that the drawn chords may lie beside the curve."""
MOST_CHORDS = 64


class SmoothPath:
    """The way of one stroke, from its first sample to its last.

    The pen pulls a string, and the line is drawn at its other end; between the places where that
    end has been runs a centripetal Catmull-Rom curve (Yuksel, Schaefer and Keyser, "On the
    Parameterization of Catmull-Rom Curves", 2009), which has neither cusps nor loops. A piece of
    it is known when the next place is, so the line is one event behind until `finish`.

    With the same samples it gives the same line, however fast they come.
    """

    def __init__(self, reach: float = 0.0) -> None:
        """`reach` is the length of the string in pixels; 0 goes through every sample."""
        self._string = PulledString(reach)
        self._knots: deque[Place] = deque(maxlen=4)
        self._newest: Sample | None = None

    def follow(self, sample: Sample) -> list[Sample]:
        """The piece of the line that is known now; nothing for a place that is not a number."""
        if not (math.isfinite(sample.x) and math.isfinite(sample.y)):
            return []
        self._newest = self._usable(sample)
        return self._reach(self._string.pulled_to(np.array(self._newest)))

    def finish(self) -> list[Sample]:
        """The rest, up to the place where the pen was lifted."""
        if self._newest is None:
            return []
        last = self._reach(np.array(self._newest))
        if len(self._knots) == 1:
            return last
        before = self._knots[-3] if len(self._knots) > 2 else None
        return last + chords(before, self._knots[-2], self._knots[-1], None)

    def _reach(self, place: Place) -> list[Sample]:
        """Take the next knot of the curve; one where the last one is only presses differently."""
        if not self._knots:
            self._knots.append(place)
            return [_sample(place)]
        if np.hypot(*(place - self._knots[-1])[:2]) < 1e-6:
            self._knots[-1] = place
            return [_sample(place)] if len(self._knots) == 1 else []
        self._knots.append(place)
        if len(self._knots) < 3:
            return []
        before = self._knots[0] if len(self._knots) == 4 else None
        return chords(before, self._knots[-3], self._knots[-2], self._knots[-1])

    def _usable(self, sample: Sample) -> Sample:
        """Pressure and tilt within 0 to 1; what is not a number stays as it was."""
        before = self._newest or Sample(0, 0)
        pressure = before.pressure if math.isnan(sample.pressure) else sample.pressure
        tilt = before.tilt if math.isnan(sample.tilt) else sample.tilt
        return Sample(sample.x, sample.y, min(max(pressure, 0.0), 1.0), min(max(tilt, 0.0), 1.0))


class PulledString:
    """What lies at the end of a soft string follows its start, and shakes less.

    The end moves towards the start by the part 1 / reach for each pixel that the start moves.
    Along a straight way this has a closed solution, so that a way cut into several gives the same.
    """

    def __init__(self, reach: float) -> None:
        self._reach = reach
        self._start: Place | None = None
        self._end: Place | None = None

    def pulled_to(self, place: Place) -> Place:
        """Where the end is when the start has come to `place` straight from where it was."""
        if self._start is None or self._end is None or self._reach <= 0:
            self._end = place
        else:
            way = place - self._start
            length = float(np.hypot(way[0], way[1]))
            if length > 0:
                lag = way * (self._reach / length)
                rest = math.exp(-length / self._reach)
                self._end = place - lag + (self._end - self._start + lag) * rest
        self._start = place
        return self._end


def chords(before: Place | None, start: Place, end: Place, after: Place | None) -> list[Sample]:
    """The curve from `start` to `end` as short straight pieces, `start` left out.

    Without a neighbour on one side the curve bends there as on the other; without any it is
    straight. Pressure and tilt go evenly.
    """
    way = end - start
    leaving = None if before is None else _tangent(before, start, end, at_end=False)
    coming = None if after is None else _tangent(start, end, after, at_end=True)
    if leaving is None:
        leaving = way if coming is None else 2 * way - coming
    if coming is None:
        coming = 2 * way - leaving
    first, second = start + leaving / 3, end - coming / 3
    count = _chords_for(start, first, second, end)
    shares = (np.arange(1, count + 1) / count)[:, np.newaxis]
    rest = 1 - shares
    curve = (
        rest**3 * start + 3 * rest**2 * shares * first + 3 * rest * shares**2 * second
    ) + shares**3 * end
    curve[:, 2:] = start[2:] + shares * way[2:]
    return [Sample(*row) for row in curve.tolist()]


def _tangent(a: Place, b: Place, c: Place, at_end: bool) -> Place:
    """The curve's direction at `b`, per length of a piece: of b to c, or at_end of a to b."""
    near, far = (math.sqrt(max(math.dist(p[:2], q[:2]), 1e-9)) for p, q in ((a, b), (b, c)))
    slope = (b - a) / near - (c - a) / (near + far) + (c - b) / far
    return np.asarray(slope * (near if at_end else far))


def _chords_for(a: Place, b: Place, c: Place, d: Place) -> int:
    """So many that a Bézier curve and its chords are `TOLERANCE` apart (Wang, 1984)."""
    bend = max(np.hypot(*(a - 2 * b + c)[:2]), np.hypot(*(b - 2 * c + d)[:2]))
    return min(max(math.ceil(math.sqrt(0.75 * bend / TOLERANCE)), 1), MOST_CHORDS)


def _sample(place: Place) -> Sample:
    return Sample(*place.tolist())
