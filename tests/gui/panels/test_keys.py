"""The list of keys: found by name and by key, changed by pressing another."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from gui.actions import FIXED_KEYS, TABLE, plain
from gui.images import from_qimage
from gui.keymap import Keymap
from gui.main_window import MainWindow
from gui.panels.key_list import GAP, PADDING, KeyListView, Role
from gui.panels.keys import KeysDialog
from tests.helpers.desktop import LEFT

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class Reader:
    """Somebody at the dialog."""

    def __init__(self, dialog: KeysDialog) -> None:
        self.dialog = dialog
        self.list = self.one(KeyListView)
        self.search = self.one(QLineEdit)

    def one(self, kind: type) -> object:
        found = self.dialog.findChild(kind)
        assert found is not None
        return found

    @property
    def rows(self) -> list[str]:
        model = self.list.model()
        indices = [model.index(row, 0) for row in range(model.rowCount())]
        return [str(index.data()) for index in indices if not index.data(Role.IS_HEADING)]

    @property
    def said(self) -> str:
        return " ".join(
            label.text() for label in self.dialog.findChildren(QLabel) if label.isVisible()
        )

    def choose(self, name: str) -> None:
        row = self.list.model().row_of(name)
        self.list.setCurrentIndex(self.list.model().index(row, 0))
        self.list.setFocus()

    def press(self, key: Qt.Key, modifiers: object = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.list, key, modifiers)

    def offered(self) -> list[str]:
        buttons = self.dialog.findChildren(QPushButton)
        return [button.text() for button in buttons if button.isVisible()]

    def click(self, text: str) -> None:
        button = next(b for b in self.dialog.findChildren(QPushButton) if b.text() == text)
        assert button.isVisible()
        QTest.mouseClick(button, LEFT)


@pytest.fixture
def keymap(window: MainWindow) -> Keymap:
    return window.keymap


@pytest.fixture
def reader(qtbot: QtBot, window: MainWindow) -> Reader:
    dialog = KeysDialog(window.keymap, window.theme, window)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    return Reader(dialog)


def test_everything_is_listed(reader: Reader, keymap: Keymap) -> None:
    expected = {plain(row.text) for row in TABLE if keymap.acts(row.name)}
    assert set(reader.rows) == expected | {text for _, text in FIXED_KEYS}


def test_it_is_searched_by_name_and_by_key(reader: Reader) -> None:
    assert reader.search.hasFocus()
    reader.search.setText("eras")
    assert reader.rows == ["Eraser"]
    reader.search.setText("ctrl+shift+z")
    assert reader.rows == ["Redo"]
    reader.search.setText("new ctrl")
    assert set(reader.rows) == {"New", "New layer"}
    reader.search.setText('"e"')
    assert reader.rows == ["Eraser"]
    reader.search.setText("no such thing")
    assert reader.rows == []
    assert "No action" in reader.said
    reader.search.clear()
    assert "Eraser" in reader.rows


def test_it_is_searched_by_pressing_a_key(reader: Reader) -> None:
    record = reader.one(QToolButton)
    record = next(b for b in reader.dialog.findChildren(QToolButton) if b.isCheckable())
    QTest.mouseClick(record, LEFT)
    assert record.isChecked()
    reader.press(Qt.Key.Key_Z, CTRL)
    assert reader.rows == ["Undo"]
    assert not record.isChecked()


def test_enter_and_a_free_key_change_it_at_once(reader: Reader, keymap: Keymap) -> None:
    reader.choose("brush")
    reader.press(Qt.Key.Key_Return)
    assert reader.list.is_recording
    reader.press(Qt.Key.Key_Shift, SHIFT)  # alone it is no key
    assert reader.list.is_recording
    reader.press(Qt.Key.Key_F9)
    assert not reader.list.is_recording
    assert keymap.keys("brush") == ("F9",)
    assert reader.list.currentIndex().data(Role.KEYS) == ["F9"]
    assert reader.list.currentIndex().data(Role.IS_CHANGED)
    assert "Reset" in reader.offered()


@pytest.mark.parametrize("key", [Qt.Key.Key_Tab, Qt.Key.Key_Return, Qt.Key.Key_Down])
def test_keys_that_walk_about_can_be_given_too(reader: Reader, keymap: Keymap, key: Qt.Key) -> None:
    reader.choose("brush")
    reader.press(Qt.Key.Key_Return)
    reader.press(key, CTRL)
    if "Take it" in reader.offered():
        reader.click("Take it")
    assert len(keymap.keys("brush")) == 1
    assert keymap.keys("brush")[0].startswith("Ctrl+")


def test_escape_leaves_the_key_and_the_dialog(reader: Reader, keymap: Keymap) -> None:
    reader.choose("brush")
    reader.press(Qt.Key.Key_Return)
    reader.press(Qt.Key.Key_Escape)
    assert keymap.keys("brush") == ("B",)
    assert reader.dialog.isVisible()
    reader.press(Qt.Key.Key_Escape)
    assert not reader.dialog.isVisible()


def test_a_key_of_another_is_asked_for(reader: Reader, keymap: Keymap) -> None:
    reader.choose("generate")
    reader.press(Qt.Key.Key_Return)
    reader.press(Qt.Key.Key_S, CTRL)
    assert "Ctrl+S belongs to “Save”, which has no key then. Let “Generate” take it?" in reader.said
    assert keymap.keys("save") == ("Ctrl+S",)
    reader.click("Leave it")
    assert keymap.keys("save") == ("Ctrl+S",)
    assert "belongs" not in reader.said
    reader.press(Qt.Key.Key_Return)
    reader.press(Qt.Key.Key_Y, CTRL)
    assert "“Redo”, which has Ctrl+Shift+Z left" in reader.said
    reader.click("Take it")
    assert keymap.keys("generate") == ("Ctrl+Y",)
    assert keymap.keys("redo") == ("Ctrl+Shift+Z",)


def test_keys_are_taken_away_and_given_back(reader: Reader, keymap: Keymap) -> None:
    assert "Reset all" not in reader.offered()
    reader.choose("fit")
    reader.press(Qt.Key.Key_Backspace)
    assert keymap.keys("fit") == ()
    reader.click("Reset")
    assert keymap.keys("fit") == ("Ctrl+0",)
    keymap.assign("save", ("Ctrl+0",))
    reader.choose("fit")
    reader.click("Reset")
    assert "“Save”" in reader.said
    reader.click("Take it")
    assert keymap.keys("fit") == ("Ctrl+0",)
    reader.click("Reset all")
    assert not keymap.has_changes
    assert reader.offered() == []


def test_what_is_fixed_stays(reader: Reader) -> None:
    reader.search.setText("mouse wheel")
    reader.list.setFocus()
    reader.press(Qt.Key.Key_Return)
    assert not reader.list.is_recording


def test_the_keyboard_alone_is_enough(reader: Reader, keymap: Keymap) -> None:
    QTest.keyClicks(reader.search, "hand")
    QTest.keyClick(reader.search, Qt.Key.Key_Down)
    assert reader.list.hasFocus()
    reader.choose("hand")
    reader.press(Qt.Key.Key_Return)
    reader.press(Qt.Key.Key_F8)
    assert keymap.keys("hand") == ("F8",)


def test_each_row_tells_its_key(reader: Reader) -> None:
    reader.choose("undo")
    text = reader.list.currentIndex().data(Qt.ItemDataRole.AccessibleTextRole)
    assert text == "Undo: Ctrl+Z"
    told = QAccessible.queryAccessibleInterface(reader.list)
    assert told.text(QAccessible.Text.Name) == "Keys"


@pytest.mark.parametrize("width", [520, 420])
def test_no_name_runs_into_its_keys(reader: Reader, width: int) -> None:
    """Left of the keys there is a gap from top to bottom, and nothing is cut off."""
    reader.dialog.resize(width, 900)
    shown = reader.list
    for keys, text in FIXED_KEYS:
        reader.search.setText(text)
        QApplication.processEvents()
        row = shown.visualRect(shown.model().index(1, 0))
        image = from_qimage(shown.viewport().grab(row).toImage())
        right = row.width() - PADDING - written_width(reader, keys)
        gap = image[4:-4, right - GAP + 2 : right - 2]
        assert (gap == gap[0, 0]).all(), text
        assert (image[4:7, PADDING:right] == image[4, PADDING]).all(), text
        assert (image[-7:-4, PADDING:right] == image[4, PADDING]).all(), text


def written_width(reader: Reader, keys: str) -> int:
    shown = reader.list.fontMetrics().horizontalAdvance
    return shown(reader.dialog.parent().keymap.written(keys)) + 6
