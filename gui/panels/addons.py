"""The part of the generation dock that says what is put on the model."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from core.abilities import AddonKind
from core.addon import MOST_REFERENCES
from gui.theme import Theme
from gui.widgets.finder import Choice, Finder
from gui.widgets.form import label, mark, row, separator
from gui.widgets.number_field import NumberField
from gui.widgets.picture_strip import EMPTY, PictureStrip

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
        pictures: The files of the pictures it reads; None where it reads none.
        most_pictures: How many those may be.
        no_picture: What is said while there is none.
        edges: Whether the edges of its picture are drawn first; None where that is no question.
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
    pictures: tuple[str, ...] | None = None
    most_pictures: int = MOST_REFERENCES
    no_picture: str = EMPTY
    edges: bool | None = None


class AddonsSection(QWidget):
    """A heading with a button to add, and a line for each thing that is on.

    Signals:
        added: The key of what was picked.
        removed: The key of a line that shall go.
        valued: The key of a line and its new number.
        pictures_asked: The key of a line, and the place for which pictures are to be chosen.
        pictures_given: The key of a line, and the files of all its pictures.
        edges_chosen: The key of a line, and whether edges are to be drawn.
    """

    added = Signal(object)
    removed = Signal(object)
    valued = Signal(object, float)
    pictures_asked = Signal(object, int)
    pictures_given = Signal(object, list)
    edges_chosen = Signal(object, bool)

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
            made.pictures_asked.connect(self.pictures_asked)
            made.pictures_given.connect(self.pictures_given)
            made.edges_chosen.connect(self.edges_chosen)
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
    """Name, number, and a button to take it off; below them the pictures it reads."""

    removed = Signal(object)
    valued = Signal(object, float)
    pictures_asked = Signal(object, int)
    pictures_given = Signal(object, list)
    edges_chosen = Signal(object, bool)

    def __init__(self, line: Line, theme: Theme) -> None:
        super().__init__()
        self._key = line.key
        self._name = _Elided()
        self._field: NumberField | None = None
        remove = _button(theme, "x", f"Take off {line.name}")
        remove.clicked.connect(self._on_remove)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        inside = QHBoxLayout()
        inside.setSpacing(4)
        column.addLayout(inside)
        inside.addWidget(self._name, 1)
        self._edges: QToolButton | None = None
        self._strip: PictureStrip | None = None
        if line.pictures is not None:
            self._strip = self._make_strip(line, theme)
            column.addWidget(self._strip)
        if line.value is not None:
            inside.addWidget(self._make_field(line))
        elif line.note:
            note = label(line.note, quiet=True)
            note.setFixedWidth(FIELD_WIDTH)
            note.setContentsMargins(8, 0, 0, 0)
            inside.addWidget(note)
        inside.addWidget(remove)
        self.setFixedHeight(30 if self._strip is None else 62)

    def show_line(self, line: Line) -> None:
        """Show another number, or that the model does not take it."""
        self._name.show_text(line.name)
        self._name.setToolTip(line.tip)
        mark(self._name, "quiet", not line.used)
        if self._strip is not None:
            self._strip.setEnabled(line.used)
            self._strip.show_files(line.pictures or ())
        if self._edges is not None:
            self._edges.setChecked(bool(line.edges))
        if self._field is not None and line.value is not None:
            self._field.setEnabled(line.used)
            self._field.setRange(line.least, max(line.most, line.value))
            if abs(self._field.value() - line.value) > line.step / 100:
                self._field.show_value(line.value)

    def _make_strip(self, line: Line, theme: Theme) -> PictureStrip:
        name = f"Picture for {line.name}"
        strip = PictureStrip(theme, name, line.most_pictures, line.no_picture)
        strip.asked.connect(self._on_pictures_asked)
        strip.changed.connect(self._on_pictures_changed)
        if line.edges is not None:
            self._edges = self._make_edges(line.name)
            strip.add_control(self._edges)
        return strip

    def _make_edges(self, name: str) -> QToolButton:
        edges = QToolButton()
        edges.setText("Edges")
        edges.setCheckable(True)
        edges.setToolTip("Draw the edges first (Canny), for a ControlNet that reads lines")
        edges.setAccessibleName(f"{name}: draw the edges first")
        edges.clicked.connect(self._on_edges_clicked)
        return edges

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

    @Slot(int)
    def _on_pictures_asked(self, place: int) -> None:
        self.pictures_asked.emit(self._key, place)

    @Slot(bool)
    def _on_edges_clicked(self, on: bool) -> None:
        self.edges_chosen.emit(self._key, on)

    @Slot(list)
    def _on_pictures_changed(self, files: list[str]) -> None:
        self.pictures_given.emit(self._key, files)

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
