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
