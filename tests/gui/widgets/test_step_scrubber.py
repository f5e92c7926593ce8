"""The scrubber: a press goes where it was, keys go step by step, ticks and focus are seen."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.theme import Theme
from gui.widgets.step_scrubber import HEIGHT, MARGIN, StepScrubber
from tests.helpers.desktop import LEFT, drag

WIDTH = 2 * MARGIN + 190


@pytest.fixture
def scrubber(qtbot: QtBot, theme: Theme) -> StepScrubber:
    """From step 1 to 20, ten pixels between two."""
    scrubber = StepScrubber("Step of this picture")
    qtbot.addWidget(scrubber)
    scrubber.resize(WIDTH, HEIGHT)
    scrubber.setRange(1, 20)
    scrubber.show()
    scrubber.activateWindow()
    qtbot.waitUntil(scrubber.isActiveWindow)
    return scrubber


def at(step: int) -> QPoint:
    return QPoint(MARGIN + (step - 1) * 10, HEIGHT // 2)


def test_a_press_goes_there_and_a_drag_follows_to_the_ends(scrubber: StepScrubber) -> None:
    QTest.mouseClick(scrubber, LEFT, pos=at(7) + QPoint(3, 0))
    assert scrubber.value() == 7
    seen: list[int] = []
    scrubber.valueChanged.connect(seen.append)
    drag(scrubber, [at(7), at(9), at(8), QPoint(WIDTH + 50, 3)])
    assert seen[-1] == 20
    assert {8, 9} <= set(seen)
    QTest.mouseMove(scrubber, at(3))
    assert scrubber.value() == 20, "let go"
    QTest.mouseClick(scrubber, Qt.MouseButton.RightButton, pos=at(4))
    assert scrubber.value() == 20


def test_keys_go_step_by_step_and_to_the_ends(scrubber: StepScrubber) -> None:
    scrubber.setFocus()
    keys = Qt.Key
    for key, step in (
        (keys.Key_End, 20), (keys.Key_Left, 19), (keys.Key_Left, 18), (keys.Key_Right, 19),
        (keys.Key_PageDown, 14), (keys.Key_Home, 1), (keys.Key_Left, 1),
    ):  # fmt: skip
        QTest.keyClick(scrubber, key)
        assert scrubber.value() == step, key


def test_enter_leaves_it(scrubber: StepScrubber, qtbot: QtBot) -> None:
    with qtbot.waitSignal(scrubber.left):
        QTest.keyClick(scrubber, Qt.Key.Key_Return)


def test_it_is_told_to_screen_readers(scrubber: StepScrubber) -> None:
    told = QAccessible.queryAccessibleInterface(scrubber)
    assert told.text(QAccessible.Text.Name) == "Step of this picture"
    assert told.role() is QAccessible.Role.Slider


def test_what_lies_before_the_step_and_the_focus_are_seen(
    scrubber: StepScrubber, theme: Theme
) -> None:
    scrubber.setValue(10)
    scrubber.clearFocus()
    image = scrubber.grab().toImage()
    accent = theme.colour("accent").rgb()
    assert image.pixelColor(at(10)).rgb() == accent
    assert image.pixelColor(at(5)).rgb() == accent
    assert image.pixelColor(at(15)).rgb() != accent
    assert image.pixelColor(at(15)) != image.pixelColor(at(15) + QPoint(5, -4)), "a tick"
    scrubber.setFocus()
    assert scrubber.grab().toImage() != image


def test_many_steps_have_fewer_ticks(scrubber: StepScrubber) -> None:
    scrubber.setRange(1, 200)
    scrubber.setValue(100)
    drag(scrubber, [QPoint(MARGIN, 5), QPoint(WIDTH - MARGIN, 5)])
    assert scrubber.value() == 200
    assert len(scrubber._ticks()) < 50
