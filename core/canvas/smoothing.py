"""From what a hand reports to the line it means: steadier, and round between two events."""

from __future__ import annotations

import math
from collections import deque

from core.canvas.dabs import Sample

Place = tuple[float, float]

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
        self._knots: deque[Sample] = deque(maxlen=4)
        self._newest: Sample | None = None

    def follow(self, sample: Sample) -> list[Sample]:
        """The piece of the line that is known now; nothing for a place that is not a number."""
        if not (math.isfinite(sample.x) and math.isfinite(sample.y)):
            return []
        self._newest = self._usable(sample)
        return self._reach(self._string.pulled_to(self._newest))

    def finish(self) -> list[Sample]:
        """The rest, up to the place where the pen was lifted."""
        if self._newest is None:
            return []
        last = self._reach(self._newest)
        if len(self._knots) == 1:
            return last
        before = self._knots[-3] if len(self._knots) > 2 else None
        return last + chords(before, self._knots[-2], self._knots[-1], None)

    def _reach(self, place: Sample) -> list[Sample]:
        """Take the next knot of the curve; one where the last one is only presses differently."""
        if not self._knots:
            self._knots.append(place)
            return [place]
        if _distance(place, self._knots[-1]) < 1e-6:
            self._knots[-1] = place
            return [place] if len(self._knots) == 1 else []
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
        self._start: Sample | None = None
        self._end: Sample | None = None

    def pulled_to(self, place: Sample) -> Sample:
        """Where the end is when the start has come to `place` straight from where it was."""
        if self._start is None or self._end is None or self._reach <= 0:
            self._end = place
        else:
            length = _distance(place, self._start)
            if length > 0:
                self._end = self._pulled(self._start, self._end, place, length)
        self._start = place
        return self._end

    def _pulled(self, start: Sample, end: Sample, place: Sample, length: float) -> Sample:
        lags = self._reach / length
        rest = math.exp(-length / self._reach)
        return Sample(
            *(
                new - (new - old) * lags + (far - old + (new - old) * lags) * rest
                for old, far, new in zip(start, end, place, strict=True)
            )
        )


def chords(before: Sample | None, start: Sample, end: Sample, after: Sample | None) -> list[Sample]:
    """The curve from `start` to `end` as short straight pieces, `start` left out.

    Without a neighbour on one side the curve bends there as on the other; without any it is
    straight. Pressure and tilt go evenly.
    """
    way = end.x - start.x, end.y - start.y
    leaving = None if before is None else _tangent(before, start, end, at_end=False)
    coming = None if after is None else _tangent(start, end, after, at_end=True)
    if leaving is None:
        leaving = way if coming is None else _mirrored(way, coming)
    if coming is None:
        coming = _mirrored(way, leaving)
    first = start.x + leaving[0] / 3, start.y + leaving[1] / 3
    second = end.x - coming[0] / 3, end.y - coming[1] / 3
    count = _chords_for(start[:2], first, second, end[:2])
    return [_on_curve(start, first, second, end, number / count) for number in range(1, count + 1)]


def _on_curve(start: Sample, first: Place, second: Place, end: Sample, share: float) -> Sample:
    """A point of the cubic Bézier curve with these control points."""
    rest = 1 - share
    a, b, c, d = rest**3, 3 * rest**2 * share, 3 * rest * share**2, share**3
    return Sample(
        a * start.x + b * first[0] + c * second[0] + d * end.x,
        a * start.y + b * first[1] + c * second[1] + d * end.y,
        start.pressure + share * (end.pressure - start.pressure),
        start.tilt + share * (end.tilt - start.tilt),
    )


def _tangent(a: Sample, b: Sample, c: Sample, at_end: bool) -> Place:
    """The curve's direction at `b`, per length of a piece: of b to c, or at_end of a to b."""
    near, far = (math.sqrt(max(_distance(p, q), 1e-9)) for p, q in ((a, b), (b, c)))
    piece = near if at_end else far
    x, y = (
        ((q - p) / near - (r - p) / (near + far) + (r - q) / far) * piece
        for p, q, r in zip(a[:2], b[:2], c[:2], strict=True)
    )
    return x, y


def _mirrored(way: Place, tangent: Place) -> Place:
    """The tangent at the other end of a piece that bends evenly."""
    return 2 * way[0] - tangent[0], 2 * way[1] - tangent[1]


def _chords_for(a: Place, b: Place, c: Place, d: Place) -> int:
    """So many that a Bézier curve and its chords are `TOLERANCE` apart (Wang, 1984)."""
    bend = max(_bend(a, b, c), _bend(b, c, d))
    return min(max(math.ceil(math.sqrt(0.75 * bend / TOLERANCE)), 1), MOST_CHORDS)


def _bend(a: Place, b: Place, c: Place) -> float:
    return math.hypot(a[0] - 2 * b[0] + c[0], a[1] - 2 * b[1] + c[1])


def _distance(one: Sample, other: Sample) -> float:
    return math.hypot(one.x - other.x, one.y - other.y)
