"""Rectangles are half-open and in whole pixels; the laws below hold for any of them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from core.geometry import Rect, Size

CHANCE = random.Random(31)
RECTS = [
    Rect(CHANCE.randint(-9, 9), CHANCE.randint(-9, 9), CHANCE.randint(0, 9), CHANCE.randint(0, 9))
    for _ in range(60)
]
PAIRS = list(zip(RECTS[::2], RECTS[1::2], strict=True))


def pixels(rect: Rect) -> set[tuple[int, int]]:
    """The pixels inside, one by one: slow and surely right."""
    return {(x, y) for x in range(rect.x, rect.right) for y in range(rect.y, rect.bottom)}


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_intersection_is_what_both_have(first: Rect, second: Rect) -> None:
    assert pixels(first.intersected(second)) == pixels(first) & pixels(second)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_union_contains_both_and_is_the_smallest(first: Rect, second: Rect) -> None:
    both, union = pixels(first) | pixels(second), first.united(second)
    assert both <= pixels(union)
    if both:
        columns, rows = zip(*both, strict=True)
        assert (union.x, union.right) == (min(columns), max(columns) + 1)
        assert (union.y, union.bottom) == (min(rows), max(rows) + 1)


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_contains_agrees_with_pixels(outer: Rect, inner: Rect) -> None:
    if not inner.is_empty:
        assert outer.contains(inner) == (pixels(inner) <= pixels(outer))
    assert outer.contains(outer)


def test_edges_in_the_wrong_order_make_an_empty_rect() -> None:
    assert Rect.between(5, 5, 2, 9) == Rect(5, 5, 0, 4)
    assert Rect.between(5, 5, 2, 9).is_empty


def test_grown_and_translated() -> None:
    assert Rect(2, 3, 4, 5).grown(2) == Rect(0, 1, 8, 9)
    assert Rect(2, 3, 4, 5).translated(-2, 1) == Rect(0, 4, 4, 5)
    assert Rect.of_size(Size(4, 5)) == Rect(0, 0, 4, 5)
    assert Rect(2, 3, 4, 5).size == Size(4, 5)


def test_slices_index_rows_first() -> None:
    image = np.zeros((10, 20), np.uint8)
    image[Rect(4, 2, 3, 5).slices()] = 1
    assert image.sum() == 15
    assert image[2:7, 4:7].all()


@pytest.mark.parametrize(
    ("size", "step", "rounded"),
    [
        (Size(256, 256), 8, Size(256, 256)),
        (Size(259, 260), 8, Size(256, 264)),
        (Size(1, 3), 8, Size(8, 8)),
        (Size(1000, 95), 64, Size(1024, 64)),
    ],
)
def test_sizes_round_to_the_nearest_multiple(size: Size, step: int, rounded: Size) -> None:
    assert size.rounded_to(step) == rounded
    assert rounded.is_multiple_of(step)


def test_size_in_words_and_numbers() -> None:
    size = Size(640, 480)
    assert str(size) == "640 × 480"
    assert size.area == 307_200
    assert size.swapped() == Size(480, 640)
    assert not size.is_empty
    assert Size(0, 5).is_empty
    assert not size.is_multiple_of(128)
