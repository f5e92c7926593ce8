"""The bar above the canvas: what the tool in the hand can be set to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QKeyEvent, QResizeEvent, QScreen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from gui.canvas.tools.framing import ColourPicker, FrameTool
from gui.canvas.tools.gesture import Tool
from gui.canvas.tools.moving import MoveTool
from gui.canvas.tools.painting import LEAST_SIZE, MOST_SIZE, BrushSettings, PaintingTool
from gui.keymap import say
from gui.widgets.elided import ElidedLabel
from gui.widgets.number_field import NumberField

if TYPE_CHECKING:
    from core.canvas.presets import BrushShelf
    from gui.panels.brush_popover import BrushPopover
    from gui.panels.preset_popover import PresetPopover
    from gui.panels.selection_options import SelectionOptions as ToolPart

HEIGHT = 44
ROOM_FOR_NAME = 720
"""Pixels that the bar needs to show the tool's name too; the column on the left shows it anyway."""
HINTS = {
    FrameTool: "Drag the frame to move it, a corner to resize it. The next picture is made there.",
    ColourPicker: "Click the picture to take its colour for the brush.",
    MoveTool: "Drag to move, a grip to scale. To apply it {keep}; Esc takes it back.",
}


class OptionsBar(QWidget):
    """Shows the settings of painting tools, a hint for the others, and actions on the mask.

    Attributes:
        say: Writes the keys into a hint, as `Keymap.say`.
        preset_button: Opens the brushes to choose from, once there is a shelf of them.
        pen_button: Opens what else there is to set: the stroke, and how it follows the pen.

    Signals:
        refused: A preset or a tip could not be kept or read, and why.
        done: Enter was pressed in a field.
    """

    refused = Signal(str)
    done = Signal()

    def __init__(
        self,
        settings: BrushSettings,
        mask_actions: Iterable[QAction],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("options")
        self.setAccessibleName("Tool options")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self._settings = settings
        self._name = QLabel()
        self._name.setObjectName("section")
        self._name.setMinimumWidth(92)
        self.say: Callable[[str], str] = say
        self._hint = ElidedLabel(Qt.TextElideMode.ElideRight)
        self._hint.setObjectName("hint")
        self._make_fields()
        self._make_buttons()
        self._tool: PaintingTool | None = None
        self._shelf: BrushShelf | None = None
        self._presets: PresetPopover | None = None
        self._popover: BrushPopover | None = None
        self._brush_part, self._mask_part = QWidget(), QWidget()
        self._part: ToolPart | None = None
        self._part_tools: tuple[type, ...] = ()
        self._make_part: Callable[[], ToolPart] | None = None
        self._lay_out(mask_actions)
        settings.changed.connect(self._show_settings)
        self._show_settings()

    def _make_fields(self) -> None:
        self._size = _field("Brush size", "px", LEAST_SIZE, MOST_SIZE)
        self._hardness = _field("Hardness", "%", 0, 100)
        self._opacity = _field("Opacity", "%", 1, 100)
        self._strength = _field("Strength", "%", 0, 100)
        self._opacity_label, self._strength_label = QLabel("Opacity"), QLabel("Strength")
        self._strength.setToolTip("How far the next picture may change what is painted over")
        self._size.edited.connect(self._on_size_edited)
        self._hardness.edited.connect(self._on_hardness_edited)
        self._opacity.edited.connect(self._on_opacity_edited)
        self._strength.edited.connect(self._on_strength_edited)

    def _make_buttons(self) -> None:
        self.preset_button = _button("Brushes", "The brushes to choose from")
        self.preset_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.preset_button.setVisible(False)
        self.preset_button.clicked.connect(self._on_presets)
        self.pen_button = _button("Stroke and pen", "Flow, spacing, smoothing, and the pen")
        self.pen_button.clicked.connect(self._on_pen)

    def show_tool(self, tool: Tool) -> None:
        """Show what belongs to that tool."""
        self._name.setText(tool.name)
        paints = isinstance(tool, PaintingTool)
        self._brush_part.setVisible(paints)
        has_part = self._show_part(tool)
        self._hint.setVisible(not (paints or has_part))
        self._hint.setText(self.say(HINTS.get(type(tool), "Drag to move the view.")))
        self._tool = tool if isinstance(tool, PaintingTool) else None
        shows_opacity = self._tool is not None and self._tool.paints_colour
        self._opacity.setVisible(shows_opacity)
        self._opacity_label.setVisible(shows_opacity)
        shows_strength = self._tool is not None and self._tool.paints_strength
        self._strength.setVisible(shows_strength)
        self._strength_label.setVisible(shows_strength)
        self._mask_part.setVisible(not has_part and (self._tool is None or self._tool.paints_mask))

    def extend(self, tools: tuple[type, ...], make: Callable[[], ToolPart]) -> None:
        """Show a row of its own for these tools; it is made when one of them is first taken."""
        self._part_tools, self._make_part = tools, make

    def _show_part(self, tool: Tool) -> bool:
        shows = isinstance(tool, self._part_tools)
        if shows and self._part is None and self._make_part is not None:
            self._part = self._make_part()
            self._row.insertWidget(self._row.indexOf(self._hint), self._part)
        if self._part is not None:
            self._part.setVisible(shows)
            if shows:
                self._part.show_tool(tool)
        return shows

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter, which the fields pass on, ends what was typed."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.done.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a small window the tool's name gives way to its settings."""
        super().resizeEvent(event)
        self._name.setVisible(event.size().width() >= ROOM_FOR_NAME)

    def use_shelf(self, shelf: BrushShelf) -> None:
        """Offer the brushes on it."""
        self._shelf = shelf
        self.preset_button.setVisible(True)

    def _lay_out(self, mask_actions: Iterable[QAction]) -> None:
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(8)
        row.addWidget(self._name)
        part = QHBoxLayout(self._brush_part)
        part.setContentsMargins(0, 0, 0, 0)
        part.setSpacing(8)
        part.addWidget(self.preset_button)
        for label, field in (
            (QLabel("Size"), self._size),
            (QLabel("Hardness"), self._hardness),
            (self._opacity_label, self._opacity),
            (self._strength_label, self._strength),
        ):
            part.addWidget(label)
            part.addWidget(field, 100)
            part.addSpacing(4)
        part.addWidget(self.pen_button)
        part.addStretch(1)
        row.addWidget(self._brush_part, 100)
        row.addWidget(self._hint)
        row.addStretch(1)
        row.addWidget(self._mask_part)
        row = QHBoxLayout(self._mask_part)
        row.setContentsMargins(0, 0, 0, 0)
        for action in mask_actions:
            button = QToolButton()
            button.setDefaultAction(action)
            button.setAccessibleName(action.text())
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            row.addWidget(button)

    def _show_settings(self) -> None:
        self._size.show_value(self._settings.size)
        self._hardness.show_value(self._settings.hardness * 100)
        self._opacity.show_value(self._settings.opacity * 100)
        self._strength.show_value(self._settings.strength * 100)
        self.preset_button.setText(
            f"{self._settings.preset or 'Brushes'} \N{BLACK DOWN-POINTING SMALL TRIANGLE}"
        )

    @Slot(float)
    def _on_size_edited(self, value: float) -> None:
        self._settings.change(size=value)

    @Slot(float)
    def _on_hardness_edited(self, value: float) -> None:
        self._settings.change(hardness=value / 100)

    @Slot(float)
    def _on_opacity_edited(self, value: float) -> None:
        self._settings.change(opacity=value / 100)

    @Slot(float)
    def _on_strength_edited(self, value: float) -> None:
        self._settings.change(strength=value / 100)

    @Slot()
    def _on_presets(self) -> None:
        self.show_presets(_under(self.preset_button))

    def show_presets(self, at: QPoint) -> None:
        """Offer the brushes at that place of the screen, or as near as there is room."""
        from gui.panels.preset_popover import PresetPopover

        if self._shelf is not None:
            if self._presets is None:
                self._presets = PresetPopover(self._settings, self._shelf, self)
                self._presets.refused.connect(self.refused)
            self._presets.move(_on_screen(at, self._presets.sizeHint(), self.screen()))
            self._presets.open()

    @Slot()
    def _on_pen(self) -> None:
        from gui.panels.brush_popover import BrushPopover

        if self._tool is None:
            return
        if self._popover is None:
            self._popover = BrushPopover(self._settings, self)
        self._popover.show_for(self._tool.paints_colour, self._tool.paints_strength)
        self._popover.move(_under(self.pen_button))
        self._popover.show()


def _button(name: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setAccessibleName(name)
    button.setToolTip(tip)
    return button


def _under(button: QToolButton) -> QPoint:
    """Where a popover begins, on the screen."""
    return button.mapToGlobal(button.rect().bottomLeft()) + QPoint(0, 4)


def _on_screen(at: QPoint, size: QSize, screen: QScreen) -> QPoint:
    """The place nearest to `at` from which all of a popover is seen."""
    room = screen.availableGeometry()
    left, top = room.right() + 1 - size.width(), room.bottom() + 1 - size.height()
    return QPoint(max(room.left(), min(at.x(), left)), max(room.top(), min(at.y(), top)))


def _field(name: str, unit: str, least: float, most: float) -> NumberField:
    field = NumberField(name, least, most, 1, 0)
    field.setSuffix(f" {unit}")
    field.setMaximumWidth(84)
    return field
