"""What is done with layers: each thing one step, its name in the menu, and back to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from core.canvas import layering
from core.canvas.blend_modes import BlendMode
from core.canvas.brush import Brush
from core.canvas.document import Document
from core.canvas.layers import Layer
from core.canvas.strokes import StrokeTarget
from core.canvas.tiles import FULL_TILE
from core.errors import InvalidRequest
from core.geometry import Rect, Size

SIZE = Size(300, 280)


def noise(seed: int, channels: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (200, 180, channels), np.uint8)


def three_layers() -> Document:
    """White paper, "middle" and "top", half-transparent noise that overlaps; "middle" is active."""
    document = Document(SIZE)
    middle = document.place_image(noise(1), Rect(10, 20, 180, 200), "middle")
    document.place_image(noise(2), Rect(90, 60, 180, 200), "top")
    document.active_layer = middle
    return document


def names(document: Document) -> list[str]:
    return [layer.name for layer in document.layers]


def shown(document: Document) -> np.ndarray:
    return document.flatten(document.bounds)


def state(document: Document) -> list[object]:
    layers = [
        (
            layer.name,
            layer.visible,
            layer.opacity,
            layer.blend_mode,
            layer.locked,
            layer.surface.read(document.bounds).tobytes(),
        )
        for layer in document.layers
    ]
    return [*layers, document.layers.index(document.active_layer), shown(document).tobytes()]


def paint(document: Document) -> None:
    stroke = document.begin_stroke(Brush(size=40, colour=(255, 0, 0)), StrokeTarget.PAINT)
    stroke.move_to(120, 120)
    stroke.finish()


STEPS = {
    "New layer": lambda d, layer: layering.add_layer(d),
    "Duplicate layer": layering.duplicate_layer,
    "Remove layer": layering.remove_layer,
    "Move layer": lambda d, layer: layering.move_layer(d, layer, 2),
    "Rename layer": lambda d, layer: layering.rename_layer(d, layer, "another"),
    "Hide layer": lambda d, layer: layering.set_visible(d, layer, False),
    "Show layer alone": layering.show_alone,
    "Lock layer": lambda d, layer: layering.set_locked(d, layer, True),
    "Layer opacity": lambda d, layer: layering.set_opacity(d, layer, 0.4),
    "Blend mode": lambda d, layer: layering.set_blend_mode(d, layer, BlendMode.MULTIPLY),
    "Clear layer": layering.clear_layer,
    "Merge layers": layering.merge_down,
    "Flatten picture": lambda d, layer: layering.flatten_layers(d),
}


@pytest.mark.parametrize("name", STEPS)
def test_each_thing_is_one_step_with_its_name_and_comes_back_to_the_last_bit(name):
    document = three_layers()
    steps_before = document.undo_stack.undo_name
    before = state(document)
    STEPS[name](document, document.active_layer)
    after = state(document)
    assert after != before
    assert document.undo_stack.undo_name == name
    document.undo()
    assert state(document) == before
    assert document.undo_stack.undo_name == steps_before
    document.redo()
    assert state(document) == after


def test_a_new_layer_lies_above_the_active_one_and_takes_the_paint():
    document = three_layers()
    before = shown(document)
    layer = layering.add_layer(document)
    assert names(document) == ["Background", "middle", "Layer 4", "top"]
    assert document.active_layer is layer
    assert np.array_equal(shown(document), before)
    paint(document)
    assert layer.surface.tiles
    assert layering.add_layer(document).name == "Layer 5"
    assert layering.add_layer(document, "sky").name == "sky"


def test_a_copy_shares_its_pixels_until_one_of_the_two_is_painted_on():
    document = three_layers()
    original = document.active_layer
    layering.set_blend_mode(document, original, BlendMode.SCREEN)
    layering.set_locked(document, original, True)
    copy = layering.duplicate_layer(document, original)
    assert names(document) == ["Background", "middle", "middle copy", "top"]
    assert copy.blend_mode is BlendMode.SCREEN
    assert not copy.locked
    assert copy.surface.tiles[0, 0] is original.surface.tiles[0, 0]
    before = original.surface.read(document.bounds)
    paint(document)
    assert np.array_equal(original.surface.read(document.bounds), before)
    assert not np.array_equal(copy.surface.read(document.bounds), before)


def test_the_order_is_what_is_seen():
    document = three_layers()
    top = document.layers[-1]
    layering.move_layer(document, top, 0)
    assert names(document) == ["top", "Background", "middle"]
    assert document.active_layer.name == "middle"
    layering.move_layer(document, document.layers[1], 99)
    assert (shown(document) == 255).all()
    steps = document.undo_stack.bytes_used
    layering.move_layer(document, document.layers[-1], 2)  # there already
    assert document.undo_stack.bytes_used == steps


@pytest.mark.parametrize("opacity", [1.0, 0.5])
@pytest.mark.parametrize("mode", list(BlendMode))
def test_merging_onto_a_normal_layer_leaves_the_picture(mode, opacity):
    document = three_layers()
    top = document.layers[2]
    paper = document.layers[0]
    layering.set_blend_mode(document, top, mode)
    layering.set_opacity(document, top, opacity)
    layering.merge_down(document, document.layers[1])
    before = shown(document)
    merged = layering.merge_down(document, document.layers[1])
    assert names(document) == ["Background"]
    assert document.active_layer is merged
    assert merged is not paper
    assert np.array_equal(shown(document), before)


def test_merging_keeps_the_name_below_and_adds_up_what_was_faded():
    document = three_layers()
    top, middle = document.layers[2], document.layers[1]
    layering.set_opacity(document, top, 0.5)
    layering.set_opacity(document, middle, 0.25)
    before = shown(document).astype(int)
    merged = layering.merge_down(document, top)
    assert names(document) == ["Background", "middle"]
    assert (merged.opacity, merged.blend_mode) == (1.0, BlendMode.NORMAL)
    assert np.abs(shown(document) - before).max() <= 1  # rounded in another order


def test_two_layers_of_one_mode_stay_in_it():
    document = three_layers()
    for layer in document.layers[1:]:
        layering.set_blend_mode(document, layer, BlendMode.MULTIPLY)
    before = shown(document).astype(int)
    merged = layering.merge_down(document, document.layers[2])
    assert merged.blend_mode is BlendMode.MULTIPLY
    assert np.abs(shown(document) - before).max() <= 1


def test_flattening_keeps_the_picture_and_white_paper_one_tile():
    document = three_layers()
    layering.set_blend_mode(document, document.layers[1], BlendMode.OVERLAY)
    layering.add_layer(document)
    layering.set_visible(document, document.active_layer, False)
    before = shown(document)
    layer = layering.flatten_layers(document)
    assert document.layers == (layer,)
    assert layer.name == "Background"
    assert np.array_equal(shown(document), before)
    assert layering.flatten_layers(document) is layer
    blank = Document(Size(2048, 2048))
    layering.add_layer(blank)
    assert layering.flatten_layers(blank).surface.tiles[3, 3] is FULL_TILE[4]


def test_a_drag_of_the_opacity_is_one_step_and_another_layers_is_another():
    document = three_layers()
    first, second = document.layers[1:]
    for opacity in (0.9, 0.6, 0.3):
        layering.set_opacity(document, first, opacity)
    layering.set_opacity(document, second, 0.5)
    layering.set_opacity(document, second, 0.4)
    document.undo()
    assert (first.opacity, second.opacity) == (0.3, 1.0)
    document.undo()
    assert first.opacity == 1.0
    assert document.undo_stack.undo_name == "Place picture"
    document.redo()
    assert first.opacity == 0.3


def test_fading_after_a_save_is_a_change_again():
    document = three_layers()
    layering.set_opacity(document, document.active_layer, 0.9)
    saved_at = document.undo_stack.position
    layering.set_opacity(document, document.active_layer, 0.5)
    assert document.undo_stack.position is not saved_at


def test_a_layer_is_shown_alone_and_then_with_all_the_others():
    document = three_layers()
    bottom, middle, top = document.layers
    layering.set_visible(document, bottom, False)
    layering.show_alone(document, top)
    assert [layer.visible for layer in document.layers] == [False, False, True]
    layering.show_alone(document, middle)
    assert [layer.visible for layer in document.layers] == [False, True, False]
    layering.show_alone(document, middle)
    assert all(layer.visible for layer in document.layers)
    assert document.undo_stack.undo_name == "Show all layers"
    document.undo()
    document.undo()
    document.undo()
    assert [layer.visible for layer in document.layers] == [False, True, True]


def test_what_changes_nothing_is_no_step():
    document = Document(SIZE)
    layer = document.active_layer
    layering.show_alone(document, layer)
    layering.set_visible(document, layer, True)
    layering.set_opacity(document, layer, 1.0)
    layering.set_blend_mode(document, layer, BlendMode.NORMAL)
    layering.set_locked(document, layer, False)
    layering.rename_layer(document, layer, " Background ")
    layering.rename_layer(document, layer, "  ")
    layering.flatten_layers(document)
    assert not document.undo_stack.can_undo
    assert layer.name == "Background"


def locked(document: Document) -> Layer:
    layer = document.active_layer
    layering.set_locked(document, layer, True)
    return layer


@pytest.mark.parametrize(
    "act",
    [
        lambda d: paint(d),
        lambda d: layering.clear_layer(d, d.active_layer),
        lambda d: layering.remove_layer(d, d.active_layer),
        lambda d: layering.merge_down(d, d.active_layer),
        lambda d: layering.merge_down(d, d.layers[2]),
    ],
    ids=["paint", "clear", "remove", "merge", "merge onto"],
)
def test_a_locked_layer_keeps_its_pixels_and_says_so(act):
    document = three_layers()
    locked(document)
    before = state(document)
    with pytest.raises(InvalidRequest, match=r"“middle” is locked\. Unlock"):
        act(document)
    assert state(document) == before
    assert document.undo_stack.undo_name == "Lock layer"


def test_a_locked_layer_leaves_the_mask_alone():
    document = three_layers()
    locked(document)
    stroke = document.begin_stroke(Brush(size=40), StrokeTarget.MASK)
    stroke.move_to(120, 120)
    stroke.finish()
    assert not document.mask_is_empty


def test_a_hidden_layer_takes_no_paint_and_is_not_merged():
    document = three_layers()
    layering.set_visible(document, document.active_layer, False)
    with pytest.raises(InvalidRequest, match=r"“middle” is hidden\. Show it to paint"):
        paint(document)
    with pytest.raises(InvalidRequest, match=r"hidden\. Show it before"):
        layering.merge_down(document, document.layers[2])


def test_the_lowest_layer_has_nothing_to_merge_with_and_the_last_one_stays():
    document = Document(SIZE)
    with pytest.raises(InvalidRequest, match="no layer below"):
        layering.merge_down(document, document.active_layer)
    with pytest.raises(InvalidRequest, match="at least one layer"):
        layering.remove_layer(document, document.active_layer)


@pytest.mark.parametrize("name", ["Duplicate layer", "Merge layers", "Flatten picture"])
def test_an_open_stroke_is_part_of_what_is_copied_or_merged(name):
    document = three_layers()
    stroke = document.begin_stroke(Brush(size=90, colour=(0, 255, 0)), StrokeTarget.PAINT)
    stroke.move_to(100, 120)
    before = shown(document)
    STEPS[name](document, document.active_layer)
    assert not stroke.is_open
    assert document.undo_stack.undo_name == name
    document.undo()
    assert np.array_equal(shown(document), before)
    assert document.undo_stack.undo_name == "Brush stroke"
