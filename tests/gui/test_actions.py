from __future__ import annotations

from collections import Counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from gui.actions import HELD_KEYS, MENUS, TABLE, fill_menu_bar, plain, shown
from gui.main_window import MainWindow
from gui.panels.keys import KeysDialog


def test_every_action_has_a_name_and_a_text(window: MainWindow) -> None:
    assert len({row.name for row in TABLE}) == len(TABLE)
    assert all(action.text().strip() for action in window.actions_by_name.values())


def test_no_key_is_used_twice() -> None:
    """A plain letter of the canvas may not be a window key either: both would be ambiguous."""
    keys = Counter(QKeySequence(key).toString() for row in TABLE for key in row.keys)
    assert [key for key, count in keys.items() if count > 1] == []
    assert all(keys)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_keys_that_one_types_work_only_on_the_canvas(row: object) -> None:
    for key in row.keys:  # type: ignore[attr-defined]
        combination = QKeySequence(key)[0]
        modifiers = combination.keyboardModifiers()
        is_function_key = Qt.Key.Key_F1 <= combination.key() <= Qt.Key.Key_F35
        types = modifiers in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)
        if types and not is_function_key:
            assert row.on_canvas  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("generate", "Ctrl+Return"),
        ("generate", "Ctrl+Enter"),
        ("brush", "B"),
        ("eraser", "E"),
        ("mask", "M"),
        ("smaller", "["),
        ("larger", "]"),
        ("undo", "Ctrl+Z"),
        ("panels", "Tab"),
        ("next_region", "F6"),
    ],
)
def test_the_promised_keys(window: MainWindow, name: str, key: str) -> None:
    assert QKeySequence(key) in window.actions_by_name[name].shortcuts()


def test_menus_hold_each_action_once_in_the_tables_order(window: MainWindow) -> None:
    bar = QMenuBar(window)
    fill_menu_bar(bar, window.actions_by_name)
    menus = [action.menu() for action in bar.actions()]
    assert [plain(menu.title()) for menu in menus if isinstance(menu, QMenu)] == list(MENUS)
    names = [
        action.objectName()
        for menu in menus
        if isinstance(menu, QMenu)
        for action in menu.actions()
        if not action.isSeparator()
    ]
    assert Counter(names) == Counter(row.name for row in TABLE if row.menu)


def test_tools_are_exclusive(window: MainWindow) -> None:
    tools = [window.actions_by_name[row.name] for row in TABLE if row.is_tool]
    for tool in tools:
        tool.trigger()
        assert [other.isChecked() for other in tools] == [other is tool for other in tools]


def test_a_tip_tells_the_first_key(window: MainWindow) -> None:
    tip = window.actions_by_name["generate"].toolTip()
    assert tip == f"Generate ({shown('Ctrl+Return')})"


def test_the_keys_dialog_lists_and_finds_them(window: MainWindow) -> None:
    dialog = KeysDialog(window)
    dialog.show()
    from PySide6.QtWidgets import QLabel, QLineEdit

    shown_texts = [label.text() for label in dialog.findChildren(QLabel)]
    for row in TABLE:
        assert not row.keys or plain(row.text) in shown_texts
    assert all(text in shown_texts for _, text in HELD_KEYS)
    search = dialog.findChild(QLineEdit)
    assert search is not None
    search.setText("eras")
    visible = [label.text() for label in dialog.findChildren(QLabel) if label.isVisible()]
    assert visible == ["Eraser", "E"]
