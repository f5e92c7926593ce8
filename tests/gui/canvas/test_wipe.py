"""The divider between the original and a new picture."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from core.canvas.document import Document
from core.geometry import Rect, Size
from gui.canvas.wipe import MOST
from gui.images import to_qimage
from gui.looking import NOTHING_TO_COMPARE
from gui.main_window import MainWindow
from tests.gui.conftest import Easel
from tests.helpers.desktop import LEFT, drag

SHIFT = Qt.KeyboardModifier.ShiftModifier
FRAME = Rect(16, 16, 32, 32)
BLACK = np.zeros((32, 32, 3), np.uint8)


@pytest.fixture
def divided(canvas: Easel) -> Easel:
    """A black picture over the middle of a white one, and the divider in its middle."""
    canvas.easel.set_frame(Rect(0, 0, 1, 1))
    canvas.show_overlay(FRAME, to_qimage(BLACK))
    canvas.wipe.switch(True)
    return canvas


def is_new(canvas: Easel, x: float, y: float = 44) -> bool:
    """Whether the new picture is seen at a document position."""
    return canvas.grab().toImage().pixelColor(canvas.at(x, y)).red() < 128


def test_left_of_it_is_the_original_and_right_of_it_the_result(divided: Easel) -> None:
    assert [is_new(divided, x) for x in (20, 28, 36, 44)] == [False, False, True, True]
    assert divided.wipe.isVisible()
    divided.wipe.switch(False)
    assert [is_new(divided, x) for x in (20, 44)] == [True, True]
    assert not divided.wipe.isVisible()


def test_it_is_dragged_and_stays_inside(divided: Easel) -> None:
    wipe = divided.wipe
    grip = QPoint(wipe.width() // 2 + 3, 40)
    drag(wipe, [grip, grip - QPoint(40, 0)])
    assert [is_new(divided, x) for x in (20, 24, 28)] == [False, True, True]
    grip = QPoint(wipe.width() // 2, 40)
    drag(wipe, [grip, grip + QPoint(4000, 0)])
    assert wipe.value() == MOST
    assert not is_new(divided, 46)


def test_the_arrow_keys_move_it_and_it_tells_where_it_is(divided: Easel) -> None:
    wipe = divided.wipe
    assert divided.focusWidget() is wipe or wipe.hasFocus()
    QTest.keyClick(wipe, Qt.Key.Key_Right)
    assert wipe.value() == MOST // 2 + MOST // 100
    QTest.keyClick(wipe, Qt.Key.Key_PageUp)
    assert wipe.value() == MOST // 2 + MOST // 100 + MOST // 10
    QTest.keyClick(wipe, Qt.Key.Key_Home)
    assert [is_new(divided, x) for x in (18, 46)] == [True, True]
    told = QAccessible.queryAccessibleInterface(wipe)
    assert told.text(QAccessible.Text.Name) == "Divider between original and result"
    assert told.valueInterface().currentValue() == 0


def test_it_goes_with_the_view_and_stays_upright_when_that_is_turned(divided: Easel) -> None:
    divided.turn_to(90)
    divided.fit()
    # The document's y runs from right to left now.
    assert [is_new(divided, 44, y) for y in (20, 28, 36, 44)] == [True, True, False, False]
    divided.zoom_to(1.0)
    left, _, right, _ = divided.viewport.around(FRAME)
    assert divided.wipe.geometry().center().x() == pytest.approx((left + right) / 2, abs=1.5)


def test_while_the_original_is_held_there_is_nothing_to_divide(divided: Easel) -> None:
    divided.hide_overlay()
    assert not divided.wipe.isVisible()
    assert not is_new(divided, 44)
    divided.show_overlay(FRAME, to_qimage(BLACK))
    assert divided.wipe.isVisible()


def test_key_button_and_menu_do_the_same(window: MainWindow) -> None:
    canvas, refused = window.canvas, []
    canvas.refused.connect(refused.append)
    canvas.show_document(Document(Size(64, 64)))
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_C, SHIFT)
    assert refused == [NOTHING_TO_COMPARE]
    assert not canvas.wipe.is_on
    canvas.show_overlay(FRAME, to_qimage(BLACK))
    canvas.bar.show_choice(0, 1, "")
    button = next(
        button
        for button in canvas.bar.findChildren(QToolButton)
        if button.property("keys_of") == "wipe"
    )
    QTest.keyClick(canvas, Qt.Key.Key_C, SHIFT)
    assert canvas.wipe.isVisible()
    assert button.isChecked()
    QTest.mouseClick(button, LEFT)
    assert not canvas.wipe.isVisible()
    assert canvas.hasFocus()
    window.actions_by_name["wipe"].trigger()
    assert button.isChecked()
