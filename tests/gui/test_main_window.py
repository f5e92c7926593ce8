from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from gui.main_window import MainWindow
from gui.sampling import Sampling
from gui.theme import Theme
from gui.widgets.prompt_edit import PromptEdit
from tests.helpers.desktop import LEFT, drag

ROOT = Path(__file__).resolve().parents[2]
NONE = Qt.KeyboardModifier.NoModifier
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def prompt(window: MainWindow) -> PromptEdit:
    """The prompt, with the focus."""
    edits = window.findChildren(PromptEdit)
    prompt = next(edit for edit in edits if edit.accessibleName() == "Prompt")
    window.generation.focus_prompt()
    assert prompt.hasFocus()
    return prompt


def press(window: MainWindow, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """A key as the desktop delivers it: shortcuts see it first."""
    handle = window.windowHandle()
    assert handle is not None
    QTest.keyClick(handle, key, modifiers)
    QApplication.processEvents()


def panels_shown(window: MainWindow) -> list[bool]:
    parts = (window.tool_column, window.options, window.generation, window.strip)
    return [part.isVisible() for part in parts]


# --- keys -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("prompt")
def test_the_cursor_waits_in_the_prompt(window: MainWindow) -> None:
    focused = window.focusWidget()
    assert focused is not None
    assert focused.accessibleName() == "Prompt"


def test_typing_into_the_prompt_triggers_no_tool(window: MainWindow, prompt: PromptEdit) -> None:
    window.take_tool("frame")
    size = window.brush_settings.size
    for letter in "[b] x e mihfc":
        handle = window.windowHandle()
        assert handle is not None
        QTest.keyClick(handle, letter)
    assert prompt.toPlainText() == "[b] x e mihfc"
    assert window.canvas.tool.name == "Frame"
    assert window.brush_settings.size == size


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_ctrl_return_in_the_prompt_generates_and_types_nothing(
    window: MainWindow, prompt: PromptEdit, key: Qt.Key
) -> None:
    started: list[None] = []
    window.actions_by_name["generate"].triggered.connect(lambda: started.append(None))
    QTest.keyClicks(prompt, "a pear")
    press(window, key, CTRL)
    assert started == [None]
    assert prompt.toPlainText() == "a pear"


def test_ctrl_z_in_the_prompt_takes_back_typing(window: MainWindow, prompt: PromptEdit) -> None:
    undone: list[None] = []
    window.actions_by_name["undo"].triggered.connect(lambda: undone.append(None))
    QTest.keyClicks(prompt, "a pear")
    press(window, Qt.Key.Key_Z, CTRL)
    assert prompt.toPlainText() == ""
    assert undone == []


def test_letters_on_the_canvas_take_tools(window: MainWindow) -> None:
    window.canvas.setFocus()
    for key, name in (
        (Qt.Key.Key_M, "Mask brush"),
        (Qt.Key.Key_E, "Eraser"),
        (Qt.Key.Key_F, "Frame"),
        (Qt.Key.Key_I, "Colour picker"),
        (Qt.Key.Key_H, "Hand"),
        (Qt.Key.Key_B, "Brush"),
    ):
        press(window, key)
        assert window.canvas.tool.name == name
    press(window, Qt.Key.Key_BracketRight)
    assert window.brush_settings.size == 48
    press(window, Qt.Key.Key_BracketLeft)
    assert window.brush_settings.size == 32


def test_tab_hides_the_panels_while_the_canvas_has_the_focus(window: MainWindow) -> None:
    window.canvas.setFocus()
    press(window, Qt.Key.Key_Tab)
    assert panels_shown(window) == [False] * 4
    assert window.canvas.hasFocus()
    press(window, Qt.Key.Key_Tab)
    assert panels_shown(window) == [True] * 4


def test_tab_elsewhere_moves_the_focus(window: MainWindow, prompt: PromptEdit) -> None:
    press(window, Qt.Key.Key_Tab)
    assert not prompt.hasFocus()
    assert panels_shown(window) == [True] * 4


def test_f6_goes_round_the_regions_and_back(window: MainWindow) -> None:
    regions = {
        "canvas": window.canvas,
        "generation": window.generation,
        "header": window.header,
        "tools": window.tool_column,
    }

    def here() -> str:
        focused = QApplication.focusWidget()
        assert focused is not None
        return next(
            (name for name, w in regions.items() if w is focused or w.isAncestorOf(focused)),
            f"nowhere: {focused}",
        )

    window.canvas.setFocus()
    visited = []
    for _ in regions:
        press(window, Qt.Key.Key_F6)
        visited.append(here())
    assert sorted(visited) == sorted(regions)
    assert visited[-1] == "canvas"
    back = []
    for _ in regions:
        press(window, Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier)
        back.append(here())
    assert back == [*reversed(visited[:-1]), "canvas"]


def test_f6_leaves_out_what_is_hidden(window: MainWindow) -> None:
    window.canvas.setFocus()
    press(window, Qt.Key.Key_Tab)
    press(window, Qt.Key.Key_F6)
    focused = QApplication.focusWidget()
    assert focused is not None
    assert focused.isVisible()
    assert window.header.isAncestorOf(focused)


@pytest.mark.parametrize("where", ["canvas", "prompt"])
def test_esc_is_told_wherever_the_focus_is(
    window: MainWindow, prompt: PromptEdit, where: str
) -> None:
    told: list[None] = []
    window.escape_pressed.connect(lambda: told.append(None))
    (window.canvas if where == "canvas" else prompt).setFocus()
    press(window, Qt.Key.Key_Escape)
    assert told == [None]


def test_zoom_keys(window: MainWindow) -> None:
    press(window, Qt.Key.Key_1, CTRL)
    assert window.canvas.viewport.zoom == 1.0
    press(window, Qt.Key.Key_Plus, CTRL)
    assert window.canvas.viewport.zoom == 1.5
    press(window, Qt.Key.Key_Minus, CTRL)
    press(window, Qt.Key.Key_Minus, CTRL)
    assert window.canvas.viewport.zoom == 0.67
    press(window, Qt.Key.Key_0, CTRL)
    assert window.canvas.viewport.zoom == 4.0


# --- hands ------------------------------------------------------------------------------------


def test_painting_after_choosing_a_tool_in_the_column(window: MainWindow) -> None:
    buttons = window.tool_column.findChildren(QToolButton)
    mask = next(b for b in buttons if b.defaultAction() is window.actions_by_name["mask"])
    QTest.mouseClick(mask, LEFT)
    viewport = window.canvas.viewport
    from PySide6.QtCore import QPoint

    points = [QPoint(*map(round, viewport.to_view(x, 40))) for x in (30, 50, 70)]
    drag(window.canvas, points)
    document = window.canvas.document
    assert document is not None
    assert not document.mask_is_empty
    assert window.canvas.hasFocus()


def test_the_options_follow_the_tool(window: MainWindow) -> None:
    def shown() -> set[str]:
        children = window.options.findChildren(QWidget)
        return {w.accessibleName() for w in children if w.isVisible() and w.accessibleName()}

    window.take_tool("brush")
    assert {"Brush size", "Hardness", "Opacity"} <= shown()
    window.take_tool("mask")
    assert "Opacity" not in shown()
    window.take_tool("hand")
    assert "Brush size" not in shown()


# --- for everybody ----------------------------------------------------------------------------


def spoken(widget: QWidget) -> str:
    """What a screen reader says of a widget."""
    interface = QAccessible.queryAccessibleInterface(widget)
    return interface.text(QAccessible.Text.Name) if interface else ""


def test_every_control_has_a_name_for_screen_readers(window: MainWindow) -> None:
    window.messages.tell("Moved to the trash.", "Bring it back", lambda: None)
    focusable = [
        widget
        for widget in window.findChildren(QWidget)
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and widget.window() is window
        and widget.objectName() != "qt_spinbox_lineedit"
    ]
    assert len(focusable) > 25
    nameless = [repr(widget) for widget in focusable if not spoken(widget).strip()]
    assert nameless == []


def test_every_button_can_be_reached_and_has_a_tip(window: MainWindow) -> None:
    buttons = [b for b in window.findChildren(QToolButton) if b.isVisible() and not b.text()]
    assert [repr(b) for b in buttons if not b.toolTip()] == []
    tab_reachable = [b for b in buttons if b.focusPolicy() & Qt.FocusPolicy.TabFocus]
    assert tab_reachable == buttons


def test_the_messages_button_opens_what_was_said(window: MainWindow) -> None:
    window.messages.warn("The disk is full.")
    QTest.mouseClick(window.header.messages_button, LEFT)
    menu = QApplication.activePopupWidget()
    assert menu is not None
    assert any("The disk is full." in action.text() for action in menu.actions())
    menu.close()


def test_its_place_is_remembered(qtbot: QtBot, theme: Theme, window: MainWindow) -> None:
    text = window.geometry_text()
    other = MainWindow(theme, Sampling())
    qtbot.addWidget(other)
    assert other.restore(text)
    assert not other.restore("")
    assert not other.restore("no geometry at all")
    assert not other.restore("ünicode")


def test_it_stays_open_where_something_stands_against_closing(window: MainWindow) -> None:
    window.may_close = lambda: False
    assert not window.close()
    assert window.isVisible()
    window.may_close = lambda: True
    assert window.close()


# --- nothing heavy before the first paint -------------------------------------------------------

HEAVY = ("torch", "diffusers", "transformers", "numpy", "cv2", "PIL", "sqlite3", "tokenizers")
FIRST_PAINT = f"""
import json, sys
from PySide6.QtWidgets import QApplication
application = QApplication([])
from gui.main_window import MainWindow
from gui.sampling import Sampling
from gui.theme import Theme
theme = Theme(application)
theme.choose("dark")
window = MainWindow(theme, Sampling())
window.resize(1280, 800)
window.show()
application.processEvents()
image = window.grab()
print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
"""


def test_nothing_heavy_is_imported_before_the_first_paint() -> None:
    run = subprocess.run(
        [sys.executable, "-c", FIRST_PAINT], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == []
