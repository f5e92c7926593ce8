from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from gui.main_window import MainWindow
from gui.panels.pen_test import Pad, PenTest
from tests.helpers.desktop import LEFT, Pen

POINTS = [QPoint(20 + 10 * i, 60) for i in range(10)]


@pytest.fixture
def test_window(qtbot: QtBot, window: MainWindow) -> PenTest:
    test = PenTest(window)
    qtbot.addWidget(test)
    test.show()
    return test


def pad(test: QWidget) -> Pad:
    found = test.findChild(Pad)
    assert found is not None
    return found


def reading(test: QWidget, name: str) -> str:
    return next(w.text() for w in test.findChildren(QLabel) if w.accessibleName() == name)


def test_it_says_what_the_pen_reports(test_window: PenTest) -> None:
    pen = Pen(pad(test_window))
    pen.send(QEvent.Type.TabletPress, POINTS[0], 0.9, tilt=(30, -12))
    pen.send(QEvent.Type.TabletMove, POINTS[1], 0.25, tilt=(30, -12))
    assert reading(test_window, "Device") == "a pen"
    assert reading(test_window, "Pointer") == "Pen tip"
    assert reading(test_window, "Pressure") == "0.250, at most 0.900"
    assert reading(test_window, "Tilt") == "30° across, -12° along"
    assert reading(test_window, "Pressed") == "tip"
    assert reading(test_window, "Events") == "2 a second"


def test_the_other_end_the_button_and_the_mouse_are_told_apart(test_window: PenTest) -> None:
    Pen(pad(test_window), eraser=True).draw(POINTS, [0.5] * 10)
    assert reading(test_window, "Pointer") == "Other end (eraser)"
    right = Qt.MouseButton.RightButton
    Pen(pad(test_window)).send(QEvent.Type.TabletPress, POINTS[0], 0.0, button=right)
    assert reading(test_window, "Pressed") == "button 1"
    QTest.mouseClick(pad(test_window), LEFT, pos=POINTS[3])
    assert reading(test_window, "Pointer") == "Mouse"
    assert reading(test_window, "Pressure") == "not reported"


@pytest.mark.parametrize(("name", "shown"), [("Stylus\x00", "Stylus"), ("\x00", "without a name")])
def test_a_name_is_shown_without_what_cannot_be_read(
    test_window: PenTest, name: str, shown: str
) -> None:
    Pen(pad(test_window), name=name).draw(POINTS, [0.5] * 10)
    assert reading(test_window, "Device") == shown


def test_a_hard_line_is_wider_than_a_light_one(test_window: PenTest) -> None:
    def coloured(pressure: float) -> int:
        shown = pad(test_window)
        before = shown.grab().toImage()
        Pen(shown).draw(POINTS, [pressure] * 10)
        after = shown.grab().toImage()
        x = POINTS[5].x()
        return sum(before.pixel(x, y) != after.pixel(x, y) for y in range(before.height()))

    assert 0 < coloured(0.1) < coloured(0.9)


def test_rest_is_said(qtbot: QtBot, test_window: PenTest) -> None:
    Pen(pad(test_window)).draw(POINTS, [0.5] * 10)
    qtbot.waitUntil(lambda: reading(test_window, "Events") == "none just now")
