"""Dabs along a chain of pieces, and what a stroke says it has changed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from core.canvas.brush import Brush
from core.canvas.dabs import Sample, dabs_between, dabs_through
from core.canvas.document import Document
from core.canvas.strokes import StrokeTarget
from core.geometry import Rect, Size

EVERYWHERE = Rect(-1000, -1000, 3000, 3000)


def a_way(seed: int, count: int, reach: float) -> list[Sample]:
    rows = np.random.default_rng(seed).uniform(
        (-reach, -reach, 0, 0), (reach, reach, 1, 1), (count, 4)
    )
    return [Sample(*row) for row in rows.tolist()]


@pytest.mark.parametrize("reach", [2.0, 90.0, 700.0])
@pytest.mark.parametrize("step", [0.5, 3.0, 41.0])
@pytest.mark.parametrize("within", [EVERYWHERE, Rect(-40, 10, 100, 60)])
def test_a_chain_has_the_dabs_of_its_pieces(reach: float, step: float, within: Rect) -> None:
    for seed in range(10):
        way = a_way(seed, 12, reach)
        to_next, pieces = 0.7 * step, []
        for start, end in pairwise(way):
            dabs, to_next = dabs_between(start, end, step, to_next, within)
            pieces.append(dabs)
        whole, rest = dabs_through(way, step, 0.7 * step, within)
        assert np.allclose(whole, np.concatenate(pieces), atol=1e-7)
        assert rest == pytest.approx(to_next, abs=1e-7)


def test_the_first_place_alone_gets_a_dab_where_the_pen_comes_down() -> None:
    dabs, rest = dabs_through([Sample(3, 4, 0.5, 0.25)], 2.0, 0.0, EVERYWHERE)
    assert dabs.tolist() == [[3, 4, 0.5, 0.25]]
    assert rest == 2.0
    assert len(dabs_through([Sample(3, 4)], 2.0, 1.5, EVERYWHERE)[0]) == 0


def test_a_way_to_the_far_side_of_the_moon_is_cut() -> None:
    way = [Sample(0, 0), Sample(1e6, 0), Sample(1e6, 1e6)]
    dabs, _ = dabs_through(way, 0.5, 0.0, Rect(0, 0, 100, 100))
    assert len(dabs) == 201


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
