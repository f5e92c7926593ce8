"""Hundreds of random gestures, all the way back and all the way forth, to the last bit."""

from __future__ import annotations

import gc
import math
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.canvas import filling, layering, shapes, transforming
from core.canvas.blend_modes import BlendMode
from core.canvas.brush import Brush
from core.canvas.document import Document
from core.canvas.dynamics import NATURAL, STEADY
from core.canvas.gradients import fill_gradient
from core.canvas.layers import Layer
from core.canvas.selection import Combination, inverted
from core.canvas.strokes import StrokeTarget
from core.canvas.tiles import TiledSurface
from core.errors import KnownError
from core.geometry import Rect, Size
from core.projects import load_project, save_project

Dice = np.random.Generator
State = tuple[tuple[Any, ...], list[np.ndarray]]
START = Size(270, 260)
STRANGE = (math.nan, math.inf, -math.inf, -5.0, 1e300, 0.0)


def state(document: Document) -> State:
    """Everything that a step may change."""
    layers = document.layers
    selected = document.selection.surface
    words = (
        document.size,
        tuple((each.name, each.visible, each.locked, each.blend_mode) for each in layers),
        tuple(each.opacity for each in layers),
        tuple(document.kept_masks),
        selected is None,
    )
    surfaces = [each.surface for each in layers] + [document.mask, *document.kept_masks.values()]
    if selected is not None:
        surfaces.append(selected)
    bounds = document.bounds
    return words, [document.flatten(bounds), *(surface.read(bounds) for surface in surfaces)]


def same(one: State, other: State) -> bool:
    return one[0] == other[0] and all(map(np.array_equal, one[1], other[1]))


def number(dice: Dice, least: float, most: float) -> float:
    """One of that range; sometimes one that a broken driver or program might send."""
    if dice.random() < 0.05:
        return STRANGE[int(dice.integers(len(STRANGE)))]
    return float(dice.uniform(least, most))


def random_rect(dice: Dice) -> Rect:
    x, y = dice.integers(-60, 300, 2)
    width, height = dice.integers(70, 260, 2)
    return Rect(int(x), int(y), int(width), int(height))


def any_layer(document: Document, dice: Dice) -> Layer:
    return document.layers[int(dice.integers(len(document.layers)))]


def any_target(document: Document, dice: Dice) -> Layer | None:
    return any_layer(document, dice) if dice.random() < 0.6 else None


def any_way(dice: Dice) -> Combination:
    return list(Combination)[int(dice.integers(4))]


def paint(document: Document, dice: Dice) -> None:
    brush = Brush(
        size=float(dice.uniform(1, 160)),
        hardness=float(dice.uniform(0, 1)),
        opacity=float(dice.choice([0.4, 1.0])),
        flow=float(dice.choice([0.3, 1.0])),
        colour=tuple(dice.integers(0, 256, 3).tolist()),
        erases=bool(dice.random() < 0.3),
        dynamics=NATURAL if dice.random() < 0.5 else STEADY,
    )
    stroke = document.begin_stroke(brush, StrokeTarget(str(dice.choice(["paint", "mask"]))))
    for _ in range(int(dice.integers(1, 5))):
        places = number(dice, -50, 400), number(dice, -50, 400)
        stroke.move_to(*places, number(dice, 0, 1), number(dice, 0, 1))
    if dice.random() < 0.15:
        stroke.cancel()
    elif dice.random() < 0.8:  # else what comes next ends it
        stroke.finish()


def place(document: Document, dice: Dice) -> None:
    rect = random_rect(dice)
    pixels = dice.integers(0, 256, (rect.height, rect.width, int(dice.choice([3, 4]))), np.uint8)
    mask = dice.integers(0, 2, (rect.height, rect.width), np.uint8) * 255
    if dice.random() < 0.1:
        pixels = pixels[1:]
    document.place_image(pixels, rect, "picture", mask if dice.random() < 0.5 else None)


def transform(document: Document, dice: Dice) -> None:
    change = transforming.begin_transformation(document)
    change.move_to(change.rect.translated(*dice.integers(-80, 80, 2).tolist()))
    if dice.random() < 0.4:
        change.move_to(random_rect(dice))
    if dice.random() < 0.2:
        change.cancel()
    elif dice.random() < 0.6:
        change.finish()


def arrange(document: Document, dice: Dice) -> None:
    layer = any_layer(document, dice)
    match int(dice.integers(9)):
        case 0 if len(document.layers) < 5:
            layering.add_layer(document)
        case 1 if len(document.layers) < 5:
            layering.duplicate_layer(document, layer)
        case 2:
            layering.remove_layer(document, layer)
        case 3:
            layering.move_layer(document, layer, int(dice.integers(-2, 7)))
        case 4:
            layering.merge_down(document, layer)
        case 5 if dice.random() < 0.2:
            layering.flatten_layers(document)
        case 6:
            layering.clear_layer(document, layer)
        case _:
            document.active_layer = layer


def change_layer(document: Document, dice: Dice) -> None:
    layer = any_layer(document, dice)
    match int(dice.integers(5)):
        case 0:
            layering.set_visible(document, layer, bool(dice.random() < 0.8))
            if dice.random() < 0.1:
                layering.show_alone(document, layer)
        case 1:
            layering.set_opacity(document, layer, number(dice, 0, 1))
        case 2:
            layering.set_locked(document, layer, bool(dice.random() < 0.2))
        case 3:
            mode = list(BlendMode)[int(dice.integers(len(BlendMode)))]
            layering.set_blend_mode(document, layer, mode)
        case _:
            layering.rename_layer(document, layer, f"layer {dice.integers(9)}")


def select(document: Document, dice: Dice) -> None:
    match int(dice.integers(6)):
        case 0:
            document.selection.deselect()
        case 1:
            document.selection.reselect()
        case 2:
            document.selection.change("Invert", inverted)
        case 3:
            filling.select_alpha(document, any_layer(document, dice), any_way(dice))
        case 4:
            filling.select_mask(document, any_way(dice))
        case _:
            shape = shapes.ellipse(random_rect(dice), document.size)
            document.selection.select(shape, "Select", any_way(dice))


def fill(document: Document, dice: Dice) -> None:
    target = any_target(document, dice)
    match int(dice.integers(3)):
        case 0:
            filling.fill_selected(document, target, (200, 30, 9))
        case 1:
            filling.clear(document, target)
        case _:
            ends = [(number(dice, 0, 300), number(dice, 0, 300)) for _ in range(2)]
            fill_gradient(document, target, ends[0], ends[1], (1, 2, 3), (250, 200, 90))


def change_mask(document: Document, dice: Dice) -> None:
    name = f"mask {dice.integers(3)}"
    match int(dice.integers(7)):
        case 0:
            document.fill_mask(random_rect(dice))
        case 1:
            document.invert_mask()
        case 2:
            document.clear_mask()
        case 3:
            filling.mask_from_selection(document, any_way(dice))
        case 4:
            filling.keep_mask(document, name)
        case 5 if name in document.kept_masks:
            filling.take_mask(document, name, any_way(dice))
        case 6 if name in document.kept_masks:
            filling.forget_mask(document, name)


def change_canvas(document: Document, dice: Dice) -> None:
    match int(dice.integers(4)):
        case 0 if document.size.area < 400 * 400:
            document.resize_to_include(random_rect(dice))
        case 1:
            transforming.crop(document, random_rect(dice))
        case 2:
            transforming.crop_to_selection(document)
        case _:
            size = Size(*dice.integers(-3, 400, 2).tolist())
            transforming.resize_canvas(document, size, (number(dice, 0, 1), 0.5))


def go_back_and_forth(document: Document, dice: Dice) -> None:
    for _ in range(int(dice.integers(1, 5))):
        document.undo()
    for _ in range(int(dice.integers(3))):
        document.redo()


Gesture = Callable[[Document, Dice], None]
GESTURES: list[Gesture] = [
    *[paint] * 6, *[select] * 3, *[transform] * 2, *[change_mask] * 2, *[change_layer] * 2, place,
    arrange, fill, change_canvas, go_back_and_forth,
]  # fmt: skip


class Witness:
    """Remembers what a document was like at each position of its undo stack."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._states = {document.undo_stack.position: state(document)}

    def look(self) -> None:
        """Another position may be another state; the same one is the same to the last bit."""
        now = state(self._document)
        assert same(now, self._states.setdefault(self._document.undo_stack.position, now))

    def do(self, gesture: Gesture, dice: Dice) -> bool:
        """Make a gesture and look, unless something is left open; whether it was refused."""
        was_open = self._document.has_open_change
        position = self._document.undo_stack.position
        refused = False
        try:
            gesture(self._document, dice)
        except KnownError:
            refused = True
            assert was_open or self._document.undo_stack.position is position
        if not self._document.has_open_change:
            self.look()
        return refused


@pytest.mark.parametrize("seed", range(3))
def test_everything_can_be_taken_back_and_made_again_bit_for_bit(seed: int) -> None:
    dice = np.random.default_rng(seed)
    document = Document(START)
    witness = Witness(document)
    refused = sum(witness.do(GESTURES[int(dice.integers(len(GESTURES)))], dice) for _ in range(150))
    assert refused, "no gesture was refused"
    document.settle()
    witness.look()
    while document.undo_stack.can_undo:
        document.undo()
        witness.look()
    assert same(state(document), state(Document(START)))
    while document.undo_stack.can_redo:
        document.redo()
        witness.look()


def test_what_came_of_random_gestures_is_saved_and_its_memory_given_back(tmp_path: Path) -> None:
    dice = np.random.default_rng(9)
    document = Document(START)
    for _ in range(6):
        for _ in range(12):
            Witness(document).do(GESTURES[int(dice.integers(len(GESTURES)))], dice)
        document.settle()
        save_project(document, tmp_path / "a.ora")
        words, pixels = state(load_project(tmp_path / "a.ora").document)
        kept = {name for name, mask in document.kept_masks.items() if mask.touches(document.bounds)}
        assert words[:3] == state(document)[0][:3]
        assert set(words[3]) == kept
        count = 2 + len(document.layers)
        assert all(map(np.array_equal, pixels[:count], state(document)[1]))
    alive: list[weakref.ref[Document | TiledSurface]] = [weakref.ref(document)]
    alive += [weakref.ref(layer.surface) for layer in document.layers]
    del document
    gc.collect()
    assert not any(each() for each in alive)
