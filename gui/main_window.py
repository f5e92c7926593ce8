"""The window: its regions and how they are laid out; no decisions are made here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QPoint, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QMenuBar, QVBoxLayout, QWidget

from gui.actions import TABLE, fill_menu_bar, make_actions, pop_up_menu
from gui.canvas.tools.filling import BucketTool, GradientTool
from gui.canvas.tools.framing import ColourPicker, FrameTool
from gui.canvas.tools.gesture import Tool
from gui.canvas.tools.looking import PanTool
from gui.canvas.tools.moving import MoveTool
from gui.canvas.tools.painting import BrushSettings, PaintingTool, StrokeEnd, Target
from gui.canvas.tools.selecting import (
    BoxTool,
    LassoTool,
    PolygonTool,
    SelectionSettings,
    WandTool,
)
from gui.canvas.view import CanvasView
from gui.gallery.model import GalleryModel
from gui.gallery.strip import EMPTY, GalleryStrip
from gui.keymap import Keymap
from gui.looking import Looking
from gui.panels.dock import Dock
from gui.panels.generation import GenerationPanel
from gui.panels.header import Header
from gui.panels.layers import LayersPanel
from gui.panels.messages import MessageStrip
from gui.panels.options import OptionsBar
from gui.panels.tools import ToolColumn
from gui.sampling import Sampling
from gui.theme import Theme

if TYPE_CHECKING:
    from gui.panels.selection_options import SelectionOptions

SELECTION_MENU = (
    ("select_all", "deselect", "select_invert"),
    ("select_grow", "select_shrink", "select_feather", "select_smooth"),
    ("mask_selection", "fill", "clear", "crop"),
)
"""What the right button offers with a selection tool in the hand, in groups."""
SELECTION_TOOLS = (BoxTool, LassoTool, WandTool, BucketTool, GradientTool)


class MainWindow(QMainWindow):
    """Header above, tools left, canvas in the middle, generation and layers right, results below.

    Attributes:
        may_close: Asked when the person closes the window; False keeps it open.

    Signals:
        escape_pressed: Esc, wherever the focus is.
    """

    escape_pressed = Signal()

    def __init__(self, theme: Theme, sampling: Sampling) -> None:
        super().__init__()
        self.setObjectName("window")
        self.setWindowTitle("Sfumato")
        self.setMinimumSize(960, 600)
        self.theme = theme
        self.may_close: Callable[[], bool] = lambda: True
        self.brush_settings = BrushSettings(self)
        self.selection_settings = SelectionSettings(self)
        self.canvas = CanvasView(theme, self.brush_settings)
        self.actions_by_name = make_actions(self, theme)
        menus = QMenuBar()
        fill_menu_bar(menus, self.actions_by_name)
        self.header = Header(theme, menus)
        self.tool_column = self._make_tool_column()
        self.options = OptionsBar(
            self.brush_settings,
            [self.actions_by_name[name] for name in ("clear_mask", "invert_mask")],
        )
        theme.set_icon(self.options.pen_button, "sliders-horizontal")
        self.options.extend(SELECTION_TOOLS, self._make_selection_options)
        self.generation = GenerationPanel(sampling, theme)
        self.layers = self._make_layers()
        self.dock = Dock(self.generation, self.layers)
        self.gallery_model = GalleryModel(self)
        self.strip = GalleryStrip(theme, self.gallery_model)
        self.messages = MessageStrip(theme, self.canvas)
        self.messages.height_changed.connect(self.canvas.leave_foot)
        self._tools = self._make_tools()
        self._lay_out()
        self._connect()
        self.keymap = Keymap(self, self.canvas, self.actions_by_name)
        self.options.say = self.keymap.say
        self.keymap.changed.connect(self._on_keys_changed)
        self.take_tool("brush")
        self.generation.focus_prompt()

    def take_tool(self, name: str) -> None:
        """Put the tool of that action into the hand."""
        tool = self._tools[name]
        self.actions_by_name[name].setChecked(True)
        self.canvas.take_tool(tool)
        self.options.show_tool(tool)

    def restore(self, geometry: str) -> bool:
        """Place the window as it was; False if `geometry` says nothing useful."""
        return bool(geometry) and self.restoreGeometry(
            QByteArray.fromBase64(QByteArray(geometry.encode("ascii", "ignore")))
        )

    def geometry_text(self) -> str:
        """Where the window is, for `restore`."""
        return bytes(self.saveGeometry().toBase64().data()).decode("ascii")

    def _make_tools(self) -> dict[str, Tool]:
        settings, end = self.brush_settings, StrokeEnd()
        selecting = self.selection_settings
        return {
            "brush": PaintingTool("Brush", settings, Target.PAINT, end=end),
            "mask": PaintingTool("Mask brush", settings, Target.MASK, end=end),
            "denoise": PaintingTool("Denoise brush", settings, Target.MASK, True, end),
            "eraser": PaintingTool("Eraser", settings, None, end=end),
            "rectangle": BoxTool(selecting),
            "ellipse": BoxTool(selecting, is_round=True),
            "lasso": LassoTool(selecting),
            "polygon": PolygonTool(selecting),
            "wand": WandTool(selecting),
            "bucket": BucketTool(settings, selecting),
            "gradient": GradientTool(settings, selecting),
            "move": MoveTool(),
            "frame": FrameTool(),
            "picker": ColourPicker(settings),
            "hand": PanTool(),
        }

    def _make_selection_options(self) -> SelectionOptions:
        from gui.panels.selection_options import SelectionOptions

        return SelectionOptions(self.selection_settings, self.theme, self.keymap.say)

    def _make_layers(self) -> LayersPanel:
        names = ("layer_new", "layer_duplicate", "layer_merge", "layer_delete")
        return LayersPanel(self.theme, [self.actions_by_name[name] for name in names])

    def _make_tool_column(self) -> ToolColumn:
        by_name = self.actions_by_name
        tools = [by_name[row.name] for row in TABLE if row.is_tool]
        return ToolColumn(tools, [by_name["undo"], by_name["redo"]], self.brush_settings)

    def _lay_out(self) -> None:
        self._panels = (self.tool_column, self.options, self.dock, self.strip)
        middle = QVBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.options)
        middle.addWidget(self.canvas, 1)
        upper = QHBoxLayout()
        upper.setSpacing(0)
        upper.addWidget(self.tool_column)
        upper.addLayout(middle, 1)
        upper.addWidget(self.dock)
        whole = QVBoxLayout()
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.header)
        whole.addLayout(upper, 1)
        whole.addWidget(self.strip)
        body = QWidget()
        body.setLayout(whole)
        self.setCentralWidget(body)

    def _connect(self) -> None:
        actions = self.actions_by_name
        for name in self._tools:
            actions[name].triggered.connect(self._on_tool_chosen)
        self.canvas.menu_asked.connect(self._on_menu_asked)
        for panel in (self.options, self.layers):
            panel.done.connect(self.canvas.setFocus)
        actions["smaller"].triggered.connect(self._on_smaller)
        actions["larger"].triggered.connect(self._on_larger)
        actions["panels"].triggered.connect(self._on_panels)
        actions["next_region"].triggered.connect(self._on_next_region)
        actions["previous_region"].triggered.connect(self._on_previous_region)
        actions["prompt"].triggered.connect(self._on_prompt)
        self.looking = Looking(self.canvas, self.header, actions, self.theme)
        self.header.theme_button.setDefaultAction(actions["theme"])
        self.header.help_button.setDefaultAction(actions["keys"])
        self.theme.set_icon(self.header.messages_button, "bell")
        self.header.messages_button.setToolTip("Earlier messages")
        self.header.messages_button.setAccessibleName("Earlier messages")
        self.header.messages_button.clicked.connect(self._on_messages)
        escape = QShortcut(QKeySequence(Qt.Key.Key_Escape), self)
        escape.activated.connect(self.escape_pressed)

    # --- what the actions do -----------------------------------------------------------------

    def _on_tool_chosen(self) -> None:
        self.take_tool(self.sender().objectName())

    def _on_menu_asked(self, at: QPoint) -> None:
        tool = self.canvas.tool
        if isinstance(tool, PaintingTool):
            self.options.show_presets(at)
        elif isinstance(tool, BoxTool | LassoTool | WandTool):
            pop_up_menu(self, self.actions_by_name, SELECTION_MENU, at)

    def _on_smaller(self) -> None:
        self.brush_settings.step_size(-1)

    def _on_larger(self) -> None:
        self.brush_settings.step_size(1)

    def _on_keys_changed(self) -> None:
        self.strip.show_hint(self.keymap.say(EMPTY))
        self.options.show_tool(self.canvas.tool)

    def _on_panels(self) -> None:
        shown = not self.dock.isVisible()
        for panel in self._panels:
            panel.setVisible(shown)

    def _on_prompt(self) -> None:
        self.dock.choose("generate")
        self.generation.focus_prompt()

    def _on_next_region(self) -> None:
        self._move_focus(1)

    def _on_previous_region(self) -> None:
        self._move_focus(-1)

    def _move_focus(self, direction: int) -> None:
        """F6: from one region to the next, to its first control."""
        dock = (self.generation, self.layers)
        regions = [self.canvas, *dock, self.strip.view, self.header, self.tool_column]
        regions = [region for region in regions if region.isVisible()]
        focused = self.focusWidget()
        here = -direction
        for number, region in enumerate(regions):
            if focused is not None and (region is focused or region.isAncestorOf(focused)):
                here = number
        self.setProperty("keyboard_moves", True)
        target = regions[(here + direction) % len(regions)]
        _first_focusable(target).setFocus(Qt.FocusReason.TabFocusReason)

    def _on_messages(self) -> None:
        menu = self.messages.past_menu(self)
        button = self.header.messages_button
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(button.mapToGlobal(button.rect().bottomLeft()))

    # --- Qt's events -------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Typing shows where the focus is."""
        self.setProperty("keyboard_moves", True)
        super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Close, unless something stands against it."""
        if self.may_close():
            super().closeEvent(event)
        else:
            event.ignore()


def _first_focusable(widget: QWidget) -> QWidget:
    if widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
        return widget
    for child in widget.findChildren(QWidget):
        takes_tab = bool(child.focusPolicy() & Qt.FocusPolicy.TabFocus)
        if takes_tab and child.isVisible() and child.isEnabled():
            return child
    return widget
