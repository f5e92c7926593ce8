"""A round brush: what its stamp covers, and where stamps fall along a stroke.

Positions are in document pixels, continuous: the centre of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidRequest
from core.geometry import Rect
from core.request import Pixels

Dabs = NDArray[np.float64]
"""Rows of x, y, pressure."""

SMALLEST_STEP = 0.5
LINE_SPACING = 0.25
_SOFT_EDGE = 16.0
_PHASES = 4
_NUDGE = 1e-6  # a centre exactly between two phases must not depend on its last bit


@dataclass(frozen=True)
class Brush:
    """What is painted with.

    Attributes:
        size: Diameter in pixels, 1 to 1000.
        hardness: 0 fades from the centre on, 1 has an edge one pixel wide.
        opacity: 0 to 1; the most a whole stroke can do, however often it crosses itself.
        flow: 0 to 1; how far a single dab goes towards what it covers.
        spacing: Distance of two dabs as a fraction of the diameter, 0.01 to 10.
        colour: Red, green, blue, 0 to 255; a mask does not look at it.
        erases: Takes away instead of painting.

    Raises:
        InvalidRequest: a number lies outside its range or is not a number.
    """

    size: float = 32.0
    hardness: float = 0.8
    opacity: float = 1.0
    flow: float = 1.0
    spacing: float = 0.1
    colour: tuple[int, int, int] = (0, 0, 0)
    erases: bool = False

    def __post_init__(self) -> None:
        _require("size", self.size, 1, 1000)
        _require("hardness", self.hardness, 0, 1)
        _require("opacity", self.opacity, 0, 1)
        _require("flow", self.flow, 0, 1)
        _require("spacing", self.spacing, 0.01, 10)
        for value in self.colour:
            _require("colour", value, 0, 255)

    @property
    def step(self) -> float:
        """Pixels from dab to dab.

        Where the spacing means a line (up to 0.25), a large brush steps no further than the root
        of its size: the edge of a row of discs ripples by step² / (4 size), so by 1/4 pixel.
        """
        step = self.spacing * self.size
        if self.spacing <= LINE_SPACING:
            step = min(step, math.sqrt(self.size))
        return max(step, SMALLEST_STEP)

    @property
    def phases(self) -> int:
        """Sub-pixel positions of the stamp in each direction; one where the edge is softer."""
        return 1 if self.size / 2 * (1 - self.hardness) >= _SOFT_EDGE else _PHASES

    def stamp(self, phase_x: int, phase_y: int) -> Pixels:
        """Coverage of one dab; see `disc`."""
        phases = self.phases
        return disc(self.size, self.hardness, phase_x / phases, phase_y / phases)

    def placed(self, dabs: Dabs) -> list[Placed]:
        """Where the stamps lie, to the nearest phase."""
        phases, half = self.phases, stamp_side(self.size) // 2
        snapped = np.floor(dabs[:, :2] * phases + (0.5 + _NUDGE)).astype(np.int64)
        corner, phase = np.divmod(snapped, phases)
        return list(map(Placed, *(corner - half).T.tolist(), *phase.T.tolist()))


class Placed(NamedTuple):
    """One stamp: its upper left pixel, and its phases."""

    left: int
    top: int
    phase_x: int
    phase_y: int


class Sample(NamedTuple):
    """One event of the pen or mouse: where, and how hard (0 to 1)."""

    x: float
    y: float
    pressure: float


def stamp_side(size: float) -> int:
    """Side of the array that holds a dab of that diameter at any sub-pixel position."""
    return 2 * math.ceil(size / 2 + 0.5) + 1


@lru_cache(maxsize=48)
def disc(size: float, hardness: float, offset_x: float, offset_y: float) -> Pixels:
    """Coverage of a round dab, uint8 of shape (side, side), read-only.

    The centre lies `side // 2` pixels plus the offset (0 to 1) from the upper left corner. With
    hardness 1 the coverage falls in a straight line over the pixel around the edge, which is the
    disc's area in each pixel to within a few percent; a softer edge is a smoothstep (3t² - 2t³).
    """
    side = stamp_side(size)
    centres = np.arange(side, dtype=np.float32) + np.float32(0.5 - side // 2)
    across, down = centres - np.float32(offset_x), centres - np.float32(offset_y)
    width = max(size / 2 * (1 - hardness), 1.0)
    outer = size / 2 + 0.5 / width
    share = np.add.outer(down * down, across * across)
    np.sqrt(share, out=share)
    np.subtract(np.float32(outer), share, out=share)
    np.clip(np.multiply(share, np.float32(1 / width), out=share), 0, 1, out=share)
    if width > 1:
        rise = np.float32(3) - 2 * share
        rise *= share
        share *= rise
    share *= np.float32(255)
    coverage = np.rint(share, out=share).astype(np.uint8)
    coverage.flags.writeable = False
    return coverage


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
        return np.empty((0, 3)), to_next - length
    enter, leave = _inside(start, end, within)
    first = max(0, math.ceil((enter * length - to_next) / step - 1e-9))
    last = min(count - 1, math.floor((leave * length - to_next) / step + 1e-9))
    along = (to_next + np.arange(first, last + 1) * step) / max(length, 1e-12)
    origin = np.array(start)
    dabs = origin + along[:, np.newaxis] * (np.array(end) - origin)
    return dabs, to_next + count * step - length


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


def _require(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise InvalidRequest(
            f"The brush's {name} is {value:g}; it must lie between {least:g} and {most:g}."
        )
