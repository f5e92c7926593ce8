"""Every action of the window with its keys, in one table."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from gui.theme import Theme


@dataclass(frozen=True)
class Row:
    """One action.

    Attributes:
        name: How the code calls it.
        text: How the person reads it; the menu's `&` marks its letter.
        keys: Shortcuts, the first one is shown.
        icon: Name of its drawing, or none.
        on_canvas: The keys work only while the canvas has the focus, because they are plain
            letters that one also types into the prompt.
        is_tool: One of the tools, of which exactly one is in the hand.
    """

    name: str
    text: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    on_canvas: bool = False
    is_tool: bool = False
    menu: str = ""


TABLE = (
    Row("new", "&New", ("Ctrl+N",), menu="File"),
    Row("open", "&Open image…", ("Ctrl+O",), menu="File"),
    Row("place", "&Place image as layer…", ("Ctrl+Shift+O",), menu="File"),
    Row("save", "&Save", ("Ctrl+S",), menu="File"),
    Row("save_as", "Save &as…", ("Ctrl+Shift+S",), menu="File"),
    Row("export", "&Export picture…", ("Ctrl+E",), menu="File"),
    Row("models", "Add a folder of &models…", menu="File"),
    Row("quit", "&Quit", ("Ctrl+Q",), menu="File"),
    Row("undo", "&Undo", ("Ctrl+Z",), "undo-2", menu="Edit"),
    Row("redo", "&Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo-2", menu="Edit"),
    Row("copy", "&Copy picture", ("Ctrl+Shift+C",), menu="Edit"),
    Row("paste", "&Paste as layer", ("Ctrl+V",), on_canvas=True, menu="Edit"),
    Row("clear_mask", "Clear mask", ("Ctrl+Shift+D",), "brush-cleaning", menu="Edit"),
    Row("invert_mask", "Invert mask", ("Ctrl+Shift+I",), "contrast", menu="Edit"),
    Row("frame_all", "Frame the whole picture", ("Ctrl+Shift+F",), menu="Edit"),
    Row("generate", "&Generate", ("Ctrl+Return", "Ctrl+Enter"), menu="Generate"),
    Row("stop", "&Stop", menu="Generate"),
    Row("keep", "&Keep the picture", ("Return",), on_canvas=True, menu="Generate"),
    Row("discard", "&Discard the picture", ("Del",), on_canvas=True, menu="Generate"),
    Row("prompt", "Go to the &prompt", ("Alt+A",), menu="Generate"),
    Row("fit", "&Fit in the window", ("Ctrl+0",), menu="View"),
    Row("actual", "&100 %", ("Ctrl+1",), menu="View"),
    Row("zoom_in", "Zoom &in", ("Ctrl++", "Ctrl+="), menu="View"),
    Row("zoom_out", "Zoom &out", ("Ctrl+-",), menu="View"),
    Row("panels", "&Hide or show the panels", ("Tab",), on_canvas=True, menu="View"),
    Row("theme", "&Light or dark", (), "sun", menu="View"),
    Row("next_region", "&Next region", ("F6",), menu="View"),
    Row("previous_region", "Pre&vious region", ("Shift+F6",), menu="View"),
    Row("keys", "&Keys", ("Ctrl+/", "F1"), "keyboard", menu="Help"),
    Row("about", "&About Sfumato", menu="Help"),
    Row("brush", "Brush", ("B",), "brush", on_canvas=True, is_tool=True),
    Row("mask", "Mask brush", ("M",), "blend", on_canvas=True, is_tool=True),
    Row("eraser", "Eraser", ("E",), "eraser", on_canvas=True, is_tool=True),
    Row("frame", "Frame", ("F",), "scan", on_canvas=True, is_tool=True),
    Row("picker", "Colour picker", ("I",), "pipette", on_canvas=True, is_tool=True),
    Row("hand", "Hand", ("H",), "hand", on_canvas=True, is_tool=True),
    Row("smaller", "Smaller brush", ("[",), on_canvas=True),
    Row("larger", "Larger brush", ("]",), on_canvas=True),
)
HELD_KEYS = (
    ("Esc", "Give up the gesture, then stop the job"),
    ("Space + drag", "Move the view"),
    ("Mouse wheel", "Zoom about the pointer"),
    ("C (hold)", "Show the original under a new picture"),
    ("Alt+Up / Alt+Down", "Earlier and later prompts, in the prompt"),
)
MENUS = ("File", "Edit", "Generate", "View", "Help")
_BREAKS = frozenset(
    [
        "save",
        "export",
        "models",
        "quit",
        "copy",
        "clear_mask",
        "keep",
        "prompt",
        "panels",
        "theme",
        "next_region",
    ]
)
"""Actions before which a menu draws a line."""


def make_actions(window: QWidget, canvas: QWidget, theme: Theme) -> dict[str, QAction]:
    """All actions by name, added to the widget in which their keys work."""
    actions = {}
    tools = QActionGroup(window)
    for row in TABLE:
        action = QAction(row.text, window)
        action.setObjectName(row.name)
        action.setShortcuts([QKeySequence(key) for key in row.keys])
        if row.keys:
            action.setToolTip(f"{plain(row.text)} ({shown(row.keys[0])})")
        if row.is_tool:
            action.setCheckable(True)
            tools.addAction(action)
        if row.icon:
            theme.set_icon(action, row.icon)
        if row.on_canvas:
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        (canvas if row.on_canvas else window).addAction(action)
        actions[row.name] = action
    return actions


def fill_menu_bar(bar: QMenuBar, actions: dict[str, QAction]) -> None:
    """Give the bar its menus, in the table's order."""
    for title in MENUS:
        menu = QMenu(f"&{title}", bar)
        for row in TABLE:
            if row.menu == title:
                if row.name in _BREAKS:
                    menu.addSeparator()
                menu.addAction(actions[row.name])
                actions[row.name].setIconVisibleInMenu(False)
        bar.addMenu(menu)


def plain(text: str) -> str:
    """An action's text without menu marks."""
    return text.replace("&", "").rstrip("…")


def shown(keys: str) -> str:
    """Keys as they are written on this desktop's menus."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
