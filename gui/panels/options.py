"""The bar above the canvas: what the tool in the hand can be set to."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from gui.canvas.tools.framing import ColourPicker, FrameTool
from gui.canvas.tools.gesture import Tool
from gui.canvas.tools.painting import LEAST_SIZE, MOST_SIZE, BrushSettings, PaintingTool
from gui.widgets.number_field import NumberField

HEIGHT = 44
HINTS = {
    FrameTool: "Drag the frame to move it, a corner to resize it. The next picture is made there.",
    ColourPicker: "Click the picture to take its colour for the brush.",
}


class OptionsBar(QWidget):
    """Shows the settings of painting tools, a hint for the others, and actions on the mask."""

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
        self._name.setMinimumWidth(84)
        self._hint = QLabel()
        self._hint.setObjectName("hint")
        self._size = _field("Brush size", LEAST_SIZE, MOST_SIZE, 1, 0)
        self._size.setSuffix(" px")
        self._hardness = _field("Hardness", 0, 100, 1, 0)
        self._hardness.setSuffix(" %")
        self._opacity = _field("Opacity", 1, 100, 1, 0)
        self._opacity.setSuffix(" %")
        self._opacity_label = QLabel("Opacity")
        self._brush_part = QWidget()
        self._lay_out(mask_actions)
        self._size.edited.connect(self._on_size_edited)
        self._hardness.edited.connect(self._on_hardness_edited)
        self._opacity.edited.connect(self._on_opacity_edited)
        settings.changed.connect(self._show_settings)
        self._show_settings()

    def show_tool(self, tool: Tool) -> None:
        """Show what belongs to that tool."""
        self._name.setText(tool.name)
        paints = isinstance(tool, PaintingTool)
        self._brush_part.setVisible(paints)
        self._hint.setVisible(not paints)
        self._hint.setText(HINTS.get(type(tool), "Drag to move the view."))
        shows_opacity = paints and tool.name != "Mask brush"
        self._opacity.setVisible(shows_opacity)
        self._opacity_label.setVisible(shows_opacity)

    def _lay_out(self, mask_actions: Iterable[QAction]) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(8)
        row.addWidget(self._name)
        part = QHBoxLayout(self._brush_part)
        part.setContentsMargins(0, 0, 0, 0)
        part.setSpacing(8)
        for label, field in (
            (QLabel("Size"), self._size),
            (QLabel("Hardness"), self._hardness),
            (self._opacity_label, self._opacity),
        ):
            part.addWidget(label)
            part.addWidget(field)
            part.addSpacing(8)
        row.addWidget(self._brush_part)
        row.addWidget(self._hint)
        row.addStretch(1)
        for action in mask_actions:
            button = QToolButton()
            action.setIconText(f"\N{THIN SPACE}{action.text()}")
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            row.addWidget(button)

    def _show_settings(self) -> None:
        self._size.show_value(self._settings.size)
        self._hardness.show_value(self._settings.hardness * 100)
        self._opacity.show_value(self._settings.opacity * 100)

    @Slot(float)
    def _on_size_edited(self, value: float) -> None:
        self._settings.change(size=value)

    @Slot(float)
    def _on_hardness_edited(self, value: float) -> None:
        self._settings.change(hardness=value / 100)

    @Slot(float)
    def _on_opacity_edited(self, value: float) -> None:
        self._settings.change(opacity=value / 100)


def _field(name: str, least: float, most: float, step: float, decimals: int) -> NumberField:
    field = NumberField(name, least, most, step, decimals)
    field.setFixedWidth(84)
    return field
