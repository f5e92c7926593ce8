"""The brush's stamp and where stamps fall."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest

from core.canvas.brush import Brush
from core.canvas.dabs import Sample, dabs_between
from core.canvas.stamps import disc, stamp_side
from core.errors import InvalidRequest
from core.geometry import Rect

EVERYWHERE = Rect(-(10**7), -(10**7), 2 * 10**7, 2 * 10**7)


def steady(step: float) -> Callable[[float, float], float]:
    return lambda pressure, tilt: step


def true_disc(size: float, offset_x: float, offset_y: float, grid: int = 16) -> np.ndarray:
    """Area of the disc in each pixel of the stamp, 0 to 1, by counting `grid`² points."""
    side = stamp_side(size)
    points = (np.arange(side * grid) + 0.5) / grid - side // 2
    inside = np.hypot.outer(points - offset_y, points - offset_x) <= size / 2
    return inside.reshape(side, grid, side, grid).mean(axis=(1, 3))


@pytest.mark.parametrize("size", [2.0, 5.0, 8.5, 16.0, 31.0, 64.0, 150.0])
@pytest.mark.parametrize("offset", [(0.0, 0.0), (0.25, 0.75), (0.5, 0.5)])
def test_a_hard_dab_is_a_disc(size, offset):
    coverage = disc(size, 1.0, *offset) / 255
    truth = true_disc(size, *offset)
    assert np.abs(coverage - truth).max() < (0.12 if size > 4 else 0.25)
    assert coverage.sum() == pytest.approx(truth.sum(), rel=0.1 if size < 4 else 0.015)
    assert (coverage[truth == 1] > 0.95).all()
    assert (coverage[truth == 0] < 0.13).all()


def test_the_centre_of_mass_follows_the_sub_pixel_offset():
    for offset in (0.0, 0.25, 0.5, 0.75):
        coverage = disc(9.0, 1.0, offset, 0.0).astype(float)
        positions = np.arange(coverage.shape[0]) + 0.5 - coverage.shape[0] // 2
        assert (coverage.sum(axis=0) @ positions) / coverage.sum() == pytest.approx(
            offset, abs=0.02
        )


def test_a_soft_dab_falls_from_the_hard_core_to_the_rim():
    coverage = disc(200.0, 0.5, 0.0, 0.0).astype(int)
    middle = coverage.shape[0] // 2
    ray = coverage[middle, middle:]
    assert (ray[:48] == 255).all()
    assert (np.diff(ray) <= 0).all()
    assert ray[75] == pytest.approx(127, abs=6)
    assert not ray[102:].any()


@pytest.mark.parametrize("size", [1.0, 1.5, 3.0, 64.0, 513.0, 1000.0])
@pytest.mark.parametrize("hardness", [0.0, 0.3, 1.0])
def test_a_stamp_holds_the_whole_dab(size, hardness):
    """A quarter and three quarters of a pixel are mirror images, unless one of them is cut."""
    near, far = (disc(size, hardness, offset, offset) for offset in (0.25, 0.75))
    assert np.sort(near[near > 0]).tolist() == np.sort(far[far > 0]).tolist()
    assert near.max() > 0


def test_a_one_pixel_brush_on_a_pixels_centre_fills_that_pixel_alone():
    brush = Brush(size=1, hardness=1)
    dab = brush.placed(Sample(10.5, 20.5))
    stamp = brush.stamp(dab)
    assert np.argwhere(stamp).tolist() == [[20 - dab.top, 10 - dab.left]]
    assert stamp.max() == 255


@pytest.mark.parametrize("hardness", [0.0, 1.0])
def test_a_dab_lies_about_its_centre(hardness):
    brush = Brush(size=41, hardness=hardness)
    dab = brush.placed(Sample(100.0, 50.25))
    stamp = brush.stamp(dab).astype(float)
    x = (stamp.sum(axis=0) @ (np.arange(stamp.shape[1]) + dab.left + 0.5)) / stamp.sum()
    y = (stamp.sum(axis=1) @ (np.arange(stamp.shape[0]) + dab.top + 0.5)) / stamp.sum()
    exact = 0.02 if brush.phases(brush.size) > 1 else 0.5
    assert (x, y) == (pytest.approx(100.0, abs=exact), pytest.approx(50.25, abs=exact))


def test_stamps_are_made_once_and_cannot_be_written():
    brush = Brush(size=20, hardness=1)
    dab = brush.placed(Sample(5.25, 5.5))
    assert brush.stamp(dab) is brush.stamp(dab)
    assert not brush.stamp(dab).flags.writeable


def test_dabs_fall_every_step_and_the_rest_is_carried():
    start, end = Sample(0, 0, 0.0), Sample(10, 0, 1.0)
    dabs, rest = dabs_between(start, end, steady(3.0), 0.0, EVERYWHERE)
    assert [dab.x for dab in dabs] == pytest.approx([0, 3, 6, 9])
    assert [dab.pressure for dab in dabs] == pytest.approx([0, 0.3, 0.6, 0.9])
    assert rest == pytest.approx(2.0)
    dabs, rest = dabs_between(end, Sample(11, 0, 1.0), steady(3.0), rest, EVERYWHERE)
    assert len(dabs) == 0
    assert rest == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(20))
def test_a_way_cut_into_pieces_gives_the_same_dabs(seed):
    rng = np.random.default_rng(seed)
    start, end = (Sample(*rng.uniform(-300, 300, 2), 1.0) for _ in range(2))
    step = float(rng.choice([0.5, 1.0, 6.4, 25.0, rng.uniform(0.5, 40)]))
    whole, rest = dabs_between(start, end, steady(step), 0.0, EVERYWHERE)
    cuts = np.sort(rng.uniform(0, 1, int(rng.integers(1, 30))))
    joints = [start, *(Sample(*np.add(start, np.subtract(end, start) * c)) for c in cuts), end]
    found, to_next = [], 0.0
    for a, b in itertools.pairwise(joints):
        dabs, to_next = dabs_between(a, b, steady(step), to_next, EVERYWHERE)
        found.extend(dabs)
    assert len(found) == len(whole)
    assert np.allclose(found, whole, atol=1e-9)
    assert to_next == pytest.approx(rest, abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_dabs_far_outside_are_counted_but_not_made(seed):
    rng = np.random.default_rng(seed)
    within = Rect(0, 0, 400, 300)
    start, end = (Sample(*rng.uniform(-3000, 3000, 2), 1.0) for _ in range(2))
    everything, rest = dabs_between(start, end, steady(7.0), 3.0, EVERYWHERE)
    inside, same_rest = dabs_between(start, end, steady(7.0), 3.0, within)
    wanted = [dab for dab in everything if 0 <= dab.x <= 400 and 0 <= dab.y <= 300]
    assert len(inside) == len(wanted)
    assert np.allclose(np.reshape(inside, (-1, 4)), np.reshape(wanted, (-1, 4)))
    assert same_rest == pytest.approx(rest)


def test_a_jump_across_the_world_is_cheap():
    start, end, within = Sample(-1e6, 5), Sample(1e6, 5), Rect(0, 0, 100, 100)
    dabs, rest = dabs_between(start, end, steady(0.5), 0.0, within)
    assert len(dabs) == 201
    assert 0 <= rest <= 0.5


def test_a_large_line_brush_steps_closer_than_its_spacing_says():
    assert Brush(size=64).step == pytest.approx(6.4)
    assert Brush(size=900).step == pytest.approx(30.0)
    assert Brush(size=900, spacing=1.5).step == pytest.approx(1350.0)
    assert Brush(size=1).step == 0.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 0.5},
        {"size": 1001},
        {"size": math.nan},
        {"hardness": -0.1},
        {"opacity": 1.1},
        {"flow": math.inf},
        {"spacing": 0},
        {"colour": (0, 0, 256)},
    ],
)
def test_a_brush_refuses_numbers_that_mean_nothing(wrong):
    with pytest.raises(InvalidRequest, match=f"brush's {next(iter(wrong))}"):
        Brush(**wrong)
