"""What is painted again bit by bit during a stroke looks as if all of it were painted at once."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QRegion
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.canvas.document import Document
from core.geometry import Rect, Size
from gui.canvas import marks
from gui.canvas import painter as draw
from gui.canvas.mosaic import is_opaque
from gui.canvas.tools.painting import BrushSettings, PaintingTool, Target
from gui.canvas.viewport import Viewport
from gui.images import from_qimage
from tests.gui.conftest import Easel
from tests.helpers.desktop import LEFT
from tests.helpers.results import noise

WAYS = [(4.0, 0.0), (1.0, 0.0), (0.4, 0.0), (9.0, 0.0), (1.7, 20.0), (12.0, 35.0), (1.0, 90.0)]


def on_screen(canvas: Easel) -> np.ndarray:
    """What has come to the screen, bit by bit."""
    return from_qimage(canvas.screen().grabWindow(canvas.winId()).toImage())


def with_holes() -> Document:
    """A picture of 300 x 260 pixels, one part of which is transparent, the other opaque."""
    pixels = np.dstack([noise(1, 260, 300, 3), np.full((260, 300), 255, np.uint8)])
    pixels[40:120, 30:90, 3] = 0
    pixels[150:, 200:, 3] = 90
    return Document.from_image(pixels)


@pytest.mark.parametrize(("scale", "angle"), WAYS)
@pytest.mark.parametrize("erases", [False, True])
def test_a_stroke_leaves_the_screen_as_a_whole_repaint_would(
    canvas: Easel, brush: BrushSettings, scale: float, angle: float, erases: bool
) -> None:
    canvas.show_document(with_holes())
    canvas.easel.set_frame(Rect(60, 50, 128, 96))
    canvas.zoom_to(scale)
    canvas.turn_to(angle)
    brush.change(size=130 / scale, hardness=0.3, opacity=0.7)
    canvas.take_tool(PaintingTool("Brush", brush, None if erases else Target.PAINT))
    QApplication.processEvents()
    points = [(150, 200), (170, 190), (260, 150), (240, 330), (20, 30), (380, 390), (200, 210)]
    QTest.mousePress(canvas, LEFT, pos=QPointF(200, 200).toPoint())
    for point in points:
        QTest.mouseMove(canvas, QPointF(*point).toPoint())
        QApplication.processEvents()
    QTest.mouseRelease(canvas, LEFT, pos=QPointF(*points[-1]).toPoint())
    QApplication.processEvents()
    whole = from_qimage(canvas.grab().toImage()).astype(int)
    apart = np.abs(on_screen(canvas) - whole).max(axis=2)
    if angle % 90 == 0:
        assert not apart.any()
    else:  # Qt rounds by where a turned image begins; an edge between two pixels may go either way
        assert np.mean(apart > 2) < 0.003


@pytest.mark.parametrize("radius", [0.5, 9, 47, 48, 64.3, 256, 900])
def test_the_outline_stays_within_what_is_repainted_for_it(radius: float) -> None:
    side = int(2 * radius) + 60
    for shift in (0.0, 0.5, 0.99):
        at = QPointF(side / 2 + shift, side / 2 + shift)
        image = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(0)
        painter = QPainter(image)
        marks.draw_brush_outline(painter, at.x(), at.y(), radius)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        painter.setClipRegion(marks.outline_region(radius).translated(at.toPoint()))
        painter.fillRect(image.rect(), QColor(0, 0, 0, 0))
        painter.end()
        assert not from_qimage(image).any()


def test_a_large_outline_leaves_what_is_within_it_alone() -> None:
    area = sum(part.width() * part.height() for part in marks.outline_region(256.0))  # type: ignore[attr-defined]
    assert area < 0.3 * 512**2


@pytest.mark.parametrize("level", [0, 1, 2])
def test_one_pixel_that_is_not_opaque_is_found(level: int) -> None:
    size = Size(700, 600)
    pixels = np.full((600, 700, 4), 255, np.uint8)
    pixels[411, 533, 3] = 0
    document = Document.from_image(pixels)
    assert is_opaque(Document(size).flattened_tile, Rect(0, 0, 700, 600), size, level)
    assert not is_opaque(document.flattened_tile, Rect(0, 0, 700, 600), size, level)
    assert not is_opaque(document.flattened_tile, Rect(533, 411, 1, 1), size, level)
    assert is_opaque(document.flattened_tile, Rect(0, 0, 520, 600), size, level)


def test_frame_is_drawn_again_where_its_lines_are() -> None:
    viewport, frame = Viewport(), Rect(100, 100, 200, 200)
    crossed = {
        name: marks.frame_crosses(QRectF(*place), viewport, frame, 1.0)
        for name, place in {
            "outside": (10, 10, 50, 300),
            "edge": (80, 150, 30, 10),
            "inside": (150, 150, 50, 50),
            "corner": (290, 290, 5, 5),
            "around": (0, 0, 500, 500),
        }.items()
    }
    expected = {"outside": False, "edge": True, "inside": False, "corner": True, "around": True}
    assert crossed == expected


def test_rectangles_near_each_other_are_drawn_as_one() -> None:
    near = QRegion(0, 0, 80, 80) + QRegion(60, 60, 80, 80)
    far = QRegion(0, 0, 80, 80) + QRegion(900, 700, 80, 80)
    assert draw.parts_of(near) == [QRect(0, 0, 140, 140)]
    assert draw.parts_of(far) == [QRect(0, 0, 80, 80), QRect(900, 700, 80, 80)]


def test_the_hand_waits_until_what_it_did_is_seen(
    canvas: Easel, brush: BrushSettings, qtbot: QtBot
) -> None:
    waits: list[bool] = []
    canvas.hand_waits.connect(waits.append)
    canvas.take_tool(PaintingTool("Brush", brush, Target.PAINT))
    QTest.mouseMove(canvas, canvas.at(10, 10))
    QApplication.processEvents()
    assert waits == []
    QTest.mousePress(canvas, LEFT, pos=canvas.at(10, 10))
    QTest.mouseMove(canvas, canvas.at(40, 40))
    assert waits[0]
    canvas.repaint()  # not yet: the move is waiting
    assert waits[-1]
    qtbot.waitUntil(lambda: not waits[-1])
    QTest.mouseRelease(canvas, LEFT, pos=canvas.at(40, 40))
