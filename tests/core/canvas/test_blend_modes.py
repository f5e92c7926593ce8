"""Blend modes against the W3C's formulas in floats, and as a stack of layers shows them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core.canvas.blend_modes import BlendMode
from core.canvas.blending import blend, premultiplied
from core.canvas.document import Document
from core.canvas.layering import set_blend_mode, set_opacity, set_visible
from core.geometry import Rect, Size

Colours = np.ndarray
SEPARABLE = tuple(
    mode for mode in BlendMode if mode not in (BlendMode.COLOUR, BlendMode.LUMINOSITY)
)


def lum(colour: Colours) -> Colours:
    return (colour @ np.array([0.299, 0.587, 0.114]))[..., np.newaxis]


def set_lum(colour: Colours, light: Colours) -> Colours:
    """SetLum and ClipColor of section 10.2.4, word for word."""
    colour = colour + (light - lum(colour))
    least, most = colour.min(-1, keepdims=True), colour.max(-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        colour = np.where(least < 0, light + (colour - light) * light / (light - least), colour)
        return np.where(most > 1, light + (colour - light) * (1 - light) / (most - light), colour)


FUNCTIONS: dict[BlendMode, Callable[[Colours, Colours], Colours]] = {
    BlendMode.NORMAL: lambda cb, cs: cs,
    BlendMode.MULTIPLY: lambda cb, cs: cb * cs,
    BlendMode.SCREEN: lambda cb, cs: cb + cs - cb * cs,
    BlendMode.OVERLAY: lambda cb, cs: np.where(cb <= 0.5, 2 * cb * cs, 1 - 2 * (1 - cb) * (1 - cs)),
    BlendMode.DARKEN: np.minimum,
    BlendMode.LIGHTEN: np.maximum,
    BlendMode.ADD: lambda cb, cs: np.minimum(1, cb + cs),
    BlendMode.COLOUR: lambda cb, cs: set_lum(cs, lum(cb)),
    BlendMode.LUMINOSITY: lambda cb, cs: set_lum(cb, lum(cs)),
}


def composed(mode: BlendMode, below: Colours, above: Colours, opacity: float) -> Colours:
    """Section 5.8 in floats: premultiplied 0 to 255 in and out."""
    ab, fs = below[..., 3:] / 255, above[..., 3:] / 255
    with np.errstate(divide="ignore", invalid="ignore"):
        cb = np.nan_to_num(below[..., :3] / 255 / ab)
        cs = np.nan_to_num(above[..., :3] / 255 / fs)
    at = fs * opacity
    blended = FUNCTIONS[mode](cb, cs)
    colour = cs * at * (1 - ab) + cb * ab * (1 - at) + at * ab * blended
    return 255 * np.concatenate((colour, at + ab - at * ab), -1)


def picture(seed: int, height: int = 97, width: int = 256) -> np.ndarray:
    """Random premultiplied pixels, a third of them opaque, some clear, greys and extremes too."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 4), np.uint8)
    pixels[: height // 3, :, 3] = 255
    pixels[height // 2 : height // 2 + 4] = 0
    pixels[-8:-4, :, :3] = pixels[-8:-4, :, :1]
    pixels[-4:] = rng.choice([0, 255], (4, width, 4)).astype(np.uint8)
    return premultiplied(pixels)


@pytest.mark.parametrize("opacity", [255, 254, 128, 1])
@pytest.mark.parametrize("mode", [mode for mode in BlendMode if mode is not BlendMode.NORMAL])
def test_a_mode_is_the_w3cs_formula_rounded_once(mode, opacity):
    below, above = picture(1), picture(2)
    expected = composed(mode, below.astype(float), above.astype(float), opacity / 255)
    onto = below.copy()
    blend(above, opacity, onto, mode)
    assert np.abs(onto - expected).max() <= 0.501
    assert (onto[..., :3] <= onto[..., 3:]).all()


@pytest.mark.parametrize("mode", SEPARABLE)
def test_every_pair_of_grey_levels_is_exact(mode):
    values = np.arange(256, dtype=np.uint8)
    opaque = np.full((256, 256), 255, np.uint8)
    below = np.dstack([np.repeat(values, 256).reshape(256, 256)] * 3 + [opaque])
    above = np.dstack([np.tile(values, 256).reshape(256, 256)] * 3 + [opaque])
    expected = composed(mode, below.astype(float), above.astype(float), 1.0)
    blend(above, 255, below, mode)
    assert np.abs(below - expected).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("mode", list(BlendMode))
def test_over_nothing_every_mode_is_normal_and_nothing_changes_nothing(mode):
    above = picture(3)
    onto = np.zeros_like(above)
    blend(above, 255, onto, mode)
    assert np.array_equal(onto, above)
    blend(np.zeros_like(above), 255, onto, mode)
    assert np.array_equal(onto, above)


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (16, 256), (17, 31)])
@pytest.mark.parametrize("mode", [BlendMode.OVERLAY, BlendMode.COLOUR])
def test_pieces_of_any_shape_and_only_the_piece(mode, shape):
    above, tile = picture(4, 256), picture(5, 256)
    part = slice(256 - shape[0], 256), slice(7, 7 + min(shape[1], 249))
    whole, untouched = tile.copy(), tile.copy()
    blend(above, 200, whole, mode)
    blend(above[part], 200, tile[part], mode)
    assert np.array_equal(tile[part], whole[part])
    tile[part] = untouched[part]
    assert np.array_equal(tile, untouched)


def stacked(seed: int) -> Document:
    """Layers of every mode over each other, here and there, some faded, some hidden."""
    rng = np.random.default_rng(seed)
    document = Document(Size(300, 280))
    for index, mode in enumerate(rng.permutation(np.array(list(BlendMode)))):
        rect = Rect(*(int(n) for n in rng.integers(-40, 120, 2)), 200, 180)
        layer = document.place_image(picture(index, 180, 200), rect, mode)
        set_blend_mode(document, layer, BlendMode(mode))
        set_opacity(document, layer, float(rng.choice([0.3, 1.0])))
        set_visible(document, layer, bool(rng.random() < 0.85))
    return document


@pytest.mark.parametrize("seed", range(3))
def test_a_stack_is_its_layers_one_after_the_other_whichever_is_active(seed):
    document = stacked(seed)
    expected = np.zeros((280, 300, 4), np.uint8)
    for layer in document.layers:
        if layer.visible:
            above, opacity = layer.surface.read(document.bounds), round(layer.opacity * 255)
            for half in (slice(150), slice(150, 300)):  # no piece is larger than a tile
                for band in (slice(140), slice(140, 280)):
                    blend(above[band, half], opacity, expected[band, half], layer.blend_mode)
    first = document.flatten(document.bounds)
    assert np.array_equal(first, expected)
    for layer in document.layers:
        document.active_layer = layer
        document.flattened_tile(0, 0)
        assert np.array_equal(document.flatten(document.bounds), first)


def test_what_an_opaque_layer_hides_is_not_seen():
    document = stacked(1)
    cover = np.random.default_rng(9).integers(0, 256, (280, 300, 3), np.uint8)
    document.place_image(cover, document.bounds, "cover")
    document.place_image(picture(8, 100, 100), Rect(20, 20, 100, 100), "on top")
    top = document.layers[-1]
    set_blend_mode(document, top, BlendMode.MULTIPLY)
    expected = np.dstack((cover, np.full(cover.shape[:2], 255, np.uint8)))
    piece = top.surface.read(document.bounds)
    blend(piece[:256, :256], 255, expected[:256, :256], BlendMode.MULTIPLY)
    assert np.array_equal(document.flatten(document.bounds), expected)
