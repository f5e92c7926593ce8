"""What pressing harder, or leaning the pen, does to a brush."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Any

from core.errors import InvalidRequest

Point = tuple[float, float]

STRAIGHT: tuple[Point, ...] = ((0.0, 0.0), (1.0, 1.0))
MOST_POINTS = 12


class Sensor(StrEnum):
    """What of the pen is asked."""

    PRESSURE = "pressure"
    TILT = "tilt"


@dataclass(frozen=True)
class Curve:
    """A smooth curve through a few points that rises and falls only as they do.

    Attributes:
        points: (in, out), both 0 to 1; the first in is 0, the last is 1, each larger than the one
            before. Two to twelve.

    Raises:
        InvalidRequest: the points are not so.
    """

    points: tuple[Point, ...] = STRAIGHT

    def __post_init__(self) -> None:
        ins = [x for x, _ in self.points]
        right = (
            2 <= len(self.points) <= MOST_POINTS
            and (ins[0], ins[-1]) == (0, 1)
            and all(a < b for a, b in pairwise(ins))
            and all(0 <= y <= 1 for _, y in self.points)
        )
        if not right:
            raise InvalidRequest(
                f"A curve has 2 to {MOST_POINTS} points from 0 to 1, from left to right."
            )

    def at(self, value: float) -> float:
        """What comes out, 0 to 1; `value` is held within 0 to 1.

        Between two points it is a cubic with the slopes of Fritsch and Butland ("A method for
        constructing local monotone piecewise cubic interpolants", 1984), which never overshoots.
        """
        if value >= 1.0:  # a mouse's pressure, so mostly
            return self.points[-1][1]
        value = max(value, 0.0)
        right = min(bisect_right([x for x, _ in self.points], value), len(self.points) - 1)
        (x0, y0), (x1, y1) = self.points[right - 1 : right + 1]
        width = x1 - x0
        t = (value - x0) / width
        m0, m1 = (self._slopes[i] * width for i in (right - 1, right))
        out = y0 + t * (m0 + t * (3 * (y1 - y0) - 2 * m0 - m1 + t * (m0 + m1 - 2 * (y1 - y0))))
        return min(max(out, 0.0), 1.0)

    @cached_property
    def _slopes(self) -> list[float]:
        steps = [(y1 - y0) / (x1 - x0) for (x0, y0), (x1, y1) in pairwise(self.points)]
        inner = [2 * a * b / (a + b) if a * b > 0 else 0.0 for a, b in pairwise(steps)]
        return [steps[0], *inner, steps[-1]]


@dataclass(frozen=True)
class Response:
    """How one property of the brush follows the pen.

    Attributes:
        curve: From what the sensor says to the part of the property that is left.
        sensor: What is asked; a mouse presses with 1 and stands upright.
        is_on: Whether it follows at all; the curve is kept either way.
    """

    curve: Curve = Curve()
    sensor: Sensor = Sensor.PRESSURE
    is_on: bool = False

    def at(self, pressure: float, tilt: float) -> float:
        """The part of the property, 0 to 1; all of it where nothing is followed."""
        if not self.is_on:
            return 1.0
        return self.curve.at(pressure if self.sensor is Sensor.PRESSURE else tilt)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Response:
        """What `asdict` made, after JSON.

        Raises:
            InvalidRequest: it is something else.
        """
        try:
            points = tuple((_number(x), _number(y)) for x, y in record["curve"]["points"])
            return cls(Curve(points), Sensor(record["sensor"]), bool(record["is_on"]))
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise InvalidRequest(
                "The brush's pen settings cannot be read. Choose another preset."
            ) from error


@dataclass(frozen=True)
class BrushDynamics:
    """Which properties of a brush follow the pen, and how.

    Attributes:
        size: Part of the diameter.
        opacity: Part of the opacity that a dab may reach.
        flow: Part of the flow.
        strength: Part of the strength where a mask is painted; the canvas takes it for opacity.
    """

    size: Response = Response()
    opacity: Response = Response()
    flow: Response = Response()
    strength: Response = Response()

    @property
    def for_mask(self) -> BrushDynamics:
        """The same for a mask: its strength takes the place of opacity, and flow is whole."""
        return BrushDynamics(size=self.size, opacity=self.strength)

    @property
    def for_plain_mask(self) -> BrushDynamics:
        """The same where a mask is all or nothing: only the size follows the pen."""
        return BrushDynamics(size=self.size)

    @property
    def is_on(self) -> bool:
        """Whether anything follows the pen."""
        return self.size.is_on or self.opacity.is_on or self.flow.is_on

    def to_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> BrushDynamics:
        """What `to_dict` made; what is missing follows nothing.

        Raises:
            InvalidRequest: it is something else.
        """
        if not isinstance(record, Mapping):
            raise InvalidRequest("The brush's pen settings cannot be read. Choose another preset.")
        names = [name for name in ("size", "opacity", "flow", "strength") if name in record]
        return cls(**{name: Response.from_dict(record[name]) for name in names})


STEADY = BrushDynamics()
"""Follows nothing."""

NATURAL = BrushDynamics(
    size=Response(Curve(((0.0, 0.05), (1.0, 1.0))), is_on=True), strength=Response(is_on=True)
)
"""What a pen does before anybody sets it: pressed harder, it paints wider, and masks more."""


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(value)
    return float(value)
