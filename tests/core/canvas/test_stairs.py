"""Soft edges of the wand: against what an edge through the stairs really covers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core.canvas import Document
from core.canvas.bucket import FillWork, Pour
from core.canvas.selection import from_pixels
from core.canvas.stairs import softened
from core.canvas.wand import alike
from core.canvas.working import work_here
from core.geometry import Point, Rect, Size

Shape = Callable[[np.ndarray, np.ndarray], np.ndarray]
SIZE = Size(600, 520)
WHOLE = Rect(0, 0, *SIZE)


def soft(inside: np.ndarray) -> np.ndarray:
    """The region of these pixels (bool), softened, as shares of 1."""
    hard = np.where(inside, 255, 0).astype(np.uint8)
    return softened(from_pixels(hard, WHOLE, SIZE)).read(WHOLE) / 255


def places() -> tuple[np.ndarray, np.ndarray]:
    """Centres of all pixels: x and y."""
    y, x = np.mgrid[0 : SIZE.height, 0 : SIZE.width] + 0.5
    return x, y


def coverage(is_inside: Shape, steps: int = 5) -> np.ndarray:
    """What a shape covers of each pixel, by samples."""
    x, y = places()
    offsets = (np.arange(steps) + 0.5) / steps - 0.5
    inside = np.zeros(x.shape)
    for dx in offsets:
        for dy in offsets:
            inside += is_inside(x + dx, y + dy)
    return inside / steps**2


def test_an_edge_at_45_degrees_is_covered_exactly() -> None:
    x, y = places()
    covered = np.select([x + y < 500, x + y == 500, x + y == 501], [1, 7 / 8, 1 / 8], 0)
    assert np.abs(soft(x + y < 500.5) - covered)[5:-5, 5:-5].max() < 0.003


@pytest.mark.parametrize("slope", [0.25, 0.5, 2.0, 3.0])
def test_any_slanting_edge_is_nearer_to_the_truth(slope: float) -> None:
    x, y = places()

    def below(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return y < 60 + slope * x * 0.8

    inside, covered = below(x, y), coverage(below)
    edge = (covered > 0) & (covered < 1)
    hard_error = np.abs(inside - covered)[edge].mean()
    assert np.abs(soft(inside) - covered)[edge].mean() < 0.75 * hard_error


def test_a_disc_across_tiles_is_nearer_to_the_truth() -> None:
    x, y = places()

    def disc(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x - 256) ** 2 + (y - 256) ** 2 < 200**2

    inside, covered = disc(x, y), coverage(disc)
    edge = (covered > 0) & (covered < 1)
    assert np.abs(soft(inside) - covered)[edge].mean() < 0.6 * np.abs(inside - covered)[edge].mean()
    far = ~edge
    assert np.array_equal(soft(inside)[far] >= 0.5, inside[far])


@pytest.mark.parametrize(
    "rect", [Rect(10, 20, 300, 40), Rect(256, 0, 100, 256), Rect(0, 0, 600, 520)]
)
def test_level_edges_stay_hard_but_for_their_corners(rect: Rect) -> None:
    inside = np.zeros((SIZE.height, SIZE.width), bool)
    inside[rect.slices()] = True
    different = soft(inside) != inside
    x = {rect.x, rect.right - 1}
    y = {rect.y, rect.bottom - 1}
    assert {(int(b), int(a)) for a, b in zip(*np.nonzero(different), strict=True)} <= {
        (a, b) for a in x for b in y
    }


def test_lines_holes_and_specks_one_pixel_wide_stay() -> None:
    inside = np.zeros((SIZE.height, SIZE.width), bool)
    inside[100:400, 100:400] = True
    inside[250, 50:550] = False  # a line through it, and on either side a line of its own
    inside[460, 100:400] = True
    inside[200:220:2, 200:220:2] = False
    inside[480:500:2, 200:220:2] = True
    result = soft(inside)
    for rows, columns in (
        (slice(250, 251), slice(150, 350)),
        (slice(460, 461), slice(110, 390)),
        (slice(198, 222), slice(198, 222)),
        (slice(478, 502), slice(198, 222)),
    ):
        assert np.array_equal(result[rows, columns], inside[rows, columns])


def test_the_wand_and_the_bucket_use_it_where_they_are_asked() -> None:
    x, y = places()
    disc = (x - 300) ** 2 + (y - 260) ** 2 < 150**2
    picture = np.where(disc[..., None], (200, 30, 40), (255, 255, 255)).astype(np.uint8)
    document = Document.from_image(picture)
    middle = Point(300, 260)
    hard, smooth = (
        alike(document.flattened_tile, SIZE, middle, 10, antialias=antialias).read(WHOLE)
        for antialias in (False, True)
    )
    assert np.array_equal(hard == 255, disc)
    assert {*np.unique(hard)} == {0, 255}
    assert np.array_equal(smooth / 255, soft(disc))
    assert ((smooth > 0) & (smooth < 255)).any()
    pour = Pour(middle, (0, 0, 0), 10, antialias=True)
    work_here(FillWork(document, document.active_layer, pour))
    filled = document.flatten(WHOLE)[..., 2]
    assert len(np.unique(filled)) > 4
