from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from gui.widgets.segmented import Segmented


@pytest.fixture
def segmented(qtbot: QtBot) -> Segmented:
    widget = Segmented("Mode", (("a", "Auto", "tip"), ("n", "New", "tip"), ("m", "Masked", "tip")))
    qtbot.addWidget(widget)
    widget.show()
    return widget


def buttons(segmented: Segmented) -> dict[str, QToolButton]:
    return {button.text(): button for button in segmented.findChildren(QToolButton)}


def pressed(segmented: Segmented) -> list[str]:
    return [text for text, button in buttons(segmented).items() if button.isChecked()]


def test_a_click_is_told_and_only_one_is_pressed(segmented: Segmented) -> None:
    told: list[str] = []
    segmented.chosen.connect(told.append)
    segmented.show_choice("a")
    QTest.mouseClick(buttons(segmented)["Masked"], Qt.MouseButton.LeftButton)
    assert told == ["m"]
    assert pressed(segmented) == ["Masked"]


def test_showing_is_silent(segmented: Segmented) -> None:
    told: list[str] = []
    segmented.chosen.connect(told.append)
    segmented.show_choice("n")
    assert pressed(segmented) == ["New"]
    assert told == []


def test_space_presses_the_button_with_the_focus(segmented: Segmented) -> None:
    told: list[str] = []
    segmented.chosen.connect(told.append)
    QTest.keyClick(buttons(segmented)["New"], Qt.Key.Key_Space)
    assert told == ["n"]


def test_the_group_and_every_button_are_named(segmented: Segmented) -> None:
    assert segmented.accessibleName() == "Mode"
    assert [b.accessibleName() for b in buttons(segmented).values()] == ["Auto", "New", "Masked"]
