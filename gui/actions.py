"""Every action of the window with its keys, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, Qt
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
        group: Tools of one group share a button.
        is_held: No action: it lasts as long as its key is held on the canvas.
        is_switch: It is on or off, and the menu shows which.
    """

    name: str
    text: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    on_canvas: bool = False
    is_tool: bool = False
    menu: str = ""
    group: str = ""
    is_held: bool = False
    is_switch: bool = False


def _tool(name: str, text: str, key: str, icon: str, group: str = "") -> Row:
    return Row(name, text, (key,), icon, on_canvas=True, is_tool=True, group=group)


TABLE = (
    Row("new", "&New…", ("Ctrl+N",), menu="File"),
    Row("open", "&Open image…", ("Ctrl+O",), menu="File"),
    Row("recent", "Open &recent", menu="File"),
    Row("place", "&Place image as layer…", ("Ctrl+Shift+O",), menu="File"),
    Row("save", "&Save", ("Ctrl+S",), menu="File"),
    Row("save_as", "Save &as…", ("Ctrl+Shift+S",), menu="File"),
    Row("export", "&Export picture…", ("Ctrl+Shift+E",), menu="File"),
    Row("models", "Add a folder of &models…", menu="File"),
    Row("quit", "&Quit", ("Ctrl+Q",), menu="File"),
    Row("undo", "&Undo", ("Ctrl+Z",), "undo-2", menu="Edit"),
    Row("redo", "&Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo-2", menu="Edit"),
    Row("cut", "&Cut", ("Ctrl+X",), on_canvas=True, menu="Edit"),
    Row("copy_piece", "Cop&y", ("Ctrl+C",), on_canvas=True, menu="Edit"),
    Row("copy", "Copy p&icture", ("Ctrl+Shift+C",), menu="Edit"),
    Row("paste", "&Paste as layer", ("Ctrl+V",), on_canvas=True, menu="Edit"),
    Row("clear", "C&lear what is selected", ("Backspace",), on_canvas=True, menu="Edit"),
    Row("fill", "&Fill with the colour", ("Shift+Backspace",), on_canvas=True, menu="Edit"),
    Row("swap_colours", "S&wap the two colours", ("X",), on_canvas=True, menu="Edit"),
    Row("reset_colours", "&Black on white", ("D",), on_canvas=True, menu="Edit"),
    Row("crop", "Cr&op to the selection", menu="Edit"),
    Row("canvas_size", "Canvas si&ze…", ("Ctrl+Alt+C",), menu="Edit"),
    Row("frame_all", "Frame the whole picture", ("Ctrl+Shift+F",), menu="Edit"),
    Row("settings", "Se&ttings…", ("Ctrl+,",), menu="Edit"),
    Row("select_all", "Select &all", ("Ctrl+A",), menu="Select"),
    Row("deselect", "&Deselect", ("Ctrl+D",), menu="Select"),
    Row("reselect", "&Reselect", ("Ctrl+Shift+D",), menu="Select"),
    Row("select_invert", "&Invert selection", ("Ctrl+Shift+I",), menu="Select"),
    Row("select_layer", "Select the &layer's shape", menu="Select"),
    Row("select_mask", "Select the &mask", menu="Select"),
    Row("select_grow", "&Grow…", menu="Select"),
    Row("select_shrink", "&Shrink…", menu="Select"),
    Row("select_feather", "&Feather…", menu="Select"),
    Row("select_smooth", "Sm&ooth…", menu="Select"),
    Row("select_holes", "Fill &holes", menu="Select"),
    Row("clear_mask", "Clear mask", ("Alt+Shift+D",), "brush-cleaning", menu="Mask"),
    Row("invert_mask", "Invert mask", ("Alt+Shift+I",), "contrast", menu="Mask"),
    Row("mask_selection", "Mask what is &selected", ("Alt+Shift+S",), menu="Mask"),
    Row("mask_grow", "&Grow…", menu="Mask"),
    Row("mask_shrink", "S&hrink…", menu="Mask"),
    Row("mask_feather", "&Feather…", menu="Mask"),
    Row("mask_smooth", "Sm&ooth…", menu="Mask"),
    Row("mask_holes", "Fill h&oles", menu="Mask"),
    Row("keep_mask", "&Keep this mask as…", menu="Mask"),
    Row("kept_masks", "&Take a kept mask", menu="Mask"),
    Row("layer_new", "&New layer", ("Ctrl+Shift+N",), "plus", menu="Layer"),
    Row("layer_duplicate", "&Duplicate layer", ("Ctrl+J",), "copy", menu="Layer"),
    Row("layer_rename", "&Rename layer", ("F2",), menu="Layer"),
    Row("layer_delete", "De&lete layer", ("Shift+Del",), "trash-2", on_canvas=True, menu="Layer"),
    Row("layer_clear", "&Clear layer", menu="Layer"),
    Row("layer_visible", "&Show or hide layer", menu="Layer"),
    Row("layer_alone", "Show it &alone, or all again", menu="Layer"),
    Row("layer_locked", "Loc&k or unlock layer", menu="Layer"),
    Row("layer_above", "Choose the layer &above", ("PgUp",), on_canvas=True, menu="Layer"),
    Row("layer_below", "Choose the layer &below", ("PgDown",), on_canvas=True, menu="Layer"),
    Row("layer_up", "Move layer &up", ("Ctrl+PgUp",), menu="Layer"),
    Row("layer_down", "Move layer d&own", ("Ctrl+PgDown",), menu="Layer"),
    Row("layer_merge", "&Merge down", ("Ctrl+E",), "arrow-down-to-line", menu="Layer"),
    Row("layer_flatten", "&Flatten picture", menu="Layer"),
    Row("generate", "&Generate", ("Ctrl+Return", "Ctrl+Enter"), menu="Generate"),
    Row("grid", "G&rid…", ("Ctrl+Shift+G",), menu="Generate"),
    Row("enlarge", "&Enlarge…", menu="Generate"),
    Row("pause", "Pa&use or go on", ("Ctrl+Shift+P",), "pause", menu="Generate"),
    Row("finish", "S&top here and keep", ("Ctrl+Shift+Return",), "square-check", menu="Generate"),
    Row("stop", "&Stop", menu="Generate"),
    Row("queue", "&Queue", ("Ctrl+Shift+J",), menu="Generate"),
    Row("keep", "&Keep the picture", ("Return",), on_canvas=True, menu="Generate"),
    Row("discard", "&Discard the picture", ("Del",), on_canvas=True, menu="Generate"),
    Row("scrub", "Go thr&ough the steps", ("T",), on_canvas=True, menu="Generate"),
    Row("branch", "&Branch from this step", ("Ctrl+B",), "git-branch", menu="Generate"),
    Row("prompt", "Go to the &prompt", ("Alt+A",), menu="Generate"),
    Row("wildcards", "Folder of &wildcards…", menu="Generate"),
    Row("fit", "&Fit in the window", ("Ctrl+0",), menu="View"),
    Row("actual", "&100 %", ("Ctrl+1",), menu="View"),
    Row("zoom_in", "Zoom &in", ("Ctrl++", "Ctrl+="), menu="View"),
    Row("zoom_out", "Zoom &out", ("Ctrl+-",), menu="View"),
    Row("turn_left", "Turn &left", ("4",), on_canvas=True, menu="View"),
    Row("turn_right", "Turn &right", ("6",), on_canvas=True, menu="View"),
    Row("upright", "&Upright", ("5",), on_canvas=True, menu="View"),
    Row("mirror", "&Mirror", ("Shift+H",), on_canvas=True, menu="View"),
    Row("wipe", "&Compare with a divider", ("Shift+C",), on_canvas=True, menu="View"),
    Row("compare_results", "Compare two re&sults", menu="View"),
    Row("navigator", "Navi&gator", ("N",), on_canvas=True, menu="View", is_switch=True),
    Row("pixel_grid", "Pi&xel grid", menu="View", is_switch=True),
    Row("panels", "&Hide or show the panels", ("Tab",), on_canvas=True, menu="View"),
    Row("theme", "Light or &dark", (), "sun", menu="View"),
    Row("next_region", "&Next region", ("F6",), menu="View"),
    Row("previous_region", "Pre&vious region", ("Shift+F6",), menu="View"),
    Row("keys", "&Keys", ("Ctrl+/", "F1", "?"), "keyboard", menu="Help"),
    Row("pen_test", "Pen &test…", menu="Help"),
    Row("about", "&About Sfumato", menu="Help"),
    Row("brush", "Brush", ("B",), "brush", on_canvas=True, is_tool=True),
    Row("mask", "Mask brush", ("M",), "blend", on_canvas=True, is_tool=True),
    Row("denoise", "Denoise brush", ("Shift+M",), "thermometer", on_canvas=True, is_tool=True),
    Row("eraser", "Eraser", ("E",), "eraser", on_canvas=True, is_tool=True),
    _tool("rectangle", "Rectangle", "U", "square-dashed", "select"),
    _tool("ellipse", "Ellipse", "Shift+U", "circle-dashed", "select"),
    _tool("lasso", "Lasso", "L", "lasso", "select"),
    _tool("polygon", "Polygon", "Shift+L", "pentagon", "select"),
    _tool("wand", "Magic wand", "W", "wand", "select"),
    _tool("bucket", "Fill", "G", "paint-bucket", "fill"),
    _tool("gradient", "Gradient", "Shift+G", "eclipse", "fill"),
    _tool("move", "Move", "V", "move"),
    Row("frame", "Frame", ("F",), "scan", on_canvas=True, is_tool=True),
    Row("picker", "Colour picker", ("I",), "pipette", on_canvas=True, is_tool=True),
    Row("hand", "Hand", ("H",), "hand", on_canvas=True, is_tool=True),
    Row("smaller", "Smaller brush", ("[",), on_canvas=True),
    Row("larger", "Larger brush", ("]",), on_canvas=True),
    Row("look", "Move the view (hold, and drag)", ("Space",), on_canvas=True, is_held=True),
    Row("compare", "Show the original (hold)", ("C",), on_canvas=True, is_held=True),
)
FIXED_KEYS = (
    ("Esc", "Give up the gesture, then stop the job, then let the branch go"),
    ("Middle button", "Move the view; with Shift turn it, with Ctrl zoom; also that of a pen"),
    ("Shift + {look} + drag", "Turn the view; with Ctrl too in steps of 15°"),
    ("Ctrl + {look} + drag", "Zoom about the place that was pressed"),
    ("Mouse wheel", "Zoom about the pointer"),
    ("Shift + drag", "Size of the brush; up and down its hardness"),
    ("Shift + click", "Paint a straight line from the last stroke"),
    ("Ctrl + click", "Take the brush's colour from the picture"),
    ("Shift, Alt + drag", "Add to the selection, take away from it; both: keep what is in both"),
    ("Right button", "The brushes; what can be done with the selection; in the list, with a layer"),
    ("Arrow keys", "Move the layer, the selection or the frame by a pixel; with Shift by ten"),
    ("Ctrl + click on a thumbnail", "Select what the layer covers; Shift, Alt as with a selection"),
    ("Alt or Shift + click on an eye", "Show that layer alone, or all again"),
    ("Drag in the selection", "Move it, with rectangle, ellipse or lasso"),
    ("{clear}", "Take back the last corner, while a polygon is drawn"),
    ("{keep}", "Carry out a transformation, close a polygon"),
    ("{discard}", "Clear what is selected, where no new picture waits"),
    ("Alt+Up / Alt+Down", "Earlier and later prompts, in the prompt"),
    ("Ctrl+Up / Ctrl+Down", "More and less weight for words, in the prompt"),
)
"""What cannot be given away; a name in braces stands for that action's own key."""
MENUS = ("File", "Edit", "Select", "Mask", "Layer", "Generate", "View", "Help")
_BREAKS = frozenset(
    [
        "save",
        "export",
        "models",
        "quit",
        "cut",
        "clear",
        "swap_colours",
        "crop",
        "settings",
        "select_layer",
        "select_grow",
        "mask_grow",
        "keep_mask",
        "layer_visible",
        "layer_above",
        "layer_merge",
        "keep",
        "prompt",
        "turn_left",
        "wipe",
        "navigator",
        "panels",
        "theme",
        "next_region",
    ]
)
"""Actions before which a menu draws a line."""


def make_actions(window: QWidget, theme: Theme) -> dict[str, QAction]:
    """All actions by name; their keys come from a `Keymap`."""
    actions = {}
    tools = QActionGroup(window)
    for row in TABLE:
        if row.is_held:
            continue
        action = QAction(row.text, window)
        action.setObjectName(row.name)
        action.setCheckable(row.is_switch)
        if row.is_tool:
            action.setCheckable(True)
            action.setProperty("group", row.group)
            tools.addAction(action)
        if row.icon:
            theme.set_icon(action, row.icon)
        actions[row.name] = action
    return actions


def fill_menu_bar(bar: QMenuBar, actions: dict[str, QAction]) -> None:
    """Give the bar its menus, in the table's order."""
    for title in MENUS:
        menu = QMenu(f"&{title}", bar)
        rows = [row for row in TABLE if row.menu == title]
        for row in rows:
            if row.name in _BREAKS:
                menu.addSeparator()
            menu.addAction(actions[row.name])
            actions[row.name].setIconVisibleInMenu(False)
        bar.addMenu(menu)


def pop_up_menu(
    window: QWidget, actions: dict[str, QAction], groups: Sequence[Sequence[str]], at: QPoint
) -> None:
    """Offer actions by their names, a line between two groups, at that place of the screen."""
    menu = QMenu(window)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for names in groups:
        menu.addSeparator()
        menu.addActions([actions[name] for name in names])
    menu.popup(at)


def plain(text: str) -> str:
    """An action's text without menu marks."""
    return text.replace("&", "").rstrip("…")


def shown(keys: str) -> str:
    """Keys as they are written on this desktop's keyboards."""
    written = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
    return written.replace("Return", "Enter")
