"""Gradients on a layer and on the mask."""

from __future__ import annotations

import numpy as np
import pytest

from core.canvas import Document
from core.canvas.gradients import fill_gradient
from core.canvas.shapes import rectangle
from core.errors import InvalidRequest
from core.geometry import Rect, Size

SIZE = Size(600, 300)
WHOLE = Rect(0, 0, *SIZE)
DARK, LIGHT = (20, 40, 200), (230, 40, 90)
START, END = (50.0, 0.0), (550.0, 0.0)


@pytest.fixture
def document() -> Document:
    return Document(SIZE)


def share() -> np.ndarray:
    """How much of the first colour a column has."""
    return np.clip(1 - (np.arange(SIZE.width) + 0.5 - 50) / 500, 0, 1)


def pixels(document: Document) -> np.ndarray:
    return document.flatten(WHOLE).astype(float)


def test_one_colour_becomes_the_other(document: Document) -> None:
    assert fill_gradient(document, document.active_layer, START, END, DARK, LIGHT)
    shown = pixels(document)
    expected = np.outer(share(), DARK) + np.outer(1 - share(), LIGHT)
    assert np.abs(shown[..., :3] - expected).max() < 1.01
    assert (shown[:, :50, :3] == DARK).all()
    assert (shown[:, 550:, :3] == LIGHT).all()
    assert (shown[..., 3] == 255).all()
    assert (shown[..., 1] == 40).all()  # what is the same in both is not dithered
    document.undo()
    assert (pixels(document) == 255).all()


def test_columns_have_the_mean_that_bands_could_not_have(document: Document) -> None:
    fill_gradient(document, document.active_layer, START, END, (100, 100, 100), (104, 104, 104))
    shown = pixels(document)[..., 0]
    columns = shown.reshape(SIZE.height, -1, 25).mean(axis=(0, 2))
    expected = (100 * share() + 104 * (1 - share())).reshape(-1, 25).mean(axis=1)
    assert np.abs(columns - expected).max() < 0.06
    assert {*np.unique(shown)} == {100, 101, 102, 103, 104}
    assert not (shown[0] == shown[1]).all()


def test_a_colour_fades_into_what_is_there(document: Document) -> None:
    fill_gradient(document, document.active_layer, START, END, DARK)
    expected = np.outer(share(), DARK) + np.outer(1 - share(), (255, 255, 255))
    shown = pixels(document)
    assert np.abs(shown[..., :3] - expected).max() < 2.01
    assert np.abs(shown[..., :3].mean(axis=0) - expected).max() < 0.6
    assert (shown[:, 550:] == 255).all()


def test_it_stays_inside_the_selection_and_soft_where_that_is_soft(document: Document) -> None:
    selection = rectangle(Rect(100, 50, 300, 100), SIZE)
    selection.tile_for_writing(0, 0)[60:70, 120:130] = 128
    document.selection.select(selection, "Select")
    before = pixels(document)
    fill_gradient(document, document.active_layer, START, END, DARK, DARK)
    shown = pixels(document)
    assert (shown[50:150, 140:400, :3] == DARK).all()
    assert np.abs(shown[60:70, 120:130, :3] - (255 + np.array(DARK)) / 2).max() <= 1
    outside = np.ones(shown.shape[:2], bool)
    outside[50:150, 100:400] = False
    assert np.array_equal(shown[outside], before[outside])


def test_on_a_see_through_layer_alpha_fades_too(document: Document) -> None:
    layer = document.place_image(np.zeros((1, 1, 4), np.uint8), Rect(0, 0, 1, 1), "empty")
    fill_gradient(document, layer, START, END, DARK)
    alpha = layer.surface.read(WHOLE)[..., 3].astype(float)
    assert (alpha[:, :50] == 255).all()
    assert (alpha[:, 550:] == 0).all()
    assert np.abs(alpha.mean(axis=0) - 255 * share()).max() < 0.2


def test_the_mask_takes_no_colours(document: Document) -> None:
    fill_gradient(document, None, START, END, DARK, LIGHT)
    row = document.mask_pixels(WHOLE)
    assert (row == np.rint(255 * share())).all()


def test_the_same_gradient_is_the_same_pixels(document: Document) -> None:
    fill_gradient(document, document.active_layer, START, END, DARK, LIGHT)
    first = pixels(document)
    assert not fill_gradient(document, document.active_layer, START, END, DARK, LIGHT)
    assert np.array_equal(pixels(document), first)


def test_a_locked_layer_is_refused(document: Document) -> None:
    document.active_layer.locked = True
    with pytest.raises(InvalidRequest, match="locked"):
        fill_gradient(document, document.active_layer, START, END, DARK, LIGHT)
