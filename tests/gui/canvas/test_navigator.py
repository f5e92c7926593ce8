"""The whole picture in the canvas's corner: what is seen of it, and moved from there."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, QTimer
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.canvas.brush import Brush
from core.canvas.document import Document
from core.canvas.strokes import StrokeTarget
from core.geometry import Size
from gui.canvas.navigator import AWAY, SIDE, Navigator
from gui.main_window import MainWindow
from gui.theme import Theme
from tests.gui.conftest import Easel
from tests.helpers.desktop import LEFT, drag

RED, WHITE = QColor(255, 0, 0), QColor(255, 255, 255)
WIDE = Size(800, 400)


@pytest.fixture
def navigator(canvas: Easel, theme: Theme) -> Navigator:
    canvas.show_document(Document(WIDE))
    navigator = Navigator(canvas, theme)
    navigator.show()
    return navigator


def paint(document: Document, x: float, y: float) -> None:
    brush = Brush(size=160, hardness=1.0, colour=(255, 0, 0))
    stroke = document.begin_stroke(brush, StrokeTarget.PAINT)
    stroke.move_to(x, y)
    stroke.finish()


def seen_at(navigator: Navigator, x: float, y: float) -> QColor:
    """What it shows of a document position."""
    place = QPointF(*navigator.view.to_view(x, y)).toPoint()
    return navigator.grab().toImage().pixelColor(place)


def middle(canvas: Easel) -> tuple[float, float]:
    return canvas.viewport.to_document(*canvas.middle)


def test_it_has_the_pictures_shape_in_the_corner(canvas: Easel, navigator: Navigator) -> None:
    assert (navigator.width(), navigator.height()) == (SIDE, SIDE // 2)
    assert navigator.geometry().right() + 1 == canvas.width() - AWAY
    canvas.resize(500, 400)
    assert navigator.geometry().right() + 1 == 500 - AWAY
    canvas.turn_to(90)
    assert (navigator.width(), navigator.height()) == (SIDE // 2, SIDE)


def test_a_stroke_is_seen_when_the_hand_rests(
    canvas: Easel, navigator: Navigator, qtbot: QtBot
) -> None:
    assert seen_at(navigator, 200, 200) == WHITE
    paint(canvas.easel, 200, 200)
    qtbot.waitUntil(lambda: seen_at(navigator, 200, 200) == RED)
    canvas.easel.undo()
    qtbot.waitUntil(lambda: seen_at(navigator, 200, 200) == WHITE)


@pytest.mark.parametrize("angle", [0.0, 90.0, 30.0])
def test_it_is_turned_and_mirrored_as_the_view(
    canvas: Easel, navigator: Navigator, qtbot: QtBot, angle: float
) -> None:
    paint(canvas.easel, 200, 200)
    qtbot.waitUntil(lambda: seen_at(navigator, 200, 200) == RED)
    canvas.turn_to(angle)
    canvas.mirror()
    canvas.fit()
    assert seen_at(navigator, 200, 200) == RED
    assert seen_at(navigator, 600, 200) == WHITE
    assert navigator.view.angle == canvas.viewport.angle
    assert navigator.view.is_mirrored


def test_the_rectangle_is_what_the_canvas_shows(canvas: Easel, navigator: Navigator) -> None:
    canvas.zoom_to(1.0)
    assert navigator.seen.width() == pytest.approx(canvas.width() * navigator.view.zoom)
    assert seen_at(navigator, 400, 200) == WHITE
    assert seen_at(navigator, 30, 200) != WHITE  # outside it is darker
    canvas.pan(40, 0)
    left = navigator.view.to_document(navigator.seen.left(), 0)[0]
    assert left == pytest.approx(canvas.viewport.to_document(0, 0)[0])


def test_dragging_moves_the_view_but_not_off_the_picture(
    canvas: Easel, navigator: Navigator
) -> None:
    canvas.zoom_to(2.0)
    place = QPointF(*navigator.view.to_view(200, 100)).toPoint()
    QTest.mouseClick(navigator, LEFT, pos=place)
    assert middle(canvas) == pytest.approx((200, 100), abs=5)
    drag(navigator, [place, QPoint(SIDE // 2, SIDE // 4), QPoint(SIDE + 90, SIDE // 4)])
    assert middle(canvas)[0] == pytest.approx(WIDE.width)
    assert canvas.easel.undo_stack.can_undo is False


def test_it_goes_with_the_document(canvas: Easel, navigator: Navigator) -> None:
    other = Document(Size(300, 600))
    paint(other, 150, 500)
    canvas.show_document(other)
    assert (navigator.width(), navigator.height()) == (SIDE // 2, SIDE)
    assert seen_at(navigator, 150, 500) == RED


def test_hidden_it_listens_to_nothing(canvas: Easel, navigator: Navigator) -> None:
    navigator.hide()
    document = canvas.easel
    paint(document, 200, 200)
    canvas.zoom_to(3.0)
    assert not any(timer.isActive() for timer in navigator.findChildren(QTimer))
    navigator.show()
    canvas.fit()
    assert seen_at(navigator, 200, 200) == RED


def test_it_is_switched_in_the_menu_and_that_is_kept(window: MainWindow) -> None:
    switch = window.actions_by_name["navigator"]
    assert window.looking.to_dict() == {"pixel_grid": True, "navigator": False}
    assert window.findChildren(Navigator) == []
    changes: list[None] = []
    window.looking.changed.connect(lambda: changes.append(None))
    switch.trigger()
    QApplication.processEvents()
    (navigator,) = window.findChildren(Navigator)
    assert navigator.isVisible()
    assert changes == [None]
    kept = window.looking.to_dict()
    switch.trigger()
    assert not navigator.isVisible()
    window.looking.restore(kept | {"pixel_grid": "no"})
    assert window.looking.to_dict() == {"pixel_grid": True, "navigator": True}
    switch.trigger()
