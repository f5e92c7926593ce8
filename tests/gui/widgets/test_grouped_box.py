from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.theme import Theme
from gui.widgets.grouped_box import GroupedBox

GROUPS = (("Common", ("Euler", "DDIM")), ("DPM2 family", ("DPM2", "DPM2 a")))


@pytest.fixture
def box(qtbot: QtBot, theme: Theme) -> GroupedBox:
    box = GroupedBox("Scheduler")
    qtbot.addWidget(box)
    box.show_groups(GROUPS)
    box.show()
    return box


def test_entries_stand_below_their_headings(box: GroupedBox) -> None:
    texts = [box.itemText(index) for index in range(box.count())]
    assert texts == ["Common", "Euler", "DDIM", "DPM2 family", "DPM2", "DPM2 a"]
    assert box.entries == ["Euler", "DDIM", "DPM2", "DPM2 a"]


def test_the_keys_step_over_headings(box: GroupedBox) -> None:
    chosen: list[str] = []
    box.chosen.connect(chosen.append)
    box.show_choice("Euler")
    for _ in range(4):
        QTest.keyClick(box, Qt.Key.Key_Down)
    assert chosen == ["DDIM", "DPM2", "DPM2 a"]
    QTest.keyClick(box, Qt.Key.Key_Home)
    assert chosen[-1] == "Euler"


def test_showing_is_silent(box: GroupedBox) -> None:
    chosen: list[str] = []
    box.chosen.connect(chosen.append)
    box.show_choice("DPM2")
    assert box.currentText() == "DPM2"
    box.show_groups((("", ("LCM",)),))
    box.show_choice("LCM")
    assert (box.count(), box.currentText()) == (1, "LCM")
    box.show_choice("DDIM")
    assert box.currentIndex() == -1
    assert chosen == []


def test_a_heading_cannot_be_chosen(box: GroupedBox) -> None:
    flags = [box.model().flags(box.model().index(row, 0)) for row in (0, 1)]
    enabled = [bool(flag & Qt.ItemFlag.ItemIsEnabled) for flag in flags]
    assert enabled == [False, True]
