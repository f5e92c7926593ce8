"""Strokes on the picture and on the mask."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from core.canvas.brush import Brush
from core.canvas.document import Document
from core.canvas.strokes import StrokeTarget
from core.geometry import Rect, Size

PAINT, MASK = StrokeTarget.PAINT, StrokeTarget.MASK
Points = list[tuple[float, float]]


def stroke(document: Document, brush: Brush, points: Points, target=MASK) -> Rect:
    """A whole gesture; returns everything that was reported dirty."""
    gesture = document.begin_stroke(brush, target)
    dirty = Rect(0, 0, 0, 0)
    for point in points:
        dirty = dirty.united(gesture.move_to(*point))
    gesture.finish()
    return dirty


def mask_after(brush: Brush, points: Points) -> np.ndarray:
    document = Document(Size(300, 300))
    stroke(document, brush, points)
    return document.mask_pixels(document.bounds)


def wander(seed: int, count: int, reach: float = 300) -> Points:
    rng = np.random.default_rng(seed)
    return [(float(x), float(y)) for x, y in rng.uniform(-20, reach + 20, (count, 2))]


def test_a_press_leaves_one_dab():
    mask = mask_after(Brush(size=20, hardness=1), [(100.0, 50.0)])
    ys, xs = np.nonzero(mask)
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == (90, 109, 40, 59)
    assert mask[50, 100] == 255
    assert mask.sum() / 255 == pytest.approx(math.pi * 100, rel=0.01)


def test_a_line_is_a_capsule_without_gaps():
    size, length = 21.0, 150.0
    mask = mask_after(Brush(size=size, hardness=1), [(60.0, 100.25), (60.0 + length, 100.25)])
    assert (mask[92:109, 62:208] == 255).all()
    true_area = math.pi * (size / 2) ** 2 + size * length
    assert mask.sum() / 255 == pytest.approx(true_area, rel=0.01)
    assert not mask[:89].any()
    assert not mask[112:].any()


@pytest.mark.parametrize("seed", range(6))
def test_coverage_is_the_distance_to_the_line(seed):
    """Against an independent picture: every pixel's distance to the polyline."""
    points = wander(seed, 5)
    radius = 12.0
    mask = mask_after(Brush(size=2 * radius, hardness=1), points).astype(float) / 255
    y, x = np.mgrid[:300, :300] + 0.5
    distance = np.full((300, 300), np.inf)
    for (ax, ay), (bx, by) in itertools.pairwise(points):
        dx, dy = bx - ax, by - ay
        t = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0, 1)
        distance = np.minimum(distance, np.hypot(x - ax - t * dx, y - ay - t * dy))
    truth = np.clip(radius + 0.5 - distance, 0, 1)
    joints = np.zeros((300, 300), bool)  # a dab falls up to one step before or after them
    for jx, jy in points:
        joints |= np.hypot(x - jx, y - jy) < radius + 4
    assert np.abs(mask - truth)[~joints].max() < 0.2
    assert np.abs(mask - truth).mean() < 0.004


@pytest.mark.parametrize("flow", [1.0, 0.3])
@pytest.mark.parametrize("seed", range(8))
def test_cutting_a_stroke_into_segments_changes_no_pixel(seed, flow):
    points = wander(seed, 6)
    brush = Brush(size=17 + 9 * seed, hardness=0.5, opacity=0.8, flow=flow)
    rng = np.random.default_rng(seed)
    cut = [points[0]]
    for (ax, ay), (bx, by) in itertools.pairwise(points):
        for t in np.sort(rng.uniform(0, 1, 7)):
            cut.append((ax + (bx - ax) * t, ay + (by - ay) * t))
        cut.append((bx, by))
    assert np.array_equal(mask_after(brush, points), mask_after(brush, cut))


def test_axis_aligned_segments_on_whole_pixels_can_be_cut_anywhere():
    brush = Brush(size=20, hardness=1)
    whole = mask_after(brush, [(10.125, 40.0), (250.125, 40.0)])
    pixel_by_pixel = mask_after(brush, [(10.125 + x, 40.0) for x in range(241)])
    assert np.array_equal(whole, pixel_by_pixel)


@pytest.mark.parametrize("opacity", [0.1, 0.5, 0.77, 1.0])
def test_crossing_itself_never_exceeds_the_opacity(opacity):
    brush = Brush(size=60, hardness=0.2, opacity=opacity)
    mask = mask_after(brush, wander(1, 60))
    assert mask.max() == round(255 * opacity)


def test_flow_builds_up_inside_a_stroke_towards_the_opacity():
    once = mask_after(Brush(size=40, flow=0.2, opacity=0.6), [(100.0, 100.0)])
    again = mask_after(
        Brush(size=40, flow=0.2, opacity=0.6),
        [(100.0, 100.0), *[(140.0, 100.0), (60.0, 100.0)] * 30],
    )
    assert once.max() == round(255 * 0.6 * 0.2)
    assert again.max() == round(255 * 0.6)
    assert (again >= once).all()


def test_no_flow_and_no_opacity_do_nothing():
    for brush in (Brush(flow=0), Brush(opacity=0)):
        document = Document(Size(64, 64))
        stroke(document, brush, [(5, 5), (50, 50)])
        assert document.mask_is_empty
        assert not document.undo_stack.can_undo


def test_two_strokes_do_build_up():
    document = Document(Size(64, 64))
    for _ in range(2):
        stroke(document, Brush(size=30, hardness=1, opacity=0.5), [(32.0, 32.0)])
    assert document.mask_pixels(Rect(32, 32, 1, 1))[0, 0] == 192


def test_paint_is_mixed_with_what_was_there():
    document = Document(Size(64, 64))
    brush = Brush(size=30, hardness=1, opacity=0.5, colour=(200, 100, 0))
    stroke(document, brush, [(32.0, 32.0)], PAINT)
    share = 128 / 255
    expected = [255 + (c - 255) * share for c in (200, 100, 0)]
    pixel = document.flatten(Rect(32, 32, 1, 1))[0, 0]
    assert pixel.tolist() == [*(round(value) for value in expected), 255]
    assert document.flatten(Rect(0, 0, 1, 1))[0, 0].tolist() == [255, 255, 255, 255]


def test_erasing_leaves_transparency_and_stays_premultiplied():
    document = Document(Size(64, 64))
    stroke(document, Brush(size=40, hardness=0.4, erases=True), [(32.0, 32.0)], PAINT)
    picture = document.flatten(document.bounds)
    assert picture[32, 32].tolist() == [0, 0, 0, 0]
    assert (picture[..., :3] <= picture[..., 3:]).all()
    assert np.array_equal(picture[..., 0], picture[..., 3])


def test_painting_over_a_colour_with_itself_changes_nothing():
    document = Document(Size(80, 80))
    brush = Brush(size=50, hardness=0.1, opacity=0.7, colour=(255, 255, 255))
    stroke(document, brush, [(10, 10), (70, 60)], PAINT)
    assert not document.undo_stack.can_undo


@pytest.mark.parametrize(
    ("target", "erases", "name"),
    [
        (PAINT, False, "Brush stroke"),
        (PAINT, True, "Eraser stroke"),
        (MASK, False, "Mask stroke"),
        (MASK, True, "Mask eraser stroke"),
    ],
)
def test_one_stroke_is_one_step_with_a_name(target, erases, name):
    document = Document(Size(600, 600))
    document.fill_mask(Rect(0, 0, 300, 600))
    stroke(document, Brush(size=90, erases=erases), wander(2, 9, 600), target)
    assert document.undo_stack.undo_name == name
    document.undo()
    assert document.undo_stack.undo_name == "Fill mask"
    assert document.undo_stack.redo_name == name


def test_a_stroke_that_changes_nothing_is_no_step():
    document = Document(Size(100, 100))
    stroke(document, Brush(erases=True), [(5, 5), (80, 80)], MASK)
    stroke(document, Brush(), [(-500, -500), (-400, 900)], MASK)
    document.begin_stroke(Brush(), MASK).finish()
    assert not document.undo_stack.can_undo
    assert not document.mask.tiles


def test_erasing_the_last_of_a_mask_leaves_no_tiles():
    document = Document(Size(600, 600))
    stroke(document, Brush(size=50), [(100, 100), (500, 400)])
    stroke(document, Brush(size=90, hardness=1, erases=True), [(100, 100), (500, 400), (510, 407)])
    assert document.mask_is_empty
    assert not document.mask.tiles


def test_cancelling_brings_every_pixel_back_and_is_no_step():
    document = Document(Size(600, 600))
    stroke(document, Brush(size=80), wander(3, 4, 600), PAINT)
    before = document.flatten(document.bounds)
    tiles = dict(document.active_layer.surface.tiles)
    gesture = document.begin_stroke(Brush(size=150, colour=(9, 9, 9)), PAINT)
    painted = Rect(0, 0, 0, 0)
    for point in wander(4, 5, 600):
        painted = painted.united(gesture.move_to(*point))
    assert not np.array_equal(document.flatten(document.bounds), before)
    assert gesture.cancel().contains(painted)
    assert np.array_equal(document.flatten(document.bounds), before)
    assert all(document.active_layer.surface.tiles[k] is tile for k, tile in tiles.items())
    document.undo()
    assert not document.undo_stack.can_undo


def test_a_finished_stroke_takes_no_more_moves():
    document = Document(Size(64, 64))
    gesture = document.begin_stroke(Brush(), MASK)
    gesture.move_to(10, 10)
    gesture.finish()
    assert gesture.move_to(50, 50).is_empty
    gesture.finish()
    assert gesture.cancel().is_empty
    document.undo()
    assert not document.undo_stack.can_undo
    assert document.mask_is_empty


@pytest.mark.parametrize("place", [(math.nan, 5.0), (5.0, math.nan), (math.inf, 5), (5, -math.inf)])
def test_a_place_that_is_no_place_is_left_out(place):
    clean = mask_after(Brush(size=20), [(50.0, 50.0), (90.0, 70.0)])
    dirty = mask_after(Brush(size=20), [place, (50.0, 50.0), place, (90.0, 70.0), place])
    assert np.array_equal(clean, dirty)


@pytest.mark.parametrize("pressure", [math.nan, math.inf, -math.inf, -3.0, 7.0, 0.0, 1.0])
def test_any_pressure_is_taken(pressure):
    document = Document(Size(64, 64))
    gesture = document.begin_stroke(Brush(size=20, hardness=1), MASK)
    gesture.move_to(20.0, 20.0, pressure)
    gesture.move_to(40.0, 40.0, pressure)
    gesture.finish()
    assert document.mask_pixels(Rect(30, 30, 1, 1))[0, 0] == 255


def test_far_away_is_harmless_and_the_line_still_crosses_the_canvas():
    mask = mask_after(Brush(size=10, hardness=1), [(-1e30, 150.0), (1e30, 150.0)])
    assert (mask[147:153] == 255).all()
    assert not mask[:140].any()


def test_what_is_reported_dirty_holds_everything_that_changed_and_lies_inside():
    document = Document(Size(500, 400))
    for seed in range(10):
        before = document.flatten(document.bounds)
        colour = tuple(np.random.default_rng(seed).integers(0, 255, 3).tolist())
        dirty = stroke(document, Brush(size=5 + 20 * seed, colour=colour), wander(seed, 3), PAINT)
        changed = (document.flatten(document.bounds) != before).any(axis=2)
        assert document.bounds.contains(dirty)
        changed[dirty.slices()] = False
        assert not changed.any()


def test_every_move_announces_what_it_painted():
    document = Document(Size(500, 400))
    heard: list[Rect] = []

    def hear(rect: Rect) -> None:
        heard.append(rect)

    document.changed.connect(hear)
    gesture = document.begin_stroke(Brush(size=30), MASK)
    dirty = gesture.move_to(50, 50)
    assert heard == [dirty]
    gesture.move_to(51, 50)
    assert heard == [dirty]  # less than a step: nothing painted, nothing said


def test_memory_grows_with_the_tiles_that_are_touched():
    document = Document(Size(8192, 8192))
    touched = 0
    rng = np.random.default_rng(5)
    for _ in range(40):
        x, y = rng.uniform(0, 8192, 2)
        before = dict(document.active_layer.surface.tiles)
        stroke(document, Brush(size=40, colour=(1, 2, 3)), [(x, y), (x + 90, y + 30)], PAINT)
        after = document.active_layer.surface.tiles
        touched += sum(after[key] is not before[key] for key in after)
    assert touched < 40 * 5
    assert document.active_layer.surface.bytes_used <= touched * 256 * 1024
    assert document.undo_stack.bytes_used <= touched * 256 * 1024


def test_a_new_stroke_finishes_the_one_before():
    document = Document(Size(64, 64))
    first = document.begin_stroke(Brush(size=10), MASK)
    first.move_to(10, 10)
    second = document.begin_stroke(Brush(size=10), MASK)
    second.move_to(50, 50)
    second.finish()
    assert not first.is_open
    document.undo()
    assert document.mask_touches(Rect(5, 5, 10, 10))
    assert not document.mask_touches(Rect(45, 45, 10, 10))


def test_undo_during_a_stroke_takes_back_the_stroke():
    document = Document(Size(64, 64))
    stroke(document, Brush(size=10), [(10, 10)])
    gesture = document.begin_stroke(Brush(size=10), MASK)
    gesture.move_to(50, 50)
    assert not document.undo().is_empty
    assert not gesture.is_open
    assert document.mask_touches(Rect(5, 5, 10, 10))
    assert not document.mask_touches(Rect(45, 45, 10, 10))
    assert document.undo_stack.undo_name == "Mask stroke"


def test_a_stroke_goes_on_while_a_picture_is_placed():
    document = Document(Size(300, 300))
    gesture = document.begin_stroke(Brush(size=30, hardness=1), PAINT)
    background = document.active_layer
    gesture.move_to(50, 50)
    document.place_image(np.zeros((9, 9, 3), np.uint8), Rect(200, 200, 9, 9), "result")
    gesture.move_to(100, 50)
    gesture.finish()
    assert background.surface.read(Rect(90, 50, 1, 1))[0, 0].tolist() == [0, 0, 0, 255]
    assert document.undo_stack.undo_name == "Brush stroke"
    document.undo()
    assert document.undo_stack.undo_name == "Place picture"
    document.undo()
    assert (document.flatten(document.bounds) == 255).all()
