"""Reduced tiles: what is renewed after a change equals what is made anew."""

from __future__ import annotations

import numpy as np
import pytest

from core.canvas.appearance import SurfaceTiles
from core.canvas.pyramid import TilePyramid
from core.canvas.tiles import EMPTY_TILE, FULL_TILE, TiledSurface
from core.geometry import Rect, Size

SIDE = 2300  # of no multiple of a tile, and more than one tile of level 3


def surface_of(channels: int, paper: bool) -> TiledSurface:
    surface = TiledSurface(channels, Size(SIDE, SIDE))
    if paper:
        surface.fill(surface.bounds)
    return surface


def white(rect: Rect, channels: int) -> np.ndarray:
    shape = (rect.height, rect.width, channels) if channels > 1 else (rect.height, rect.width)
    return np.full(shape, 255, np.uint8)


def noise(rng: np.random.Generator, rect: Rect, channels: int) -> np.ndarray:
    return rng.integers(0, 256, white(rect, channels).shape, np.uint8)


def some_rect(rng: np.random.Generator, longest: int) -> Rect:
    x, y = (int(v) for v in rng.integers(0, SIDE - 1, 2))
    width, height = (int(v) for v in rng.integers(1, longest, 2))
    return Rect(x, y, min(width, SIDE - x), min(height, SIDE - y))


def keys(level: int) -> list[tuple[int, int]]:
    count = -(-SIDE // (256 << level))
    return [(x, y) for y in range(count) for x in range(count)]


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("paper", [True, False], ids=["white paper", "empty"])
@pytest.mark.parametrize("longest", [9, 700, 2000])
def test_what_has_changed_is_renewed_at_every_level(
    channels: int, paper: bool, longest: int
) -> None:
    rng = np.random.default_rng(longest)
    surface = surface_of(channels, paper)
    pyramid = TilePyramid(channels, SurfaceTiles(surface))
    for level in (1, 2, 3, 4):
        for key in keys(level):
            pyramid.tile(key, level)
    for turn in range(12):
        rect = some_rect(rng, longest)
        surface.write(rect, noise(rng, rect, channels))
        pyramid.invalidate(rect)
        fresh = TilePyramid(channels, SurfaceTiles(surface))
        # Looked at from one distance at a time: the levels between stay as they are for a while.
        level = (3, 3, 1, 4, 2, 3)[turn % 6]
        for key in keys(level):
            assert np.array_equal(pyramid.tile(key, level), fresh.tile(key, level)), (turn, key)


@pytest.mark.parametrize("constant", [EMPTY_TILE[4], FULL_TILE[4]], ids=["empty", "white"])
def test_a_change_that_changes_nothing_takes_no_memory(constant: np.ndarray) -> None:
    surface = surface_of(4, paper=constant is FULL_TILE[4])
    pyramid = TilePyramid(4, SurfaceTiles(surface))
    assert pyramid.tile((0, 0), 2) is constant
    pyramid.invalidate(Rect(30, 40, 500, 200))
    assert pyramid.tile((0, 0), 2) is constant
    surface.write(Rect(30, 40, 8, 8), np.full((8, 8, 4), 128, np.uint8))
    pyramid.invalidate(Rect(30, 40, 8, 8))
    assert pyramid.tile((0, 0), 2) is not constant
    assert not pyramid.tile((0, 0), 2).flags.writeable
