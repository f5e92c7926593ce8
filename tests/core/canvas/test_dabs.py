"""Dabs along a way, and what a stroke says it has changed."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from core.canvas.brush import Brush
from core.canvas.dabs import Sample, dabs_between
from core.canvas.document import Document
from core.canvas.strokes import StrokeTarget
from core.geometry import Rect, Size

EVERYWHERE = Rect(-1000, -1000, 3000, 3000)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("step", [0.5, 3.0, 41.0])
def test_dabs_lie_a_step_apart_along_a_bent_way(seed: int, step: float) -> None:
    rng = np.random.default_rng(seed)
    way = [Sample(*row) for row in rng.uniform((-90, -90, 0, 0), (90, 90, 1, 1), (12, 4)).tolist()]
    corners = np.concatenate([[0.0], np.cumsum([dist(a, b) for a, b in pairwise(way)])])
    found: list[Sample] = []
    to_next = 0.7 * step
    for start, end in pairwise(way):
        dabs, to_next = dabs_between(start, end, lambda *_: step, to_next, EVERYWHERE)
        found += dabs
    due = np.arange(0.7 * step, corners[-1] + 1e-9, step)
    assert len(found) == len(due)
    for column, values in enumerate(np.transpose(found)):
        wanted = np.interp(due, corners, [sample[column] for sample in way])
        assert np.allclose(values, wanted, atol=1e-6)
    assert to_next == pytest.approx(due[-1] + step - corners[-1])


def test_the_first_place_alone_gets_a_dab_where_the_pen_comes_down() -> None:
    here = Sample(3, 4, 0.5, 0.25)
    assert dabs_between(here, here, lambda *_: 2.0, 0.0, EVERYWHERE) == ([here], 2.0)
    assert dabs_between(here, here, lambda *_: 2.0, 1.5, EVERYWHERE) == ([], 1.5)


def test_a_place_outside_gets_none() -> None:
    there = Sample(3, 4)
    assert dabs_between(there, there, lambda *_: 2.0, 0.0, Rect(10, 10, 5, 5))[0] == []


def dist(one: Sample, other: Sample) -> float:
    return math.hypot(one.x - other.x, one.y - other.y)


def test_a_stroke_says_where_it_covers_more_and_nothing_where_it_does_not() -> None:
    document = Document(Size(600, 600))
    heard: list[Rect] = []

    def hear(rect: Rect) -> None:
        heard.append(rect)

    document.changed.connect(hear)
    stroke = document.begin_stroke(Brush(size=200, hardness=0.5), StrokeTarget.PAINT)
    stroke.move_to(250, 300)
    before = document.flatten(document.bounds)
    dirty = stroke.move_to(280, 300)
    changed = (document.flatten(document.bounds) != before).any(axis=2)
    rows, columns = (np.flatnonzero(changed.any(axis)) for axis in (1, 0))
    assert dirty == Rect.between(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    assert heard[-1] == dirty
    stroke.finish()
    faint = document.begin_stroke(Brush(size=200, flow=0), StrokeTarget.PAINT)
    heard.clear()
    assert faint.move_to(250, 300).is_empty
    assert heard == []
    faint.finish()
