"""The view turned, mirrored and zoomed by hand, and what is seen and painted there."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QNativeGestureEvent, QPointingDevice
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton

from core.canvas.document import Document
from core.canvas.selection import Combination
from core.canvas.shapes import rectangle
from core.canvas.strokes import StrokeTarget
from core.geometry import Rect, Size
from gui.canvas.mosaic import enlarged
from gui.canvas.tools.framing import ColourPicker, FrameTool
from gui.canvas.tools.moving import MoveTool
from gui.canvas.tools.painting import BrushSettings, PaintingTool, Target
from gui.canvas.view import CanvasView
from gui.canvas.viewport import Viewport
from gui.images import from_qimage, to_qimage
from gui.main_window import MainWindow
from tests.gui.conftest import Easel
from tests.helpers.desktop import LEFT, Pen, drag, wheel
from tests.helpers.results import noise

NONE = Qt.KeyboardModifier.NoModifier
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
WAYS = [(30.0, False), (-105.0, True), (90.0, False), (180.0, True), (0.0, True), (-61.0, False)]
WHOLE = Rect(0, 0, 64, 64)


def shot(canvas: CanvasView) -> QImage:
    return canvas.grab().toImage()


def look(canvas: Easel, angle: float, is_mirrored: bool) -> None:
    """Turn the view without losing anything of the document."""
    if is_mirrored:
        canvas.mirror()
    canvas.turn_to(angle)
    canvas.fit()


def seen(canvas: Easel, image: QImage, x: float, y: float) -> tuple[int, int, int]:
    """What a screen shows at a document position."""
    at_x, at_y = canvas.viewport.to_view(x, y)
    colour = image.pixelColor(QPoint(math.floor(at_x), math.floor(at_y)))
    return colour.red(), colour.green(), colour.blue()


def press_and_move(canvas: Easel, keys: Qt.KeyboardModifier, *points: QPoint) -> None:
    """Press at the first point and move on, with keys held all the time."""
    pen = Pen(canvas)
    pen.send(QEvent.Type.TabletPress, points[0], 1.0, keys=keys)
    for point in points[1:]:
        pen.send(QEvent.Type.TabletMove, point, 1.0, held=LEFT, keys=keys)
    pen.send(QEvent.Type.TabletRelease, points[-1], 0.0, keys=keys)


# --- what is seen -----------------------------------------------------------------------------


@pytest.mark.parametrize(("angle", "is_mirrored"), WAYS)
def test_every_pixel_stands_where_the_viewport_says(
    canvas: Easel, angle: float, is_mirrored: bool
) -> None:
    picture = noise(3, 64, 64, 3)
    canvas.show_document(Document.from_image(picture))
    canvas.easel.set_frame(Rect(0, 0, 8, 8))
    look(canvas, angle, is_mirrored)
    canvas.zoom_to(7.0)  # pixels are squares there, and no lines run between them
    image = shot(canvas)
    for x, y in [(30, 30), (33, 28), (36, 40), (25, 36)]:
        assert list(seen(canvas, image, x + 0.5, y + 0.5)) == picture[y, x].tolist()


@pytest.mark.parametrize(("angle", "is_mirrored"), [(90.0, False), (180.0, True), (0.0, True)])
def test_by_right_angles_100_percent_is_exact(
    canvas: Easel, angle: float, is_mirrored: bool
) -> None:
    picture = noise(4, 64, 64, 3)
    canvas.show_document(Document.from_image(picture))
    canvas.easel.set_frame(Rect(0, 0, 1, 1))
    look(canvas, angle, is_mirrored)
    canvas.zoom_to(1.0)
    canvas.pan(0.3, -0.4)
    device = canvas.viewport.on_device()
    image = shot(canvas)
    for x, y in np.random.default_rng(1).integers(4, 64, (200, 2)).tolist():
        at_x, at_y = device.to_view(x + 0.5, y + 0.5)
        colour = image.pixelColor(math.floor(at_x), math.floor(at_y))
        assert [colour.red(), colour.green(), colour.blue()] == picture[y, x].tolist()


@pytest.mark.parametrize("zoom", [0.3, 0.7, 1.0, 3.0])
def test_a_turned_picture_has_no_gaps_between_its_tiles(canvas: Easel, zoom: float) -> None:
    """White on black: any place that nothing was drawn on would be the surround, dark."""
    canvas.resize(900, 900)
    canvas.show_document(Document(Size(1400, 1400)))
    canvas.easel.set_frame(Rect(0, 0, 8, 8))
    canvas.turn_to(30)
    canvas.zoom_to(zoom)
    shown = from_qimage(shot(canvas))[..., 0]
    y, x = np.mgrid[0:900, 0:900] + 0.5
    at_x, at_y = canvas.viewport.to_document(x, y)
    margin = 2 / zoom
    inside = (np.minimum(at_x, at_y) > margin) & (np.maximum(at_x, at_y) < 1400 - margin)
    frame = (np.minimum(at_x, at_y) < 8 + 4 / zoom) & inside
    assert inside.sum() > 40_000
    assert (shown[inside & ~frame] == 255).all()


def test_round_the_turned_document_is_the_surround(canvas: Easel) -> None:
    look(canvas, 30, False)
    assert shot(canvas).pixelColor(1, 1) == canvas._theme.colour("surround")
    x, y = canvas.viewport.to_view(-3, 32)
    assert shot(canvas).pixelColor(round(x), round(y)) == canvas._theme.colour("surround")


@pytest.mark.parametrize(("angle", "is_mirrored"), WAYS)
def test_mask_and_overlay_turn_with_it(canvas: Easel, angle: float, is_mirrored: bool) -> None:
    canvas.easel.fill_mask(Rect(0, 0, 32, 64))
    look(canvas, angle, is_mirrored)
    image = shot(canvas)
    assert seen(canvas, image, 16, 40)[1] < 200
    assert seen(canvas, image, 48, 40) == (255, 255, 255)
    canvas.show_overlay(Rect(32, 32, 32, 32), to_qimage(np.full((4, 4, 3), 10, np.uint8)))
    image = shot(canvas)
    assert seen(canvas, image, 48, 40) == (10, 10, 10)
    assert seen(canvas, image, 48, 24) == (255, 255, 255)


@pytest.mark.parametrize(("angle", "is_mirrored"), WAYS)
def test_the_selections_edge_turns_with_it(canvas: Easel, angle: float, is_mirrored: bool) -> None:
    canvas.easel.set_frame(Rect(0, 0, 1, 1))
    look(canvas, angle, is_mirrored)
    before = shot(canvas)
    box = rectangle(Rect(16, 20, 32, 24), Size(64, 64))
    canvas.easel.selection.select(box, "Select", Combination.REPLACE)
    after = shot(canvas)
    changed = {
        (x, y) for x in range(400) for y in range(400) if before.pixel(x, y) != after.pixel(x, y)
    }
    assert len(changed) > 100
    for x, y in changed:
        at_x, at_y = canvas.viewport.to_document(x + 0.5, y + 0.5)
        away = min(abs(at_x - 16), abs(at_x - 48), abs(at_y - 20), abs(at_y - 44))
        assert away * canvas.viewport.zoom < 2


def test_a_stroke_in_a_turned_view_paints_only_what_it_touched(
    canvas: Easel, brush: BrushSettings, qapp: QApplication
) -> None:
    canvas.resize(800, 800)
    look(canvas, 30, True)
    qapp.processEvents()
    stroke = canvas.easel.begin_stroke(brush.brush(Target.PAINT, False), StrokeTarget.PAINT)
    canvas.painted.clear()
    stroke.move_to(20, 20)
    qapp.processEvents()
    stroke.cancel()
    assert canvas.painted
    assert max(canvas.painted) < 90 * 90


@pytest.mark.parametrize(("angle", "is_mirrored"), WAYS)
def test_a_part_is_painted_like_the_whole(
    canvas: Easel, brush: BrushSettings, qapp: QApplication, angle: float, is_mirrored: bool
) -> None:
    """What dirty rectangles leave on the screen is what a full repaint gives.

    To 1 of 255: where Qt begins to scale a picture decides how it rounds.
    """
    look(canvas, angle, is_mirrored)
    canvas.zoom_to(2.3)
    qapp.processEvents()
    canvas.take_tool(PaintingTool("Brush", brush, Target.PAINT))
    drag(canvas, canvas.along((20, 20), (40, 30), (30, 50)))
    canvas.leaveEvent(QEvent(QEvent.Type.Leave))
    qapp.processEvents()
    screen = canvas.screen()
    parts = from_qimage(screen.grabWindow(canvas.winId()).toImage())
    canvas.update()
    qapp.processEvents()
    whole = from_qimage(screen.grabWindow(canvas.winId()).toImage())
    assert np.ptp(whole) == 255  # there is a stroke to look at
    assert cv2.absdiff(parts, whole).max() <= 1


# --- what is done there -----------------------------------------------------------------------


@pytest.mark.parametrize(("angle", "is_mirrored"), WAYS)
def test_paint_lands_under_the_pointer(
    canvas: Easel, brush: BrushSettings, angle: float, is_mirrored: bool
) -> None:
    look(canvas, angle, is_mirrored)
    canvas.take_tool(PaintingTool("Brush", brush, Target.PAINT))
    drag(canvas, canvas.along((12, 40), (20, 40), (44, 40), (50, 40)))
    painted = canvas.easel.flatten(WHOLE)[..., 1] < 40
    assert painted[39:41, 14:48].all()
    assert not painted[:34].any()
    assert not painted[46:].any()
    assert seen(canvas, shot(canvas), 30, 40) == (255, 0, 0)


@pytest.mark.parametrize(("angle", "is_mirrored"), WAYS)
def test_picker_frame_and_grips_are_found_where_they_are_seen(
    canvas: Easel, brush: BrushSettings, angle: float, is_mirrored: bool
) -> None:
    canvas.easel.place_image(np.full((8, 8, 3), (9, 99, 199), np.uint8), Rect(10, 40, 8, 8), "blue")
    canvas.easel.set_frame(Rect(16, 16, 32, 32))
    look(canvas, angle, is_mirrored)
    canvas.take_tool(ColourPicker(brush))
    drag(canvas, canvas.along((14, 44)))
    assert brush.colour == (9, 99, 199)
    canvas.take_tool(FrameTool())
    drag(canvas, canvas.along((48, 48), (56, 56)))  # its lower right corner in the document
    assert canvas.easel.frame == Rect(16, 16, 40, 40)
    canvas.take_tool(MoveTool())
    drag(canvas, canvas.along((18, 48), (26, 56)))  # the layer's own corner
    canvas.confirm_gesture()
    assert canvas.easel.flatten(Rect(24, 54, 1, 1))[0, 0, :3].tolist() == [9, 99, 199]


def test_the_wheel_zooms_a_turned_view_about_the_pointer(canvas: Easel) -> None:
    look(canvas, 37, True)
    at = QPoint(90, 120)
    held = canvas.viewport.to_document(at.x(), at.y())
    for notches in (1, 1, -1, 3, -2, 5, -9, 20, -40, 12):
        wheel(canvas, at, notches)
        assert math.dist(canvas.viewport.to_view(*held), (90, 120)) < 0.5


# --- turning by hand --------------------------------------------------------------------------


def test_shift_and_space_turn_the_view_about_its_middle(canvas: Easel) -> None:
    held = canvas.viewport.to_document(*canvas.middle)
    QTest.keyPress(canvas, Qt.Key.Key_Space, SHIFT)
    press_and_move(canvas, SHIFT, QPoint(300, 200), QPoint(280, 260), QPoint(250, 290))
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    angle = math.degrees(math.atan2(90, 50))
    assert canvas.viewport.angle == pytest.approx(angle)
    assert canvas.viewport.to_view(*held) == pytest.approx(canvas.middle)


def test_ctrl_turns_in_steps_and_giving_up_turns_back(canvas: Easel) -> None:
    QTest.keyPress(canvas, Qt.Key.Key_Space, SHIFT)
    press_and_move(canvas, SHIFT | CTRL, QPoint(300, 200), QPoint(252, 290))
    assert canvas.viewport.angle == 60
    before = canvas.viewport
    QTest.mousePress(canvas, LEFT, SHIFT, QPoint(300, 200))
    QTest.mouseMove(canvas, QPoint(200, 300))
    QApplication.processEvents()
    assert canvas.viewport != before
    canvas.end_gesture()
    assert canvas.viewport == before


def test_ctrl_and_space_zoom_about_the_press(canvas: Easel) -> None:
    held = canvas.viewport.to_document(120, 140)
    QTest.keyPress(canvas, Qt.Key.Key_Space, CTRL)
    press_and_move(canvas, CTRL, QPoint(120, 140), QPoint(180, 140), QPoint(240, 140))
    assert canvas.viewport.zoom == pytest.approx(8.0)
    assert canvas.viewport.to_view(*held) == pytest.approx((120, 140))


def test_two_fingers_zoom_and_turn_the_view(canvas: Easel) -> None:
    at = QPointF(90, 120)
    held = canvas.viewport.to_document(90, 120)
    for kind, value in (
        (Qt.NativeGestureType.RotateNativeGesture, 20.0),
        (Qt.NativeGestureType.ZoomNativeGesture, 0.25),
        (Qt.NativeGestureType.EndNativeGesture, 0.0),
    ):
        event = QNativeGestureEvent(
            kind, QPointingDevice.primaryPointingDevice(), 2, at, at, at, value, QPointF()
        )
        QCoreApplication.sendEvent(canvas, event)
    assert canvas.viewport.angle == 20
    assert canvas.viewport.zoom == pytest.approx(5.0)
    assert canvas.viewport.to_view(*held) == pytest.approx((90, 120))


def test_the_keys_turn_mirror_and_go_back(window: MainWindow) -> None:
    canvas = window.canvas
    canvas.setFocus()
    back = window.header.findChild(QToolButton, "turn")
    assert back is not None
    assert not back.isVisible()
    QTest.keyClick(canvas, Qt.Key.Key_6)
    QTest.keyClick(canvas, Qt.Key.Key_6)
    assert canvas.viewport.angle == 30
    QTest.keyClick(canvas, Qt.Key.Key_4)
    assert canvas.viewport.angle == 15
    assert back.isVisible()
    assert "15°" in back.text()
    QTest.keyClick(canvas, Qt.Key.Key_H, SHIFT)
    assert canvas.viewport.is_mirrored
    assert "−15°, mirrored" in back.text()
    QTest.keyClick(canvas, Qt.Key.Key_5)
    assert canvas.viewport.is_upright
    assert not back.isVisible()
    QTest.keyClick(canvas, Qt.Key.Key_H, SHIFT)
    assert back.text().strip() == "mirrored"
    QTest.mouseClick(back, LEFT)
    assert canvas.viewport.is_upright


def test_another_document_is_seen_turned_as_the_one_before(canvas: Easel) -> None:
    look(canvas, 30, True)
    canvas.show_document(Document(Size(100, 20)))
    assert canvas.viewport.angle == 30
    assert canvas.viewport.visible(Size(400, 400)).contains(Rect(0, 0, 100, 20))


# --- the pixel grid ---------------------------------------------------------------------------


@pytest.mark.parametrize("paper", [255, 128, 0])
@pytest.mark.parametrize(("scale", "shows"), [(8.0, False), (8.5, True), (16.0, True)])
def test_lines_run_between_pixels_beyond_800_percent(
    canvas: Easel, paper: int, scale: float, shows: bool
) -> None:
    canvas.show_document(Document.from_image(np.full((64, 64, 3), paper, np.uint8)))
    canvas.easel.set_frame(Rect(0, 0, 1, 1))
    canvas.zoom_to(scale)
    image = shot(canvas)
    device = canvas.viewport.on_device()
    for x in range(28, 36):
        on_line = math.ceil(device.to_view(x, 0)[0] - 0.5)
        y = math.floor(device.to_view(0, 32.5)[1])
        assert (image.pixelColor(on_line, y).red() != paper) == shows
        assert image.pixelColor(on_line + round(scale / 2), y).red() == paper


def test_the_grid_lies_where_the_pixels_change(canvas: Easel) -> None:
    """At a crooked scale each line is the first screen column of another pixel."""
    columns = np.zeros((64, 64, 3), np.uint8)
    columns[:, ::2] = 200
    canvas.show_document(Document.from_image(columns))
    canvas.easel.set_frame(Rect(0, 0, 1, 1))
    canvas.zoom_to(9.37)
    image, y = shot(canvas), math.floor(canvas.viewport.to_view(0, 32.4)[1])
    row = [image.pixelColor(x, y).red() for x in range(400)]
    plain = [value >= 100 for value in row]
    for x in range(1, 400):
        if plain[x] != plain[x - 1]:
            assert row[x] not in (0, 200)  # the line itself


def test_a_line_runs_there_whatever_part_is_painted(canvas: Easel) -> None:
    """A dirty rectangle that begins with a pixel's first column still has that line."""
    size = Size(64, 64)
    viewport = Viewport(9.37, 3.0, -5.0)
    whole, corner = enlarged(canvas.easel.flattened_tile, size, viewport, Rect(0, 0, 300, 200), 18)
    assert corner == (3, 0)
    assert len(np.unique(whole)) == 2
    for x in range(3, 40):
        part, at = enlarged(canvas.easel.flattened_tile, size, viewport, Rect(x, x, 50, 40), 18)
        assert at == (x, x)
        assert np.array_equal(part, whole[x : x + 40, x - 3 : x + 47])
    nothing, _ = enlarged(canvas.easel.flattened_tile, size, viewport, Rect(-90, 0, 50, 50), 18)
    assert nothing.size == 0
