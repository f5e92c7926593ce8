"""A brush: what its dabs cover, how they follow the pen, and how far apart they fall."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from core.canvas.dabs import Sample
from core.canvas.dynamics import STEADY, BrushDynamics
from core.canvas.stamps import StampCache, disc, stamp_side
from core.canvas.tips import TURNS, Tip
from core.errors import InvalidRequest
from core.request import Pixels

SMALLEST_STEP = 0.5
LINE_SPACING = 0.25
_SOFT_EDGE = 16.0
_PHASES = 4
_NUDGE = 1e-6  # a centre exactly between two phases must not depend on its last bit
_FINEST_RUNG = 0.125  # pixels; sizes in between share a stamp
_RUNGS = 128  # and above 16 pixels, so many sizes share an octave

_stamps = StampCache()


class Placed(NamedTuple):
    """One dab on the pixels.

    Attributes:
        left, top: Its upper left pixel.
        size: Diameter in pixels.
        phase_x, phase_y: Its sub-pixel position, in phases of the brush at that size.
        turn: Direction of its tip.
        most: 0 to 255; how far it may cover.
        gain: 0 to 255; how far it goes there at once.
    """

    left: int
    top: int
    size: float
    phase_x: int
    phase_y: int
    turn: int
    most: int
    gain: int


@dataclass(frozen=True)
class Brush:
    """What is painted with.

    Attributes:
        size: Diameter in pixels, 1 to 1000.
        hardness: 0 fades from the centre on, 1 has an edge one pixel wide; a tip has its own edge.
        opacity: 0 to 1; the most a whole stroke can do, however often it crosses itself.
        flow: 0 to 1; how far a single dab goes towards what it covers.
        spacing: Distance of two dabs as a fraction of the diameter, 0.01 to 10.
        colour: Red, green, blue, 0 to 255; a mask does not look at it.
        erases: Takes away instead of painting.
        strength: 0 to 1; what a mask becomes where it is fully covered. Colour is not touched.
        dynamics: How size, opacity and flow follow the pen.
        tip: The picture of a dab; None is a disc.

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
    strength: float = 1.0
    dynamics: BrushDynamics = STEADY
    tip: Tip | None = None

    def __post_init__(self) -> None:
        _require("size", self.size, 1, 1000)
        _require("spacing", self.spacing, 0.01, 10)
        for name in ("hardness", "opacity", "flow", "strength"):
            _require(name, getattr(self, name), 0, 1)
        for value in self.colour:
            _require("colour", value, 0, 255)

    @property
    def step(self) -> float:
        """Pixels from dab to dab at the full size; see `step_at`."""
        return self._step(self.size)

    def step_at(self, pressure: float, tilt: float) -> float:
        """Pixels from a dab of a pen held so to the next dab.

        Where the spacing means a line (up to 0.25), a large brush steps no further than the root
        of its size: the edge of a row of discs ripples by step² / (4 size), so by 1/4 pixel.
        """
        return self._step(max(1.0, self.size * self.dynamics.size.at(pressure, tilt)))

    def _step(self, size: float) -> float:
        step = self.spacing * size
        if self.spacing <= LINE_SPACING and self.tip is None:
            step = min(step, math.sqrt(size))
        return max(step, SMALLEST_STEP)

    def side(self, size: float) -> int:
        """Side of the array that holds a dab of that diameter."""
        return stamp_side(size) if self.tip is None else self.tip.side(size)

    def phases(self, size: float) -> int:
        """Sub-pixel positions of a stamp in each direction; one where the edge is softer."""
        is_soft = self.tip is None and size / 2 * (1 - self.hardness) >= _SOFT_EDGE
        return 1 if is_soft else _PHASES

    def placed(self, dab: Sample, number: int = 0) -> Placed:
        """What a dab puts on the pixels, at the nearest phase.

        Args:
            number: How many dabs the stroke had before; a turning tip looks at it.
        """
        held = dab.pressure, dab.tilt
        size = self._size_at(*held)
        phases, half = self.phases(size), self.side(size) // 2
        left, phase_x = divmod(math.floor(dab.x * phases + (0.5 + _NUDGE)), phases)
        top, phase_y = divmod(math.floor(dab.y * phases + (0.5 + _NUDGE)), phases)
        most = round(255 * self.dynamics.opacity.at(*held))
        gain = round(255 * self.flow * self.dynamics.flow.at(*held))
        turn = self._turn(number)
        return Placed(left - half, top - half, size, phase_x, phase_y, turn, most, gain)

    def _size_at(self, pressure: float, tilt: float) -> float:
        """The diameter of a dab, 1 at least."""
        response = self.dynamics.size
        if not response.is_on:
            return self.size
        return _rung(max(1.0, self.size * response.at(pressure, tilt)))

    def _turn(self, number: int) -> int:
        """A direction that looks like chance and is the same every time."""
        if self.tip is None or not self.tip.turns:
            return 0
        return (number * 2654435761 >> 7) % TURNS

    def stamp(self, dab: Placed) -> Pixels:
        """Coverage of that dab, uint8 (side, side), read-only; no more than its `most`."""
        name = (self.tip or self.hardness, dab.size, dab.phase_x, dab.phase_y, dab.turn)
        stamp = _stamps.get(name, lambda: self._made(dab))
        if dab.most == 255:
            return stamp
        return np.asarray(cv2.convertScaleAbs(stamp, alpha=dab.most / 255), np.uint8)

    def _made(self, dab: Placed) -> Pixels:
        phases = self.phases(dab.size)
        x, y = dab.phase_x / phases, dab.phase_y / phases
        if self.tip is None:
            return disc(dab.size, self.hardness, x, y)
        return self.tip.stamp(dab.size, x, y, dab.turn)


def _rung(size: float) -> float:
    """The size, to within half a per cent or a sixteenth of a pixel, whichever is more."""
    step = max(2 ** math.floor(math.log2(size)) / _RUNGS, _FINEST_RUNG)
    return round(size / step) * step


def _require(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise InvalidRequest(
            f"The brush's {name} is {value:g}; it must lie between {least:g} and {most:g}."
        )
