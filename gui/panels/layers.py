"""The panel of layers: buttons, blend mode and opacity of the active one, and the list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from gui.theme import Theme
from gui.widgets.number_field import NumberField

if TYPE_CHECKING:
    from core.canvas.layers import Layer
    from gui.panels.layer_list import LayerList

MODES = (
    ("normal", "Normal"),
    ("multiply", "Multiply"),
    ("darken", "Darken"),
    ("screen", "Screen"),
    ("lighten", "Lighten"),
    ("add", "Add"),
    ("overlay", "Overlay"),
    ("colour", "Colour"),
    ("luminosity", "Luminosity"),
)
"""Value in the room, and name; those that darken, that lighten, then the others."""
GROUPS = (1, 3, 6)
"""Rows of `MODES` before which the list of modes draws a line."""
LEAST_HEIGHT = 190


class LayersPanel(QWidget):
    """Shows the layers of a document; what is asked of it goes out as signals.

    Signals:
        mode_chosen: A blend mode's value for the active layer.
        opacity_edited: 0 to 1, for the active layer.
        done: Enter was pressed in a field, or the mouse has chosen something.
    """

    mode_chosen = Signal(str)
    opacity_edited = Signal(float)
    done = Signal()

    def __init__(
        self, theme: Theme, actions: Sequence[QAction], parent: QWidget | None = None
    ) -> None:
        """Give the panel a button for each of `actions`."""
        super().__init__(parent)
        self.setObjectName("layers")
        self.setAccessibleName("Layers")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumHeight(LEAST_HEIGHT)
        self._theme = theme
        self._list: LayerList | None = None
        self._mode = QComboBox()
        self._mode.setAccessibleName("Blend mode")
        self._mode.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # else a tool's key would choose a mode
        self._mode.setToolTip("How the layer is blended with those below")
        for value, name in MODES:
            self._mode.addItem(name, value)
        for row in reversed(GROUPS):
            self._mode.insertSeparator(row)
        self._opacity = NumberField("Layer opacity", 0, 100)
        self._opacity.setSuffix(" %")
        self._opacity.setToolTip("Opacity of the layer")
        self._opacity.setFixedWidth(84)
        self._column = QVBoxLayout(self)
        self._lay_out(actions)
        self._mode.activated.connect(self._on_mode_activated)
        self._opacity.edited.connect(self._on_opacity_edited)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter, which the fields pass on, ends what was typed."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.done.emit()
        else:
            super().keyPressEvent(event)

    @property
    def list(self) -> LayerList:
        """The rows; made when they are first asked for, which is after the first paint."""
        if self._list is None:
            from gui.panels.layer_list import LayerList

            self._list = LayerList(self._theme)
            self._list.done.connect(self.done)
            self._column.addWidget(self._list, 1)
        return self._list

    def show_layers(self, layers: Sequence[Layer], active: Layer) -> None:
        """Show these, bottom first, and what `active` is set to."""
        self.list.show_layers(layers, active)
        self._mode.setCurrentIndex(self._mode.findData(active.blend_mode.value))
        self._opacity.show_value(round(active.opacity * 100))

    def _lay_out(self, actions: Sequence[QAction]) -> None:
        title = QLabel("Layers")
        title.setObjectName("section")
        head = QHBoxLayout()
        head.setContentsMargins(12, 6, 8, 0)
        head.setSpacing(0)
        head.addWidget(title)
        head.addStretch(1)
        for action in actions:
            button = QToolButton()
            button.setDefaultAction(action)
            head.addWidget(button)
        fields = QHBoxLayout()
        fields.setContentsMargins(12, 0, 12, 0)
        fields.setSpacing(8)
        fields.addWidget(self._mode, 1)
        fields.addWidget(self._opacity)
        self._column.setContentsMargins(1, 0, 0, 4)
        self._column.setSpacing(6)
        self._column.addLayout(head)
        self._column.addLayout(fields)

    @Slot(int)
    def _on_mode_activated(self, row: int) -> None:
        self.mode_chosen.emit(self._mode.itemData(row))
        if not self._mode.hasFocus():
            self.done.emit()

    @Slot(float)
    def _on_opacity_edited(self, percent: float) -> None:
        self.opacity_edited.emit(percent / 100)
