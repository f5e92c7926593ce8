"""Whatever became of the brush under a hand that rested, the hand takes its outline along."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFrame

from gui.canvas.tools.looking import PanTool
from gui.canvas.tools.painting import BrushSettings, PaintingTool, Target
from gui.images import from_qimage
from tests.gui.conftest import Easel
from tests.helpers.desktop import LEFT

HERE = QPoint(200, 150)
SHIFT = Qt.KeyboardModifier.ShiftModifier


def larger_brush(canvas: Easel, brush: BrushSettings) -> None:
    brush.change(size=130)


def wheel(canvas: Easel, brush: BrushSettings) -> None:
    none = Qt.KeyboardModifier.NoModifier
    turned = QWheelEvent(
        QPointF(HERE), canvas.mapToGlobal(QPointF(HERE)), QPoint(), QPoint(0, 120),
        Qt.MouseButton.NoButton, none, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas, turned)


def another_tool(canvas: Easel, brush: BrushSettings) -> None:
    canvas.take_tool(PanTool())
    QTest.mouseMove(canvas, HERE + QPoint(40, 0))
    canvas.take_tool(PaintingTool("Denoise brush", brush, Target.MASK, paints_strength=True))


def pulled(canvas: Easel, brush: BrushSettings) -> None:
    QTest.mousePress(canvas, LEFT, SHIFT, HERE)
    QTest.mouseMove(canvas, HERE + QPoint(20, 0))
    QTest.mouseMove(canvas, HERE + QPoint(50, 20))
    QApplication.processEvents()
    QTest.mouseRelease(canvas, LEFT, SHIFT, HERE + QPoint(50, 20))


@pytest.mark.parametrize("change", [larger_brush, wheel, another_tool, pulled])
def test_no_outline_stays_behind(
    canvas: Easel, brush: BrushSettings, change: Callable[[Easel, BrushSettings], None]
) -> None:
    screen = canvas.screen()

    def seen() -> np.ndarray:
        QApplication.processEvents()
        return from_qimage(screen.grabWindow(canvas.winId()).toImage())

    canvas.take_tool(PaintingTool("Brush", brush, Target.PAINT))
    brush.change(size=40)
    QTest.mouseMove(canvas, HERE)
    bare = seen()
    change(canvas, brush)
    assert (seen() != bare).any()
    QTest.mouseMove(canvas, QPoint(90, 260))
    QApplication.processEvents()
    canvas.leaveEvent(QEvent(QEvent.Type.Leave))
    left = seen()
    canvas.update()
    assert np.array_equal(left, seen())


def test_no_outline_stays_where_the_pointer_went_to_what_lies_on_the_canvas(
    canvas: Easel, brush: BrushSettings
) -> None:
    bar = QFrame(canvas)
    bar.setGeometry(240, 100, 80, 80)
    bar.show()
    canvas.lay_over(bar)
    canvas.take_tool(PaintingTool("Brush", brush, Target.PAINT))
    brush.change(size=40)

    def seen_after(pointer: QPoint) -> np.ndarray:
        QTest.mouseMove(canvas.windowHandle(), pointer)
        QApplication.processEvents()
        return from_qimage(canvas.screen().grabWindow(canvas.winId()).toImage())

    with_outline = seen_after(HERE)
    without = seen_after(bar.geometry().center())
    assert (with_outline != without).any()
    assert np.array_equal(seen_after(HERE), with_outline)
    canvas.leaveEvent(QEvent(QEvent.Type.Leave))
    assert np.array_equal(seen_after(bar.geometry().center()), without)
