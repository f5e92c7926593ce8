"""Copy-on-write tiles."""

from __future__ import annotations

import numpy as np
import pytest

from core.canvas.tiles import (
    EMPTY_TILE,
    FULL_TILE,
    TILE,
    TiledSurface,
    pieces,
    tile_rect,
    tiles_in,
)
from core.geometry import Rect, Size


def noise(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 256, shape, np.uint8)


def random_rect(rng: np.random.Generator, reach: int) -> Rect:
    x, y = rng.integers(-reach // 4, reach, 2)
    width, height = rng.integers(1, reach, 2)
    return Rect(int(x), int(y), int(width), int(height))


def test_tiles_in_names_every_tile_that_is_touched():
    assert list(tiles_in(Rect(255, 0, 2, 257))) == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert list(tiles_in(Rect(-1, 0, 1, 1))) == [(-1, 0)]
    assert list(tiles_in(Rect(5, 5, 0, 3))) == []


def test_pieces_cut_a_rectangle_at_tile_borders():
    (left, right) = list(pieces(Rect(250, 3, 10, 4)))
    assert left == ((0, 0), (slice(3, 7), slice(250, 256)), (slice(0, 4), slice(0, 6)))
    assert right == ((1, 0), (slice(3, 7), slice(0, 4)), (slice(0, 4), slice(6, 10)))


def test_a_surface_has_one_or_four_channels():
    with pytest.raises(ValueError, match="not 3"):
        TiledSurface(3, Size(8, 8))


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("seed", range(8))
def test_it_reads_what_an_array_would_hold(channels, seed):
    rng = np.random.default_rng(seed)
    size = Size(int(rng.integers(1, 700)), int(rng.integers(1, 700)))
    surface = TiledSurface(channels, size)
    margin = 1500
    shape = (size.height + 2 * margin, size.width + 2 * margin) + (() if channels == 1 else (4,))
    array = np.zeros(shape, np.uint8)
    canvas = Rect(margin, margin, *size)
    for step in range(12):
        rect = random_rect(rng, 700)
        pixels = noise((rect.height, rect.width, *shape[2:]), seed * 100 + step)
        inside = surface.write(rect, pixels)
        shown = rect.translated(margin, margin).intersected(canvas)
        assert inside == rect.intersected(Rect.of_size(size))
        array[shown.slices()] = pixels[
            shown.translated(-rect.x - margin, -rect.y - margin).slices()
        ]
    for _ in range(12):
        rect = random_rect(rng, 700)
        assert np.array_equal(surface.read(rect), array[rect.translated(margin, margin).slices()])


def test_pixels_beyond_the_size_stay_zero():
    surface = TiledSurface(1, Size(300, 10))
    surface.write(Rect(0, 0, 512, 256), noise((256, 512)))
    surface.fill(Rect(0, 0, 512, 256))
    assert surface.tile(1, 0)[:10, :44].all()
    assert not surface.tile(1, 0)[10:].any()
    assert not surface.tile(1, 0)[:, 44:].any()


def test_an_absent_tile_is_the_empty_one_and_a_full_one_is_shared():
    surface = TiledSurface(4, Size(1024, 1024))
    assert surface.tile(2, 2) is EMPTY_TILE[4]
    surface.fill(Rect(0, 0, 1024, 1024))
    assert len(surface.tiles) == 16
    assert all(tile is FULL_TILE[4] for tile in surface.tiles.values())
    assert surface.bytes_used == 0


def test_the_edge_tiles_of_white_paper_are_shared_too():
    surface = TiledSurface(4, Size(1000, 1000))
    surface.fill(surface.bounds)
    assert surface.bytes_used == 3 * TILE * TILE * 4


def test_tiles_for_reading_cannot_be_written():
    surface = TiledSurface(1, Size(256, 256))
    surface.write(Rect(0, 0, 3, 3), noise((3, 3)))
    with pytest.raises(ValueError, match="read-only"):
        surface.tile(0, 0)[0, 0] = 7


def test_a_snapshot_shares_tiles_and_the_next_write_copies_one():
    surface = TiledSurface(4, Size(512, 512))
    surface.write(surface.bounds, noise((512, 512, 4)))
    snapshot = surface.snapshot()
    before = surface.read(surface.bounds)
    assert surface.snapshot().tiles == snapshot.tiles
    surface.write(Rect(0, 0, 2, 2), noise((2, 2, 4), 9))
    copied = [k for k in snapshot.tiles if surface.tiles[k] is not snapshot.tiles[k]]
    assert copied == [(0, 0)]
    assert surface.restore(snapshot) == Rect(0, 0, 256, 256)
    assert np.array_equal(surface.read(surface.bounds), before)


def test_a_tile_is_copied_once_and_then_written_in_place():
    surface = TiledSurface(1, Size(256, 256))
    surface.write(Rect(0, 0, 9, 9), noise((9, 9)))
    surface.snapshot()
    first = surface.tile_for_writing(0, 0)
    assert surface.tile_for_writing(0, 0) is first


def test_restoring_returns_the_box_of_what_is_different():
    surface = TiledSurface(1, Size(600, 600))
    surface.write(Rect(0, 0, 10, 10), noise((10, 10)))
    snapshot = surface.snapshot()
    assert surface.restore(snapshot).is_empty
    surface.write(Rect(520, 300, 1, 1), noise((1, 1)))
    surface.write(Rect(300, 0, 1, 1), noise((1, 1)))
    assert surface.restore(snapshot) == Rect(256, 0, 344, 512)
    assert list(surface.tiles) == [(0, 0)]


def test_a_restored_snapshot_is_still_safe_from_later_writes():
    surface = TiledSurface(1, Size(256, 256))
    surface.write(Rect(0, 0, 4, 4), noise((4, 4)))
    snapshot = surface.snapshot()
    kept = snapshot.tiles[0, 0].copy()
    surface.clear()
    surface.restore(snapshot)
    surface.write(Rect(0, 0, 9, 9), noise((9, 9), 5))
    assert np.array_equal(snapshot.tiles[0, 0], kept)


def test_invert_keeps_to_the_surface_and_twice_is_nothing():
    surface = TiledSurface(1, Size(600, 300))
    surface.fill(Rect(0, 0, 256, 256))
    surface.write(Rect(250, 250, 20, 20), noise((20, 20)))
    before = surface.read(surface.bounds)
    surface.invert()
    assert np.array_equal(surface.read(surface.bounds), 255 - before)
    assert not surface.tile(2, 1)[44:].any()
    surface.invert()
    assert np.array_equal(surface.read(surface.bounds), before)


@pytest.mark.parametrize("shift", [(0, 0), (256, 512), (1, 0), (37, 301)])
def test_moved_is_the_same_picture_somewhere_else(shift):
    surface = TiledSurface(4, Size(700, 400))
    surface.fill(Rect(0, 0, 520, 400))
    surface.write(Rect(100, 50, 300, 90), noise((90, 300, 4)))
    size = Size(700 + shift[0] + 5, 400 + shift[1] + 700)
    other = surface.moved(*shift, size)
    expected = np.zeros((size.height, size.width, 4), np.uint8)
    expected[shift[1] : shift[1] + 400, shift[0] : shift[0] + 700] = surface.read(surface.bounds)
    assert np.array_equal(other.read(other.bounds), expected)


def test_white_paper_costs_nothing_where_it_is_moved_to():
    paper = TiledSurface(4, Size(4096, 4096))
    paper.fill(paper.bounds)
    grown = paper.moved(64, 64, Size(4160, 4160))
    unshared = [k for k, tile in grown.tiles.items() if tile is not FULL_TILE[4]]
    assert all(k[0] in (0, 16) or k[1] in (0, 16) for k in unshared)


def test_moving_shares_whole_tiles_and_neither_writes_into_the_other():
    surface = TiledSurface(1, Size(512, 256))
    surface.write(surface.bounds, noise((256, 512)))
    other = surface.moved(256, 0, Size(768, 256))
    assert other.tiles[1, 0] is surface.tiles[0, 0]
    before = other.read(other.bounds)
    surface.write(Rect(0, 0, 50, 50), np.zeros((50, 50), np.uint8))
    assert np.array_equal(other.read(other.bounds), before)


def test_tile_rect_is_where_the_tile_lies():
    assert tile_rect((2, -1)) == Rect(512, -256, 256, 256)
