"""Where the tiles of a large picture lie, and how they are joined without a seam."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.geometry import Rect, Size
from core.request import Pixels


class Tile(NamedTuple):
    """One tile: its row and column, from 0, and its place in the padded picture."""

    row: int
    column: int
    rect: Rect


@dataclass(frozen=True)
class TilePlan:
    """Equal tiles over a picture, each overlapping its neighbours.

    Attributes:
        size: Of the picture.
        padded: The same, with both sides rounded up to what the model takes.
        tile: Of one tile; no larger than `padded`.
        overlap: Pixels in which two neighbours are mixed; they may have more in common.
    """

    size: Size
    padded: Size
    tile: Size
    overlap: int
    columns: tuple[int, ...]
    rows: tuple[int, ...]

    @classmethod
    def of(cls, size: Size, tile: Size, overlap: int, step: int) -> TilePlan:
        """The plan with the fewest tiles.

        Args:
            tile: At most; whole multiples of `step`, eight of them or more.
            overlap: At least, from 1 to a quarter of the tile's shorter side: more, and three
                tiles in a row would have pixels in common.
            step: Of which all places and sizes are whole multiples.
        """
        padded = Size(*(-(-side // step) * step for side in size))
        tile = Size(min(tile.width, padded.width), min(tile.height, padded.height))
        wide = -(-overlap // step) * step
        return cls(
            size,
            padded,
            tile,
            overlap,
            _places(padded.width, tile.width, wide, step),
            _places(padded.height, tile.height, wide, step),
        )

    @property
    def count(self) -> int:
        """How many tiles there are."""
        return len(self.columns) * len(self.rows)

    def __iter__(self) -> Iterator[Tile]:
        """Row by row."""
        for (row, y), (column, x) in itertools.product(
            enumerate(self.rows), enumerate(self.columns)
        ):
            yield Tile(row, column, Rect(x, y, self.tile.width, self.tile.height))

    @cached_property
    def shares(self) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
        """How much of each pixel comes from a tile, across for each column and down for each row.

        Float32 from 0 to 1; what all tiles give of one pixel is 1 in sum.
        """
        return (
            _shares(self.columns, self.tile.width, self.overlap),
            _shares(self.rows, self.tile.height, self.overlap),
        )


class JoinedTiles:
    """Takes the tiles of a plan, row by row, and mixes them in float32 where they overlap.

    Besides the picture no more than one row of tiles is in memory.
    """

    def __init__(self, plan: TilePlan) -> None:
        self._plan = plan
        self._picture = np.empty((plan.size.height, plan.size.width, 3), np.uint8)
        self._band = np.zeros((plan.tile.height, plan.padded.width, 3), np.float32)

    def lay(self, tile: Tile, pixels: Pixels) -> None:
        """Lay a tile, uint8 (h, w, 3), into its place; the last of a row finishes the row."""
        across, down = self._plan.shares
        share = down[tile.row][:, None] * across[tile.column][None, :]
        columns = tile.rect.slices()[1]
        self._band[:, columns] += pixels * share[..., None]
        if tile.column == len(self._plan.columns) - 1:
            self._finish_row(tile.row)

    @property
    def picture(self) -> Pixels:
        """The whole picture, uint8 (h, w, 3), once every tile was laid."""
        return self._picture

    def _finish_row(self, row: int) -> None:
        """What no later row reaches is done; the rest becomes the top of the next band."""
        top, size = self._plan.rows[row], self._plan.size
        is_last = row == len(self._plan.rows) - 1
        end = self._plan.padded.height if is_last else self._plan.rows[row + 1]
        done = self._band[: end - top, : size.width]
        target = self._picture[top:end]
        np.clip(np.rint(done[: len(target)]), 0, 255, out=done[: len(target)])
        target[:] = done[: len(target)]
        if not is_last:
            rest = self._band[end - top :].copy()
            self._band[:] = 0
            self._band[: len(rest)] = rest


def _places(length: int, tile: int, overlap: int, step: int) -> tuple[int, ...]:
    """Where tiles begin: the first at 0, the last at the end, the others evenly between."""
    if tile >= length:
        return (0,)
    count = math.ceil((length - overlap) / (tile - overlap))
    room = (length - tile) // step
    return tuple(room * number // (count - 1) * step for number in range(count))


def _shares(places: tuple[int, ...], length: int, overlap: int) -> list[NDArray[np.float32]]:
    found = []
    for number, place in enumerate(places):
        x = np.arange(place, place + length, dtype=np.float32) + 0.5
        share = np.ones(length, np.float32)
        if number > 0:
            share *= _rising(x, (place + places[number - 1] + length) / 2, overlap)
        if number < len(places) - 1:
            share *= 1 - _rising(x, (places[number + 1] + place + length) / 2, overlap)
        found.append(share)
    return found


def _rising(x: NDArray[np.float32], centre: float, width: int) -> NDArray[np.float32]:
    """From 0 to 1 over `width` pixels about `centre`, without a kink at either end.

    The smoothstep polynomial ``3 t² - 2 t³``.
    """
    t = np.clip((x - centre) / width + 0.5, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
