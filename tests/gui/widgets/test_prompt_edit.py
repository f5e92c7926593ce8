from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui.widgets.prompt_edit import PromptEdit

ALT = Qt.KeyboardModifier.AltModifier


@pytest.fixture
def edit(qtbot: QtBot) -> Iterator[PromptEdit]:
    box = QWidget()
    qtbot.addWidget(box)
    column = QVBoxLayout(box)
    edit = PromptEdit("Prompt", "What the picture shows", 4)
    column.addWidget(edit)
    column.addWidget(QLineEdit())
    box.show()
    box.activateWindow()
    qtbot.waitUntil(box.isActiveWindow)
    edit.setFocus()
    yield edit  # the box lives as long as this frame


def marked(edit: PromptEdit) -> str:
    """The text that is struck out."""
    selections = edit.extraSelections()
    assert all(s.format.fontStrikeOut() for s in selections)  # type: ignore[attr-defined]
    return "".join(s.cursor.selectedText() for s in selections)  # type: ignore[attr-defined]


def test_typing_is_told_whole(edit: PromptEdit) -> None:
    told: list[str] = []
    edit.edited.connect(told.append)
    QTest.keyClicks(edit, "a [b] x e")
    assert told[-1] == "a [b] x e"
    assert len(told) == 9


def test_showing_is_silent_and_leaves_the_cursor_where_nothing_changes(edit: PromptEdit) -> None:
    told: list[str] = []
    edit.edited.connect(told.append)
    edit.show_text("a red apple")
    assert edit.textCursor().position() == 11
    cursor = edit.textCursor()
    cursor.setPosition(3)
    edit.setTextCursor(cursor)
    edit.show_text("a red apple")
    assert edit.textCursor().position() == 3
    assert told == []


def test_alt_and_arrows_walk_through_earlier_prompts(edit: PromptEdit) -> None:
    asked: list[int] = []
    edit.recall_asked.connect(asked.append)
    edit.show_text("two\nlines")
    QTest.keyClick(edit, Qt.Key.Key_Up, ALT)
    QTest.keyClick(edit, Qt.Key.Key_Down, ALT)
    QTest.keyClick(edit, Qt.Key.Key_Up)
    assert asked == [1, -1]
    assert edit.toPlainText() == "two\nlines"


@pytest.mark.parametrize(
    ("text", "start", "unread"),
    [
        ("a red apple", 6, "apple"),
        ("a red apple", 0, "a red apple"),
        ("a red apple", 11, ""),
        ("a red apple", 99, ""),
        ("", 0, ""),
        ("🍎🍏 a pear 🍐", 3, "a pear 🍐"),
        ("e\u0301🍎x", 3, "x"),
    ],
)
def test_what_is_cut_off_is_struck_out(
    edit: PromptEdit, text: str, start: int, unread: str
) -> None:
    edit.show_text(text)
    edit.mark_unread(start, QColor("red"))
    assert marked(edit) == unread


def test_the_mark_goes_when_the_prompt_fits_again(edit: PromptEdit) -> None:
    edit.show_text("a red apple")
    edit.mark_unread(2, QColor("red"))
    edit.mark_unread(11, QColor("red"))
    assert marked(edit) == ""


def test_tab_moves_on_and_types_nothing(edit: PromptEdit) -> None:
    QTest.keyClick(edit, Qt.Key.Key_Tab)
    assert not edit.hasFocus()
    assert edit.toPlainText() == ""


def test_return_makes_a_line(edit: PromptEdit) -> None:
    QTest.keyClicks(edit, "a")
    QTest.keyClick(edit, Qt.Key.Key_Return)
    QTest.keyClicks(edit, "b")
    assert edit.toPlainText() == "a\nb"
