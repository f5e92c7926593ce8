"""The document: layers, mask, frame, what is seen, and undo of each."""

from __future__ import annotations

import numpy as np
import pytest

from core.canvas.brush import Brush
from core.canvas.document import Document
from core.canvas.layering import remove_layer, set_opacity, set_visible
from core.canvas.layers import Layer
from core.canvas.strokes import StrokeTarget
from core.canvas.tiles import FULL_TILE, TiledSurface
from core.errors import CanvasTooLarge, InvalidRequest
from core.geometry import Point, Rect, Size


def noise(width: int, height: int, channels: int, seed: int = 0) -> np.ndarray:
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def layered(size: Size, count: int, seed: int = 0) -> Document:
    """A document with `count` half-transparent pictures here and there, some faded or hidden."""
    rng = np.random.default_rng(seed)
    document = Document(size)
    for index in range(count):
        width, height = (int(n) for n in rng.integers(1, size, 2))
        x, y = int(rng.integers(0, size.width)) - 20, int(rng.integers(0, size.height)) - 20
        pixels = noise(width, height, 4, seed * 50 + index)
        layer = document.place_image(pixels, Rect(x, y, width, height), f"layer {index}")
        set_opacity(document, layer, float(rng.choice([0.0, 0.3, 0.5, 1.0, 1.0])))
        set_visible(document, layer, bool(rng.random() < 0.8))
    return document


def flattened_by_hand(layers: tuple[Layer, ...], size: Size) -> np.ndarray:
    """Porter-Duff over in whole numbers, rounded at each layer; no tiles, no caches."""
    picture = np.zeros((size.height, size.width, 4), np.int64)
    for layer in layers:
        if layer.visible:
            pixels = layer.surface.read(Rect.of_size(size)).astype(np.int64)
            pixels = (2 * pixels * round(255 * layer.opacity) + 255) // 510
            picture = pixels + (2 * picture * (255 - pixels[..., 3:]) + 255) // 510
    return picture.astype(np.uint8)


class Listener:
    """Writes down the events of a document."""

    def __init__(self, document: Document) -> None:
        self.heard: list[object] = []
        document.changed.connect(self.on_changed)
        document.structure_changed.connect(self.on_structure)
        document.frame_changed.connect(self.on_frame)

    def on_changed(self, rect: Rect) -> None:
        self.heard.append(rect)

    def on_structure(self) -> None:
        self.heard.append("structure")

    def on_frame(self) -> None:
        self.heard.append("frame")

    def take(self) -> list[object]:
        heard, self.heard = self.heard, []
        return heard


# A new document


def test_a_new_document_is_white_and_costs_one_tile():
    document = Document(Size(8192, 4096))
    assert [layer.name for layer in document.layers] == ["Background"]
    assert document.active_layer is document.layers[0]
    assert document.frame == Rect(0, 0, 8192, 4096)
    assert document.mask_is_empty
    assert not document.undo_stack.can_undo
    assert document.active_layer.surface.bytes_used == 0
    assert document.flattened_tile(3, 3) is FULL_TILE[4]
    assert document.flattened_tile(0, 0, 4) is FULL_TILE[4]


@pytest.mark.parametrize("size", [(16_385, 1), (1, 16_385), (16_000, 8_001), (0, 5), (5, -1)])
def test_a_canvas_too_large_or_empty_is_refused_with_a_sentence(size):
    with pytest.raises(CanvasTooLarge, match="canvas"):
        Document(Size(*size))


def test_the_largest_canvas_is_possible():
    document = Document(Size(16_000, 8_000))
    assert document.flatten(Rect(15_990, 7_990, 20, 20))[..., 3].sum() == 255 * 100


@pytest.mark.parametrize("channels", [3, 4])
def test_an_image_comes_back_as_it_was(channels):
    pixels = noise(300, 270, channels)
    if channels == 4:
        pixels[..., 3] = np.where(pixels[..., 3] < 128, 255, 0)
        pixels[pixels[..., 3] == 0] = 0
    document = Document.from_image(pixels, "photo")
    assert document.size == Size(300, 270)
    assert document.layers[0].name == "photo"
    assert np.array_equal(document.flatten(document.bounds)[..., :channels], pixels)


def test_straight_alpha_is_premultiplied():
    document = Document.from_image(np.full((2, 2, 4), [200, 100, 50, 128], np.uint8))
    assert document.flatten(Rect(0, 0, 1, 1))[0, 0].tolist() == [100, 50, 25, 128]


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(pixels):
    with pytest.raises((InvalidRequest, CanvasTooLarge), match=r"A (picture|canvas)"):
        Document.from_image(pixels)


# What is seen


@pytest.mark.parametrize("seed", range(6))
def test_flattening_is_plain_arithmetic(seed):
    size = Size(*(int(n) for n in np.random.default_rng(seed).integers(40, 700, 2)))
    document = layered(size, 5, seed)
    expected = flattened_by_hand(document.layers, size)
    assert np.array_equal(document.flatten(document.bounds), expected)
    for layer in document.layers:  # the caches below the active layer must not show
        document.active_layer = layer
        document.flattened_tile(0, 0)
        assert np.array_equal(document.flatten(document.bounds), expected)


@pytest.mark.parametrize("seed", range(2))
def test_tiles_follow_every_change(seed):
    rng = np.random.default_rng(seed)
    size = Size(600, 520)
    document = layered(size, 4, seed)
    for _ in range(12):
        document.active_layer = document.layers[int(rng.integers(len(document.layers)))]
        if rng.random() < 0.3:
            document.undo()
        set_visible(document, document.active_layer, True)  # a hidden one takes no stroke
        brush = Brush(size=float(rng.uniform(1, 150)), colour=(9, 200, 30), opacity=0.5)
        gesture = document.begin_stroke(brush, StrokeTarget.PAINT)
        for x, y in rng.uniform(0, 600, (2, 2)):
            gesture.move_to(x, y)
            tile = document.flattened_tile(int(rng.integers(3)), int(rng.integers(3)))
            assert not tile.flags.writeable
        if rng.random() < 0.2:
            gesture.cancel()
        else:
            gesture.finish()
        expected = np.zeros((768, 768, 4), np.uint8)
        expected[:520, :600] = flattened_by_hand(document.layers, size)
        for ty in range(3):
            for tx in range(3):
                part = expected[ty * 256 : ty * 256 + 256, tx * 256 : tx * 256 + 256]
                assert np.array_equal(document.flattened_tile(tx, ty), part)


def test_flatten_outside_is_transparent_and_the_array_is_ones_own():
    document = Document(Size(40, 30))
    pixels = document.flatten(Rect(-10, -10, 60, 50))
    assert pixels[..., 3].sum() == 255 * 40 * 30
    assert (pixels[10:40, 10:50] == 255).all()
    pixels[...] = 3
    assert (document.flatten(document.bounds) == 255).all()
    assert not document.flatten(Rect(1000, 1000, 5, 5)).any()
    assert document.flatten(Rect(5, 5, 0, -3)).shape == (0, 0, 4)
    with pytest.raises(CanvasTooLarge, match="too large"):
        document.flatten(Rect(0, 0, 10**6, 10**6))


def test_a_job_keeps_its_pixels_while_painting_goes_on():
    document = Document(Size(300, 300))
    picture, mask = document.flatten(document.bounds), document.mask_pixels(document.bounds)
    kept = picture.copy(), mask.copy()
    for target in StrokeTarget:
        gesture = document.begin_stroke(Brush(size=100), target)
        gesture.move_to(100, 100)
        gesture.finish()
    document.undo()
    assert np.array_equal(picture, kept[0])
    assert np.array_equal(mask, kept[1])


def test_one_opaque_layer_is_shown_without_a_copy():
    document = Document.from_image(noise(300, 300, 3))
    tile = document.active_layer.surface.tiles[0, 0]
    assert np.shares_memory(document.flattened_tile(0, 0), tile)


@pytest.mark.parametrize("level", [1, 2, 3, 5])
def test_reduced_tiles_are_the_mean_of_what_they_cover(level):
    document = layered(Size(900, 700), 3, 1)
    side = 1 << level
    padded = np.zeros((1024, 1024, 4))
    padded[:700, :900] = document.flatten(document.bounds)
    few = 1024 // side
    means = np.zeros((512, 512, 4))
    means[:few, :few] = padded.reshape(few, side, few, side, 4).mean(axis=(1, 3))
    for ty in (0, 1):
        for tx in (0, 1):
            tile = document.flattened_tile(tx, ty, level)
            part = means[ty * 256 : ty * 256 + 256, tx * 256 : tx * 256 + 256]
            assert np.abs(tile - part).max() <= level / 2


@pytest.mark.parametrize("seed", range(2))
def test_reduced_tiles_follow_every_change(seed):
    """What was patched in dirty rectangles equals what is made anew."""
    rng = np.random.default_rng(seed)
    document = layered(Size(1100, 900), 3, seed)
    set_visible(document, document.active_layer, True)  # a hidden one takes no stroke
    keys = [(tx, ty, level) for level in (0, 1, 2, 3) for ty in (0, 1) for tx in (0, 1)]
    for step in range(6):
        for target in StrokeTarget:
            brush = Brush(size=float(rng.uniform(1, 90)), colour=(255, 0, 9))
            gesture = document.begin_stroke(brush, target)
            for x, y in rng.uniform(0, 900, (3, 2)):
                gesture.move_to(x, y)
            gesture.finish()
        if step % 3 == 2:
            document.undo()
        picture = document.flatten(document.bounds)
        fresh = Document.from_image(np.zeros((900, 1100, 3), np.uint8))
        fresh.active_layer.surface.write(fresh.bounds, picture)
        fresh.mask.write(fresh.bounds, document.mask_pixels(document.bounds))
        for key in keys:
            assert np.array_equal(document.flattened_tile(*key), fresh.flattened_tile(*key)), key
            assert np.array_equal(document.mask_tile(*key), fresh.mask_tile(*key)), key


def test_there_are_tiles_outside_and_no_impossible_levels():
    document = Document(Size(300, 300))
    assert not document.flattened_tile(-1, 5).any()
    assert not document.mask_tile(9, 9, 3).any()
    with pytest.raises(ValueError, match="level"):
        document.flattened_tile(0, 0, -1)


# The mask


def test_mask_operations_are_one_step_each():
    document = Document(Size(600, 300))
    document.fill_mask(Rect(-50, 10, 100, 20))
    assert document.mask_touches(Rect(0, 0, 11, 11))
    assert not document.mask_touches(Rect(51, 0, 500, 300))
    assert not document.mask_touches(Rect(-100, -100, 90, 90))
    filled = document.mask_pixels(document.bounds)
    assert filled.sum() == 255 * 50 * 20
    document.invert_mask()
    assert np.array_equal(document.mask_pixels(document.bounds), 255 - filled)
    document.clear_mask()
    assert document.mask_is_empty
    names = []
    while document.undo_stack.can_undo:
        names.append(document.undo_stack.undo_name)
        document.undo()
    assert names == ["Clear mask", "Invert mask", "Fill mask"]
    document.redo()
    assert np.array_equal(document.mask_pixels(document.bounds), filled)


def test_mask_operations_that_change_nothing_are_no_steps():
    document = Document(Size(600, 300))
    listener = Listener(document)
    document.clear_mask()
    document.fill_mask(Rect(700, 0, 5, 5))
    assert not document.undo_stack.can_undo
    document.fill_mask(document.bounds)
    document.fill_mask(Rect(3, 3, 500, 40))
    assert document.undo_stack.undo_name == "Fill mask"
    assert listener.take() == [document.bounds]
    document.undo()
    assert not document.undo_stack.can_undo


def test_inverting_an_empty_mask_of_a_large_canvas_costs_nothing():
    document = Document(Size(8192, 8192))
    document.invert_mask()
    assert document.mask.bytes_used == 0
    assert document.mask_tile(0, 0, 5)[:256, :256].min() == 255
    document.invert_mask()
    assert not document.mask.tiles


def test_mask_operations_finish_an_open_stroke_first():
    document = Document(Size(100, 100))
    gesture = document.begin_stroke(Brush(size=20), StrokeTarget.MASK)
    gesture.move_to(50, 50)
    document.clear_mask()
    assert document.mask_is_empty
    document.undo()
    assert document.mask_touches(Rect(45, 45, 10, 10))


# Placing pictures


def test_a_placed_picture_is_seen_exactly():
    document = layered(Size(500, 400), 2)
    pixels = noise(200, 150, 3, 9)
    layer = document.place_image(pixels, Rect(100, 200, 200, 150), "edit")
    assert document.layers[-1] is layer
    assert document.active_layer is layer
    assert np.array_equal(document.flatten(Rect(100, 200, 200, 150))[..., :3], pixels)
    assert document.undo_stack.undo_name == "Place picture"


def test_with_a_mask_the_layer_holds_the_edit_only():
    document = layered(Size(500, 400), 2)
    before = document.flatten(document.bounds)
    rect = Rect(-40, 300, 300, 200)
    pixels = noise(300, 200, 3, 9)
    mask = np.where(noise(300, 200, 1, 4) < 60, 0, noise(300, 200, 1, 5)).astype(np.uint8)
    layer = document.place_image(pixels, rect, "edit", mask)
    inside = np.zeros((400, 500), bool)
    inside[300:, :260] = mask[:100, 40:] > 0
    after = document.flatten(document.bounds)
    assert np.array_equal(after[~inside], before[~inside])
    assert np.array_equal(after[inside][:, :3], pixels[:100, 40:][inside[300:, :260]])
    alpha = layer.surface.read(document.bounds)[..., 3]
    assert np.array_equal(alpha, np.where(inside, 255, 0))
    document.undo()
    assert np.array_equal(document.flatten(document.bounds), before)
    document.redo()
    assert np.array_equal(document.flatten(document.bounds), after)


def test_a_picture_that_reaches_out_can_take_the_canvas_along_in_one_step():
    document = layered(Size(300, 200), 1)
    before = document.flatten(document.bounds)
    gesture = document.begin_stroke(Brush(size=30, colour=(1, 2, 3)), StrokeTarget.PAINT)
    gesture.move_to(250, 20)
    painted = document.flatten(document.bounds)
    document.set_frame(Rect(-100, -40, 200, 150))
    pixels = noise(200, 150, 3, 7)
    document.place_image(pixels, document.frame, "outpainted", extends=True)
    assert document.size == Size(400, 240)
    assert document.frame == Rect(0, 0, 200, 150)
    assert np.array_equal(document.flatten(document.frame)[..., :3], pixels)
    right = Rect(200, 40, 200, 200)
    assert np.array_equal(document.flatten(right), painted[:, 100:])
    document.undo()
    assert document.frame == Rect(-100, -40, 200, 150)
    assert np.array_equal(document.flatten(document.bounds), painted)
    document.undo()
    assert np.array_equal(document.flatten(document.bounds), before)
    document.redo()
    document.redo()
    assert np.array_equal(document.flatten(document.frame)[..., :3], pixels)


def test_undo_of_placing_makes_the_layer_before_active_again():
    document = Document(Size(50, 50))
    background = document.active_layer
    layer = document.place_image(noise(9, 9, 3), Rect(0, 0, 9, 9), "a")
    document.undo()
    assert document.layers == (background,)
    assert document.active_layer is background
    document.redo()
    assert document.active_layer is layer


@pytest.mark.parametrize(
    ("pixels", "rect", "mask", "words"),
    [
        (noise(9, 9, 3), Rect(0, 0, 9, 8), None, "9 × 9"),
        (noise(9, 9, 3), Rect(50, 0, 9, 9), None, "outside"),
        (noise(9, 9, 3), Rect(0, 0, 9, 9), noise(8, 9, 1), "mask"),
        (noise(9, 9, 1), Rect(0, 0, 9, 9), None, "RGB"),
    ],
)
def test_a_picture_that_does_not_fit_is_refused_and_nothing_changes(pixels, rect, mask, words):
    document = Document(Size(50, 50))
    listener = Listener(document)
    with pytest.raises(InvalidRequest, match=words):
        document.place_image(pixels, rect, "bad", mask)
    assert len(document.layers) == 1
    assert not document.undo_stack.can_undo
    assert listener.take() == []


# Layers


def test_layer_changes_are_one_step_each_and_announced():
    document = Document(Size(50, 50))
    layer = document.place_image(np.zeros((20, 20, 3), np.uint8), Rect(10, 10, 20, 20), "dark")
    listener = Listener(document)
    box = Rect(0, 0, 50, 50)
    set_visible(document, layer, False)
    assert listener.take() == ["structure", box]
    assert (document.flatten(document.bounds) == 255).all()
    set_visible(document, layer, False)
    set_visible(document, layer, True)
    set_opacity(document, layer, 0.5)
    assert listener.take() == ["structure", box, "structure", box]
    assert document.flatten(Rect(15, 15, 1, 1))[0, 0].tolist() == [127, 127, 127, 255]
    remove_layer(document, layer)
    assert document.active_layer is document.layers[0]
    names = []
    while document.undo_stack.can_undo:
        names.append(document.undo_stack.undo_name)
        document.undo()
    assert names == ["Remove layer", "Layer opacity", "Show layer", "Hide layer", "Place picture"]
    assert (layer.visible, layer.opacity) == (True, 1.0)


def test_undoing_a_layer_property_keeps_the_layer_that_is_active_now():
    document = Document(Size(50, 50))
    background = document.active_layer
    layer = document.place_image(noise(9, 9, 3), Rect(0, 0, 9, 9), "a")
    set_visible(document, layer, False)
    document.active_layer = background
    document.undo()
    assert document.active_layer is background


def test_choosing_a_layer_is_announced_once_and_no_step():
    document = Document(Size(50, 50))
    document.place_image(noise(9, 9, 3), Rect(0, 0, 9, 9), "a")
    listener = Listener(document)
    document.active_layer = document.layers[0]
    document.active_layer = document.layers[0]
    assert listener.take() == ["structure"]
    assert document.undo_stack.undo_name == "Place picture"
    with pytest.raises(ValueError, match="not in this document"):
        document.active_layer = Document(Size(5, 5)).active_layer


def test_wrong_layer_changes_are_refused():
    document = Document(Size(50, 50))
    with pytest.raises(InvalidRequest, match="at least one layer"):
        remove_layer(document, document.active_layer)
    for opacity in (-0.1, 1.5, float("nan")):
        with pytest.raises(InvalidRequest, match="opacity"):
            set_opacity(document, document.active_layer, opacity)
    assert not document.undo_stack.can_undo


def test_removing_the_layer_that_is_painted_on_finishes_the_stroke():
    document = Document(Size(50, 50))
    layer = document.place_image(np.zeros((50, 50, 3), np.uint8), document.bounds, "a")
    gesture = document.begin_stroke(Brush(size=20, colour=(255, 0, 0)), StrokeTarget.PAINT)
    gesture.move_to(25, 25)
    remove_layer(document, layer)
    assert not gesture.is_open
    document.undo()
    assert document.flatten(Rect(25, 25, 1, 1))[0, 0].tolist() == [255, 0, 0, 255]


# Frame and size


def test_the_frame_may_lie_outside_and_is_announced_when_it_moves():
    document = Document(Size(50, 50))
    listener = Listener(document)
    document.set_frame(Rect(-500, 20, 64, 64))
    document.set_frame(Rect(-500, 20, 64, 64))
    assert listener.take() == ["frame"]
    with pytest.raises(InvalidRequest, match="no pixel"):
        document.set_frame(Rect(0, 0, 0, 64))
    assert document.frame == Rect(-500, 20, 64, 64)
    assert not document.undo_stack.can_undo


@pytest.mark.parametrize(
    "frame", [Rect(-30, 40, 200, 100), Rect(0, 0, 900, 600), Rect(-512, -256, 8, 8)]
)
def test_the_canvas_grows_to_hold_the_frame(frame):
    document = layered(Size(500, 400), 2)
    document.fill_mask(Rect(10, 10, 50, 50))
    document.set_frame(frame)
    before, mask = document.flatten(document.bounds), document.mask_pixels(document.bounds)
    shown = document.flatten(frame)
    listener = Listener(document)
    shift = document.resize_to_include(frame)
    assert listener.take() == [
        "structure", *(["frame"] if shift != (0, 0) else []), document.bounds
    ]  # fmt: skip
    assert document.frame == frame.translated(*shift)
    assert document.bounds.contains(document.frame)
    assert np.array_equal(document.flatten(document.frame), shown)
    old = Rect(*shift, 500, 400)
    assert np.array_equal(document.flatten(old), before)
    assert np.array_equal(document.mask_pixels(old), mask)
    assert document.mask_pixels(document.bounds).sum() == mask.sum()
    assert document.flatten(document.bounds)[..., 3].sum() == before[..., 3].sum()
    assert document.undo_stack.undo_name == "Extend canvas"
    assert document.undo() == Rect(0, 0, 500, 400)
    assert document.size == Size(500, 400)
    assert document.frame == frame
    assert np.array_equal(document.flatten(document.bounds), before)
    assert np.array_equal(document.mask_pixels(document.bounds), mask)
    document.redo()
    assert np.array_equal(document.flatten(old), before)


def test_growing_to_what_is_inside_is_nothing():
    document = Document(Size(50, 50))
    assert document.resize_to_include(Rect(5, 5, 10, 10)) == Point(0, 0)
    assert not document.undo_stack.can_undo


def test_growing_too_far_is_refused_and_nothing_changes():
    document = Document(Size(50, 50))
    with pytest.raises(CanvasTooLarge, match="too large"):
        document.resize_to_include(Rect(-20_000, 0, 10, 10))
    assert document.size == Size(50, 50)


def test_strokes_before_and_after_growing_are_undone_in_order():
    document = Document(Size(300, 300))
    states = [document.flatten(document.bounds)]
    for step in range(4):
        gesture = document.begin_stroke(Brush(size=50, colour=(200, step, 0)), StrokeTarget.PAINT)
        gesture.move_to(60 + 50 * step, 60)
        gesture.finish()
        states.append(document.flatten(document.bounds))
        document.resize_to_include(Rect(-33, -7, 10, 10))
        states.append(document.flatten(document.bounds))
    for state in reversed(states[:-1]):
        document.undo()
        assert np.array_equal(document.flatten(document.bounds), state)
    for state in states[1:]:
        document.redo()
        assert np.array_equal(document.flatten(document.bounds), state)


def test_a_frame_moved_in_between_stays_on_its_place_in_the_picture():
    document = Document(Size(300, 300))
    document.resize_to_include(Rect(-100, 0, 10, 10))
    document.set_frame(Rect(150, 20, 64, 64))
    document.undo()
    assert document.frame == Rect(50, 20, 64, 64)


def test_an_edit_that_fails_half_way_leaves_no_trace():
    document = Document(Size(600, 300))
    before = document.flatten(document.bounds)

    def fail(surface: TiledSurface) -> None:
        surface.tile_for_writing(0, 0)[...] = 0
        surface.tile_for_writing(1, 0)[...] = 7
        raise MemoryError("in the middle")

    with pytest.raises(MemoryError):
        document.edit_surface("Fill", document.active_layer.surface, fail)
    assert not document.undo_stack.can_undo
    assert np.array_equal(document.flatten(document.bounds), before)
    document.edit_surface("Fill", document.active_layer.surface, lambda s: s.invert())
    document.undo()
    assert np.array_equal(document.flatten(document.bounds), before)


def test_a_command_that_fails_does_not_enter():
    document = Document(Size(64, 64))

    class Failing:
        name, bytes = "Fail", 0

        def undo(self, document: Document) -> Rect:
            raise RuntimeError("undo")

        def redo(self, document: Document) -> Rect:
            raise RuntimeError("redo")

    with pytest.raises(RuntimeError, match="redo"):
        document.perform(Failing())
    assert not document.undo_stack.can_undo
