from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.canvas.document import Document
from core.canvas.strokes import StrokeTarget
from core.geometry import Rect, Size
from gui.canvas.painter import PIXELS_SHOW_FROM, level_of, tiles_in
from gui.canvas.tools.painting import BrushSettings, PaintingTool, Target
from gui.canvas.view import CanvasView
from gui.images import to_qimage
from gui.theme import Theme
from tests.gui.conftest import Easel
from tests.helpers.desktop import LEFT, wheel
from tests.helpers.results import noise


def shot(canvas: CanvasView) -> QImage:
    return canvas.grab().toImage()


def seen(canvas: Easel, x: float, y: float) -> tuple[int, int, int]:
    """The colour on the screen at a document position."""
    colour = shot(canvas).pixelColor(canvas.at(x, y))
    return colour.red(), colour.green(), colour.blue()


# --- zooming ----------------------------------------------------------------------------------


def test_the_wheel_zooms_about_the_cursor(canvas: Easel) -> None:
    at = QPoint(90, 120)
    before = canvas.viewport.to_document(at.x(), at.y())
    assert wheel(canvas, at, 1)
    assert canvas.viewport.zoom == pytest.approx(4.8)
    assert canvas.viewport.to_document(at.x(), at.y()) == pytest.approx(before)
    wheel(canvas, at, -1)
    assert canvas.viewport.zoom == pytest.approx(4.0)


def test_shift_and_wheel_move_sideways(canvas: Easel) -> None:
    before = canvas.viewport
    wheel(canvas, QPoint(90, 120), 1, Qt.KeyboardModifier.ShiftModifier)
    assert canvas.viewport == before.panned(60, 0)


def test_zoom_stops_keep_the_middle_of_the_view(canvas: Easel) -> None:
    zooms: list[float] = []
    canvas.zoom_changed.connect(zooms.append)
    middle = canvas.viewport.to_document(200, 200)
    canvas.zoom_to(canvas.viewport.next_stop(1))
    canvas.zoom_to(canvas.viewport.next_stop(-1))
    canvas.zoom_to(1.0)
    assert zooms == [6, 4, 1]
    assert canvas.viewport.to_document(200, 200) == pytest.approx(middle)


def test_a_view_that_showed_all_keeps_showing_all(canvas: Easel) -> None:
    canvas.resize(330, 330)
    assert canvas.viewport.visible(Size(330, 330)).contains(Rect(0, 0, 64, 64))
    fitted = canvas.viewport.zoom
    canvas.resize(800, 800)
    canvas.zoom_to(2.0)
    canvas.resize(330, 330)
    assert canvas.viewport.zoom == 2.0 != fitted


def test_fit_shows_a_frame_that_lies_outside(canvas: Easel) -> None:
    canvas.easel.set_frame(Rect(200, 10, 64, 64))
    canvas.fit()
    assert canvas.viewport.visible(Size(400, 400)).contains(Rect(0, 0, 264, 74))


# --- what is seen -----------------------------------------------------------------------------


@pytest.mark.parametrize("zoom", [1.0, PIXELS_SHOW_FROM])
def test_the_document_is_shown_pixel_by_pixel(canvas: Easel, zoom: float) -> None:
    picture = noise(3, 64, 64, 3)
    canvas.show_document(Document.from_image(picture))
    canvas.easel.set_frame(Rect(0, 0, 8, 8))
    canvas.zoom_to(zoom)
    screen, device = shot(canvas), canvas.viewport.on_device()
    for x, y in [(10, 10), (40, 20), (63, 50), (20, 63)]:
        colour = screen.pixelColor(QPointF(*device.to_view(x + 0.4, y + 0.4)).toPoint())
        assert [colour.red(), colour.green(), colour.blue()] == picture[y, x].tolist()


def test_around_the_picture_is_the_surround(canvas: Easel, theme: Theme) -> None:
    assert shot(canvas).pixelColor(2, 2) == theme.colour("surround")
    theme.choose("light")
    assert shot(canvas).pixelColor(2, 2) == theme.colour("surround")


def test_the_mask_is_a_tint_and_hides_under_an_overlay(canvas: Easel) -> None:
    canvas.easel.fill_mask(Rect(0, 0, 64, 64))
    red, green, blue = seen(canvas, 20, 20)
    assert red > 230
    assert green < 200
    assert blue < 200
    canvas.show_overlay(Rect(32, 32, 32, 32), to_qimage(np.full((4, 4, 3), 10, np.uint8)))
    assert seen(canvas, 20, 20) == (255, 255, 255)
    assert seen(canvas, 50, 50) == (10, 10, 10)
    canvas.hide_overlay()
    assert seen(canvas, 50, 50) != (10, 10, 10)


def test_a_stroke_is_seen_at_once(canvas: Easel, brush: BrushSettings) -> None:
    canvas.take_tool(PaintingTool("Brush", brush, Target.PAINT))
    QTest.mousePress(canvas, LEFT, pos=canvas.at(20, 30))
    assert seen(canvas, 20, 31) == (255, 0, 0)
    QTest.mouseMove(canvas, canvas.at(40, 30))
    QTest.mouseMove(canvas, canvas.at(44, 30))  # a curve is known when the place behind it is
    QApplication.processEvents()
    assert seen(canvas, 30, 31) == (255, 0, 0)
    canvas.end_gesture()
    assert seen(canvas, 30, 31) == (255, 255, 255)


def test_only_what_a_stroke_touched_is_painted_again(
    canvas: Easel, brush: BrushSettings, qapp: QApplication
) -> None:
    canvas.resize(800, 800)
    qapp.processEvents()
    stroke = canvas.easel.begin_stroke(brush.brush(Target.PAINT, False), StrokeTarget.PAINT)
    canvas.painted.clear()
    stroke.move_to(20, 20)
    qapp.processEvents()
    stroke.cancel()
    assert canvas.painted
    assert max(canvas.painted) < 60 * 60


def test_a_reduced_picture_is_drawn_when_zoomed_out() -> None:
    assert [level_of(zoom) for zoom in (4.0, 1.0, 0.99, 0.5, 0.3, 0.25, 0.001)] == [
        0, 0, 0, 1, 1, 2, 6,
    ]  # fmt: skip


def test_only_tiles_that_are_touched_are_asked_for() -> None:
    size = Size(1000, 700)
    assert list(tiles_in(Rect(0, 0, 256, 256), size, 0)) == [(0, 0)]
    assert list(tiles_in(Rect(255, 255, 2, 2), size, 0)) == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert list(tiles_in(Rect(-50, -50, 5000, 5000), size, 1)) == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert list(tiles_in(Rect(2000, 0, 10, 10), size, 0)) == []


def test_a_transparent_picture_shows_the_checkerboard(canvas: Easel) -> None:
    canvas.show_document(Document.from_image(np.zeros((64, 64, 4), np.uint8)))
    canvas.easel.set_frame(Rect(0, 0, 4, 4))
    screen = shot(canvas)
    colours = {screen.pixelColor(canvas.at(x, 40)).name() for x in range(10, 60)}
    assert len(colours) == 2


def test_the_old_document_is_not_followed_any_more(canvas: Easel, qapp: QApplication) -> None:
    old = canvas.easel
    canvas.show_document(Document(Size(32, 32)))
    viewport = canvas.viewport
    old.place_image(noise(1, 8, 8, 3), Rect(0, 0, 8, 8), "late")
    old.resize_to_include(Rect(0, 0, 500, 500))
    assert canvas.viewport == viewport


# --- held keys --------------------------------------------------------------------------------


def test_c_shows_the_original_while_it_is_held(canvas: Easel) -> None:
    held: list[bool] = []
    canvas.compare_held.connect(held.append)
    QTest.keyPress(canvas, Qt.Key.Key_C)
    QTest.keyRelease(canvas, Qt.Key.Key_C)
    assert held == [True, False]
    QTest.keyPress(canvas, Qt.Key.Key_C)
    canvas.clearFocus()
    assert held == [True, False, True, False]


def test_space_shows_an_open_hand(canvas: Easel, brush: BrushSettings) -> None:
    canvas.take_tool(PaintingTool("Brush", brush, Target.PAINT))
    assert canvas.cursor().shape() is Qt.CursorShape.BlankCursor
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    assert canvas.cursor().shape() is Qt.CursorShape.OpenHandCursor
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert canvas.cursor().shape() is Qt.CursorShape.BlankCursor


# --- dropping ---------------------------------------------------------------------------------


def test_what_is_dropped_is_handed_on_with_its_place(canvas: Easel) -> None:
    dropped: list[tuple[str, float, float]] = []
    canvas.dropped.connect(
        lambda content, at: dropped.append((content.urls()[0].toLocalFile(), at.x(), at.y()))
    )
    content = QMimeData()
    content.setUrls([QUrl.fromLocalFile("/somewhere/a.png")])
    event = QDropEvent(
        QPointF(canvas.at(16, 32)),
        Qt.DropAction.CopyAction,
        content,
        LEFT,
        Qt.KeyboardModifier.NoModifier,
    )
    canvas.dropEvent(event)
    assert dropped == [("/somewhere/a.png", 16.0, 32.0)]
    assert event.isAccepted()


# --- the bar under the frame ------------------------------------------------------------------


def test_the_bar_stands_under_its_rectangle_and_inside_the_view(canvas: Easel) -> None:
    canvas.resize(600, 400)
    canvas.fit()
    canvas.place_bar_under(Rect(16, 16, 16, 16))
    canvas.bar.show_progress("Step 1 of 20", 0.05)
    assert canvas.bar.isVisible()
    assert canvas.bar.y() >= canvas.at(16, 32).y()
    assert abs(canvas.bar.geometry().center().x() - canvas.at(24, 0).x()) <= 1
    for far in (Rect(-900, -900, 8, 8), Rect(900, 900, 8, 8)):
        canvas.place_bar_under(far)
        assert canvas.rect().contains(canvas.bar.geometry())


def test_the_bar_fits_its_face(canvas: Easel) -> None:
    canvas.bar.show_choice(0, 1, "")
    one = canvas.bar.width()
    canvas.bar.show_choice(0, 3, "0 px changed outside the mask")
    assert canvas.bar.width() > one
    assert canvas.bar.size() == canvas.bar.sizeHint()


def test_colours_of_the_frame_are_opaque_enough_to_be_seen(canvas: Easel) -> None:
    canvas.easel.set_frame(Rect(16, 16, 32, 32))
    screen = shot(canvas)
    across = [screen.pixelColor(canvas.at(32, y)) for y in np.arange(14, 18, 0.25)]
    assert any(colour != QColor("white") for colour in across)


def test_lines_between_pixels_can_be_switched_off(canvas: Easel) -> None:
    for angle in (0.0, 30.0):
        canvas.turn_to(angle)
        canvas.zoom_to(16.0)
        canvas.shows_grid = True
        ruled = canvas.grab().toImage()
        canvas.shows_grid = False
        plain = canvas.grab().toImage()
        across = range(60, 340)
        assert any(ruled.pixelColor(x, 200) != QColor("white") for x in across)
        assert all(plain.pixelColor(x, 200) == QColor("white") for x in across)
