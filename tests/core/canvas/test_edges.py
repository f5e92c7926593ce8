"""Wand, holes, moved and softened edges on several tiles, against the slow and plain ways."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from core.canvas.document import Document
from core.canvas.edges import feathered, grown, shrunk, smoothed, without_holes
from core.canvas.flattening import still
from core.canvas.interrupting import Interrupted, Interruption
from core.canvas.selection import from_pixels
from core.canvas.shapes import ellipse
from core.canvas.tiles import TiledSurface
from core.canvas.wand import alike
from core.geometry import Point, Rect, Size

SIZE = Size(530, 300)  # three tiles across and two down, none of the last ones whole
WHOLE = Rect(0, 0, *SIZE)
SHAPE = (SIZE.height, SIZE.width)


def surface_of(pixels: np.ndarray) -> TiledSurface:
    return from_pixels(pixels, WHOLE, SIZE)


def flooded(like: np.ndarray, starts: list[tuple[int, int]]) -> np.ndarray:
    """What is reached from these rows and columns, one pixel after the other."""
    reached = np.zeros_like(like)
    front = [place for place in starts if like[place]]
    while front:
        row, column = front.pop()
        if reached[row, column]:
            continue
        reached[row, column] = True
        for down, across in ((row - 1, column), (row + 1, column), (row, column - 1)):
            if 0 <= down < like.shape[0] and across >= 0 and like[down, across]:
                front.append((down, across))
        if column + 1 < like.shape[1] and like[row, column + 1]:
            front.append((row, column + 1))
    return reached


def noise(share: float, seed: int) -> np.ndarray:
    """Whether each pixel is one of so many in one, at random; the middle is."""
    like = np.random.default_rng(seed).random(SHAPE) < share
    like[150, 265] = True
    return like


def serpentine() -> np.ndarray:
    """One way, one pixel wide, through all tiles from side to side."""
    like = np.zeros(SHAPE, bool)
    like[::2] = True
    like[1::4, -1] = like[3::4, 0] = True
    return like


@pytest.mark.parametrize(
    "like",
    [*(noise(share, round(share * 100)) for share in (0.05, 0.4, 0.55, 0.6, 0.7, 0.88, 0.99)),
     np.ones(SHAPE, bool), serpentine()],
    ids=lambda like: f"{like.mean():.2f}",
)  # fmt: skip
def test_the_wand_takes_exactly_what_can_be_reached(like: np.ndarray) -> None:
    start = (150, 265)
    pixels = np.where(like, 200, 90).astype(np.uint8)
    document = Document.from_image(np.repeat(pixels[..., np.newaxis], 3, axis=2))
    found = alike(document.flattened_tile, SIZE, Point(*start[::-1]), 10).read(WHOLE)
    assert set(np.unique(found)) <= {0, 255}
    assert np.array_equal(found == 255, flooded(like, [start]))


@pytest.mark.parametrize("tolerance", [0, 1, 37, 254, 255])
def test_every_channel_counts_and_so_does_the_tolerance_itself(tolerance: int) -> None:
    pixels = np.random.default_rng(tolerance).integers(0, 256, (*SHAPE, 4), np.uint8)
    document = Document.from_image(pixels)
    shown = document.flatten(WHOLE).astype(int)
    found = alike(document.flattened_tile, SIZE, Point(40, 200), tolerance, contiguous=False)
    near = (np.abs(shown - shown[200, 40]) <= tolerance).all(axis=2)
    assert np.array_equal(found.read(WHOLE) == 255, near)


@pytest.mark.parametrize("share", [0.3, 0.42, 0.6])
def test_holes_are_what_the_canvas_own_sides_cannot_reach(share: float) -> None:
    values = np.random.default_rng(7).integers(0, 256, SHAPE, np.uint8)
    pixels = np.where(noise(share, 3), 255, values)
    rows, columns = SHAPE
    sides = [(row, column) for row in range(rows) for column in (0, columns - 1)]
    sides += [(row, column) for column in range(columns) for row in (0, rows - 1)]
    outside = flooded(pixels < 255, sides)
    filled = without_holes(surface_of(pixels)).read(WHOLE)
    assert np.array_equal(filled, np.where(outside, pixels, 255))


@pytest.mark.parametrize("edit", [grown, shrunk])
@pytest.mark.parametrize("pixels", [0, 1, 2, 5, 19, 40])
def test_edges_move_by_a_disc(edit: Callable[..., TiledSurface], pixels: int) -> None:
    values = np.random.default_rng(pixels).integers(0, 256, SHAPE, np.uint8)
    soft = np.where(noise(0.001 if edit is grown else 0.999, pixels), values, 0).astype(np.uint8)
    y, x = np.mgrid[-pixels : pixels + 1, -pixels : pixels + 1]
    disc = (x * x + y * y <= pixels * pixels).astype(np.uint8)
    plain, beyond = (cv2.dilate, 0) if edit is grown else (cv2.erode, 255)
    expected = plain(soft, disc, borderType=cv2.BORDER_CONSTANT, borderValue=beyond)
    assert np.array_equal(edit(surface_of(soft), pixels).read(WHOLE), expected)


@pytest.mark.parametrize("pixels", [3, 15, 16, 40, 64, 200, 512])
def test_a_feather_is_the_gaussian_itself_but_for_one_step(pixels: int) -> None:
    shape = ellipse(Rect(60, 40, 700, 190), SIZE)
    soft = feathered(shape, pixels).read(WHOLE)
    hard = shape.read(WHOLE).astype(np.float64)
    side = 2 * round(4 * pixels / 2) + 1
    border = cv2.BORDER_REPLICATE
    exact = cv2.GaussianBlur(hard, (side, side), pixels / 2, borderType=border)
    assert np.abs(soft - exact).max() <= 1.5


def test_smoothing_keeps_an_edge_where_it_is_at_every_size() -> None:
    half = np.zeros(SHAPE, np.uint8)
    half[:, 250:] = 255
    for pixels in (4, 20, 90, 300):
        smooth = smoothed(surface_of(half), pixels).read(WHOLE)
        assert not smooth[:, :247].any()
        assert (smooth[:, 253:] == 255).all()


def test_what_was_given_stays_as_it_is() -> None:
    pixels = np.where(noise(0.5, 1), 255, 0).astype(np.uint8)
    surface = surface_of(pixels)
    for edit in (grown, shrunk, feathered, smoothed):
        edit(surface, 20)
    without_holes(surface)
    assert np.array_equal(surface.read(WHOLE), pixels)


def test_long_work_ends_where_somebody_wishes() -> None:
    interruption = Interruption()
    shape = ellipse(WHOLE, SIZE)
    document = Document(SIZE)
    interruption.check()
    interruption.wish()
    for edit in (grown, shrunk, feathered, smoothed):
        with pytest.raises(Interrupted):
            edit(shape, 30, interruption.check)
    with pytest.raises(Interrupted):
        without_holes(shape, interruption.check)
    for contiguous in (True, False):
        with pytest.raises(Interrupted):
            alike(
                document.flattened_tile, SIZE, Point(0, 0), 0, contiguous, True, interruption.check
            )


def test_a_still_picture_does_not_follow_the_brush() -> None:
    document = Document.from_image(np.full((*SHAPE, 3), 60, np.uint8))
    document.place_image(np.full((50, 60, 3), 90, np.uint8), Rect(20, 30, 60, 50), "box")
    before = {key: document.flattened_tile(*key).copy() for key in ((0, 0), (1, 0), (2, 1))}
    tile_of = still(document.layers)
    for layer in document.layers:
        document.edit_surface("Black", layer.surface, lambda surface: surface.fill(WHOLE))
    document.undo()
    document.edit_surface("Clear", document.layers[0].surface, TiledSurface.clear)
    for key, tile in before.items():
        assert np.array_equal(tile_of(*key), tile)
