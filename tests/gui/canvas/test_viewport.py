from __future__ import annotations

import math
import random

import pytest

from core.geometry import Rect, Size
from gui.canvas.viewport import LEAST_ZOOM, MOST_ZOOM, STOPS, Viewport

VIEW = Size(800, 600)


def test_view_and_document_positions_are_inverse() -> None:
    viewport = Viewport(1.7, 13.0, -40.5)
    assert viewport.to_document(*viewport.to_view(12.25, 99.5)) == pytest.approx((12.25, 99.5))


@pytest.mark.parametrize("factor", [0.3, 1.2, 7.0, 1e6, 1e-6])
def test_zooming_keeps_the_point_under_the_cursor(factor: float) -> None:
    viewport = Viewport(0.8, 31.0, -12.0)
    zoomed = viewport.zoomed(factor, 250.0, 333.0)
    assert zoomed.to_document(250.0, 333.0) == pytest.approx(viewport.to_document(250.0, 333.0))
    assert zoomed.zoom == pytest.approx(min(max(0.8 * factor, LEAST_ZOOM), MOST_ZOOM))


def test_panning_moves_by_view_pixels_and_keeps_the_zoom() -> None:
    panned = Viewport(2.0, 5.0, 6.0).panned(-3.0, 4.0)
    assert panned == Viewport(2.0, 2.0, 10.0)


def test_fitting_shows_the_whole_area_in_the_middle() -> None:
    viewport = Viewport().fitted(Rect(-100, 50, 1000, 400), VIEW, 20)
    left, top = viewport.to_view(-100, 50)
    right, bottom = viewport.to_view(900, 450)
    assert (left, right) == pytest.approx((20, 780), abs=1)
    assert top - 0 == pytest.approx(600 - bottom, abs=1.5)
    assert viewport.zoom == pytest.approx(0.76)


def test_fitting_does_not_blow_a_small_picture_up() -> None:
    assert Viewport().fitted(Rect(0, 0, 16, 16), VIEW, 20).zoom == 4.0


@pytest.mark.parametrize("view", [Size(0, 0), Size(10, 5)])
def test_fitting_survives_a_view_smaller_than_its_margin(view: Size) -> None:
    assert Viewport().fitted(Rect(0, 0, 5000, 5000), view, 20).zoom == LEAST_ZOOM


def test_stops_go_up_to_the_most_and_down_to_the_least() -> None:
    viewport, seen = Viewport(LEAST_ZOOM), [LEAST_ZOOM]
    while viewport.zoom < MOST_ZOOM:
        viewport = Viewport(viewport.next_stop(+1))
        seen.append(viewport.zoom)
    assert tuple(seen) == STOPS
    assert viewport.next_stop(+1) == MOST_ZOOM
    assert [Viewport(stop).next_stop(-1) for stop in STOPS[1:]] == list(STOPS[:-1])
    assert Viewport(LEAST_ZOOM).next_stop(-1) == LEAST_ZOOM


def test_a_stop_reached_by_rounding_is_left_in_one_step() -> None:
    assert Viewport(1.0000001).next_stop(+1) == 1.5
    assert Viewport(0.9999999).next_stop(-1) == 0.67


def test_visible_is_rounded_outwards() -> None:
    viewport = Viewport(4.0, 10.0, 10.0)
    assert viewport.visible(Size(100, 50)) == Rect.between(-3, -3, 23, 10)


# --- turned and mirrored --------------------------------------------------------------------------

ANGLES = (0.0, 90.0, 180.0, -90.0, 15.0, 30.0, -47.3, 123.4, 179.9)
WAYS = [
    Viewport(zoom, 13.0, -40.5, angle, is_mirrored, ratio)
    for angle in ANGLES
    for is_mirrored in (False, True)
    for zoom, ratio in ((0.013, 1.0), (0.8, 1.25), (1.0, 1.0), (31.7, 2.0))
]
PLACES = ((0.0, 0.0), (12.25, 99.5), (8191.5, -3.0))


def named(way: Viewport) -> str:
    return f"{way.angle:g}{'m' if way.is_mirrored else ''} at {way.zoom:g}x{way.ratio:g}"


@pytest.mark.parametrize("way", WAYS, ids=named)
def test_there_and_back_is_the_same_place(way: Viewport) -> None:
    for place in PLACES:
        assert way.to_document(*way.to_view(*place)) == pytest.approx(place, abs=1e-6)


@pytest.mark.parametrize("way", WAYS, ids=named)
def test_lengths_are_zoomed_and_nothing_else(way: Viewport) -> None:
    (ax, ay), (bx, by) = way.to_view(3, 4), way.to_view(6, 8)
    assert math.hypot(bx - ax, by - ay) == pytest.approx(5 * way.zoom)


@pytest.mark.parametrize("way", WAYS, ids=named)
def test_every_change_keeps_the_place_under_the_hand(way: Viewport) -> None:
    held = way.to_document(250.0, 333.0)
    for changed in (
        way.zoomed(1.7, 250.0, 333.0),
        way.at_scale(0.5, 250.0, 333.0),
        way.turned_to(way.angle + 77.0, 250.0, 333.0),
        way.upright(250.0, 333.0),
        way.mirrored(250.0),
    ):
        assert changed.to_view(*held) == pytest.approx((250.0, 333.0), abs=1e-6)
        assert -180 < changed.angle <= 180


@pytest.mark.parametrize("way", WAYS, ids=named)
def test_a_mirror_shows_the_other_way_round_and_twice_the_same(way: Viewport) -> None:
    x, y = way.to_view(*PLACES[1])
    assert way.mirrored(300.0).to_view(*PLACES[1]) == pytest.approx((600.0 - x, y), abs=1e-6)
    twice = way.mirrored(300.0).mirrored(300.0)
    assert twice.to_view(*PLACES[1]) == pytest.approx((x, y), abs=1e-6)


@pytest.mark.parametrize("way", WAYS, ids=named)
def test_the_matrix_says_the_same(way: Viewport) -> None:
    a, b, c, d = way.matrix
    x, y = PLACES[1]
    expected = (a * x + c * y + way.left, b * x + d * y + way.top)
    assert way.to_view(x, y) == pytest.approx(expected)


@pytest.mark.parametrize("way", WAYS, ids=named)
def test_a_chain_of_zooms_stays_under_the_cursor(way: Viewport) -> None:
    """From 1 % to 6400 % and back, over many notches, the place moves by less than half a pixel."""
    held = way.to_document(411.0, 77.0)
    rng = random.Random(4)
    for _ in range(300):
        way = way.zoomed(math.pow(1.2, rng.choice((-3, -1, 1, 2, 4))), 411.0, 77.0)
        assert 0.999 * LEAST_ZOOM <= way.scale <= 1.001 * MOST_ZOOM
        assert math.dist(way.to_view(*held), (411.0, 77.0)) < 0.5


@pytest.mark.parametrize("angle", [360.0, 720.0, -360.0, 1e-12])
def test_a_whole_turn_is_upright(angle: float) -> None:
    assert Viewport().turned_to(angle, 10, 10).is_upright


def test_turning_goes_from_step_to_step() -> None:
    assert Viewport(angle=30).next_turn(1) == 45
    assert Viewport(angle=31).next_turn(1) == 45
    assert Viewport(angle=31).next_turn(-1) == 30
    assert Viewport(angle=30).next_turn(-1) == 15
    assert Viewport(angle=0).next_turn(-1) == -15


@pytest.mark.parametrize("way", WAYS, ids=named)
def test_what_is_seen_and_what_is_around_hold_every_corner(way: Viewport) -> None:
    seen = way.visible(VIEW)
    for x, y in ((0, 0), (800, 0), (0, 600), (800, 600)):
        at_x, at_y = way.to_document(x, y)
        assert seen.x <= at_x <= seen.right
        assert seen.y <= at_y <= seen.bottom
    left, top, right, bottom = way.around(Rect(10, 20, 30, 40))
    for place in ((10, 20), (40, 20), (40, 60), (10, 60)):
        x, y = way.to_view(*place)
        assert left - 1e-6 <= x <= right + 1e-6
        assert top - 1e-6 <= y <= bottom + 1e-6


@pytest.mark.parametrize("angle", ANGLES)
def test_fitting_shows_a_turned_area_whole(angle: float) -> None:
    area = Rect(-100, 50, 1000, 400)
    fitted = Viewport(angle=angle, is_mirrored=angle > 20).fitted(area, VIEW, 20)
    left, top, right, bottom = fitted.around(area)
    assert min(left, top) >= 18.9
    assert right <= 781.1
    assert bottom <= 581.1
    assert fitted.angle == angle
    assert max(right - left, (bottom - top) * 760 / 560) == pytest.approx(760, abs=1)


@pytest.mark.parametrize("way", WAYS, ids=named)
def test_on_the_device_a_straight_document_begins_on_a_whole_pixel(way: Viewport) -> None:
    device = way.on_device(57, 110)
    assert device.zoom == way.scale
    assert device.ratio == 1.0
    x, y = way.to_view(*PLACES[1])
    away = math.dist(device.to_view(*PLACES[1]), (x * way.ratio + 57, y * way.ratio + 110))
    if way.is_square:
        assert device.left == round(device.left)
        assert away < 0.71
    else:
        assert away < 1e-6


def test_100_percent_is_a_device_pixel() -> None:
    viewport = Viewport(ratio=2.0).at_scale(1.0, 10, 10)
    assert viewport.zoom == 0.5
    assert viewport.scale == 1.0
    assert viewport.next_stop(1) == 1.5
