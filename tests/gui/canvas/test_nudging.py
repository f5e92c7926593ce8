"""What is moved in place: by arrow keys, by a drag within the selection; and what cursors say."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from core.canvas.shapes import rectangle
from core.geometry import Rect
from gui.canvas.tools.framing import FrameTool
from gui.canvas.tools.gesture import Tool
from gui.canvas.tools.moving import MoveTool
from gui.canvas.tools.painting import BrushSettings, PaintingTool, Target
from gui.canvas.tools.selecting import (
    BoxTool,
    LassoTool,
    PolygonTool,
    SelectionSettings,
    SelectionTarget,
    WandTool,
)
from tests.gui.conftest import Easel
from tests.helpers.desktop import LEFT, drag

WHOLE = Rect(0, 0, 64, 64)
BOX = Rect(10, 12, 20, 16)
SHIFT, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
Key, Shape = Qt.Key, Qt.CursorShape


@pytest.fixture
def settings(qapp: object) -> SelectionSettings:
    return SelectionSettings()


def select(canvas: Easel, rect: Rect = BOX) -> None:
    canvas.easel.selection.select(rectangle(rect, canvas.easel.size), "Select")


def selected(canvas: Easel) -> Rect | None:
    """The rectangle that is selected, fully and nothing else."""
    surface = canvas.easel.selection.surface
    if surface is None:
        return None
    rows, columns = np.nonzero(surface.read(WHOLE) == 255)
    rect = Rect.between(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert rows.size == rect.size.area
    return rect


def place_box(canvas: Easel) -> None:
    pixels = np.full((BOX.height, BOX.width, 3), (0, 0, 255), np.uint8)
    canvas.easel.place_image(pixels, BOX, "box")


def blue(canvas: Easel) -> Rect:
    rows, columns = np.nonzero(canvas.easel.flatten(WHOLE)[..., 0] == 0)
    return Rect.between(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def over(canvas: Easel, tool: Tool, x: float, y: float) -> Qt.CursorShape:
    """The cursor with that tool at a place of the document."""
    canvas.take_tool(tool)
    QTest.keyRelease(canvas, Key.Key_Shift)
    QTest.mouseMove(canvas, canvas.at(x, y) + QPoint(1, 1))
    QTest.mouseMove(canvas, canvas.at(x, y))
    return canvas.cursor().shape()


# --- the selection ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [BoxTool, LassoTool])
def test_a_drag_within_the_selection_moves_it(
    canvas: Easel, settings: SelectionSettings, kind: type[BoxTool]
) -> None:
    select(canvas)
    before = canvas.easel.flatten(WHOLE).copy()
    canvas.take_tool(kind(settings))
    drag(canvas, canvas.along((15, 15), (20, 18), (25, 35)))
    assert selected(canvas) == BOX.translated(10, 20)
    assert np.array_equal(canvas.easel.flatten(WHOLE), before)
    assert canvas.easel.undo_stack.undo_name == "Move selection"
    canvas.easel.undo()
    assert selected(canvas) == BOX


def test_a_drag_elsewhere_or_with_keys_draws_a_shape(
    canvas: Easel, settings: SelectionSettings
) -> None:
    select(canvas)
    canvas.take_tool(BoxTool(settings))
    drag(canvas, canvas.along((40, 40), (45, 45), (50, 52)))
    assert selected(canvas) == Rect(40, 40, 10, 12)
    first, second = canvas.along((42, 40), (50, 52))
    QTest.mousePress(canvas, LEFT, ALT, first)
    QTest.mouseMove(canvas, second)
    QTest.mouseRelease(canvas, LEFT, ALT, second)
    assert selected(canvas) == Rect(40, 40, 2, 12)


def test_a_drag_draws_the_mask_over_the_selection(
    canvas: Easel, settings: SelectionSettings
) -> None:
    settings.change(target=SelectionTarget.MASK)
    select(canvas)
    canvas.take_tool(BoxTool(settings))
    drag(canvas, canvas.along((15, 15), (18, 18), (25, 25)))
    assert selected(canvas) == BOX
    assert canvas.easel.mask_pixels(Rect(20, 20, 1, 1))[0, 0] == 255


def test_a_click_in_the_selection_takes_it_away(canvas: Easel, settings: SelectionSettings) -> None:
    select(canvas)
    canvas.take_tool(BoxTool(settings))
    QTest.mouseClick(canvas, LEFT, pos=canvas.at(20, 20))
    assert selected(canvas) is None


def test_a_move_that_is_given_up_leaves_the_selection(
    canvas: Easel, settings: SelectionSettings
) -> None:
    select(canvas)
    canvas.take_tool(BoxTool(settings))
    first, second = canvas.along((20, 20), (40, 40))
    QTest.mousePress(canvas, LEFT, pos=first)
    QTest.mouseMove(canvas, second)
    canvas.end_gesture()
    QTest.mouseRelease(canvas, LEFT, pos=second)
    assert selected(canvas) == BOX


def test_what_is_moved_is_shown_on_the_way(canvas: Easel, settings: SelectionSettings) -> None:
    select(canvas)
    tool = BoxTool(settings)
    canvas.take_tool(tool)
    still = canvas.grab().toImage()
    first, middle, second = canvas.along((20, 20), (25, 24), (30, 28))
    QTest.mousePress(canvas, LEFT, pos=first)
    QTest.mouseMove(canvas, middle)
    QTest.mouseMove(canvas, second)
    canvas.confirm_gesture()  # hears of the moves that wait
    sketch = tool.sketch(canvas)
    assert sketch is not None
    assert sketch.selection_at == (10, 8)
    assert canvas.grab().toImage() != still
    QTest.mouseRelease(canvas, LEFT, pos=second)
    assert tool.sketch(canvas) is None


@pytest.mark.parametrize("kind", [BoxTool, LassoTool, PolygonTool, WandTool])
def test_arrows_move_the_selection_in_one_step(
    canvas: Easel, settings: SelectionSettings, kind: type[BoxTool]
) -> None:
    select(canvas)
    steps = canvas.easel.undo_stack.position
    canvas.take_tool(kind(settings))
    for key in (Key.Key_Right, Key.Key_Right, Key.Key_Down):
        QTest.keyClick(canvas, key)
    QTest.keyClick(canvas, Key.Key_Left, SHIFT)
    assert selected(canvas) == BOX.translated(-8, 1)
    canvas.easel.undo()
    assert selected(canvas) == BOX
    assert canvas.easel.undo_stack.position is steps


def test_what_an_arrow_pushed_over_the_edge_comes_back(
    canvas: Easel, settings: SelectionSettings
) -> None:
    select(canvas)
    canvas.take_tool(BoxTool(settings))
    QTest.keyClick(canvas, Key.Key_Up, SHIFT)
    QTest.keyClick(canvas, Key.Key_Up, SHIFT)
    assert selected(canvas) == Rect(10, 0, 20, 8)
    QTest.keyClick(canvas, Key.Key_Down, SHIFT)
    assert selected(canvas) == BOX.translated(0, -10)


def test_a_selection_stays_in_the_picture_and_one_is_needed(
    canvas: Easel, settings: SelectionSettings
) -> None:
    words: list[str] = []
    canvas.refused.connect(words.append)
    canvas.take_tool(BoxTool(settings))
    QTest.keyClick(canvas, Key.Key_Up)
    select(canvas, Rect(0, 0, 5, 5))
    QTest.keyClick(canvas, Key.Key_Up, SHIFT)
    assert selected(canvas) == Rect(0, 0, 5, 5)
    assert ["Nothing is selected" in words[0], "edge" in words[1]] == [True, True]


def test_an_arrow_goes_where_it_points_in_a_turned_view(
    canvas: Easel, settings: SelectionSettings
) -> None:
    select(canvas)
    canvas.take_tool(BoxTool(settings))
    canvas.turn_to(90)
    QTest.keyClick(canvas, Key.Key_Right)
    assert selected(canvas) == BOX.translated(0, -1)
    canvas.stand_upright()
    canvas.mirror()
    QTest.keyClick(canvas, Key.Key_Right)
    assert selected(canvas) == BOX.translated(-1, -1)


# --- layer and frame --------------------------------------------------------------------------


def test_arrows_move_the_layer_until_enter(canvas: Easel) -> None:
    place_box(canvas)
    canvas.take_tool(MoveTool())
    for key in (Key.Key_Right, Key.Key_Right, Key.Key_Up):
        QTest.keyClick(canvas, key)
    assert blue(canvas) == BOX.translated(2, -1)
    drag(canvas, canvas.along((20, 20), (22, 22), (25, 30)))
    QTest.keyClick(canvas, Key.Key_Down, SHIFT)
    assert blue(canvas) == BOX.translated(7, 19)
    assert canvas.confirm_gesture()
    assert canvas.easel.undo_stack.undo_name == "Move"
    canvas.easel.undo()
    assert blue(canvas) == BOX


def test_the_selection_is_shown_where_its_pixels_are(canvas: Easel) -> None:
    place_box(canvas)
    select(canvas, Rect(10, 12, 8, 8))
    tool = MoveTool()
    canvas.take_tool(tool)
    QTest.keyClick(canvas, Key.Key_Right, SHIFT)
    sketch = tool.sketch(canvas)
    assert sketch is not None
    assert sketch.selection_at == (10, 0)
    assert canvas.confirm_gesture()
    assert selected(canvas) == Rect(20, 12, 8, 8)
    sketch = tool.sketch(canvas)
    assert sketch is not None
    assert sketch.selection_at == (0, 0)


def test_arrows_that_are_given_up_moved_nothing(canvas: Easel) -> None:
    place_box(canvas)
    canvas.take_tool(MoveTool())
    QTest.keyClick(canvas, Key.Key_Right, SHIFT)
    assert canvas.end_gesture()
    assert blue(canvas) == BOX


def test_arrows_say_why_a_locked_layer_stays(canvas: Easel) -> None:
    words: list[str] = []
    canvas.refused.connect(words.append)
    place_box(canvas)
    canvas.easel.active_layer.locked = True
    canvas.take_tool(MoveTool())
    QTest.keyClick(canvas, Key.Key_Right)
    assert blue(canvas) == BOX
    assert ["locked" in word for word in words] == [True]


def test_arrows_move_the_frame_and_no_brush(canvas: Easel, brush: BrushSettings) -> None:
    canvas.move_frame(Rect(8, 8, 32, 32))
    canvas.take_tool(PaintingTool("Brush", brush, Target.PAINT))
    QTest.keyClick(canvas, Key.Key_Right)
    assert canvas.easel.frame == Rect(8, 8, 32, 32)
    assert not canvas.easel.undo_stack.can_undo
    canvas.take_tool(FrameTool())
    QTest.keyClick(canvas, Key.Key_Right)
    QTest.keyClick(canvas, Key.Key_Down, SHIFT)
    assert canvas.easel.frame == Rect(9, 18, 32, 32)


# --- cursors ----------------------------------------------------------------------------------


def test_the_cursor_says_what_a_press_moves(canvas: Easel, settings: SelectionSettings) -> None:
    select(canvas)
    assert over(canvas, BoxTool(settings), 20, 20) == Shape.SizeAllCursor
    assert over(canvas, BoxTool(settings), 50, 50) == Shape.CrossCursor
    assert over(canvas, PolygonTool(settings), 20, 20) == Shape.CrossCursor
    settings.change(how="add")
    assert over(canvas, BoxTool(settings), 20, 20) == Shape.CrossCursor


def test_the_cursor_says_which_way_a_grip_goes(canvas: Easel) -> None:
    place_box(canvas)
    tool = MoveTool()
    assert over(canvas, tool, BOX.x, BOX.y) == Shape.SizeFDiagCursor
    assert over(canvas, tool, BOX.right, BOX.y) == Shape.SizeBDiagCursor
    assert over(canvas, tool, BOX.right, 20) == Shape.SizeHorCursor
    assert over(canvas, tool, 20, BOX.bottom) == Shape.SizeVerCursor
    assert over(canvas, tool, 20, 20) == Shape.SizeAllCursor
    canvas.mirror()
    assert over(canvas, tool, BOX.x, BOX.y) == Shape.SizeBDiagCursor
    canvas.turn_to(90)
    assert over(canvas, tool, BOX.right, 20) == Shape.SizeVerCursor
    canvas.stand_upright()
    canvas.move_frame(Rect(8, 8, 32, 32))
    assert over(canvas, FrameTool(), 40, 40) == Shape.SizeFDiagCursor


# --- a polygon, corner by corner --------------------------------------------------------------


def test_the_last_corner_of_a_polygon_is_taken_back(
    canvas: Easel, settings: SelectionSettings
) -> None:
    canvas.take_tool(PolygonTool(settings))
    for x, y in ((10, 10), (50, 10), (60, 30), (50, 50), (10, 50)):
        if (x, y) == (50, 50):
            assert canvas.take_back()
        QTest.mouseClick(canvas, LEFT, pos=canvas.at(x, y))
    assert canvas.confirm_gesture()
    surface = canvas.easel.selection.surface
    assert surface is not None
    found = surface.read(WHOLE)
    assert (found[12:48, 12:48] == 255).all()
    assert not found[:, 52:].any()


def test_without_a_corner_there_is_no_polygon(canvas: Easel, settings: SelectionSettings) -> None:
    canvas.take_tool(PolygonTool(settings))
    assert not canvas.take_back()
    QTest.mouseClick(canvas, LEFT, pos=canvas.at(10, 10))
    assert canvas.take_back()
    assert not canvas.in_gesture
    assert not canvas.take_back()
