"""What lies behind the option bar's button: the stroke, and how the brush follows the pen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gui.brush_settings import BrushSettings
from gui.widgets.curve_editor import CurveEditor
from gui.widgets.number_field import NumberField
from gui.widgets.segmented import Segmented

if TYPE_CHECKING:
    from core.canvas.dynamics import Curve

WIDTH = 276
FOLLOWING = (
    ("off", "Off", "Always the whole"),
    ("pressure", "Pressure", "Follows how hard the pen is pressed"),
    ("tilt", "Tilt", "Follows how far the pen leans"),
)
PROPERTIES = (
    ("size", "Size"),
    ("opacity", "Opacity"),
    ("flow", "Flow"),
    ("strength", "Strength"),
)


class BrushPopover(QFrame):
    """Stays open until the person clicks elsewhere; what is set holds for the next stroke."""

    def __init__(self, settings: BrushSettings, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("popover")
        self.setAccessibleName("Stroke and pen")
        self._settings = settings
        self._property = "size"
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        # As tall as what is shown.
        column.setSizeConstraint(QVBoxLayout.SizeConstraint.SetFixedSize)
        column.addWidget(_section("Stroke"))
        self._fields = self._add_fields(column)
        column.addSpacing(4)
        column.addWidget(_section("Pen"))
        self._which = Segmented("Property", [(name, text, "") for name, text in PROPERTIES])
        self._following = Segmented("Follows", FOLLOWING)
        self._curve = CurveEditor("Curve")
        self._curve.setFixedWidth(WIDTH)
        self._add_pen(column)
        settings.changed.connect(self._show_settings)
        self._show_settings()

    def show_for(self, paints_colour: bool, paints_strength: bool) -> None:
        """Show what the tool in the hand makes use of."""
        shown = {"size": True, "opacity": paints_colour, "flow": paints_colour}
        shown["strength"] = paints_strength
        for name, is_shown in shown.items():
            self._which.set_shown(name, is_shown)
        for widget in self._fields["flow"]:
            widget.setVisible(paints_colour)
        if not shown[self._property]:
            self._on_property_chosen("strength" if paints_strength else "size")

    def _add_fields(self, column: QVBoxLayout) -> dict[str, tuple[QLabel, NumberField]]:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        fields = {}
        rows = (("flow", "Flow", 1, 100), ("spacing", "Spacing", 1, 300), ("smoothing", "Smoothing",
                0, 100))  # fmt: skip
        for row, (name, text, least, most) in enumerate(rows):
            label, field = QLabel(text), NumberField(text, least, most, 1, 0)
            field.setSuffix(" %")
            field.setFixedWidth(96)
            field.setProperty("setting", name)
            field.edited.connect(self._on_field_edited)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
            fields[name] = (label, field)
        column.addLayout(grid)
        return fields

    def _add_pen(self, column: QVBoxLayout) -> None:
        column.addWidget(self._which)
        row = QHBoxLayout()
        row.addWidget(self._following)
        column.addLayout(row)
        column.addWidget(self._curve)
        self._which.chosen.connect(self._on_property_chosen)
        self._following.chosen.connect(self._on_following_chosen)
        self._curve.edited.connect(self._on_curve_edited)

    def _show_settings(self) -> None:
        for name, (_, field) in self._fields.items():
            field.show_value(getattr(self._settings, name) * 100)
        response = getattr(self._settings.dynamics, self._property)
        self._which.show_choice(self._property)
        self._following.show_choice(response.sensor.value if response.is_on else "off")
        self._curve.show_curve(response.curve)
        self._curve.setEnabled(response.is_on)
        self._curve.update()

    @Slot(float)
    def _on_field_edited(self, value: float) -> None:
        self._settings.change(**{self.sender().property("setting"): value / 100})

    @Slot(str)
    def _on_property_chosen(self, name: str) -> None:
        self._property = name
        self._show_settings()

    @Slot(str)
    def _on_following_chosen(self, choice: str) -> None:
        from core.canvas.dynamics import Sensor

        response = getattr(self._settings.dynamics, self._property)
        sensor = response.sensor if choice == "off" else Sensor(choice)
        response = replace(response, sensor=sensor, is_on=choice != "off")
        self._settings.respond(self._property, response)

    @Slot(object)
    def _on_curve_edited(self, curve: Curve) -> None:
        response = getattr(self._settings.dynamics, self._property)
        self._settings.respond(self._property, replace(response, curve=curve))


def _section(text: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName("section")
    return label
