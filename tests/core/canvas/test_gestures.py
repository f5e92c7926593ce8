"""Two hundred random gestures, all the way back and all the way forth, to the last bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core.canvas.brush import Brush
from core.canvas.document import Document
from core.canvas.layering import remove_layer, set_opacity, set_visible
from core.canvas.strokes import StrokeTarget
from core.geometry import Rect, Size

Pixels = tuple[Size, np.ndarray, np.ndarray, tuple[tuple[str, bool, float], ...]]


def state(document: Document) -> Pixels:
    layers = tuple((layer.name, layer.visible, layer.opacity) for layer in document.layers)
    return (
        document.size,
        document.flatten(document.bounds),
        document.mask_pixels(document.bounds),
        layers,
    )


def same(one: Pixels, other: Pixels) -> bool:
    return one[0] == other[0] and one[3] == other[3] and all(
        np.array_equal(a, b) for a, b in zip(one[1:3], other[1:3], strict=True)
    )  # fmt: skip


def random_rect(rng: np.random.Generator) -> Rect:
    x, y = rng.integers(-60, 300, 2)
    width, height = rng.integers(70, 260, 2)
    return Rect(int(x), int(y), int(width), int(height))


def paint(document: Document, rng: np.random.Generator) -> None:
    brush = Brush(
        size=float(rng.uniform(1, 160)),
        hardness=float(rng.uniform(0, 1)),
        opacity=float(rng.choice([0.4, 1.0])),
        flow=float(rng.choice([0.3, 1.0])),
        colour=tuple(rng.integers(0, 256, 3).tolist()),
        erases=bool(rng.random() < 0.3),
    )
    target = StrokeTarget(str(rng.choice(["paint", "mask"])))
    if not document.active_layer.visible:  # it takes no stroke
        target = StrokeTarget.MASK
    stroke = document.begin_stroke(brush, target)
    for x, y in rng.uniform(-50, 400, (int(rng.integers(1, 5)), 2)):
        stroke.move_to(x, y)
    if rng.random() < 0.15:
        stroke.cancel()
    else:
        stroke.finish()


def place(document: Document, rng: np.random.Generator) -> None:
    rect = random_rect(rng)
    pixels = rng.integers(0, 256, (rect.height, rect.width, int(rng.choice([3, 4]))), np.uint8)
    mask = rng.integers(0, 2, (rect.height, rect.width), np.uint8) * 255
    document.place_image(pixels, rect, "picture", mask if rng.random() < 0.5 else None)


def change_layer(document: Document, rng: np.random.Generator) -> None:
    layer = document.layers[int(rng.integers(len(document.layers)))]
    match int(rng.integers(4)):
        case 0:
            set_visible(document, layer, not layer.visible)
        case 1:
            set_opacity(document, layer, float(rng.uniform(0, 1)))
        case 2:
            document.active_layer = layer
        case _ if len(document.layers) > 1:
            remove_layer(document, layer)


def change_mask(document: Document, rng: np.random.Generator) -> None:
    match int(rng.integers(3)):
        case 0:
            document.fill_mask(random_rect(rng))
        case 1:
            document.invert_mask()
        case _:
            document.clear_mask()


def grow(document: Document, rng: np.random.Generator) -> None:
    if document.size.area < 450 * 450:
        document.resize_to_include(random_rect(rng))


Gesture = Callable[[Document, np.random.Generator], None]
GESTURES: list[Gesture] = [paint] * 6 + [place, change_layer, change_mask, grow]


@pytest.mark.parametrize("seed", range(2))
def test_everything_can_be_taken_back_and_made_again_bit_for_bit(seed):
    rng = np.random.default_rng(seed)
    document = Document(Size(270, 260))
    states = [state(document)]
    position = document.undo_stack.position
    for _ in range(200):
        GESTURES[int(rng.integers(len(GESTURES)))](document, rng)
        if document.undo_stack.position is not position:
            states.append(state(document))
            position = document.undo_stack.position
        else:
            assert same(state(document), states[-1])
    for expected in reversed(states[:-1]):
        document.undo()
        assert same(state(document), expected)
    assert not document.undo_stack.can_undo
    for expected in states[1:]:
        document.redo()
        assert same(state(document), expected)
    assert not document.undo_stack.can_redo
