"""Tips with a picture instead of a disc: chalk, bristles, whatever a file shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from core.errors import UnreadableImage
from core.images import read_image
from core.request import Pixels

MOST_SIDE = 2048
TURNS = 32
"""Directions that a turning tip may have."""


@dataclass(frozen=True, eq=False)
class Tip:
    """A picture of one dab.

    Attributes:
        name: As the presets call it: the file's name without its ending.
        pixels: uint8 (side, side), 255 covers; read-only.
        turns: Whether each dab has a direction of its own.
    """

    name: str
    pixels: Pixels
    turns: bool = False

    def side(self, size: float) -> int:
        """Side of the array that holds a dab of that size in any direction; odd."""
        reach = size / 2 * (math.sqrt(2) if self.turns else 1)
        return 2 * math.ceil(reach + 0.5) + 1

    def stamp(self, size: float, offset_x: float, offset_y: float, turn: int = 0) -> Pixels:
        """Coverage of one dab, uint8 of shape (side, side); placed as `stamps.disc` places it.

        Args:
            size: Pixels that the side of the tip's picture is scaled to.
            turn: Direction, in parts of a full circle; see `TURNS`.
        """
        side = self.side(size)
        source = self._scaled(math.ceil(size))
        scale, angle = size / source.shape[0], 2 * math.pi * turn / TURNS
        cos, sin = scale * math.cos(angle), scale * math.sin(angle)
        middle = (source.shape[0] - 1) / 2
        x, y = side // 2 - 0.5 + offset_x, side // 2 - 0.5 + offset_y
        way = np.array(
            [
                [cos, -sin, x - cos * middle + sin * middle],
                [sin, cos, y - sin * middle - cos * middle],
            ]
        )
        return np.asarray(cv2.warpAffine(source, way, (side, side)), np.uint8)

    def _scaled(self, side: int) -> Pixels:
        """The picture at about the size it will have, so that the rest of the way loses nothing."""
        near = next(c for c in self._copies if c.shape[0] >= side or c is self.pixels)
        way = cv2.INTER_AREA if near.shape[0] > side else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(near, (side, side), interpolation=way), np.uint8)

    @cached_property
    def _copies(self) -> Sequence[Pixels]:
        """The picture and its halves, smallest first."""
        copies = [self.pixels]
        while copies[0].shape[0] > 3:
            half = (copies[0].shape[0] + 1) // 2
            smaller = cv2.resize(copies[0], (half, half), interpolation=cv2.INTER_AREA)
            copies.insert(0, np.asarray(smaller, np.uint8))
        return copies


def read_tip(file: Path, turns: bool = False) -> Tip:
    """A tip from a picture file: what is opaque covers, or what is dark if all of it is opaque.

    Raises:
        UnreadableImage: missing, damaged, no picture, larger than 2048 pixels, or blank.
    """
    pixels = read_image(file)
    if max(pixels.shape[:2]) > MOST_SIDE:
        raise UnreadableImage(
            f"{file.name} is too large for a brush tip. Make it {MOST_SIDE} pixels or smaller."
        )
    see_through = pixels.shape[2] == 4 and pixels[..., 3].min() < 255
    grey = np.asarray(cv2.cvtColor(pixels[..., :3].copy(), cv2.COLOR_RGB2GRAY), np.uint8)
    coverage = pixels[..., 3] if see_through else 255 - grey
    if not coverage.any():
        raise UnreadableImage(f"{file.name} is blank: as a brush tip it would paint nothing.")
    return Tip(file.stem, _squared(coverage), turns)


def _squared(coverage: Pixels) -> Pixels:
    """The same in the middle of a square."""
    height, width = coverage.shape
    side = max(height, width)
    square = np.zeros((side, side), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = coverage
    square.flags.writeable = False
    return square
