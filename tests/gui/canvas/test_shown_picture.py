"""The picture on the screen is drawn again only where it is another."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QSize
from PySide6.QtGui import QColor, QImage, QPainter, QRegion
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.canvas.strokes import StrokeTarget
from gui.canvas.shown_picture import ShownPicture
from gui.canvas.tools.painting import BrushSettings, PaintingTool, Target
from gui.images import from_qimage
from tests.gui.conftest import Easel

VIEW = QSize(200, 100)


class Recorded:
    """Draws one colour, and notes where."""

    def __init__(self) -> None:
        self.colour = QColor("red")
        self.areas: list[tuple[int, int, int, int]] = []

    def __call__(self, painter: QPainter, area: QRect) -> None:
        self.areas.append(area.getRect())  # type: ignore[arg-type]
        painter.fillRect(QRect(-1000, -1000, 3000, 3000), self.colour)


def shown(picture: ShownPicture, size: QSize = VIEW, origin: tuple[int, int] = (0, 0)) -> QImage:
    image = QImage(size, QImage.Format.Format_RGB32)
    image.fill(QColor("blue"))
    painter = QPainter(image)
    picture.show(painter, image.rect(), origin)
    painter.end()
    return image


def test_all_of_it_is_drawn_once_and_then_what_was_spoilt() -> None:
    picture, draw = ShownPicture(), Recorded()
    picture.renew(VIEW, 1.0, draw)
    picture.renew(VIEW, 1.0, draw)
    assert draw.areas == [(0, 0, 200, 100)]
    draw.colour = QColor("green")
    picture.spoil(QRegion(10, 20, 30, 40))
    picture.renew(VIEW, 1.0, draw)
    assert draw.areas[1:] == [(10, 20, 30, 40)]
    image = shown(picture)
    assert image.pixelColor(10, 20) == QColor("green")
    assert image.pixelColor(9, 20) == image.pixelColor(40, 20) == QColor("red")


def test_parts_far_from_each_other_are_drawn_one_by_one() -> None:
    picture, draw = ShownPicture(), Recorded()
    view = QSize(2000, 1000)
    picture.renew(view, 1.0, draw)
    picture.spoil(QRegion(0, 0, 10, 10))
    picture.spoil(QRegion(1900, 900, 10, 10))
    picture.renew(view, 1.0, draw)
    assert draw.areas[1:] == [(0, 0, 10, 10), (1900, 900, 10, 10)]


def test_another_size_or_screen_draws_all_again() -> None:
    picture, draw = ShownPicture(), Recorded()
    picture.renew(VIEW, 1.0, draw)
    picture.renew(QSize(201, 100), 1.0, draw)
    picture.renew(QSize(201, 100), 1.5, draw)
    picture.spoil_all()
    picture.renew(QSize(201, 100), 1.5, draw)
    whole = (0, 0, 302, 150)
    assert draw.areas == [(0, 0, 200, 100), (0, 0, 201, 100), whole, whole]


def test_a_spoilt_part_reaches_out_to_whole_device_pixels() -> None:
    picture, draw = ShownPicture(), Recorded()
    picture.renew(VIEW, 1.5, draw)
    picture.spoil(QRegion(1, 1, 1, 1))
    picture.renew(VIEW, 1.5, draw)
    assert draw.areas[1:] == [(1, 1, 2, 2)]


def test_it_is_copied_to_where_the_view_begins() -> None:
    picture, draw = ShownPicture(), Recorded()
    picture.renew(VIEW, 1.0, draw)
    picture.spoil(QRegion(0, 0, 1, 1))
    draw.colour = QColor("green")
    picture.renew(VIEW, 1.0, draw)
    image = shown(picture, QSize(300, 200), (40, 30))
    assert image.pixelColor(40, 30) == QColor("green")
    assert image.pixelColor(41, 30) == QColor("red")
    assert image.pixelColor(39, 30) == QColor("blue")


def test_an_outline_that_moves_leaves_nothing_behind_and_a_stroke_under_it_shows(
    canvas: Easel, brush: BrushSettings, qapp: QApplication
) -> None:
    canvas.take_tool(PaintingTool("Brush", brush, Target.PAINT))
    brush.change(size=60)
    screen = canvas.screen()

    def seen() -> np.ndarray:
        qapp.processEvents()
        return from_qimage(screen.grabWindow(canvas.winId()).toImage())

    before = seen()
    for x in range(50, 350, 30):
        QTest.mouseMove(canvas, QPoint(x, 200))
    assert (seen() != before).any()
    canvas.leaveEvent(QEvent(QEvent.Type.Leave))
    assert np.array_equal(seen(), before)
    stroke = canvas.easel.begin_stroke(brush.brush(Target.PAINT, False), StrokeTarget.PAINT)
    stroke.move_to(32, 32)
    QTest.mouseMove(canvas, QPoint(150, 200))
    painted = seen()
    stroke.cancel()
    canvas.leaveEvent(QEvent(QEvent.Type.Leave))
    assert (painted != before).any()
    assert np.array_equal(seen(), before)
