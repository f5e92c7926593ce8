"""What the tools do to the document when a hand moves over the canvas."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.canvas.document import Document
from core.geometry import Rect
from gui.canvas.tools.framing import ColourPicker, FrameTool
from gui.canvas.tools.looking import PanTool
from gui.canvas.tools.painting import BrushSettings, PaintingTool, Target
from tests.gui.conftest import Easel
from tests.helpers.desktop import LEFT, Pen, drag

MIDDLE = Qt.MouseButton.MiddleButton
RIGHT = Qt.MouseButton.RightButton
WHOLE = Rect(0, 0, 64, 64)


@pytest.fixture
def paint(canvas: Easel, brush: BrushSettings) -> PaintingTool:
    """The brush, in the hand."""
    tool = PaintingTool("Brush", brush, Target.PAINT)
    canvas.take_tool(tool)
    return tool


@pytest.fixture
def eraser(brush: BrushSettings) -> PaintingTool:
    return PaintingTool("Eraser", brush, None)


@pytest.fixture
def mask(brush: BrushSettings) -> PaintingTool:
    return PaintingTool("Mask brush", brush, Target.MASK)


def colour(canvas: Easel, x: int, y: int) -> tuple[int, ...]:
    return tuple(canvas.easel.flatten(Rect(x, y, 1, 1))[0, 0].tolist())


def pixels(canvas: Easel) -> np.ndarray:
    return canvas.easel.flatten(WHOLE)


RED, WHITE = (255, 0, 0, 255), (255, 255, 255, 255)


# --- painting ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("paint")
def test_a_stroke_paints_along_the_pointer_and_is_one_step(canvas: Easel) -> None:
    drag(canvas, canvas.along((10, 20), (20, 20), (30, 20), (40, 30)))
    assert [colour(canvas, x, 20) for x in (10, 15, 25)] == [RED] * 3
    assert colour(canvas, 39, 29) == RED
    assert colour(canvas, 10, 40) == WHITE
    assert canvas.easel.undo_stack.undo_name == "Brush stroke"
    canvas.easel.undo()
    assert (pixels(canvas) == 255).all()
    assert not canvas.easel.undo_stack.can_undo


@pytest.mark.usefixtures("paint")
def test_a_click_makes_one_dab(canvas: Easel) -> None:
    QTest.mouseClick(canvas, LEFT, pos=canvas.at(30, 30))
    assert colour(canvas, 30, 30) == RED
    assert colour(canvas, 36, 30) == WHITE


@pytest.mark.usefixtures("paint")
def test_giving_up_leaves_the_pixels_as_they_were(canvas: Easel) -> None:
    drag(canvas, canvas.along((5, 5), (60, 60)))
    before, steps = pixels(canvas), canvas.easel.undo_stack.position
    QTest.mousePress(canvas, LEFT, pos=canvas.at(10, 20))
    QTest.mouseMove(canvas, canvas.at(50, 20))
    assert canvas.in_gesture
    assert not np.array_equal(pixels(canvas), before)
    assert canvas.end_gesture()
    assert np.array_equal(pixels(canvas), before)
    assert canvas.easel.undo_stack.position is steps
    QTest.mouseMove(canvas, canvas.at(50, 40))
    QTest.mouseRelease(canvas, LEFT, pos=canvas.at(50, 40))
    assert np.array_equal(pixels(canvas), before)


@pytest.mark.usefixtures("paint")
def test_another_tool_gives_the_stroke_up(canvas: Easel, mask: PaintingTool) -> None:
    QTest.mousePress(canvas, LEFT, pos=canvas.at(10, 20))
    QTest.mouseMove(canvas, canvas.at(50, 20))
    canvas.take_tool(mask)
    assert (pixels(canvas) == 255).all()
    assert not canvas.end_gesture()


@pytest.mark.usefixtures("paint")
def test_a_second_button_does_not_disturb_a_stroke(canvas: Easel) -> None:
    QTest.mousePress(canvas, LEFT, pos=canvas.at(10, 20))
    for button in (RIGHT, MIDDLE):
        QTest.mousePress(canvas, button, pos=canvas.at(20, 20))
        QTest.mouseRelease(canvas, button, pos=canvas.at(20, 20))
    QTest.mouseMove(canvas, canvas.at(30, 20))
    QTest.mouseRelease(canvas, LEFT, pos=canvas.at(30, 20))
    assert colour(canvas, 29, 20) == RED
    canvas.easel.undo()
    assert (pixels(canvas) == 255).all()


@pytest.mark.usefixtures("paint")
def test_the_right_button_paints_nothing(canvas: Easel) -> None:
    drag(canvas, canvas.along((10, 20), (40, 20)), RIGHT)
    assert (pixels(canvas) == 255).all()


def test_the_mask_brush_paints_the_mask_and_not_the_picture(
    canvas: Easel, brush: BrushSettings, mask: PaintingTool
) -> None:
    brush.change(opacity=0.3)
    canvas.take_tool(mask)
    drag(canvas, canvas.along((10, 20), (40, 20)))
    assert (pixels(canvas) == 255).all()
    painted = canvas.easel.mask_pixels(WHOLE)
    assert painted[20, 25] == 255  # whatever opacity says
    assert painted[40, 25] == 0
    assert canvas.easel.undo_stack.undo_name == "Mask stroke"


def test_the_eraser_takes_away_what_was_painted_last(
    canvas: Easel, paint: PaintingTool, mask: PaintingTool, eraser: PaintingTool
) -> None:
    line = canvas.along((10, 20), (40, 20))
    for tool in (paint, mask, eraser):
        canvas.take_tool(tool)
        drag(canvas, line)
    assert canvas.easel.mask_pixels(WHOLE)[20, 10:41].max() == 0
    assert colour(canvas, 25, 20) == RED
    for tool in (paint, eraser):
        canvas.take_tool(tool)
        drag(canvas, line)
    assert colour(canvas, 25, 20) == (0, 0, 0, 0)


def test_opacity_holds_for_the_whole_stroke(
    canvas: Easel, brush: BrushSettings, paint: PaintingTool
) -> None:
    brush.change(opacity=0.5)
    drag(canvas, canvas.along((10, 20), (40, 20), (10, 20), (40, 20)))
    red, green, blue, alpha = colour(canvas, 25, 20)
    assert (red, alpha) == (255, 255)
    assert green == blue == pytest.approx(128, abs=1)


# --- the pen ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("paint")
def test_the_pen_paints_and_no_mouse_doubles_it(canvas: Easel) -> None:
    pen = Pen(canvas)
    points = canvas.along((10, 20), (20, 20), (30, 20), (40, 20))
    assert pen.draw(points, [0.1, 0.6, 1.0, 0.0]) == [True] * 4
    assert colour(canvas, 25, 20) == RED
    canvas.easel.undo()
    assert (pixels(canvas) == 255).all()
    assert not canvas.easel.undo_stack.can_undo


def test_the_pens_pressure_reaches_the_tool(canvas: Easel) -> None:
    spy = SpyTool()
    canvas.take_tool(spy)
    Pen(canvas).draw(canvas.along((10, 20), (20, 20), (30, 20)), [0.25, 0.75, 0.0])
    assert spy.pressures == [0.25, 0.75, 0.0]
    assert spy.ends == [True, True, False]


def test_a_mouse_presses_fully(canvas: Easel) -> None:
    spy = SpyTool()
    canvas.take_tool(spy)
    drag(canvas, canvas.along((10, 20), (20, 20)))
    assert set(spy.pressures) == {1.0}


def test_the_pens_other_end_erases(canvas: Easel, paint: PaintingTool) -> None:
    line = canvas.along((10, 20), (40, 20))
    drag(canvas, line)
    Pen(canvas, eraser=True).draw([*line, line[-1]], [1.0, 1.0, 0.0])
    assert colour(canvas, 25, 20) == (0, 0, 0, 0)
    assert canvas.easel.undo_stack.undo_name == "Eraser stroke"


@pytest.mark.usefixtures("paint")
def test_a_hovering_pen_paints_nothing(canvas: Easel) -> None:
    pen = Pen(canvas)
    for point in canvas.along((10, 20), (40, 20)):
        assert pen.send(QEvent.Type.TabletMove, point, 0.0)
    assert (pixels(canvas) == 255).all()


class SpyTool:
    """Writes down the samples it is sent."""

    name = "Spy"
    cursor: Qt.CursorShape | None = None

    def __init__(self) -> None:
        self.pressures: list[float] = []
        self.ends: list[bool] = []

    def gesture(self, canvas, press):  # type: ignore[no-untyped-def]
        pointer = press
        while True:
            self.pressures.append(pointer.pressure)
            self.ends.append(pointer.is_down)
            if not pointer.is_down:
                return
            pointer = yield


# --- moving the view --------------------------------------------------------------------------


def assert_pans(canvas: Easel, button: Qt.MouseButton) -> None:
    before = canvas.viewport
    start = canvas.at(20, 20)
    end = start + canvas.rect().center() / 10
    drag(canvas, [start, end], button)
    moved = canvas.viewport
    assert moved.zoom == before.zoom
    assert (moved.left - before.left, moved.top - before.top) == (
        end.x() - start.x(),
        end.y() - start.y(),
    )
    assert (pixels(canvas) == 255).all()


@pytest.mark.usefixtures("paint")
def test_space_and_drag_moves_the_view_and_paints_nothing(canvas: Easel) -> None:
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    assert_pans(canvas, LEFT)
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    drag(canvas, canvas.along((10, 20), (40, 20)))
    assert colour(canvas, 25, 20) == RED


@pytest.mark.usefixtures("paint")
def test_the_middle_button_moves_the_view(canvas: Easel) -> None:
    assert_pans(canvas, MIDDLE)


def test_the_hand_moves_the_view(canvas: Easel) -> None:
    canvas.take_tool(PanTool())
    assert_pans(canvas, LEFT)


@pytest.mark.usefixtures("paint")
def test_space_is_forgotten_when_the_focus_leaves(canvas: Easel) -> None:
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    canvas.clearFocus()
    drag(canvas, canvas.along((10, 20), (40, 20)))
    assert colour(canvas, 25, 20) == RED


# --- the frame --------------------------------------------------------------------------------


@pytest.fixture
def framed(canvas: Easel) -> Easel:
    """A frame of 16 x 16 at (20, 20), and the frame tool in the hand."""
    canvas.easel.set_frame(Rect(20, 20, 16, 16))
    canvas.take_tool(FrameTool())
    return canvas


def test_dragging_the_inside_moves_the_frame(framed: Easel) -> None:
    edits: list[None] = []
    framed.frame_edited.connect(lambda: edits.append(None))
    drag(framed, framed.along((28, 28), (35, 31)))
    assert framed.easel.frame == Rect(27, 23, 16, 16)
    assert edits
    assert not framed.easel.undo_stack.can_undo


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ((10, 28), Rect(0, 20, 16, 16)),  # left edge: 2 pixels are 8 view pixels
        ((54, 54), Rect(48, 48, 16, 16)),  # right and lower edge
        ((5, 28), Rect(-3, 20, 16, 16)),  # beyond the cling, over the edge
        ((-7, 28), Rect(-16, 20, 16, 16)),  # outside, edge to edge
    ],
)
def test_a_moved_frame_clings_to_the_pictures_edges(
    framed: Easel, to: tuple[int, int], expected: Rect
) -> None:
    drag(framed, framed.along((28, 28), to))
    assert framed.easel.frame == expected


@pytest.mark.parametrize(
    ("start", "to", "expected"),
    [
        ((36, 36), (45, 47), Rect(20, 20, 24, 24)),
        ((20, 20), (11, 28), Rect(12, 28, 24, 8)),
        ((36, 20), (52, 4), Rect(20, 4, 32, 32)),
        ((20, 36), (60, 60), Rect(28, 20, 8, 40)),
    ],
    ids=["lower right", "upper left", "upper right", "not through itself"],
)
def test_a_corner_resizes_in_the_models_steps(
    framed: Easel, start: tuple[int, int], to: tuple[int, int], expected: Rect
) -> None:
    drag(framed, framed.along(start, to))
    assert framed.easel.frame == expected


def test_giving_up_puts_the_frame_back(framed: Easel) -> None:
    QTest.mousePress(framed, LEFT, pos=framed.at(28, 28))
    QTest.mouseMove(framed, framed.at(40, 40))
    QApplication.processEvents()
    assert framed.easel.frame != Rect(20, 20, 16, 16)
    framed.end_gesture()
    assert framed.easel.frame == Rect(20, 20, 16, 16)


# --- the colour picker ------------------------------------------------------------------------


def test_the_picker_takes_the_colour_it_is_dragged_to(
    canvas: Easel, brush: BrushSettings, paint: PaintingTool
) -> None:
    drag(canvas, canvas.along((30, 30), (40, 30)))
    brush.change(colour=(0, 0, 9))
    canvas.take_tool(ColourPicker(brush))
    drag(canvas, canvas.along((5, 5), (35, 30)))
    assert brush.colour == (255, 0, 0)
    QTest.mouseClick(canvas, LEFT, pos=canvas.at(5, 5))
    assert brush.colour == (255, 255, 255)


def test_the_picker_takes_the_colour_of_what_is_hardly_there(
    canvas: Easel, brush: BrushSettings
) -> None:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[:, :32] = (200, 100, 40, 51)
    canvas.show_document(Document.from_image(pixels))
    canvas.take_tool(ColourPicker(brush))
    QTest.mouseClick(canvas, LEFT, pos=canvas.at(10, 30))
    assert brush.colour == (200, 100, 40)
    QTest.mouseClick(canvas, LEFT, pos=canvas.at(50, 30))  # nothing is painted there
    assert brush.colour == (200, 100, 40)


def test_the_picker_leaves_the_colour_outside_the_picture(
    canvas: Easel, brush: BrushSettings
) -> None:
    canvas.take_tool(ColourPicker(brush))
    QTest.mouseClick(canvas, LEFT, pos=canvas.at(-5, 30))
    assert brush.colour == (255, 0, 0)


# --- brush settings ---------------------------------------------------------------------------


def test_sizes_stay_in_range_and_step_over_round_numbers(brush: BrushSettings) -> None:
    brush.change(size=0)
    assert brush.size == 1
    brush.change(size=5000)
    assert brush.size == 1000
    brush.step_size(1)
    assert brush.size == 1000
    brush.change(size=33)
    brush.step_size(-1)
    assert brush.size == 32
    brush.step_size(1)
    assert brush.size == 48
