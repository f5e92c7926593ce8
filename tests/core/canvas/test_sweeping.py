"""What is alike and hangs together on canvases of many tiles: open, scattered and as a maze."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.canvas.document import Document
from core.canvas.edges import without_holes
from core.canvas.selection import from_pixels
from core.canvas.tiles import FULL_TILE, TileKey
from core.canvas.wand import alike
from core.geometry import Point, Rect, Size
from core.request import Pixels

SIZE = Size(1330, 1100)  # six tiles across and five down, none of the last ones whole
SHAPE = (SIZE.height, SIZE.width)
WHOLE = Rect.of_size(SIZE)


def document_of(like: np.ndarray) -> Document:
    pixels = np.where(like, 200, 90).astype(np.uint8)
    return Document.from_image(np.repeat(pixels[..., np.newaxis], 3, axis=2))


def expected(like: np.ndarray, start: Point) -> np.ndarray:
    _, labels = cv2.connectedComponents(like.astype(np.uint8), connectivity=4)
    return (labels == labels[start.y, start.x]) & like


def require_exact(like: np.ndarray, start: Point) -> None:
    like[start.y, start.x] = True
    found = alike(document_of(like).flattened_tile, SIZE, start, 10).read(WHOLE)
    assert set(np.unique(found)) <= {0, 255}
    assert np.array_equal(found == 255, expected(like, start))


@pytest.mark.parametrize("start", [Point(0, 0), Point(700, 600), Point(1329, 1099)])
@pytest.mark.parametrize("share", [0.1, 0.595, 0.63, 0.9])
def test_noise_is_taken_exactly_wherever_it_begins(share: float, start: Point) -> None:
    require_exact(np.random.default_rng(round(share * 100)).random(SHAPE) < share, start)


@pytest.mark.parametrize("stands", [False, True])
def test_a_maze_is_walked_to_its_end(stands: bool) -> None:
    walls = np.zeros(SHAPE[::-1] if stands else SHAPE, bool)
    walls[::2] = True
    walls[1::4, -1] = walls[3::4, 0] = True
    require_exact(walls.T.copy() if stands else walls, Point(664, 550))


@pytest.mark.parametrize("turn", range(4))
def test_a_spiral_is_walked_whichever_way_it_turns(turn: int) -> None:
    like = np.zeros(SHAPE, bool)
    line = [(20 + 15 * step, 20 + 12 * step) for step in range(40)]
    corners = [corner for x, y in line for corner in _round(x, y)]
    drawn = np.zeros(SHAPE, np.uint8)
    cv2.polylines(drawn, [np.array(corners, np.int32)], False, 1, 3)
    like = np.rot90(drawn, turn).astype(bool)
    like = np.ascontiguousarray(like)
    rows, columns = np.nonzero(like)
    middle = len(rows) // 2
    size = Size(like.shape[1], like.shape[0])
    start = Point(int(columns[middle]), int(rows[middle]))
    found = alike(document_of(like).flattened_tile, size, start, 10).read(Rect.of_size(size))
    assert np.array_equal(found == 255, like)


def _round(x: int, y: int) -> list[tuple[int, int]]:
    """One turn of a spiral to its middle."""
    right, bottom = SIZE.width - x, SIZE.height - y
    return [(x, y), (right, y), (right, bottom), (x + 8, bottom), (x + 8, y + 12)]


def test_what_a_small_region_cannot_reach_is_never_looked_at() -> None:
    like = np.zeros(SHAPE, bool)
    like[300:340, 280:400] = True
    document, seen = document_of(like), set[TileKey]()

    def tile_of(tx: int, ty: int) -> Pixels:
        seen.add((tx, ty))
        return document.flattened_tile(tx, ty)

    found = alike(tile_of, SIZE, Point(290, 310), 10)
    assert seen == {(1, 1)}
    assert np.array_equal(found.read(WHOLE) == 255, like)
    assert set(found.tiles) == {(1, 1)}


def test_full_tiles_are_shared_and_empty_ones_absent() -> None:
    like = np.zeros(SHAPE, bool)
    like[:, :700] = True
    found = alike(document_of(like).flattened_tile, SIZE, Point(650, 500), 10)
    assert all((found.tiles[tx, ty] is FULL_TILE[1]) for tx in (0, 1) for ty in range(4))
    assert {tx for tx, _ in found.tiles} == {0, 1, 2}


@pytest.mark.parametrize("share", [0.35, 0.45])
def test_holes_are_filled_from_all_sides_at_once(share: float) -> None:
    masked = np.random.default_rng(1).random(SHAPE) < share
    pixels = np.where(masked, 255, 0).astype(np.uint8)
    framed = np.pad(~masked, 1, constant_values=True)
    outside = expected(framed, Point(0, 0))[1:-1, 1:-1]
    filled = without_holes(from_pixels(pixels, WHOLE, SIZE)).read(WHOLE)
    assert np.array_equal(filled == 255, ~outside)
