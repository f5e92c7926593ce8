"""Where a colour is chosen: by eye, in figures, or among those that were painted with last."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QColor, QHideEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from gui.brush_settings import MOST_RECENT, BrushSettings
from gui.widgets.colour_field import KNOB, Colour, ColourChip, HueBar, ShadeSquare
from gui.widgets.number_field import NumberField

WIDTH, SQUARE = 268, 168
NO_RECENT = "Colours that you paint with appear here."


class ColourPopover(QFrame):
    """Stays open until the person clicks elsewhere; each change holds at once."""

    def __init__(self, settings: BrushSettings, which: str, name: str, parent: QWidget) -> None:
        """Show and change the attribute `which` of the settings."""
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("popover")
        self.setAccessibleName(name)
        self._settings, self._which = settings, which
        self._hsv = (0.0, 0.0, 0.0)
        self._square, self._hue = ShadeSquare("Saturation and value"), HueBar("Hue")
        self._parts = [NumberField(part, 0, 255) for part in ("Red", "Green", "Blue")]
        self._written = QLineEdit()
        self._chips = QHBoxLayout()
        self._none = QLabel(NO_RECENT)
        self._lay_out()
        self._connect()
        self._show_settings()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        rim = 12 - KNOB  # the planes have one of their own, over which a knob reaches
        column.setContentsMargins(rim, rim, rim, 12)
        column.setSpacing(0)
        column.setSizeConstraint(QVBoxLayout.SizeConstraint.SetFixedSize)
        self._square.setFixedSize(WIDTH + 2 * KNOB, SQUARE)
        column.addWidget(self._square)
        column.addWidget(self._hue)
        column.addLayout(self._below())

    def _below(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setContentsMargins(KNOB, 4, KNOB, 0)
        column.setSpacing(8)
        column.addLayout(self._figures())
        title = QLabel("Recent")
        title.setObjectName("section")
        column.addWidget(title)
        self._none.setProperty("quiet", True)
        column.addWidget(self._none)
        self._chips.setSpacing(2)
        self._chips.addStretch(1)
        column.addLayout(self._chips)
        return column

    def _figures(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        self._written.setAccessibleName("Colour in hexadecimal")
        self._written.setToolTip("Red, green and blue as in #d9543d")
        self._written.setFixedWidth(82)
        row.addWidget(self._written)
        for field in self._parts:
            field.setToolTip(field.accessibleName())
            row.addWidget(field)
        return row

    def _connect(self) -> None:
        self._square.edited.connect(self._on_shade)
        self._hue.edited.connect(self._on_hue)
        self._written.editingFinished.connect(self._on_written)
        for field in self._parts:
            field.edited.connect(self._on_parts)
        self._settings.changed.connect(self._show_settings)

    def _show_settings(self) -> None:
        """The colour as it is; a grey keeps the hue that was chosen before it."""
        colour = QColor(*self._colour)
        if QColor.fromHsvF(*self._hsv).rgb() != colour.rgb():
            hue = colour.hsvHueF() if colour.hsvSaturation() else self._hsv[0]
            self._hsv = (hue, colour.hsvSaturationF(), colour.valueF())
        hue, saturation, value = self._hsv
        self._square.show_hue(hue)
        self._square.show_place(saturation, 1 - value)
        self._hue.show_place(hue, 0.5)
        if not self._written.hasFocus() or not self._written.isModified():
            self._written.setText(colour.name())
        for field, part in zip(self._parts, self._colour, strict=True):
            field.show_value(part)
        self._show_recent()

    def _show_recent(self) -> None:
        shown = [chip.colour for chip in self.findChildren(ColourChip)]
        if shown == list(self._settings.recent):
            return
        for chip in self.findChildren(ColourChip):
            chip.setParent(None)
            chip.deleteLater()
        for colour in self._settings.recent[:MOST_RECENT]:
            chip = ColourChip(colour, self)
            chip.clicked.connect(self._on_chip)
            self._chips.insertWidget(self._chips.count() - 1, chip)
        self._none.setVisible(not self._settings.recent)

    @property
    def _colour(self) -> Colour:
        colour: Colour = getattr(self._settings, self._which)
        return colour

    def _choose(self, colour: QColor) -> None:
        self._settings.change(**{self._which: (colour.red(), colour.green(), colour.blue())})

    @Slot(float, float)
    def _on_shade(self, across: float, down: float) -> None:
        self._hsv = (self._hsv[0], across, 1 - down)
        self._choose(QColor.fromHsvF(*self._hsv))

    @Slot(float, float)
    def _on_hue(self, across: float, _down: float) -> None:
        self._hsv = (min(across, 0.9999), *self._hsv[1:])
        self._choose(QColor.fromHsvF(*self._hsv))
        self._show_settings()

    @Slot()
    def _on_parts(self) -> None:
        self._choose(QColor(*(round(field.value()) for field in self._parts)))

    @Slot()
    def _on_written(self) -> None:
        """Take what was written if it is a colour, else write the colour that holds."""
        text = self._written.text().strip().lstrip("#")
        colour = QColor(f"#{text}")
        self._written.setModified(False)
        if colour.isValid() and len(text) in (3, 6):
            self._choose(colour)
        self._written.setText(QColor(*self._colour).name())

    @Slot()
    def _on_chip(self) -> None:
        chip = self.sender()
        assert isinstance(chip, ColourChip)
        self._choose(QColor(*chip.colour))

    def hideEvent(self, event: QHideEvent) -> None:
        """What was being written is given up with the popover."""
        super().hideEvent(event)
        self._written.setModified(False)
        self._written.setText(QColor(*self._colour).name())
