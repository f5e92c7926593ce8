"""Looking at a picture, and at two with a line between them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.theme import Theme
from gui.widgets.picture_view import PictureView
from tests.helpers.desktop import LEFT, drag

RED, BLUE = QColor(200, 0, 0), QColor(0, 0, 200)


def plain(colour: QColor, width: int = 200, height: int = 100) -> QImage:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(colour)
    return image


@pytest.fixture
def view(qtbot: QtBot, theme: Theme) -> PictureView:
    view = PictureView(theme, "Two pictures")
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show()
    qtbot.waitExposed(view)
    return view


def seen(view: PictureView, x: int, y: int = 190) -> QColor:
    return view.grab().toImage().pixelColor(x, y)


def test_a_small_picture_is_not_enlarged_and_a_large_one_fits(view: PictureView) -> None:
    view.show_picture(plain(RED))
    assert view.zoom == 1.0
    assert (seen(view, 200), seen(view, 90)) == (RED, seen(view, 10))
    view.show_picture(plain(RED, 8000, 4000))
    assert view.zoom == 400 / 8000
    assert seen(view, 5) == RED


def test_the_line_parts_two_pictures_and_is_dragged(view: PictureView) -> None:
    view.compare(plain(RED), plain(BLUE), ("Kept", "Made again"))
    assert (seen(view, 150), seen(view, 250)) == (RED, BLUE)
    drag(view, [QPoint(200, 150), QPoint(230, 150), QPoint(260, 150)])
    assert view.parting == pytest.approx(0.8)
    assert (seen(view, 250), seen(view, 290)) == (RED, BLUE)
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert view.parting == pytest.approx(0.78)


def test_a_double_click_goes_to_full_size_and_back_and_dragging_moves(view: PictureView) -> None:
    picture = plain(RED, 1600, 1200)
    for x in range(800):
        for y in (600, 601):
            picture.setPixelColor(x, y, BLUE)
    view.show_picture(picture)
    assert view.zoom == 0.25
    QTest.mouseDClick(view, LEFT, pos=QPoint(200, 150))
    assert view.zoom == 1.0
    assert (seen(view, 100, 150), seen(view, 300, 150)) == (BLUE, RED)
    drag(view, [QPoint(200, 200), QPoint(300, 200), QPoint(350, 200)])
    assert seen(view, 300, 150) == BLUE
    QTest.mouseDClick(view, LEFT, pos=QPoint(200, 150))
    assert view.zoom == 0.25


def test_two_side_by_side_are_zoomed_and_moved_together(view: PictureView) -> None:
    left, right = plain(RED, 800, 600), plain(BLUE, 800, 600)
    for picture in (left, right):
        for x in range(100):
            for y in range(100):
                picture.setPixelColor(x, y, QColor("white"))
    view.compare(left, right, ("Older", "Newer"))
    changes: list[bool] = []
    view.beside_changed.connect(changes.append)
    QTest.keyClick(view, Qt.Key.Key_S)
    assert (changes, view.is_beside) == ([True], True)
    assert view.zoom == pytest.approx(199 / 800)
    assert (seen(view, 150), seen(view, 350)) == (RED, BLUE)
    view.actual_size()
    assert (seen(view, 100, 150), seen(view, 300, 150)) == (RED, BLUE)
    for number in range(3):  # to the upper left corner of both, dragged in either
        at = QPoint(20 + 201 * (number % 2), 20)
        drag(view, [at, at + QPoint(80, 130), at + QPoint(150, 260)])
    white = QColor("white")
    assert (seen(view, 60, 60), seen(view, 261, 60)) == (white, white)
    assert (seen(view, 150, 150), seen(view, 351, 150)) == (RED, BLUE)
    QTest.keyClick(view, Qt.Key.Key_S)
    assert not view.is_beside


def test_a_smaller_picture_lies_over_the_larger_undistorted(view: PictureView) -> None:
    view.compare(plain(RED, 100, 50), plain(BLUE, 200, 100), ("Small", "Large"))
    assert view.zoom == 1.0
    assert (seen(view, 110, 150), seen(view, 290, 150)) == (RED, BLUE)
    view.compare(plain(RED, 100, 100), plain(BLUE, 300, 100), ("Square", "Wide"))
    assert (seen(view, 110, 150), seen(view, 190, 150)) == (seen(view, 10, 290), RED)
