from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui.theme import Theme
from gui.widgets.number_field import NumberField
from tests.helpers.desktop import drag, wheel

SHIFT = Qt.KeyboardModifier.ShiftModifier


class Bench:
    """A field with its neighbour, so that there is somewhere else for the focus to be."""

    def __init__(self, qtbot: QtBot, decimals: int = 0, step: float = 1.0) -> None:
        self.box = QWidget()
        qtbot.addWidget(self.box)
        column = QVBoxLayout(self.box)
        self.field = NumberField("Steps", 1, 100, step, decimals)
        self.other = QLineEdit()
        column.addWidget(self.field)
        column.addWidget(self.other)
        self.box.resize(200, 100)
        self.edits: list[float] = []
        self.field.edited.connect(self.edits.append)
        self.field.show_value(20)
        self.box.show()
        self.box.activateWindow()
        qtbot.waitUntil(self.box.isActiveWindow)
        self.other.setFocus()

    def drag(self, dx: int, shift: bool = False) -> None:
        line = self.field.lineEdit()
        start = QPoint(line.width() // 2, line.height() // 2)
        QTest.mousePress(line, Qt.MouseButton.LeftButton, pos=start)
        modifiers = SHIFT if shift else Qt.KeyboardModifier.NoModifier
        for part in (dx // 2, dx):
            _move(line, start + QPoint(part, 0), modifiers)
        QTest.mouseRelease(line, Qt.MouseButton.LeftButton, pos=start + QPoint(dx, 0))


def _move(line: QLineEdit, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
    """QTest.mouseMove knows no modifiers."""
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    place = QPointF(line.mapToGlobal(at))
    event = QMouseEvent(QEvent.Type.MouseMove, QPointF(at), place, none, left, modifiers)
    QCoreApplication.sendEvent(line, event)


@pytest.fixture
def bench(qtbot: QtBot, theme: Theme) -> Bench:
    return Bench(qtbot)


def test_typing_counts_when_it_is_finished(bench: Bench) -> None:
    bench.field.setFocus()
    bench.field.selectAll()
    QTest.keyClicks(bench.field, "45")
    assert bench.edits == []
    QTest.keyClick(bench.field, Qt.Key.Key_Return)
    assert bench.edits == [45]


def test_a_number_beyond_the_range_becomes_the_nearest(bench: Bench) -> None:
    bench.field.setFocus()
    bench.field.selectAll()
    QTest.keyClicks(bench.field, "0")
    bench.other.setFocus()
    assert bench.edits == [1]


def test_showing_a_value_is_no_edit(bench: Bench) -> None:
    bench.field.show_value(33)
    assert bench.field.value() == 33
    assert bench.edits == []


def test_dragging_to_the_right_raises_and_to_the_left_lowers(bench: Bench) -> None:
    bench.drag(60)
    raised = bench.field.value()
    assert raised > 20
    assert bench.edits[-1] == raised
    bench.drag(-120)
    assert bench.field.value() < raised


def test_shift_makes_dragging_fine(bench: Bench) -> None:
    bench.drag(100)
    coarse = bench.field.value() - 20
    bench.field.show_value(20)
    bench.drag(100, shift=True)
    fine = bench.field.value() - 20
    assert fine == pytest.approx(coarse / 5, abs=1)
    assert fine >= 1


def test_a_press_that_hardly_moves_only_places_the_cursor(bench: Bench) -> None:
    bench.drag(2)
    assert bench.edits == []
    assert bench.field.hasFocus() or bench.field.lineEdit().hasFocus()


def test_a_drag_stays_in_range(bench: Bench) -> None:
    bench.drag(4000)
    assert bench.field.value() == 100


def test_a_disabled_field_is_not_dragged(bench: Bench) -> None:
    bench.field.setEnabled(False)
    bench.drag(100)
    assert bench.edits == []


def test_the_wheel_turns_only_a_field_that_has_the_focus(bench: Bench) -> None:
    middle = bench.field.rect().center()
    assert not wheel(bench.field, middle, 1)
    assert bench.edits == []
    bench.field.setFocus()
    assert wheel(bench.field, middle, 1)
    assert bench.edits == [21]


def test_arrow_keys_step(bench: Bench) -> None:
    bench.field.setFocus()
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Down):
        QTest.keyClick(bench.field, key)
    assert bench.edits == [21, 22, 21]


def test_decimals_are_kept_to_the_step(qtbot: QtBot, theme: Theme) -> None:
    bench = Bench(qtbot, decimals=2, step=0.05)
    bench.field.setFocus()
    QTest.keyClick(bench.field, Qt.Key.Key_Up)
    assert bench.edits == [pytest.approx(20.05)]


def test_dragging_the_frame_beside_the_text_changes_nothing(bench: Bench) -> None:
    corner = QPoint(1, 1)
    drag(bench.field, [corner, corner + QPoint(80, 0)])
    assert bench.edits == []
