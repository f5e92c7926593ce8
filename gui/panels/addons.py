"""The part of the generation dock that says what is put on the model."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from core.abilities import AddonKind
from gui.theme import Theme
from gui.widgets.finder import Choice, Finder
from gui.widgets.form import label, mark, row, separator
from gui.widgets.number_field import NumberField
from gui.widgets.picture_button import PictureButton

FIELD_WIDTH = 72


class Switch(Enum):
    """What is put on the model without a file."""

    CLIP_SKIP = "Clip skip"
    FREEU = "FreeU"
    PAG = "PAG"
    REFINER = "Refiner"


Key = tuple[AddonKind | Switch, str]
"""What a line is about: its sort, and the name of its file."""


class Line(NamedTuple):
    """One thing that is on, or would be with another model.

    Attributes:
        name: What is shown.
        tip: What more there is to say; why it is not used, where that is so.
        value: Its number; None where it has none.
        least, most: Between which it lies.
        step: 1 for whole numbers.
        used: Whether the present model takes it.
        note: Stands where the number would, if there is none.
        picture: The file of the picture it reads, empty while none is chosen; None where it
            reads none.
    """

    key: Key
    name: str
    tip: str
    value: float | None = None
    least: float = 0.0
    most: float = 2.0
    step: float = 0.05
    used: bool = True
    note: str = ""
    picture: str | None = None


class AddonsSection(QWidget):
    """A heading with a button to add, and a line for each thing that is on.

    Signals:
        added: The key of what was picked.
        removed: The key of a line that shall go.
        valued: The key of a line and its new number.
        picture_asked: The key of a line that wants a picture chosen.
        picture_given: The key of a line and the file that was dropped on it.
    """

    added = Signal(object)
    removed = Signal(object)
    valued = Signal(object, float)
    picture_asked = Signal(object)
    picture_given = Signal(object, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows: dict[Key, _AddonRow] = {}
        self._add = _button(theme, "plus", "Add a LoRA or another add-on")
        self._finder: Finder | None = None
        self._choices: tuple[Choice, ...] = ()
        self._hint = ""
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self._column.addWidget(separator())
        self._column.addSpacing(4)
        self._column.addLayout(row(label("Add-ons", section=True), None, self._add))
        self._add.clicked.connect(self._on_add)
        self.hide()

    def offer(self, choices: Sequence[Choice], hint: str) -> None:
        """Offer these behind the plus; `hint` says there where more would be found."""
        self._choices, self._hint = tuple(choices), hint
        self._add.setVisible(bool(choices))
        self.setVisible(bool(choices or self._rows))

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show what is on; a field that is being turned stays the same field."""
        if [line.key for line in lines] != list(self._rows):
            self._make_rows(lines)
        for line in lines:
            self._rows[line.key].show_line(line)
        self.setVisible(bool(self._choices or self._rows))

    def _make_rows(self, lines: Sequence[Line]) -> None:
        for old in self._rows.values():
            self._column.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._rows = {}
        for line in lines:
            made = _AddonRow(line, self._theme)
            made.removed.connect(self.removed)
            made.valued.connect(self.valued)
            made.picture_asked.connect(self.picture_asked)
            made.picture_given.connect(self.picture_given)
            self._column.addWidget(made)
            self._rows[line.key] = made

    @Slot()
    def _on_add(self) -> None:
        if self._finder is None:
            self._finder = Finder("Add-ons", "", self)
            self._finder.picked.connect(self.added)
        self._finder.show_hint(self._hint)
        self._finder.show_choices(self._choices)
        self._finder.open_below(self._add)


class _AddonRow(QWidget):
    """Name, number, and a button to take it off."""

    removed = Signal(object)
    valued = Signal(object, float)
    picture_asked = Signal(object)
    picture_given = Signal(object, str)

    def __init__(self, line: Line, theme: Theme) -> None:
        super().__init__()
        self._key = line.key
        self._name = _Elided()
        self._field: NumberField | None = None
        remove = _button(theme, "x", f"Take off {line.name}")
        remove.clicked.connect(self._on_remove)
        inside = QHBoxLayout(self)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(4)
        inside.addWidget(self._name, 1)
        self._picture: PictureButton | None = None
        if line.picture is not None:
            self._picture = PictureButton(theme, f"Picture for {line.name}")
            self._picture.clicked.connect(self._on_picture_clicked)
            self._picture.dropped.connect(self._on_picture_dropped)
            inside.addWidget(self._picture)
        if line.value is not None:
            inside.addWidget(self._make_field(line))
        elif line.note:
            note = label(line.note, quiet=True)
            note.setFixedWidth(FIELD_WIDTH)
            note.setContentsMargins(8, 0, 0, 0)
            inside.addWidget(note)
        inside.addWidget(remove)
        self.setFixedHeight(30)

    def show_line(self, line: Line) -> None:
        """Show another number, or that the model does not take it."""
        self._name.show_text(line.name)
        self._name.setToolTip(line.tip)
        mark(self._name, "quiet", not line.used)
        if self._picture is not None:
            self._picture.setEnabled(line.used)
            self._picture.show_file(line.picture or "")
        if self._field is not None and line.value is not None:
            self._field.setEnabled(line.used)
            self._field.setRange(line.least, max(line.most, line.value))
            if abs(self._field.value() - line.value) > line.step / 100:
                self._field.show_value(line.value)

    def _make_field(self, line: Line) -> NumberField:
        assert line.value is not None
        decimals = 0 if line.step >= 1 else 2
        field = NumberField(f"{line.name}: value", line.least, line.most, line.step, decimals)
        field.shows_bar = False
        field.setFixedWidth(FIELD_WIDTH)
        field.show_value(line.value)
        field.edited.connect(self._on_edited)
        self._field = field
        return field

    @Slot()
    def _on_remove(self) -> None:
        self.removed.emit(self._key)

    @Slot()
    def _on_picture_clicked(self) -> None:
        self.picture_asked.emit(self._key)

    @Slot(str)
    def _on_picture_dropped(self, file: str) -> None:
        self.picture_given.emit(self._key, file)

    @Slot(float)
    def _on_edited(self, value: float) -> None:
        self.valued.emit(self._key, round(value, 4))


class _Elided(QLabel):
    """A line of text that loses its middle where there is no room."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._whole = ""

    def show_text(self, text: str) -> None:
        self._whole = text
        self.setAccessibleName(text)
        self._shorten()

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._shorten()

    def _shorten(self) -> None:
        mode = Qt.TextElideMode.ElideMiddle
        self.setText(self.fontMetrics().elidedText(self._whole, mode, max(24, self.width())))


def _button(theme: Theme, icon: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    theme.set_icon(button, icon, "text2")
    return button
