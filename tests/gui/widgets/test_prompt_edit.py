from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui.widgets.prompt_edit import READ_ANEW, UNREAD, PromptEdit

ALT = Qt.KeyboardModifier.AltModifier
CTRL = Qt.KeyboardModifier.ControlModifier
ACCENT = QColor("#ff0080")


@pytest.fixture
def edit(qtbot: QtBot) -> Iterator[PromptEdit]:
    box = QWidget()
    qtbot.addWidget(box)
    column = QVBoxLayout(box)
    edit = PromptEdit("Prompt", "What the picture shows", 4, most=4)
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


# ------------------------------------------------------------------------------ weights


def place_cursor(edit: PromptEdit, start: int, end: int | None = None) -> None:
    cursor = edit.textCursor()
    cursor.setPosition(start)
    cursor.setPosition(start if end is None else end, QTextCursor.MoveMode.KeepAnchor)
    edit.setTextCursor(cursor)


def test_ctrl_and_arrows_weigh_the_word_at_the_cursor(edit: PromptEdit) -> None:
    told: list[str] = []
    edit.show_text("a red cat")
    edit.edited.connect(told.append)
    place_cursor(edit, 3)
    QTest.keyClick(edit, Qt.Key.Key_Up, CTRL)
    QTest.keyClick(edit, Qt.Key.Key_Up, CTRL)
    assert edit.toPlainText() == "a (red:1.2) cat"
    assert edit.textCursor().selectedText() == "red"
    for _ in range(3):
        QTest.keyClick(edit, Qt.Key.Key_Down, CTRL)
    assert edit.toPlainText() == "a (red:0.9) cat"
    assert told[-1] == "a (red:0.9) cat"
    assert told[0] == "a (red:1.1) cat"


def test_each_weighing_is_one_step_to_undo(edit: PromptEdit) -> None:
    edit.show_text("a red cat")
    place_cursor(edit, 2, 9)
    QTest.keyClick(edit, Qt.Key.Key_Up, CTRL)
    assert edit.toPlainText() == "a (red cat:1.1)"
    edit.undo()
    assert edit.toPlainText() == "a red cat"


def test_weighing_counts_characters_and_not_halves_of_emoji(edit: PromptEdit) -> None:
    edit.show_text("🍎🍏 pear 🍐 plum")
    place_cursor(edit, 6)
    QTest.keyClick(edit, Qt.Key.Key_Up, CTRL)
    assert edit.toPlainText() == "🍎🍏 (pear:1.1) 🍐 plum"
    assert edit.textCursor().selectedText() == "pear"


def test_without_a_word_at_the_cursor_nothing_is_weighed(edit: PromptEdit) -> None:
    edit.show_text("a ,  b")
    place_cursor(edit, 3)
    QTest.keyClick(edit, Qt.Key.Key_Up, CTRL)
    assert edit.toPlainText() == "a ,  b"


# ------------------------------------------------------------------------------ places


def accents(edit: PromptEdit) -> list[int]:
    """Columns of the picture in which there is a line of the accent's colour."""
    shown, line = edit.viewport().grab().toImage(), edit.cursorRect()
    rows = range(line.top(), line.bottom())
    return [
        x
        for x in range(shown.width())
        if sum(shown.pixelColor(x, y) == ACCENT for y in rows) >= len(rows) // 3
    ]


def test_a_dotted_line_stands_where_the_model_reads_anew(edit: PromptEdit) -> None:
    edit.show_text("one two three")
    assert accents(edit) == []
    edit.mark_breaks((8,), ACCENT)
    place_cursor(edit, 8)
    left = edit.cursorRect().left()
    place_cursor(edit, 0)
    assert accents(edit) == [left]
    edit.mark_breaks((), ACCENT)
    assert accents(edit) == []


def test_the_line_moves_along_with_what_is_typed_before_it(edit: PromptEdit) -> None:
    edit.show_text("one two three")
    edit.mark_breaks((8,), ACCENT)
    (before,) = accents(edit)
    place_cursor(edit, 0)
    QTest.keyClicks(edit, "and ")
    (after,) = accents(edit)
    assert after > before
    edit.show_text("")
    assert accents(edit) == []


def test_places_in_the_text_have_their_own_tips(edit: PromptEdit) -> None:
    edit.show_text("one two three four")
    edit.mark_breaks((4,), ACCENT)
    edit.mark_unread(8, QColor("gray"))
    assert [edit.tip_at(place) for place in (0, 4, 5, 8, 12)] == ["", READ_ANEW, "", UNREAD, UNREAD]
    edit.mark_unread(99, QColor("gray"))
    assert edit.tip_at(12) == ""
