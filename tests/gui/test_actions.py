from __future__ import annotations

from collections import Counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from gui.actions import MENUS, TABLE, fill_menu_bar, plain, shown
from gui.main_window import MainWindow


def test_every_action_has_a_name_and_a_text(window: MainWindow) -> None:
    assert len({row.name for row in TABLE}) == len(TABLE)
    assert all(action.text().strip() for action in window.actions_by_name.values())


def test_no_key_is_used_twice() -> None:
    """A plain letter of the canvas may not be a window key either: both would be ambiguous."""
    keys = Counter(QKeySequence(key).toString() for row in TABLE for key in row.keys)
    assert [key for key, count in keys.items() if count > 1] == []
    assert all(keys)


def test_keys_that_one_types_work_only_on_the_canvas(window: MainWindow) -> None:
    for action in window.actions_by_name.values():
        for keys in action.shortcuts():
            combination = keys[0]
            modifiers = combination.keyboardModifiers()
            is_function_key = Qt.Key.Key_F1 <= combination.key() <= Qt.Key.Key_F35
            types = modifiers in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)
            if types and not is_function_key:
                assert action.shortcutContext() is Qt.ShortcutContext.WidgetShortcut
                assert window.canvas in action.associatedObjects()


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
