"""What pressure, tilt, strength and a selection do to the pixels of a stroke."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from core.canvas.brush import Brush
from core.canvas.dabs import Sample, dabs_between
from core.canvas.document import Document
from core.canvas.dynamics import STEADY, BrushDynamics, Curve, Response, Sensor
from core.canvas.strokes import Stroke, StrokeTarget
from core.canvas.tiles import TiledSurface
from core.geometry import Rect, Size

FOLLOWS = Response(is_on=True)
SIZE = BrushDynamics(size=FOLLOWS)
OPACITY = BrushDynamics(opacity=FOLLOWS)
FLOW = BrushDynamics(flow=FOLLOWS)


def mask_of(brush: Brush, samples: list[Sample]) -> np.ndarray:
    document = Document(Size(300, 300))
    stroke = document.begin_stroke(brush, StrokeTarget.MASK)
    for sample in samples:
        stroke.move_to(*sample)
    stroke.finish()
    return document.mask_pixels(document.bounds)


def line(*pressures: float, tilt: float = 0.0) -> list[Sample]:
    """From left to right at half height, pressed so at even distances."""
    places = np.linspace(50, 250, len(pressures)).tolist()
    return [Sample(x, 150, p, tilt) for x, p in zip(places, pressures, strict=True)]


def width_at(mask: np.ndarray, x: int) -> float:
    """Covered pixels of a column."""
    return float(mask[:, x].sum() / 255)


def test_pressure_makes_the_line_wider() -> None:
    mask = mask_of(Brush(size=60, hardness=1, dynamics=SIZE), line(0.0, 1.0))
    for x in (80, 120, 200):
        assert width_at(mask, x) == pytest.approx(60 * (x - 50) / 200, abs=1.6)


def test_without_dynamics_pressure_changes_nothing() -> None:
    brush = Brush(size=40, hardness=0.5)
    assert np.array_equal(mask_of(brush, line(0.1, 0.9)), mask_of(brush, line(1.0, 1.0)))


def test_a_switched_off_response_keeps_its_curve_to_itself() -> None:
    off = BrushDynamics(Response(Curve(((0.0, 0.0), (1.0, 0.1)))))
    assert np.array_equal(
        mask_of(Brush(dynamics=off), line(0.1, 0.9)), mask_of(Brush(), line(0.1, 0.9))
    )


def test_the_curve_says_how_much() -> None:
    half = BrushDynamics(size=Response(Curve(((0.0, 0.5), (1.0, 0.5))), is_on=True))
    mask = mask_of(Brush(size=60, hardness=1, dynamics=half), line(0.0, 1.0))
    assert width_at(mask, 100) == pytest.approx(30, abs=0.6)


def test_tilt_can_be_followed_instead() -> None:
    lean = BrushDynamics(size=Response(sensor=Sensor.TILT, is_on=True))
    mask = mask_of(Brush(size=60, hardness=1, dynamics=lean), line(1.0, 1.0, tilt=0.5))
    assert width_at(mask, 150) == pytest.approx(30, abs=0.6)


@pytest.mark.parametrize("pressure", [0.2, 0.5, 1.0])
def test_opacity_follows_and_crossing_builds_nothing_up(pressure: float) -> None:
    brush = Brush(size=30, hardness=1, opacity=0.8, dynamics=OPACITY)
    there_and_back = line(pressure, pressure) + line(pressure, pressure)[::-1]
    mask = mask_of(brush, there_and_back)
    assert mask.max() == pytest.approx(255 * 0.8 * pressure, abs=1)


def test_a_stroke_may_press_harder_over_itself_and_never_takes_back() -> None:
    brush = Brush(size=30, hardness=1, dynamics=OPACITY)
    mask = mask_of(brush, [*line(0.3, 0.3), *line(0.8, 0.8)[::-1], *line(0.1, 0.1)])
    assert mask[150, 150] == round(255 * 0.8)


def test_flow_follows() -> None:
    light, hard = (
        mask_of(Brush(size=30, flow=0.4, dynamics=FLOW), [Sample(150, 150, p)]) for p in (0.25, 1.0)
    )
    assert light[150, 150] == pytest.approx(255 * 0.1, abs=1)
    assert hard[150, 150] == pytest.approx(255 * 0.4, abs=1)


@pytest.mark.parametrize("dynamics", [SIZE, OPACITY, BrushDynamics(FOLLOWS, FOLLOWS, FOLLOWS)])
@pytest.mark.parametrize("seed", range(4))
def test_cutting_a_pressed_stroke_changes_next_to_nothing(
    dynamics: BrushDynamics, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    samples = [Sample(*rng.uniform(20, 280, 2), rng.uniform(0, 1)) for _ in range(5)]
    cut = [samples[0]]
    for a, b in itertools.pairwise(samples):
        shares = [*np.sort(rng.uniform(0, 1, 6)), 1.0]
        cut += [Sample(*(np.array(a) + s * (np.array(b) - a)).tolist()) for s in shares]
    brush = Brush(size=40, hardness=0.6, flow=0.7, dynamics=dynamics)
    whole, pieces = mask_of(brush, samples).astype(int), mask_of(brush, cut).astype(int)
    assert np.abs(whole - pieces).max() <= 3


def test_a_jump_from_far_outside_is_cheap_with_any_step() -> None:
    calls: list[float] = []

    def step(pressure: float, tilt: float) -> float:
        calls.append(pressure)
        return 0.5

    start, end = Sample(-1e6, 5, 0.5), Sample(1e6, 5, 0.5)
    dabs, rest = dabs_between(start, end, step, 0.0, Rect(0, 0, 100, 100))
    assert len(dabs) == 201
    assert len(calls) <= 202
    assert 0 <= rest <= 0.5
    dabs, _ = dabs_between(Sample(-9, -9), Sample(-5, -90), step, 0.0, Rect(0, 0, 100, 100))
    assert len(dabs) == 0


def test_a_pen_that_presses_harder_in_one_place_makes_the_dot_grow() -> None:
    pressed = [Sample(150, 150, p) for p in (0.02, 0.3, 0.7, 1.0, 0.4, 0.0)]
    brush = Brush(size=40, hardness=1, dynamics=SIZE)
    assert np.array_equal(mask_of(brush, pressed), mask_of(brush, [Sample(150, 150, 1.0)]))


@pytest.mark.parametrize("pressure", [math.nan, math.inf, -math.inf, -3.0, 7.0])
def test_a_pressure_that_is_none_is_held_within_its_range(pressure: float) -> None:
    brush = Brush(size=40, hardness=1, dynamics=BrushDynamics(FOLLOWS, FOLLOWS))
    mask = mask_of(brush, [Sample(100, 150, 0.5), Sample(150, 150, pressure, pressure)])
    assert width_at(mask, 105) <= 40
    assert mask.max() == pytest.approx(255 if pressure > 0 else 128, abs=8)


def test_a_mask_becomes_as_strong_as_the_brush_says_from_either_side() -> None:
    document = Document(Size(64, 64))
    document.fill_mask(Rect(0, 0, 32, 64))
    stroke = document.begin_stroke(Brush(size=40, hardness=1, strength=0.4), StrokeTarget.MASK)
    stroke.move_to(16, 32)
    stroke.move_to(48, 32)
    stroke.finish()
    mask = document.mask_pixels(document.bounds)
    assert mask[32, 16] == mask[32, 48] == 102
    assert mask[2, 2] == 255


def test_strength_by_pressure_goes_from_keep_to_repaint() -> None:
    mask = mask_of(Brush(size=20, hardness=1, dynamics=OPACITY), line(0.0, 1.0))
    along = mask[150, 60:240].astype(int)
    assert (np.diff(along) >= 0).all()
    assert along[0] < 30
    assert along[-1] > 230


def test_a_selection_limits_how_far_pixels_change() -> None:
    surface, selected = TiledSurface(1, Size(64, 64)), TiledSurface(1, Size(64, 64))
    selected.fill(Rect(0, 0, 20, 64))
    selected.write(Rect(20, 0, 10, 64), np.full((64, 10), 51, np.uint8))
    stroke = Stroke(
        surface, Brush(size=30, hardness=1), StrokeTarget.MASK, lambda *_: None, lambda _: None,
        selected,
    )  # fmt: skip
    stroke.move_to(10, 32)
    stroke.move_to(60, 32)
    stroke.finish()
    row = surface.read(Rect(0, 32, 64, 1))[0]
    assert (row[10], row[25], row[40]) == (255, 51, 0)


def test_many_sizes_share_stamps_and_stay_close_to_their_size() -> None:
    brush = Brush(size=200, hardness=1, dynamics=SIZE)
    pressures = np.linspace(0.01, 1, 1000)
    sizes = np.array([brush.placed(Sample(50, 50, press)).size for press in pressures.tolist()])
    assert len(set(sizes.tolist())) < 500
    assert np.abs(sizes - pressures * 200).max() <= 0.5
    assert brush.dynamics is not STEADY
