from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QListWidget, QPushButton
from pytestqt.qtbot import QtBot

from gui.theme import Theme
from gui.widgets.finder import Choice, Finder

CHOICES = (
    Choice("LoRA", "ink wash", "", 1),
    Choice("LoRA", "film grain", "", 2),
    Choice("VAE", "clear", "a tip", ("any", "value")),
)


class Seeker:
    """A finder below a button, and what was picked."""

    def __init__(self, qtbot: QtBot) -> None:
        self.anchor = QPushButton("+")
        qtbot.addWidget(self.anchor)
        self.anchor.show()
        self.finder = Finder("Add-ons", "More are found beside your models.", self.anchor)
        self.picked: list[object] = []
        self.finder.picked.connect(self.picked.append)
        self.finder.show_choices(CHOICES)
        self.search = self.finder.findChild(QLineEdit)
        self.list = self.finder.findChild(QListWidget)

    def open(self) -> None:
        """In the test itself: between fixture and test the offscreen screen closes popups."""
        self.finder.open_below(self.anchor)
        assert self.finder.isVisible()

    @property
    def shown(self) -> list[str]:
        items = map(self.list.item, range(self.list.count()))
        return [item.text() for item in items if not item.isHidden()]


@pytest.fixture
def seeker(qtbot: QtBot, theme: Theme) -> Seeker:
    return Seeker(qtbot)


def test_everything_is_shown_under_its_heading(seeker: Seeker) -> None:
    assert seeker.shown == ["LoRA", "ink wash", "film grain", "VAE", "clear"]
    assert seeker.list.currentItem().text() == "ink wash"


def test_typing_leaves_what_has_every_word_and_its_heading(seeker: Seeker) -> None:
    seeker.open()
    QTest.keyClicks(seeker.search, "GRAIN fi")
    assert seeker.shown == ["LoRA", "film grain"]
    QTest.keyClick(seeker.search, Qt.Key.Key_Return)
    assert seeker.picked == [2]
    assert not seeker.finder.isVisible()


def test_arrows_pass_over_headings_and_stop_at_the_ends(seeker: Seeker) -> None:
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Down):
        QTest.keyClick(seeker.search, key)
    assert seeker.list.currentItem().text() == "clear"
    QTest.keyClick(seeker.search, Qt.Key.Key_PageUp)
    assert seeker.list.currentItem().text() == "ink wash"


def test_a_value_comes_back_as_it_was_given(seeker: Seeker) -> None:
    QTest.keyClicks(seeker.search, "clear")
    QTest.keyClick(seeker.search, Qt.Key.Key_Return)
    assert seeker.picked == [("any", "value")]


def test_a_click_picks_and_a_heading_does_not(seeker: Seeker) -> None:
    seeker.open()

    def click(row: int) -> None:
        place = seeker.list.visualItemRect(seeker.list.item(row)).center()
        QTest.mouseClick(seeker.list.viewport(), Qt.MouseButton.LeftButton, pos=place)

    click(0)
    assert seeker.picked == []
    click(2)
    assert seeker.picked == [2]


def test_nothing_of_that_name_is_said(seeker: Seeker) -> None:
    seeker.open()
    QTest.keyClicks(seeker.search, "xyz")
    labels = [label.text() for label in seeker.finder.findChildren(QLabel) if label.isVisible()]
    assert "Nothing of that name." in labels
    QTest.keyClick(seeker.search, Qt.Key.Key_Return)
    assert seeker.picked == []
    assert seeker.finder.isVisible()


def test_the_next_time_the_search_is_empty_again(seeker: Seeker) -> None:
    seeker.open()
    QTest.keyClicks(seeker.search, "grain")
    seeker.finder.hide()
    seeker.open()
    assert seeker.shown[0:2] == ["LoRA", "ink wash"]
