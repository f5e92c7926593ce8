"""Keys that the person gives to actions, and what follows them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from gui.actions import TABLE
from gui.keymap import RESERVED, ROWS, Keymap, pressed_key
from gui.main_window import MainWindow
from gui.sampling import Sampling
from tests.helpers.studio import studio_at

NONE = Qt.KeyboardModifier.NoModifier
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def keymap(window: MainWindow) -> Keymap:
    window.canvas.setFocus()
    return window.keymap


def triggered(window: MainWindow, name: str) -> list[bool]:
    seen: list[bool] = []
    window.actions_by_name[name].triggered.connect(lambda: seen.append(True))
    return seen


def test_at_first_the_table_holds(window: MainWindow, keymap: Keymap) -> None:
    for name, action in window.actions_by_name.items():
        assert keymap.keys(name) == ROWS[name].keys
        plain = {key.toString().removeprefix("Shift+") for key in action.shortcuts()}
        assert plain <= {key.removeprefix("Shift+") for key in ROWS[name].keys}
    assert not keymap.has_changes
    assert keymap.to_dict() == {}


def test_an_action_takes_another_key_and_leaves_its_own(window: MainWindow, keymap: Keymap) -> None:
    seen = triggered(window, "fit")
    keymap.assign("fit", ("Ctrl+9",))
    QTest.keyClick(window.canvas, Qt.Key.Key_0, CTRL)
    assert seen == []
    QTest.keyClick(window.canvas, Qt.Key.Key_9, CTRL)
    assert seen == [True]
    assert keymap.is_changed("fit")
    assert window.actions_by_name["fit"].toolTip() == "Fit in the window (Ctrl+9)"


def test_a_key_has_one_owner(window: MainWindow, keymap: Keymap) -> None:
    assert [row.name for row in keymap.losers("fit", ("Ctrl+Y",))] == ["redo"]
    keymap.assign("fit", ("Ctrl+Y",))
    assert keymap.keys("redo") == ("Ctrl+Shift+Z",)
    assert keymap.losers("fit", ("Ctrl+Y",)) == []
    keymap.assign("redo", ROWS["redo"].keys)
    assert keymap.keys("fit") == ()
    assert not keymap.is_changed("redo")
    assert window.actions_by_name["fit"].toolTip() == "Fit in the window"


def test_reset_all_gives_everything_back(window: MainWindow, keymap: Keymap) -> None:
    keymap.assign("brush", ("E",))
    keymap.assign("compare", ("Q",))
    keymap.reset_all()
    assert not keymap.has_changes
    assert QKeySequence("E") in window.actions_by_name["eraser"].shortcuts()
    assert window.canvas.held_keys["compare"] == QKeySequence("C")


def test_a_letter_given_to_a_window_action_still_lets_one_type(
    window: MainWindow, keymap: Keymap, sampling: Sampling
) -> None:
    seen = triggered(window, "save")
    keymap.assign("save", ("P",))
    window.generation.focus_prompt()
    QTest.keyClicks(window.focusWidget(), "pPb[]?46")
    assert seen == []
    assert sampling.prompt == "pPb[]?46"
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, Qt.Key.Key_P)
    assert seen == [True]


def test_the_question_mark_opens_the_list_from_the_canvas(
    window: MainWindow, keymap: Keymap
) -> None:
    seen = triggered(window, "keys")
    QTest.keyClick(window.canvas, Qt.Key.Key_Question, SHIFT)
    QTest.keyClick(window.canvas, Qt.Key.Key_Slash, CTRL)
    window.generation.focus_prompt()
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_Slash, CTRL)
    assert seen == [True, True, True]


def test_held_keys_can_be_others(window: MainWindow, keymap: Keymap) -> None:
    held: list[bool] = []
    canvas = window.canvas
    canvas.compare_held.connect(held.append)
    keymap.assign("compare", ("Q",))
    QTest.keyClick(canvas, Qt.Key.Key_C)
    assert held == []
    QTest.keyClick(canvas, Qt.Key.Key_Q)
    assert held == [True, False]
    keymap.assign("look", ("J",))
    QTest.keyPress(canvas, Qt.Key.Key_J, SHIFT)
    assert canvas.cursor().shape() is Qt.CursorShape.OpenHandCursor
    QTest.keyRelease(canvas, Qt.Key.Key_J)
    assert canvas.cursor().shape() is Qt.CursorShape.BlankCursor


def test_tips_of_buttons_name_the_keys_of_now(window: MainWindow, keymap: Keymap) -> None:
    bar = window.canvas.bar
    keymap.assign("keep", ("K",))
    keep = next(b for b in bar.findChildren(QPushButton) if b.text() == "Keep")
    assert keep.toolTip() == "Take it into the picture as a layer (K)"
    keymap.assign("keep", ())
    assert keep.toolTip() == "Take it into the picture as a layer"
    named = {child.property("keys_of") for child in window.findChildren(QPushButton)} - {None, ""}
    assert named <= {row.name for row in TABLE}


def test_it_is_the_same_again_after_a_restart(window: MainWindow, keymap: Keymap) -> None:
    keymap.assign("generate", ("F5",))
    keymap.assign("brush", ())
    record = json.loads(json.dumps(keymap.to_dict()))
    keymap.reset_all()
    keymap.restore(record)
    assert keymap.keys("generate") == ("F5",)
    assert keymap.keys("brush") == ()
    assert keymap.to_dict() == record


@pytest.mark.parametrize(
    "record",
    [
        {"nobody": ["X"]},
        {"brush": "X"},
        {"brush": [3]},
        {"brush": ["no such key"]},
        {"brush": ["Ctrl+K, Ctrl+S"]},
        {"brush": [RESERVED]},
    ],
)
def test_what_makes_no_sense_is_left_out(keymap: Keymap, record: dict[str, object]) -> None:
    keymap.restore(record)
    assert keymap.keys("brush") == ("B",)
    assert not keymap.has_changes


@pytest.mark.parametrize(
    ("key", "modifiers", "text", "written"),
    [
        (Qt.Key.Key_Z, CTRL | SHIFT, "", "Ctrl+Shift+Z"),
        (Qt.Key.Key_B, NONE, "b", "B"),
        (Qt.Key.Key_M, SHIFT, "M", "Shift+M"),
        (Qt.Key.Key_Question, SHIFT, "?", "?"),
        (Qt.Key.Key_Backtab, SHIFT, "", "Shift+Tab"),
        (Qt.Key.Key_Space, SHIFT, " ", "Shift+Space"),
        (Qt.Key.Key_4, Qt.KeyboardModifier.KeypadModifier, "4", "4"),
        (Qt.Key.Key_Escape, NONE, "", RESERVED),
        (Qt.Key.Key_Shift, SHIFT, "", ""),
        (Qt.Key.Key_Control, CTRL, "", ""),
    ],
)
def test_a_press_is_written_as_in_the_table(
    key: Qt.Key, modifiers: Qt.KeyboardModifier, text: str, written: str
) -> None:
    assert pressed_key(QKeyEvent(QEvent.Type.KeyPress, key, modifiers, text)) == written


def test_keys_are_kept_between_starts(home: Path, qapp: QApplication, qtbot: QtBot) -> None:
    with studio_at(qapp, qtbot) as person:
        file = person.studio.paths.settings_file
        person.window.keymap.assign("brush", ("P",))
        person.wait_for(lambda: file.exists() and '"brush": [' in file.read_text())
    with studio_at(qapp, qtbot) as person:
        assert person.window.keymap.keys("brush") == ("P",)
        assert QKeySequence("P") in person.window.actions_by_name["brush"].shortcuts()


def test_sentences_name_the_keys_that_hold_now(window: MainWindow, keymap: Keymap) -> None:
    assert keymap.say("Write, and {generate}.") == "Write, and press Ctrl+Enter."
    keymap.assign("generate", ("F9",))
    assert keymap.say("Write, and {generate}.") == "Write, and press F9."
    keymap.assign("generate", ())
    assert keymap.say("{generate}.") == "choose “Generate” in the Generate menu."


def test_hints_follow_the_keys(window: MainWindow, keymap: Keymap) -> None:
    def seen() -> str:
        return " ".join(label.text() for label in window.findChildren(QLabel) if label.isVisible())

    window.take_tool("move")
    assert "To apply it press Enter" in seen()
    keymap.assign("keep", ("F8",))
    keymap.assign("generate", ("F9",))
    assert "To apply it press F8" in seen()
    assert "Write a prompt and press F9." in seen()
    window.take_tool("polygon")
    assert "To close it press F8" in seen()


def test_fixed_keys_are_written_with_the_key_they_hold(keymap: Keymap) -> None:
    assert keymap.written("Shift + {look} + drag") == "Shift + Space + drag"
    keymap.assign("look", ("Z",))
    assert keymap.written("Shift + {look} + drag") == "Shift + Z + drag"
    keymap.assign("look", ())
    assert keymap.written("Shift + {look} + drag") == ""
    assert keymap.written("Esc") == "Esc"
