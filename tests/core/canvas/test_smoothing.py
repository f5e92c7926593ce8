"""The line that a hand means."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from core.canvas.dabs import Sample
from core.canvas.smoothing import PulledString, SmoothPath


def drawn(samples: list[Sample], reach: float = 0.0) -> list[Sample]:
    path = SmoothPath(reach)
    line = [place for sample in samples for place in path.follow(sample)]
    return line + path.finish()


def dense(line: list[Sample]) -> np.ndarray:
    """Places along the chords, (n, 2)."""
    return np.concatenate(
        [np.linspace(a[:2], b[:2], 8, endpoint=False) for a, b in itertools.pairwise(line)]
    )


def circle(count: int, radius: float = 100) -> list[Sample]:
    angles = np.linspace(0, 2 * math.pi, count + 1).tolist()
    return [Sample(radius * math.cos(a), radius * math.sin(a)) for a in angles]


@pytest.mark.parametrize("count", [10, 12, 16, 40])
def test_a_fast_circle_is_round(count: int) -> None:
    radii = np.hypot(*dense(drawn(circle(count))).T)
    sagitta = 100 * (1 - math.cos(math.pi / count))
    assert np.abs(radii - 100).max() < max(sagitta / 5, 0.2)


def test_the_line_goes_through_every_sample() -> None:
    rng = np.random.default_rng(1)
    samples = [Sample(*rng.uniform(0, 300, 2)) for _ in range(20)]
    line = np.array(drawn(samples))
    for sample in samples:
        assert np.hypot(*(line[:, :2] - sample[:2]).T).min() < 1e-9


def test_a_straight_line_is_left_alone() -> None:
    samples = [Sample(x, 2 * x) for x in (0.0, 1.0, 30.0, 31.0, 200.0)]
    line = np.array(drawn(samples))
    assert np.allclose(line[:, 1], 2 * line[:, 0])
    assert (np.diff(line[:, 0]) > 0).all()
    assert (line[0, 0], line[-1, 0]) == (0, pytest.approx(200))


def test_what_is_drawn_stays_near_the_samples_whatever_they_are() -> None:
    rng = np.random.default_rng(2)
    for _ in range(30):
        samples = [Sample(*rng.uniform(0, 100, 2)) for _ in range(12)]
        line = dense(drawn(samples))
        assert line.min() > -40
        assert line.max() < 140


def test_pressure_and_tilt_go_evenly_from_sample_to_sample() -> None:
    samples = [Sample(0, 0, 0.2, 0.1), Sample(30, 20, 0.8, 0.5), Sample(10, 70, 0.4, 0.9)]
    line = drawn(samples)
    to_second = line[1 : [s.pressure for s in line].index(max(s.pressure for s in line)) + 1]
    assert (np.diff([s.pressure for s in to_second]) > 0).all()
    assert max(s.pressure for s in line) == pytest.approx(0.8)
    assert line[-1] == pytest.approx(samples[-1])


def test_all_but_the_last_piece_is_drawn_while_the_pen_moves() -> None:
    path = SmoothPath()
    assert path.follow(Sample(0, 0)) == [Sample(0, 0)]
    assert path.follow(Sample(10, 0)) == []
    assert path.follow(Sample(20, 0))[-1] == pytest.approx(Sample(10, 0))
    assert path.finish()[-1] == pytest.approx(Sample(20, 0))


def test_a_dot_is_a_dot_and_grows_with_the_pressure() -> None:
    pressed = [Sample(5, 5, p) for p in (0.1, 0.5, 0.9)]
    assert [s.pressure for s in drawn(pressed)] == [0.1, 0.5, 0.9, 0.9]
    assert SmoothPath().finish() == []


@pytest.mark.parametrize("reach", [0.0, 30.0])
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_places_that_are_none_are_left_out_and_pressures_held(wrong: float, reach: float) -> None:
    clean = [Sample(0, 0, 0.5), Sample(40, 10, 0.5), Sample(90, 0, 0.5)]
    dirty = [Sample(wrong, 3), clean[0], Sample(3, wrong), *clean[1:]]
    assert drawn(dirty, reach) == drawn(clean, reach)
    line = drawn([clean[0], clean[1]._replace(pressure=wrong, tilt=wrong), clean[2]], reach)
    assert all(0 <= value <= 1 for sample in line for value in sample[2:])


@pytest.mark.parametrize("reach", [10.0, 60.0])
def test_smoothing_takes_away_the_shaking(reach: float) -> None:
    rng = np.random.default_rng(3)
    samples = [Sample(2.0 * x, float(rng.normal(0, 2))) for x in range(200)]
    raw, steady = dense(drawn(samples)), dense(drawn(samples, reach))
    assert np.std(steady[:, 1]) < 0.6 * np.std(raw[:, 1])


@pytest.mark.parametrize("reach", [10.0, 80.0, 1000.0])
def test_at_release_the_line_catches_up(reach: float) -> None:
    samples = [*circle(24), Sample(150, 20)]
    path = SmoothPath(reach)
    line = [place for sample in samples for place in path.follow(sample)]
    assert math.dist(line[-1][:2], (150, 20)) > 5
    assert path.finish()[-1] == pytest.approx(samples[-1])


def test_the_string_does_not_care_how_often_it_is_looked_at() -> None:
    corners = [np.array([0.0, 0.0, 0, 0]), np.array([80.0, 10, 1, 0]), np.array([20.0, 90, 0.5, 1])]
    coarse, fine = PulledString(25), PulledString(25)
    for place in corners:
        ends = coarse.pulled_to(Sample(*place))
    fine.pulled_to(Sample(*corners[0]))
    for a, b in itertools.pairwise(corners):
        for share in np.linspace(0, 1, 50)[1:]:
            same = fine.pulled_to(Sample(*(a + share * (b - a))))
    assert same == pytest.approx(ends)


def test_the_same_samples_give_the_same_line() -> None:
    rng = np.random.default_rng(4)
    samples = [Sample(*rng.uniform(0, 100, 2), float(rng.uniform())) for _ in range(50)]
    assert drawn(samples, 20) == drawn(samples, 20)
