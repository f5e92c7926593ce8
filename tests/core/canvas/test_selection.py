"""What is selected, how shapes join it, and that nothing else is touched."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from core.canvas import Brush, Document, StrokeTarget, TiledSurface
from core.canvas.bucket import FillWork, Pour
from core.canvas.edges import feathered, grown, shrunk, smoothed, without_holes
from core.canvas.filling import (
    change_mask,
    clear,
    fill_selected,
    forget_mask,
    keep_mask,
    mask_from_selection,
    select_alpha,
    select_mask,
    take_mask,
)
from core.canvas.gradients import fill_gradient
from core.canvas.selection import Combination, everything, from_pixels, inverted
from core.canvas.shapes import ellipse, polygon, rectangle
from core.canvas.tiles import FULL_TILE
from core.canvas.wand import alike
from core.canvas.working import work_here
from core.errors import InvalidRequest
from core.geometry import Point, Rect, Size
from core.projects import load_project, save_project, snapshot_of

SIZE = Size(300, 280)  # neither side is a whole number of tiles
WHOLE = Rect(0, 0, *SIZE)
RED = (200, 30, 40)
LEFT, RIGHT = Rect(20, 30, 150, 200), Rect(120, 30, 150, 200)


def read(surface: TiledSurface | None, size: Size = SIZE) -> np.ndarray:
    assert surface is not None
    assert surface.size == size
    return surface.read(surface.bounds)


def block(*rects: Rect) -> np.ndarray:
    """255 in these rectangles."""
    pixels = np.zeros((SIZE.height, SIZE.width), np.uint8)
    for rect in rects:
        pixels[rect.slices()] = 255
    return pixels


@pytest.fixture
def document() -> Document:
    return Document(SIZE)


def select(document: Document, rect: Rect, how: Combination = Combination.REPLACE) -> bool:
    return document.selection.select(rectangle(rect, document.size), "Select rectangle", how)


# --- joining ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (Combination.REPLACE, block(RIGHT)),
        (Combination.ADD, block(LEFT, RIGHT)),
        (Combination.SUBTRACT, block(LEFT) * (block(RIGHT) == 0)),
        (Combination.INTERSECT, block(LEFT) & block(RIGHT)),
    ],
)
def test_shapes_join_as_they_say(
    document: Document, how: Combination, expected: np.ndarray
) -> None:
    select(document, LEFT)
    select(document, RIGHT, how)
    assert np.array_equal(read(document.selection.surface), expected)
    document.undo()
    assert np.array_equal(read(document.selection.surface), block(LEFT))
    document.redo()
    assert np.array_equal(read(document.selection.surface), expected)


def test_what_is_taken_from_everything_leaves_the_rest(document: Document) -> None:
    select(document, LEFT, Combination.SUBTRACT)
    assert np.array_equal(read(document.selection.surface), 255 - block(LEFT))


def test_a_selection_of_nothing_becomes_one_of_everything(document: Document) -> None:
    select(document, LEFT)
    assert not select(document, Rect(0, 0, 5, 5), Combination.INTERSECT)
    assert document.selection.surface is None
    document.undo()
    assert np.array_equal(read(document.selection.surface), block(LEFT))


def test_every_change_is_one_step_with_a_name_and_no_change_is_none(document: Document) -> None:
    select(document, LEFT)
    assert document.undo_stack.undo_name == "Select rectangle"
    position = document.undo_stack.position
    select(document, LEFT)
    assert document.undo_stack.position is position
    document.selection.deselect()
    assert document.undo_stack.undo_name == "Deselect"
    document.selection.deselect()
    document.undo()
    document.undo()
    assert not document.undo_stack.can_undo
    assert document.selection.surface is None


def test_reselect_brings_the_last_one_back(document: Document) -> None:
    assert not document.selection.reselect()
    select(document, LEFT)
    assert not document.selection.can_reselect
    document.selection.deselect()
    assert document.selection.reselect()
    assert np.array_equal(read(document.selection.surface), block(LEFT))


def test_listeners_hear_of_the_selection_and_of_nothing_else(document: Document) -> None:
    heard: list[str] = []

    def on_selected() -> None:
        heard.append("selection")

    def on_structure() -> None:
        heard.append("structure")

    document.selection.changed.connect(on_selected)
    document.structure_changed.connect(on_structure)
    select(document, LEFT)
    document.undo()
    assert heard == ["selection", "selection"]


def test_large_constant_parts_cost_nothing() -> None:
    size = Size(4096, 4096)
    document = Document(size)
    document.selection.select(everything(size), "Select all")
    assert document.undo_stack.bytes_used == 0
    surface = document.selection.surface
    assert surface is not None
    assert all(tile is FULL_TILE[1] for tile in surface.tiles.values())


def test_inverting_twice_is_the_same_again(document: Document) -> None:
    select(document, LEFT)
    document.selection.change("Invert selection", inverted)
    assert np.array_equal(read(document.selection.surface), 255 - block(LEFT))
    document.selection.change("Invert selection", inverted)
    assert np.array_equal(read(document.selection.surface), block(LEFT))


def test_changing_what_is_not_there_does_nothing(document: Document) -> None:
    assert not document.selection.change("Invert selection", inverted)
    assert not document.undo_stack.can_undo


# --- limiting ---------------------------------------------------------------------------------


def painted(document: Document) -> np.ndarray:
    return document.flatten(WHOLE)


def stroke(document: Document, target: StrokeTarget, erases: bool = False) -> None:
    pen = document.begin_stroke(
        Brush(size=40, hardness=1, colour=RED, erases=erases, spacing=0.1), target
    )
    pen.move_to(0, 100)
    pen.move_to(300, 100)
    pen.finish()


@pytest.mark.parametrize("erases", [False, True])
def test_a_stroke_stays_inside(document: Document, erases: bool) -> None:
    select(document, LEFT)
    stroke(document, StrokeTarget.PAINT, erases)
    changed = (painted(document) != 255).any(axis=2)
    assert changed[100, 20:170].all()
    assert not changed[block(LEFT) == 0].any()


def test_a_mask_stroke_stays_inside(document: Document) -> None:
    select(document, LEFT)
    stroke(document, StrokeTarget.MASK)
    mask = document.mask_pixels(WHOLE)
    assert (mask[100, 20:170] == 255).all()
    assert not mask[block(LEFT) == 0].any()


def test_half_selected_is_half_painted(document: Document) -> None:
    document.selection.select(from_pixels(np.full((280, 300), 128, np.uint8), WHOLE, SIZE), "Half")
    stroke(document, StrokeTarget.MASK)
    assert (document.mask_pixels(WHOLE)[100, 50:250] == 128).all()


def test_filling_and_clearing_stay_inside(document: Document) -> None:
    select(document, LEFT)
    layer = document.active_layer
    assert fill_selected(document, layer, RED)
    inside = block(LEFT) > 0
    assert (painted(document)[inside] == (*RED, 255)).all()
    assert (painted(document)[~inside] == 255).all()
    assert clear(document, layer)
    assert document.undo_stack.undo_name == "Clear"
    assert (painted(document)[inside] == 0).all()
    assert (painted(document)[~inside] == 255).all()
    document.undo()
    document.undo()
    assert (painted(document) == 255).all()


def test_the_bucket_fills_what_looks_alike_inside_the_selection(document: Document) -> None:
    layer = document.active_layer
    select(document, RIGHT)
    fill_selected(document, layer, (0, 0, 0))
    select(document, LEFT)
    work_here(FillWork(document, layer, Pour(Point(30, 40), RED, tolerance=10)))
    expected = (block(LEFT) > 0) & (block(RIGHT) == 0)
    assert np.array_equal((painted(document)[..., :3] == RED).all(axis=2), expected)


def test_the_bucket_fills_the_mask_too(document: Document) -> None:
    work_here(FillWork(document, None, Pour(Point(1, 1), RED)))
    assert (document.mask_pixels(WHOLE) == 255).all()


def test_a_gradient_falls_from_full_to_nothing(document: Document) -> None:
    fill_gradient(document, None, (50, 0), (250, 0), RED)
    row = document.mask_pixels(WHOLE)[100].astype(float)
    assert (row[:50] == 255).all()
    assert (row[250:] == 0).all()
    expected = 255 * (1 - (np.arange(50, 250) + 0.5 - 50) / 200)
    assert np.abs(row[50:250] - expected).max() <= 0.51
    assert document.undo_stack.undo_name == "Gradient"


@pytest.mark.parametrize("end", [(50, 0), (math.nan, 3), (math.inf, 3), (1e300, 3)])
def test_a_gradient_without_a_line_is_refused(document: Document, end: tuple[float, float]) -> None:
    with pytest.raises(InvalidRequest, match="needs a line"):
        fill_gradient(document, None, (50, 0), end, RED)
    assert not document.undo_stack.can_undo


def test_a_locked_layer_is_not_filled(document: Document) -> None:
    document.active_layer.locked = True
    with pytest.raises(InvalidRequest, match="locked"):
        fill_selected(document, document.active_layer, RED)
    assert (painted(document) == 255).all()


# --- shapes -----------------------------------------------------------------------------------


def test_an_ellipse_has_the_area_it_should_have() -> None:
    pixels = read(ellipse(Rect(10, 20, 240, 180), SIZE)).astype(float) / 255
    assert pixels.sum() == pytest.approx(math.pi * 120 * 90, rel=0.004)
    assert pixels[110, 11] > 0.9
    assert not pixels[:, :9].any()
    assert not pixels[201:].any()
    assert np.abs(pixels[20:200] - pixels[20:200][::-1]).max() < 0.3


def test_a_polygon_covers_its_edge_pixels_in_part() -> None:
    line = [(10, 10), (200.5, 10), (200.5, 150.25), (10, 150.25)]
    pixels = read(polygon(line, SIZE)).astype(int)
    assert (pixels[11:149, 11:199] == 255).all()
    assert pixels[100, 200] == pytest.approx(128, abs=40)
    assert pixels[150, 100] == pytest.approx(64, abs=40)
    assert not pixels[152:].any()
    assert not pixels[:, 203:].any()


def test_where_a_line_goes_round_twice_is_outside() -> None:
    star = [(150, 10), (220, 250), (20, 90), (280, 90), (80, 250)]
    pixels = read(polygon(star, SIZE))
    assert pixels[140, 150] == 0
    assert pixels[60, 150] == 255


@pytest.mark.parametrize(
    ("points", "word"),
    [
        ([(0, 0), (1, 1)], "2 points"),
        ([(0, 0), (1, math.nan), (4, 4)], "not a number"),
        ([(0, 0)] * 100_001, "100,001"),
    ],
)
def test_an_outline_that_is_none_is_refused(points: list[tuple[float, float]], word: str) -> None:
    with pytest.raises(InvalidRequest, match=word):
        polygon(points, SIZE)


def test_an_outline_from_far_away_is_cut_at_the_canvas() -> None:
    far = 1e300
    pixels = read(polygon([(-far, -far), (far, -far), (far, far), (-far, far)], SIZE))
    assert (pixels == 255).all()
    assert not polygon([(-50, 0), (-10, 0), (-10, 90)], SIZE).tiles


# --- the wand ---------------------------------------------------------------------------------


def islands() -> np.ndarray:
    """Two dark squares that touch at a corner only, on white; one reaches over a tile border."""
    pixels = np.full((280, 300, 3), 255, np.uint8)
    pixels[20:100, 20:100] = 10
    pixels[100:270, 100:290] = 14
    return pixels


def test_the_wand_takes_what_hangs_together() -> None:
    document = Document.from_image(islands())
    found = read(alike(document.flattened_tile, SIZE, Point(200, 200), 4))
    assert np.array_equal(found, block(Rect(100, 100, 190, 170)))
    every = read(alike(document.flattened_tile, SIZE, Point(200, 200), 4, contiguous=False))
    assert np.array_equal(every, block(Rect(100, 100, 190, 170), Rect(20, 20, 80, 80)))
    exact = read(alike(document.flattened_tile, SIZE, Point(30, 30), 0, contiguous=False))
    assert np.array_equal(exact, block(Rect(20, 20, 80, 80)))


def test_the_wand_finds_the_way_that_a_plain_flood_finds() -> None:
    rng = np.random.default_rng(3)
    size = Size(700, 600)
    noise = (rng.random((600, 700)) < 0.62).astype(np.uint8) * 200
    start = Point(*map(int, np.argwhere(noise == 200)[150_000][::-1]))
    document = Document.from_image(np.repeat(noise[..., np.newaxis], 3, axis=2))
    found = read(alike(document.flattened_tile, size, start, 10), size)
    assert np.array_equal(found == 255, flooded(noise == 200, start))


def flooded(like: np.ndarray, start: Point) -> np.ndarray:
    """The slow and plain way: one ring after the other."""
    reached = np.zeros_like(like)
    reached[start.y, start.x] = True
    while True:
        wider = reached.copy()
        wider[1:] |= reached[:-1]
        wider[:-1] |= reached[1:]
        wider[:, 1:] |= reached[:, :-1]
        wider[:, :-1] |= reached[:, 1:]
        wider &= like
        if np.array_equal(wider, reached):
            return reached
        reached = wider


def test_the_wand_looks_only_at_tiles_it_reaches() -> None:
    seen: list[tuple[int, int]] = []
    tile = np.zeros((256, 256, 4), np.uint8)
    tile[100:110, 100:110] = 255

    def tile_of(tx: int, ty: int) -> np.ndarray:
        seen.append((tx, ty))
        return tile

    alike(tile_of, Size(4096, 4096), Point(105, 105), 0)
    assert set(seen) == {(0, 0)}


@pytest.mark.parametrize("tolerance", [math.nan, -1, 256, math.inf])
def test_a_tolerance_that_is_none_is_refused(document: Document, tolerance: float) -> None:
    with pytest.raises(InvalidRequest, match="tolerance"):
        alike(document.flattened_tile, SIZE, Point(0, 0), tolerance)


def test_a_place_beside_the_picture_is_refused(document: Document) -> None:
    with pytest.raises(InvalidRequest, match="inside the picture"):
        alike(document.flattened_tile, SIZE, Point(300, 0), 3)


# --- edges ------------------------------------------------------------------------------------


def test_growing_and_shrinking_move_the_edge() -> None:
    square = rectangle(Rect(100, 100, 100, 100), SIZE)
    assert read(grown(square, 10))[150, 90] == 255
    assert read(grown(square, 10))[150, 89] == 0
    assert read(shrunk(square, 10))[150, 110] == 255
    assert read(shrunk(square, 10))[150, 109] == 0


def test_the_canvas_own_edge_is_no_edge() -> None:
    band = rectangle(Rect(0, 100, 300, 50), SIZE)
    assert (read(shrunk(band, 20))[120:130] == 255).all()
    assert (read(feathered(band, 40))[125] > 200).all()
    assert np.ptp(read(feathered(band, 40))[95]) <= 3


def test_a_feather_is_even_across_blocks_and_leaves_the_far_alone() -> None:
    size = Size(2600, 300)
    band = rectangle(Rect(0, 150, 2600, 150), size)
    soft = read(feathered(band, 32), size).astype(int)
    assert (np.ptp(soft, axis=1) <= 2).all()
    assert (soft[:60] == 0).all()
    assert (soft[250:] == 255).all()
    assert soft[150, 1000] == pytest.approx(128, abs=6)


def test_smoothing_rounds_corners_and_keeps_edges_where_they_are() -> None:
    smooth = read(smoothed(rectangle(Rect(50, 50, 150, 150), SIZE), 20))
    assert smooth[50, 50] == 0
    assert smooth[125, 52] == 255
    assert smooth[125, 47] == 0


def test_holes_are_filled_and_bays_are_not(document: Document) -> None:
    pixels = block(Rect(50, 50, 200, 200))
    pixels[100:120, 100:120] = 0
    pixels[150:160, 50:100] = 0
    filled = read(without_holes(from_pixels(pixels, WHOLE, SIZE)))
    assert (filled[100:120, 100:120] == 255).all()
    assert (filled[150:160, 50:100] == 0).all()


@pytest.mark.parametrize("edit", [grown, shrunk, feathered, smoothed])
def test_more_pixels_than_make_sense_are_refused(edit: object) -> None:
    with pytest.raises(InvalidRequest, match="between 0 and 512"):
        edit(rectangle(LEFT, SIZE), 513)  # type: ignore[operator]


# --- masks ------------------------------------------------------------------------------------


def test_mask_and_selection_become_each_other(document: Document) -> None:
    select(document, LEFT)
    assert mask_from_selection(document)
    assert np.array_equal(document.mask_pixels(WHOLE), block(LEFT))
    document.selection.deselect()
    assert select_mask(document)
    assert np.array_equal(read(document.selection.surface), block(LEFT))
    document.clear_mask()
    assert np.array_equal(read(document.selection.surface), block(LEFT))


def test_a_layers_shape_is_selected(document: Document) -> None:
    layer = document.place_image(np.zeros((50, 60, 3), np.uint8), Rect(200, 200, 60, 50), "box")
    select_alpha(document, layer)
    assert np.array_equal(read(document.selection.surface), block(Rect(200, 200, 60, 50)))


def test_what_is_not_there_is_said(document: Document) -> None:
    with pytest.raises(InvalidRequest, match="Nothing is selected"):
        mask_from_selection(document)
    with pytest.raises(InvalidRequest, match="Nothing is masked"):
        select_mask(document)
    with pytest.raises(InvalidRequest, match="Nothing is masked"):
        keep_mask(document, "a")


def test_a_mask_is_changed_in_one_step(document: Document) -> None:
    document.fill_mask(LEFT)
    assert change_mask(document, "Grow mask", lambda mask: grown(mask, 5))
    assert document.mask_pixels(WHOLE)[100, 15] == 255
    assert document.undo_stack.undo_name == "Grow mask"
    document.undo()
    assert np.array_equal(document.mask_pixels(WHOLE), block(LEFT))


def test_masks_are_put_by_and_taken_again(document: Document) -> None:
    document.fill_mask(LEFT)
    assert keep_mask(document, "  the\nface ") == "the face"
    document.clear_mask()
    document.fill_mask(RIGHT)
    take_mask(document, "the face", Combination.INTERSECT)
    assert np.array_equal(document.mask_pixels(WHOLE), block(LEFT) & block(RIGHT))
    take_mask(document, "the face")
    assert np.array_equal(document.mask_pixels(WHOLE), block(LEFT))
    forget_mask(document, "the face")
    assert not document.kept_masks
    document.undo()
    assert list(document.kept_masks) == ["the face"]
    with pytest.raises(InvalidRequest, match="needs a name"):
        keep_mask(document, " ")


# --- kept -------------------------------------------------------------------------------------


def test_selection_and_kept_masks_survive_saving(document: Document, tmp_path: Path) -> None:
    document.selection.select(ellipse(LEFT, SIZE), "Select ellipse")
    document.fill_mask(RIGHT)
    keep_mask(document, "sky & sea")
    document.clear_mask()
    for version in (document, snapshot_of(document)):
        file = tmp_path / "a.ora"
        save_project(version, file)
        again = load_project(file).document
        assert [layer.name for layer in again.layers] == ["Background"]
        assert np.array_equal(read(again.selection.surface), read(ellipse(LEFT, SIZE)))
        assert list(again.kept_masks) == ["sky & sea"]
        assert np.array_equal(read(again.kept_masks["sky & sea"]), block(RIGHT))
        assert again.mask_is_empty
        assert not again.undo_stack.can_undo


def test_the_selection_moves_with_a_canvas_that_grows(document: Document) -> None:
    select(document, LEFT)
    document.fill_mask(RIGHT)
    keep_mask(document, "right")
    document.resize_to_include(Rect(-100, -50, 10, 10))
    grown_size = Size(400, 330)
    surface = read(document.selection.surface, grown_size)
    assert np.array_equal(surface[50:, 100:], block(LEFT))
    assert np.array_equal(read(document.kept_masks["right"], grown_size)[50:, 100:], block(RIGHT))
    document.undo()
    assert np.array_equal(read(document.selection.surface), block(LEFT))
