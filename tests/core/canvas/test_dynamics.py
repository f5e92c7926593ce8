"""Curves, and what follows the pen through them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from core.canvas.dynamics import NATURAL, STEADY, BrushDynamics, Curve, Response, Sensor
from core.errors import InvalidRequest

CURVES = [
    Curve(),
    Curve(((0.0, 0.3), (1.0, 0.3))),
    Curve(((0.0, 0.0), (0.2, 0.9), (0.4, 0.1), (1.0, 1.0))),
    Curve(((0.0, 1.0), (0.5, 0.5), (1.0, 0.0))),
    Curve(((0.0, 0.0), (0.01, 1.0), (0.99, 1.0), (1.0, 0.0))),
]


@pytest.mark.parametrize("curve", CURVES)
def test_a_curve_goes_through_its_points(curve: Curve) -> None:
    for x, y in curve.points:
        assert curve.at(x) == pytest.approx(y, abs=1e-12)


@pytest.mark.parametrize("curve", CURVES)
def test_between_two_points_a_curve_only_rises_or_only_falls(curve: Curve) -> None:
    for (x0, y0), (x1, y1) in zip(curve.points, curve.points[1:], strict=False):
        ways = np.diff([curve.at(x) for x in np.linspace(x0, x1, 101)])
        assert (ways * math.copysign(1, y1 - y0) >= -1e-12).all()


def test_the_straight_curve_is_straight() -> None:
    values = np.linspace(0, 1, 333)
    assert np.allclose([Curve().at(value) for value in values], values, atol=1e-12)


@pytest.mark.parametrize("value", [-5.0, 7.0, -math.inf, math.inf])
def test_a_value_outside_is_held(value: float) -> None:
    assert Curve().at(value) == (0.0 if value < 0 else 1.0)


@pytest.mark.parametrize(
    "points",
    [
        (),
        ((0.0, 0.0),),
        ((0.0, 0.0), (0.5, 1.0)),
        ((0.1, 0.0), (1.0, 1.0)),
        ((0.0, 0.0), (0.5, 0.5), (0.5, 0.6), (1.0, 1.0)),
        ((0.0, 0.0), (1.0, 1.1)),
        ((0.0, math.nan), (1.0, 1.0)),
        tuple((x / 20, 0.5) for x in range(21)),
    ],
)
def test_points_that_are_no_curve_are_refused(points: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(InvalidRequest, match="curve has 2 to 12 points"):
        Curve(points)


def test_a_response_asks_its_sensor_and_only_when_it_is_on() -> None:
    assert Response().at(0.2, 0.7) == 1.0
    assert Response(is_on=True).at(0.2, 0.7) == pytest.approx(0.2)
    assert Response(sensor=Sensor.TILT, is_on=True).at(0.2, 0.7) == pytest.approx(0.7)


@pytest.mark.parametrize("dynamics", [STEADY, NATURAL])
def test_dynamics_survive_json(dynamics: BrushDynamics) -> None:
    assert BrushDynamics.from_dict(json.loads(json.dumps(dynamics.to_dict()))) == dynamics


@pytest.mark.parametrize(
    "record",
    [
        [],
        {"size": 3},
        {"size": {}},
        {"flow": {"curve": {"points": [[0, 0], [1, "x"]]}, "sensor": "pressure", "is_on": True}},
        {"flow": {"curve": {"points": [[0, 0], [1, 1]]}, "sensor": "smell", "is_on": True}},
        {"flow": {"curve": {"points": [[0, 0], [1, 1e999]]}, "sensor": "tilt", "is_on": True}},
    ],
)
def test_a_damaged_record_is_refused(record: object) -> None:
    with pytest.raises(InvalidRequest):
        BrushDynamics.from_dict(record)  # type: ignore[arg-type]
