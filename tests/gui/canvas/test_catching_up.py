"""Moves that come while the window is busy are heard of together, and none is lost."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.canvas.document import Document
from core.geometry import Rect
from gui.canvas.tools.painting import BrushSettings, PaintingTool, Target
from gui.canvas.tools.selecting import LassoTool, SelectionSettings
from tests.gui.conftest import Easel
from tests.helpers.desktop import LEFT

WAY = [(10, 12), (14, 30), (30, 44), (50, 40), (52, 20), (30, 8), (22, 16)]


def go(canvas: Easel, one_by_one: bool) -> None:
    """Press, move along the way and release."""
    places = [canvas.at(*place) for place in WAY]
    QTest.mousePress(canvas, LEFT, pos=places[0])
    for place in places[1:]:
        QTest.mouseMove(canvas, place)
        if one_by_one:
            QApplication.processEvents()
    QTest.mouseRelease(canvas, LEFT, pos=places[-1])


def picture(canvas: Easel) -> np.ndarray:
    return canvas.easel.flatten(canvas.easel.bounds)


@pytest.mark.parametrize("flow", [1.0, 0.4])
@pytest.mark.parametrize("smoothing", [0.0, 0.5])
def test_a_stroke_is_the_same_however_its_moves_come(
    canvas: Easel, brush: BrushSettings, flow: float, smoothing: float
) -> None:
    brush.change(size=9, hardness=0.3, opacity=0.7, flow=flow, smoothing=smoothing)
    canvas.take_tool(PaintingTool("Brush", brush, Target.PAINT))
    blank = picture(canvas)
    go(canvas, one_by_one=True)
    single = picture(canvas)
    canvas.easel.undo()
    go(canvas, one_by_one=False)
    assert (single != blank).any()
    assert np.array_equal(picture(canvas), single)


def test_moves_that_wait_cost_one_change_of_the_document(
    canvas: Easel, brush: BrushSettings, qapp: QApplication
) -> None:
    brush.change(size=9)
    canvas.take_tool(PaintingTool("Brush", brush, Target.PAINT))
    QTest.mousePress(canvas, LEFT, pos=canvas.at(*WAY[0]))
    heard: list[Rect] = []

    def hear(rect: Rect) -> None:
        heard.append(rect)

    canvas.easel.changed.connect(hear)
    for place in WAY[1:5]:
        QTest.mouseMove(canvas, canvas.at(*place))
    assert heard == []
    qapp.processEvents()
    assert len(heard) == 1
    canvas.end_gesture()


def test_a_lasso_goes_through_every_place(canvas: Easel) -> None:
    settings = SelectionSettings()
    canvas.take_tool(LassoTool(settings))
    found = []
    for one_by_one in (True, False):
        canvas.easel.selection.deselect()  # a drag on it would move it
        go(canvas, one_by_one)
        surface = canvas.easel.selection.surface
        assert surface is not None
        found.append(surface.read(surface.bounds))
    assert found[0].any()
    assert np.array_equal(*found)


def test_giving_up_forgets_the_moves_that_wait(
    canvas: Easel, brush: BrushSettings, qapp: QApplication
) -> None:
    canvas.take_tool(PaintingTool("Brush", brush, Target.PAINT))
    blank = picture(canvas)
    QTest.mousePress(canvas, LEFT, pos=canvas.at(10, 10))
    for place in WAY:
        QTest.mouseMove(canvas, canvas.at(*place))
    canvas.end_gesture()
    qapp.processEvents()
    assert np.array_equal(picture(canvas), blank)
    assert not canvas.easel.undo_stack.can_undo


def test_another_tool_in_the_middle_of_a_stroke_leaves_nothing_of_it(
    canvas: Easel, brush: BrushSettings, qapp: QApplication
) -> None:
    canvas.take_tool(PaintingTool("Brush", brush, Target.PAINT))
    QTest.mousePress(canvas, LEFT, pos=canvas.at(10, 10))
    QTest.mouseMove(canvas, canvas.at(40, 40))
    canvas.take_tool(PaintingTool("Eraser", brush, None))
    qapp.processEvents()
    assert not canvas.easel.undo_stack.can_undo
    assert not canvas.in_gesture


def test_another_document_in_the_middle_of_a_stroke_is_not_painted_on(
    canvas: Easel, brush: BrushSettings, qapp: QApplication
) -> None:
    canvas.take_tool(PaintingTool("Brush", brush, Target.PAINT))
    QTest.mousePress(canvas, LEFT, pos=canvas.at(10, 10))
    for one, other in pairwise(WAY):
        QTest.mouseMove(canvas, QPoint(*one) + QPoint(*other))
    other_document = Document(canvas.easel.size)
    blank = other_document.flatten(other_document.bounds)
    canvas.show_document(other_document)
    qapp.processEvents()
    assert np.array_equal(other_document.flatten(other_document.bounds), blank)
