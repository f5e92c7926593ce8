"""Masks: grow, shrink, feather, crop, composite."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InvalidRequest
from core.geometry import Rect
from core.masks import (
    bounding_rect,
    composite,
    count_changed_outside,
    crop_rect,
    feather_inside,
    grow,
    shrink,
)


def picture(text: str, scale: int = 255) -> np.ndarray:
    """A mask drawn with characters: `#` is 1, `.` is 0, times `scale`."""
    rows = [[character == "#" for character in line] for line in text.split()]
    return np.array(rows, np.uint8) * np.uint8(scale)


def random_mask(seed: int, hard: bool = True) -> np.ndarray:
    """Some blobs of any size, sometimes none and sometimes everything."""
    rng = np.random.default_rng(seed)
    height, width = (int(n) for n in rng.integers(1, 60, 2))
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(0, 5))):
        y, x = int(rng.integers(height)), int(rng.integers(width))
        down, across = (int(n) for n in rng.integers(1, 30, 2))
        mask[y : y + down, x : x + across] = 255 if hard else int(rng.integers(1, 256))
    return mask


def grown_by_hand(mask: np.ndarray, radius: int) -> np.ndarray:
    """The most within `radius`, pixel by pixel."""
    height, width = mask.shape
    result = np.zeros_like(mask)
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if dx * dx + dy * dy <= radius * radius:
                ys = slice(max(0, dy), min(height, height + dy))
                xs = slice(max(0, dx), min(width, width + dx))
                shifted = mask[
                    max(0, -dy) : max(0, -dy) + max(0, ys.stop - ys.start),
                    max(0, -dx) : max(0, -dx) + max(0, xs.stop - xs.start),
                ]
                if shifted.size:
                    np.maximum(result[ys, xs], shifted, out=result[ys, xs])
    return result


def distances_by_hand(mask: np.ndarray) -> np.ndarray:
    """From each pixel to the nearest 0, by looking at all of them."""
    zeros = np.argwhere(mask == 0)
    y, x = np.indices(mask.shape)
    offsets = [(y - zy) ** 2 + (x - zx) ** 2 for zy, zx in zeros]
    return np.sqrt(np.min(offsets, axis=0))


def test_growing_by_two_makes_a_disc():
    mask = np.zeros((7, 7), np.uint8)
    mask[3, 3] = 255
    assert np.array_equal(
        grow(mask, 2),
        picture("""
            .......
            ...#...
            ..###..
            .#####.
            ..###..
            ...#...
            .......
        """),
    )


@pytest.mark.parametrize("hard", [True, False])
@pytest.mark.parametrize("seed", range(30))
def test_growing_is_the_most_and_shrinking_the_least_in_a_disc(seed, hard):
    mask = random_mask(seed, hard)
    radius = seed % 9
    assert np.array_equal(grow(mask, radius), grown_by_hand(mask, radius))
    assert np.array_equal(shrink(mask, radius), 255 - grown_by_hand(255 - mask, radius))


def test_growing_keeps_greys_and_leaves_the_input_alone():
    mask = np.zeros((9, 9), np.uint8)
    mask[4, 4] = 100
    kept = mask.copy()
    assert sorted(set(grow(mask, 1).ravel().tolist())) == [0, 100]
    assert np.count_nonzero(grow(mask, 1)) == 5
    assert np.array_equal(mask, kept)
    assert grow(mask, 0) is not mask


def test_a_mask_that_reaches_the_edge_is_not_shrunk_from_there():
    mask = np.zeros((10, 20), np.uint8)
    mask[:, :10] = 255
    assert np.array_equal(shrink(mask, 3), np.where(np.arange(20) < 7, 255, 0) * np.ones((10, 1)))


@pytest.mark.parametrize("value", [0, 255])
def test_all_or_nothing_stays(value):
    mask = np.full((5, 8), value, np.uint8)
    assert np.array_equal(grow(mask, 3), mask)
    assert np.array_equal(shrink(mask, 3), mask)
    assert (feather_inside(mask, 3) == value / 255).all()


def test_a_feather_is_a_ramp_inside():
    mask = np.zeros((3, 12), np.uint8)
    mask[:, 3:] = 255
    ramp = [0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1]
    assert np.array_equal(feather_inside(mask, 4), np.array([ramp] * 3, np.float32))


@pytest.mark.parametrize("seed", range(30))
def test_a_feather_is_nothing_outside_and_the_distance_inside(seed):
    mask = random_mask(seed, hard=seed % 2 == 0)
    width = seed % 11
    alpha = feather_inside(mask, width)
    assert alpha.dtype == np.float32
    assert not alpha[mask == 0].any()
    assert (alpha[mask > 0] > 0).all()
    if (mask == 0).any():
        truth = np.minimum(distances_by_hand(mask) / max(width, 1), 1)
        assert np.allclose(alpha, truth, atol=1e-6)
        assert (alpha[distances_by_hand(mask) >= max(width, 1)] == 1).all()


def test_the_bounding_rectangle_is_tight():
    mask = np.zeros((20, 30), np.uint8)
    assert bounding_rect(mask).is_empty
    mask[4, 7] = 1
    assert bounding_rect(mask) == Rect(7, 4, 1, 1)
    mask[19, 29] = 255
    assert bounding_rect(mask) == Rect(7, 4, 23, 16)


@pytest.mark.parametrize("seed", range(40))
def test_a_crop_holds_the_mask_and_the_padding_in_multiples(seed):
    rng = np.random.default_rng(seed)
    mask = random_mask(seed)
    padding, multiple = int(rng.integers(0, 20)), int(rng.choice([1, 8, 16, 64]))
    crop = crop_rect(mask, padding, multiple)
    height, width = mask.shape
    canvas = Rect(0, 0, width, height)
    if not mask.any():
        assert crop.is_empty
        return
    assert canvas.contains(crop)
    assert crop.contains(bounding_rect(mask).grown(padding).intersected(canvas))
    assert crop.width % multiple == 0 or crop.width == width
    assert crop.height % multiple == 0 or crop.height == height


def test_a_crop_is_moved_in_at_the_edge():
    mask = np.zeros((100, 100), np.uint8)
    mask[90:, :5] = 255
    assert crop_rect(mask, 3, 32) == Rect(0, 68, 32, 32)


def test_a_composite_by_hand():
    """Feather 2: half at the border, full inside; 10 + (21 - 10) / 2 = 15.5 rounds up."""
    original = np.full((1, 5, 3), 10, np.uint8)
    generated = np.full((1, 5, 3), 21, np.uint8)
    mask = np.array([[0, 255, 255, 255, 255]], np.uint8)
    result = composite(original, generated, mask, 2)
    assert result[0, :, 0].tolist() == [10, 16, 21, 21, 21]


def test_grey_does_not_mix_pictures_since_the_model_has_obeyed_it():
    original, generated = np.zeros((1, 4, 3), np.uint8), np.full((1, 4, 3), 255, np.uint8)
    mask = np.array([[0, 1, 128, 255]], np.uint8)
    assert composite(original, generated, mask, 0)[0, :, 0].tolist() == [0, 255, 255, 255]


@pytest.mark.parametrize("seed", range(30))
def test_outside_the_mask_every_bit_is_the_originals(seed):
    rng = np.random.default_rng(seed)
    mask = random_mask(seed, hard=seed % 3 != 0)
    original, generated = rng.integers(0, 256, (2, *mask.shape, 3), np.uint8)
    kept = original.copy()
    result = composite(original, generated, mask, seed % 13)
    assert np.array_equal(result[mask == 0], original[mask == 0])
    assert count_changed_outside(original, result, mask) == 0
    low, high = np.minimum(original, generated), np.maximum(original, generated)
    assert ((result >= low) & (result <= high)).all()
    assert np.array_equal(original, kept)


def test_inside_far_enough_every_bit_is_the_generated_pictures():
    rng = np.random.default_rng(1)
    original, generated = rng.integers(0, 256, (2, 64, 64, 3), np.uint8)
    mask = np.zeros((64, 64), np.uint8)
    mask[10:50, 10:50] = 255
    result = composite(original, generated, mask, 8)
    assert np.array_equal(result[17:43, 17:43], generated[17:43, 17:43])
    assert np.array_equal(composite(original, original, mask, 8), original)


def test_changed_pixels_outside_are_counted():
    original = np.zeros((4, 4, 3), np.uint8)
    result = original.copy()
    result[0, 0] = 9
    result[3, 3, 2] = 1
    result[2, 2] = 5
    mask = np.zeros((4, 4), np.uint8)
    mask[2, 2] = 1
    assert count_changed_outside(original, result, mask) == 2


def test_sizes_that_do_not_fit_are_refused_in_a_sentence():
    original, mask = np.zeros((4, 6, 3), np.uint8), np.zeros((4, 6), np.uint8)
    with pytest.raises(InvalidRequest, match=r"6 × 4.*6 × 5"):
        composite(original, np.zeros((5, 6, 3), np.uint8), mask, 2)
    with pytest.raises(InvalidRequest, match=r"mask 4 × 4"):
        count_changed_outside(original, original, mask[:, :4])


@pytest.mark.parametrize("change", [grow, shrink, feather_inside])
def test_a_negative_distance_is_refused(change):
    with pytest.raises(InvalidRequest, match="negative"):
        change(np.zeros((4, 4), np.uint8), -1)


def test_a_mask_out_of_a_larger_array_works():
    whole = np.zeros((40, 40), np.uint8)
    whole[10:20, 10:20] = 255
    part = whole[5:25, 5:25]
    assert np.array_equal(grow(part, 3), grown_by_hand(part, 3))
    assert np.array_equal(feather_inside(part, 3), feather_inside(part.copy(), 3))
