"""Shift and a drag change the brush; Ctrl and a click take a colour."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.geometry import Rect
from gui.canvas.tools.painting import BrushSettings, PaintingTool, Target
from gui.canvas.tools.sizing import HARDENS_AFTER, HARDENS_IN, STARTS_AFTER
from tests.gui.conftest import Easel
from tests.helpers.desktop import LEFT, Pen

SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
PRESS, MOVE, RELEASE = QEvent.Type.TabletPress, QEvent.Type.TabletMove, QEvent.Type.TabletRelease
START = QPoint(200, 150)


@pytest.fixture
def tool(canvas: Easel, brush: BrushSettings) -> PaintingTool:
    tool = PaintingTool("Brush", brush, Target.PAINT)
    canvas.take_tool(tool)
    return tool


@pytest.fixture
def pen(canvas: Easel, tool: PaintingTool) -> Pen:
    return Pen(canvas)


def pull(pen: Pen, *ways: tuple[int, int], lets_go: bool = True) -> None:
    """Press with Shift and move to places given from the press."""
    pen.send(PRESS, START, 1.0, keys=SHIFT)
    for way in ways:
        pen.send(MOVE, START + QPoint(*way), 1.0, held=LEFT, keys=SHIFT)
    QApplication.processEvents()
    if lets_go:
        pen.send(RELEASE, START + QPoint(*ways[-1]), 0.0, keys=SHIFT)


@pytest.mark.parametrize("zoom", [1.0, 4.0])
@pytest.mark.parametrize("angle", [0.0, 120.0])
def test_the_rim_follows_the_pen(
    canvas: Easel, pen: Pen, brush: BrushSettings, zoom: float, angle: float
) -> None:
    canvas.turn_to(angle)
    canvas.zoom_to(zoom)
    pull(pen, (10, 0), (24, 0))
    assert brush.size == 8 + 2 * 24 / zoom
    assert brush.hardness == 1.0


def test_upwards_it_hardens_and_downwards_it_softens(pen: Pen, brush: BrushSettings) -> None:
    pull(pen, (0, 40), (0, round(HARDENS_AFTER + HARDENS_IN / 2)))
    assert brush.hardness == pytest.approx(0.5)
    assert brush.size == 8
    pull(pen, (0, -30), (0, -round(HARDENS_AFTER + HARDENS_IN / 4)))
    assert brush.hardness == pytest.approx(0.75)


def test_a_hand_that_slips_up_changes_the_size_alone(pen: Pen, brush: BrushSettings) -> None:
    brush.change(hardness=0.5)
    pull(pen, (20, -5), (40, round(HARDENS_AFTER) - 1))
    assert brush.hardness == 0.5
    assert brush.size == 28


def test_nothing_is_painted_and_nothing_is_to_undo(
    canvas: Easel, pen: Pen, brush: BrushSettings
) -> None:
    asked: list[bool] = []
    canvas.painting_asked.connect(lambda: asked.append(True))
    pull(pen, (30, 0), (60, 10))
    assert canvas.easel.flatten(Rect(0, 0, 64, 64)).min() == 255
    assert not canvas.easel.undo_stack.can_undo
    assert asked == []
    pull(pen, (1, 1))  # no further than a hand trembles: a click, which paints
    assert asked == [True]
    assert canvas.easel.undo_stack.can_undo
    assert STARTS_AFTER > 1.5


def test_giving_up_gives_the_old_brush_back(
    canvas: Easel, pen: Pen, brush: BrushSettings, tool: PaintingTool
) -> None:
    pull(pen, (80, -90), lets_go=False)
    assert brush.size != 8
    canvas.end_gesture()
    assert (brush.size, brush.hardness) == (8, 1.0)
    assert tool.sizing is None


def test_the_brush_is_shown_where_the_drag_began(
    canvas: Easel, pen: Pen, brush: BrushSettings, tool: PaintingTool
) -> None:
    canvas.easel.set_frame(Rect(0, 0, 1, 1))
    before = canvas.grab().toImage()
    pull(pen, (20, 0), (44, 0), lets_go=False)
    assert tool.sizing is not None
    assert tool.sizing.figures == "30 px · 100 % hard"
    shown = canvas.grab().toImage()
    assert shown.pixel(START) != before.pixel(START)  # filled as soft as it is
    rim = START + QPoint(60, 0)
    assert any(shown.pixel(rim + QPoint(x, 0)) != before.pixel(rim) for x in (-1, 0, 1))
    pen.send(RELEASE, START + QPoint(44, 0), 0.0, keys=SHIFT)
    assert tool.sizing is None


def test_the_size_ends_where_brushes_end(canvas: Easel, pen: Pen, brush: BrushSettings) -> None:
    pull(pen, (-50, 0), (-150, 0))
    assert brush.size == 1
    canvas.zoom_to(0.05)
    pull(pen, (50, 0), (190, 0))
    assert brush.size == 1000


def test_ctrl_and_a_click_take_the_colour_and_paint_nothing(
    canvas: Easel, tool: PaintingTool, brush: BrushSettings
) -> None:
    QTest.mouseClick(canvas, LEFT, CTRL, canvas.at(32, 32))
    assert brush.colour == (255, 255, 255)
    assert not canvas.easel.undo_stack.can_undo


def test_the_mask_brush_knows_no_colour(canvas: Easel, brush: BrushSettings) -> None:
    canvas.take_tool(PaintingTool("Mask brush", brush, Target.MASK))
    QTest.mouseClick(canvas, LEFT, CTRL, canvas.at(32, 32))
    assert brush.colour == (255, 0, 0)
    assert not canvas.easel.mask_is_empty
