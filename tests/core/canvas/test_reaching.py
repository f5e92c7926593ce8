"""Edges moved far: by the slow and plain way the same, and computed only where they come to lie."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from core.canvas.edges import Edit, feathered, grown, shrunk
from core.canvas.selection import from_pixels
from core.canvas.shapes import ellipse
from core.canvas.tiles import FULL_TILE, TiledSurface
from core.geometry import Rect, Size

SIZE = Size(777, 530)  # four tiles across and three down; the last ones end within a cell
WHOLE = Rect.of_size(SIZE)
SHAPE = (SIZE.height, SIZE.width)


def most_within(pixels: np.ndarray, radius: int) -> np.ndarray:
    """The greatest of the greys that lie near enough, by the distance to each of them."""
    result = pixels.copy()
    for grey in np.unique(pixels[pixels > 0]):
        far = cv2.distanceTransform(
            (pixels != grey).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
        )
        result[np.rint(far * far) <= radius**2] = grey  # in the order of the greys
    return result


def blank() -> np.ndarray:
    return np.zeros(SHAPE, np.uint8)


def specks() -> np.ndarray:
    """A few grey pixels, far from each other."""
    rng, pixels = np.random.default_rng(5), blank()
    pixels[rng.integers(0, SHAPE[0], 9), rng.integers(0, SHAPE[1], 9)] = rng.integers(1, 256, 9)
    return pixels


def ramp() -> np.ndarray:
    """Grey nearly everywhere, in stripes."""
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    return ((x * 5 + y * 3) // 230 % 5 * 60).astype(np.uint8)


def soft_disc() -> np.ndarray:
    return feathered(ellipse(Rect(250, 130, 260, 220), SIZE), 40).read(WHOLE) // 50 * 51


def maze() -> np.ndarray:
    pixels = blank()
    pixels[300:420:2, 120:700] = 255
    return pixels


def corner() -> np.ndarray:
    """A box at the canvas's own edges, with noise in it."""
    pixels = blank()
    pixels[350:, 500:] = np.random.default_rng(2).choice([0, 0, 9, 90, 255], (180, 277))
    return pixels


@pytest.mark.parametrize("radius", [3, 9, 33, 128, 200, 300, 512])
@pytest.mark.parametrize("drawn", [specks, ramp, soft_disc, maze, corner])
def test_far_and_near_edges_move_by_the_same_disc(
    drawn: Callable[[], np.ndarray], radius: int
) -> None:
    pixels = drawn()
    expected = most_within(pixels, radius)
    moved = grown(from_pixels(pixels, WHOLE, SIZE), radius)
    assert np.array_equal(moved.read(WHOLE), expected)
    moved = shrunk(from_pixels(~pixels, WHOLE, SIZE), radius)
    assert np.array_equal(moved.read(WHOLE), ~expected)
    for key, tile in moved.tiles.items():  # beyond the canvas there is nothing
        beyond = Rect(-256 * key[0], -256 * key[1], *SIZE).slices()
        assert np.count_nonzero(tile) == np.count_nonzero(
            tile[0 : beyond[0].stop, : beyond[1].stop]
        )


@pytest.mark.parametrize("edit", [grown, shrunk])
@pytest.mark.parametrize("radius", [40, 400])
def test_only_where_the_edge_comes_to_lie_anything_is_computed(edit: Edit, radius: int) -> None:
    size, looked_at = Size(2048, 2048), list[None]()
    half = TiledSurface(1, size)
    half.fill(Rect(0, 0, 1000, 2048))
    moved = edit(half, radius, lambda: looked_at.append(None))
    edge = 1000 + (radius if edit is grown else -radius)
    expected = np.zeros((2048, 2048), np.uint8)
    expected[:, :edge] = 255
    assert np.array_equal(moved.read(half.bounds), expected)
    assert 8 <= len(looked_at) <= 16
    assert all(moved.tiles[tx, ty] is FULL_TILE[1] for tx in range(edge // 256) for ty in range(8))
    assert max(tx for tx, _ in moved.tiles) == edge // 256
