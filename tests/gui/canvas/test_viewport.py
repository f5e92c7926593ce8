from __future__ import annotations

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
    viewport = Viewport.fitting(Rect(-100, 50, 1000, 400), VIEW, 20)
    left, top = viewport.to_view(-100, 50)
    right, bottom = viewport.to_view(900, 450)
    assert (left, right) == pytest.approx((20, 780), abs=1)
    assert top - 0 == pytest.approx(600 - bottom, abs=1.5)
    assert viewport.zoom == pytest.approx(0.76)


def test_fitting_does_not_blow_a_small_picture_up() -> None:
    assert Viewport.fitting(Rect(0, 0, 16, 16), VIEW, 20).zoom == 4.0


@pytest.mark.parametrize("view", [Size(0, 0), Size(10, 5)])
def test_fitting_survives_a_view_smaller_than_its_margin(view: Size) -> None:
    assert Viewport.fitting(Rect(0, 0, 5000, 5000), view, 20).zoom == LEAST_ZOOM


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
