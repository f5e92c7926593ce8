"""Blending against plain integer arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from core.canvas.blending import Ink, blend, premultiplied


def rounded_255(products: np.ndarray) -> np.ndarray:
    """`products` / 255, to the nearest integer, in integers."""
    return ((2 * products.astype(np.int64) + 255) // 510).astype(np.uint8)


def all_pairs() -> tuple[np.ndarray, np.ndarray]:
    """Every byte against every byte, as two tiles."""
    values = np.arange(256, dtype=np.uint8)
    return np.repeat(values, 256).reshape(256, 256), np.tile(values, 256).reshape(256, 256)


@pytest.mark.parametrize("ink", [0, 1, 77, 128, 254, 255])
def test_ink_is_exact_for_every_value_and_alpha(ink):
    before, alpha = all_pairs()
    out = np.zeros_like(before)
    Ink((ink,)).lay(before, alpha, out)
    rest = 255 - alpha.astype(np.int64)
    assert np.array_equal(out, rounded_255(before * rest + ink * alpha.astype(np.int64)))


def test_ink_of_four_channels_writes_only_its_part():
    rng = np.random.default_rng(3)
    before = premultiplied(rng.integers(0, 256, (256, 256, 4), np.uint8))
    alpha = rng.integers(0, 256, (40, 30), np.uint8)
    target = np.full((256, 256, 4), 7, np.uint8)
    Ink((200, 10, 0, 255)).lay(before[5:45, 9:39], alpha, target[5:45, 9:39])
    share = alpha[..., np.newaxis].astype(np.int64)
    expected = rounded_255(before[5:45, 9:39] * (255 - share) + np.array([200, 10, 0, 255]) * share)
    assert np.array_equal(target[5:45, 9:39], expected)
    target[5:45, 9:39] = 7
    assert (target == 7).all()


@pytest.mark.parametrize("shape", [(1, 1), (4, 1), (1, 4), (4, 4), (256, 1), (3, 256)])
@pytest.mark.parametrize("channels", [1, 4])
def test_ink_takes_pieces_of_any_shape(shape, channels):
    tile = np.zeros((256, 256) if channels == 1 else (256, 256, 4), np.uint8)
    part = slice(0, shape[0]), slice(256 - shape[1], 256)
    colour = (90,) if channels == 1 else (90, 80, 70, 255)
    Ink(colour).lay(tile[part], np.full(shape, 255, np.uint8), tile[part])
    assert (tile[part] == (90 if channels == 1 else colour)).all()
    assert np.count_nonzero(tile) == shape[0] * shape[1] * channels


@pytest.mark.parametrize("opacity", [1, 100, 254, 255])
def test_blending_is_exact_for_every_value_and_alpha(opacity):
    value, alpha = all_pairs()
    onto = np.dstack((value, value // 2, value // 3, value))
    above = np.dstack((alpha, alpha // 2, alpha // 4, alpha))
    faded = rounded_255(above.astype(np.int64) * opacity)
    rest = 255 - faded[..., 3:].astype(np.int64)
    expected = faded + rounded_255(onto * rest)
    blend(above, opacity, onto)
    assert np.array_equal(onto, expected)


def test_opaque_replaces_and_transparent_leaves():
    rng = np.random.default_rng(1)
    below = premultiplied(rng.integers(0, 256, (9, 9, 4), np.uint8))
    above = rng.integers(0, 256, (9, 9, 4), np.uint8)
    above[..., 3] = 255
    picture = below.copy()
    blend(above, 255, picture)
    assert np.array_equal(picture, above)
    picture = below.copy()
    blend(np.zeros_like(above), 255, picture)
    assert np.array_equal(picture, below)


def test_premultiplying_is_exact_for_every_value_and_alpha():
    value, alpha = all_pairs()
    straight = np.dstack((value, value, value, alpha))
    result = premultiplied(straight)
    assert np.array_equal(result[..., 0], rounded_255(value.astype(np.int64) * alpha))
    assert np.array_equal(result[..., 3], alpha)


def test_rgb_becomes_opaque():
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    result = premultiplied(pixels)
    assert np.array_equal(result[..., :3], pixels)
    assert (result[..., 3] == 255).all()
