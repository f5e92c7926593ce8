"""A picture on a layer moved and scaled, and the canvas made another size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core.canvas import Document, Layer
from core.canvas.filling import fill_selected, keep_mask, mask_from_selection
from core.canvas.selection import inverted
from core.canvas.shapes import rectangle
from core.canvas.transforming import (
    begin_transformation,
    content_rect,
    copied,
    crop,
    crop_to_selection,
    resize_canvas,
)
from core.errors import CanvasTooLarge, InvalidRequest
from core.geometry import Rect, Size

SIZE = Size(300, 280)
WHOLE = Rect(0, 0, *SIZE)
BOX = Rect(100, 100, 60, 40)


@pytest.fixture
def document() -> Document:
    """White, and above it a layer with a blue box that has a red column on its left."""
    document = Document(SIZE)
    pixels = np.full((40, 60, 3), (0, 0, 255), np.uint8)
    pixels[:, 0] = (255, 0, 0)
    document.place_image(pixels, BOX, "box")
    return document


def layer(document: Document) -> Layer:
    return document.active_layer


def pixels(document: Document) -> np.ndarray:
    return layer(document).surface.read(WHOLE)


def covered(document: Document) -> Rect:
    return content_rect(layer(document).surface)


def test_what_is_selected_is_copied_as_far_as_it_is(document: Document) -> None:
    before = pixels(document)
    assert copied(document)[0] == BOX
    half = rectangle(Rect(90, 90, 40, 200), SIZE)
    half.write(Rect(110, 0, 20, 280), np.full((280, 20), 128, np.uint8))
    document.selection.select(half, "Select")
    rect, piece = copied(document)
    assert rect == Rect(100, 100, 30, 40)
    assert (piece[:, 0] == (255, 0, 0, 255)).all()
    assert (piece[:, 12] == (0, 0, 128, 128)).all()
    piece[...] = 0
    assert np.array_equal(pixels(document), before)
    assert document.undo_stack.undo_name == "Select"


def test_nothing_is_not_copied(document: Document) -> None:
    document.selection.select(rectangle(Rect(0, 0, 50, 50), SIZE), "Select")
    with pytest.raises(InvalidRequest, match="nothing to copy on the layer “box”"):
        copied(document)


def test_a_move_is_one_step_and_loses_nothing(document: Document) -> None:
    before = pixels(document)
    change = begin_transformation(document)
    for dx in (3, 40, 77, 30):
        change.move_to(BOX.translated(dx, -10))
    change.finish()
    assert np.array_equal(pixels(document), np.roll(before, (-10, 30), (0, 1)))
    assert document.undo_stack.undo_name == "Move"
    document.undo()
    assert np.array_equal(pixels(document), before)
    document.redo()
    assert covered(document) == BOX.translated(30, -10)


def test_cancelling_and_going_back_leave_no_step(document: Document) -> None:
    before, position = pixels(document), document.undo_stack.position
    for ends in ("cancel", "finish"):
        change = begin_transformation(document)
        change.move_to(Rect(0, 0, 200, 200))
        change.move_to(BOX)
        getattr(change, ends)()
        assert np.array_equal(pixels(document), before)
        assert document.undo_stack.position is position
    assert not change.is_open
    assert change.move_to(WHOLE).is_empty


def test_undo_gives_up_what_is_still_open(document: Document) -> None:
    before, position = pixels(document), document.undo_stack.position
    change = begin_transformation(document)
    change.move_to(BOX.translated(50, 50))
    document.undo()
    assert not change.is_open
    assert np.array_equal(pixels(document), before)
    assert document.undo_stack.position is position


def test_what_comes_next_carries_out_what_is_open(document: Document) -> None:
    change = begin_transformation(document)
    change.move_to(BOX.translated(50, 50))
    document.fill_mask(WHOLE)
    assert not change.is_open
    document.undo()
    assert document.undo_stack.undo_name == "Move"


def test_scaling_always_begins_with_the_lifted_pixels(document: Document) -> None:
    change = begin_transformation(document)
    for size in ((3, 2), (240, 160), (120, 80)):
        change.move_to(Rect(20, 20, *size))
    change.finish()
    assert document.undo_stack.undo_name == "Transform"
    assert covered(document) == Rect(20, 20, 120, 80)
    inside = pixels(document)[25:95, 30:135]
    assert (inside == (0, 0, 255, 255)).all()
    colours = pixels(document)
    assert (colours[..., :3] <= colours[..., 3:]).all()


def test_beyond_the_canvas_is_cut_off_at_the_end_only(document: Document) -> None:
    change = begin_transformation(document)
    change.move_to(Rect(-30, 270, 60, 40))
    change.move_to(BOX.translated(5, 5))
    change.move_to(Rect(270, 100, 60, 40))
    change.finish()
    assert covered(document) == Rect(270, 100, 30, 40)


def test_only_what_is_selected_moves_and_the_selection_with_it(document: Document) -> None:
    part = Rect(90, 110, 40, 10)
    document.selection.select(rectangle(part, SIZE), "Select")
    change = begin_transformation(document)
    assert change.start == Rect(100, 110, 30, 10)
    change.move_to(change.start.translated(0, 100))
    change.finish()
    moved = pixels(document)
    assert not moved[110:120, 100:130].any()
    assert (moved[210:220, 101:130] == (0, 0, 255, 255)).all()
    assert (moved[110:120, 130:160] == (0, 0, 255, 255)).all()
    selected = document.selection.surface
    assert selected is not None
    assert (selected.read(Rect(100, 210, 30, 10)) == 255).all()
    document.undo()
    assert (pixels(document)[110:120, 101:160] == (0, 0, 255, 255)).all()
    assert document.selection.surface is not None
    assert (document.selection.surface.read(part) == 255).all()


@pytest.mark.parametrize(
    "act",
    [
        lambda document: document.selection.select(rectangle(BOX, SIZE), "Select"),
        lambda document: document.selection.deselect(),
        lambda document: document.selection.change("Invert", inverted),
        lambda document: document.fill_mask(WHOLE) or keep_mask(document, "all"),
        lambda document: fill_selected(document, None, (0, 0, 0)),
        lambda document: mask_from_selection(document),
    ],
)
def test_what_comes_next_begins_with_the_selection_where_it_was_moved(
    document: Document, act: Callable[[Document], object]
) -> None:
    document.selection.select(rectangle(Rect(90, 110, 40, 10), SIZE), "Select")
    change = begin_transformation(document)
    change.move_to(change.start.translated(0, 100))
    act(document)
    if not document.mask_is_empty and document.undo_stack.undo_name != "Keep mask":
        assert document.mask_touches(Rect(100, 210, 30, 10))
        assert not document.mask_touches(Rect(0, 0, 300, 200))
    while document.undo_stack.undo_name != "Move":
        document.undo()
    selected = document.selection.surface
    assert selected is not None
    assert (selected.read(Rect(100, 210, 30, 10)) == 255).all()
    assert not selected.read(Rect(0, 0, 300, 200)).any()


def test_an_empty_or_locked_layer_is_refused(document: Document) -> None:
    layer(document).locked = True
    with pytest.raises(InvalidRequest, match="locked"):
        begin_transformation(document)
    layer(document).locked = False
    document.selection.select(rectangle(Rect(0, 0, 9, 9), SIZE), "Select")
    with pytest.raises(InvalidRequest, match="nothing to move"):
        begin_transformation(document)


@pytest.mark.parametrize("rect", [Rect(0, 0, 0, 5), Rect(0, 0, 20_000, 5)])
def test_a_size_that_is_none_is_refused_and_changes_nothing(document: Document, rect: Rect) -> None:
    change = begin_transformation(document)
    with pytest.raises(CanvasTooLarge):
        change.move_to(rect)
    assert change.rect == BOX
    change.finish()
    assert covered(document) == BOX


# --- the canvas -------------------------------------------------------------------------------


def test_cropping_keeps_what_is_inside_in_one_step(document: Document) -> None:
    document.fill_mask(BOX)
    picture = document.flatten(Rect(90, 80, 100, 90))
    crop(document, Rect(90, 80, 100, 90))
    assert document.size == Size(100, 90)
    assert np.array_equal(document.flatten(document.bounds), picture)
    assert document.mask_touches(Rect(10, 20, 60, 40))
    assert not document.mask_touches(Rect(0, 0, 100, 20))
    document.undo()
    assert document.size == SIZE
    assert covered(document) == BOX
    document.redo()
    assert document.size == Size(100, 90)


def test_cropping_to_the_selection(document: Document) -> None:
    with pytest.raises(InvalidRequest, match="Nothing is selected"):
        crop_to_selection(document)
    document.selection.select(rectangle(Rect(100, 90, 120, 170), SIZE), "Select")
    crop_to_selection(document)
    assert document.size == Size(120, 170)
    selected = document.selection.surface
    assert selected is not None
    assert (selected.read(document.bounds) == 255).all()
    document.undo()
    assert document.selection.surface is not None
    assert document.selection.surface.size == SIZE


def test_a_crop_away_from_the_selection_leaves_everything_selected(document: Document) -> None:
    document.selection.select(rectangle(Rect(200, 200, 50, 50), SIZE), "Select")
    crop(document, Rect(0, 0, 150, 150))
    assert document.selection.surface is None
    document.undo()
    assert document.selection.surface is not None


def test_a_crop_beside_the_canvas_is_refused(document: Document) -> None:
    with pytest.raises(InvalidRequest, match="nothing of the picture"):
        crop(document, Rect(500, 0, 10, 10))
    assert document.size == SIZE


@pytest.mark.parametrize(
    ("anchor", "corner"), [((0, 0), (100, 100)), ((0.5, 0.5), (150, 120)), ((1, 1), (200, 140))]
)
def test_the_canvas_grows_around_its_anchor(
    document: Document, anchor: tuple[float, float], corner: tuple[int, int]
) -> None:
    resize_canvas(document, Size(400, 320), anchor)
    assert document.size == Size(400, 320)
    assert content_rect(layer(document).surface) == Rect(*corner, 60, 40)
    assert document.undo_stack.undo_name == "Resize canvas"
    document.undo()
    assert (document.flatten(Rect(0, 0, 90, 90)) == 255).all()


def test_the_frame_stays_on_a_smaller_canvas(document: Document) -> None:
    document.set_frame(Rect(200, 200, 64, 64))
    crop(document, Rect(0, 0, 100, 100))
    assert not document.frame.intersected(document.bounds).is_empty
    assert document.frame.size == Size(64, 64)


@pytest.mark.parametrize("size", [Size(0, 10), Size(20_000, 10)])
def test_a_canvas_of_no_size_is_refused(document: Document, size: Size) -> None:
    with pytest.raises(CanvasTooLarge):
        resize_canvas(document, size, (0, 0))
    with pytest.raises(InvalidRequest, match="anchor"):
        resize_canvas(document, Size(10, 10), (float("nan"), 0))
    assert document.size == SIZE
