"""The settings: how the window looks, what memory may be taken, where things lie."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLayout,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.theme import Theme
from gui.widgets.elided import ElidedLabel
from gui.widgets.form import grid, label, row, separator
from gui.widgets.number_field import NumberField
from gui.widgets.segmented import Segmented

INSIDE = 440
"""Pixels of width between the dialog's margins."""
MEBIBYTE = 2**20
STEP = 64
THEMES = (
    ("dark", "Dark", "Colours on the canvas are judged best in the dark"),
    ("light", "Light", "For bright rooms"),
    ("system", "Like the desktop", "Dark or light, as the desktop is"),
)
MEMORY_NOTE = (
    "Undo keeps what strokes covered; the timeline keeps the steps of the\n"
    "last pictures, to branch from them. The oldest is forgotten first."
)

COMPILE_NOTE = (
    "A model’s first picture takes longer, up to some minutes, those after it\n"
    "less. Needs a C++ compiler; pictures with LoRAs are made as before."
)


class SettingsDialog(QDialog):
    """Shows what is chosen; every change holds at once, so that there is nothing to confirm.

    Signals:
        theme_chosen: ``"dark"``, ``"light"`` or ``"system"``.
        memory_edited: Megabytes for undo, and for the timeline.
        compiling_chosen: Whether models are to be compiled.
        folder_asked: The person wants to add a folder of models.
        folder_removed: Models shall no longer be looked for in this one.
        pictures_asked: Show the folder with the pictures.
        keys_asked: Show the list of keys.
    """

    theme_chosen = Signal(str)
    memory_edited = Signal(int, int)
    compiling_chosen = Signal(bool)
    folder_asked = Signal()
    folder_removed = Signal(str)
    pictures_asked = Signal()
    keys_asked = Signal()

    def __init__(self, window: QWidget, theme: Theme, memory: int) -> None:
        """Offer up to `memory` megabytes, which is what this computer has."""
        super().__init__(window)
        self.setWindowTitle("Settings")
        self._theme = theme
        self._shown = (0, 0)
        self._look = Segmented("Theme", THEMES)
        self._undo, self._undo_use = _megabytes("Memory for undo", memory), label("", quiet=True)
        self._timeline = _megabytes("Memory for the timeline", memory)
        self._timeline_use = label("", quiet=True)
        self._compile = QCheckBox("Compile models with torch")
        self._folders = QVBoxLayout()
        self._folders.setSpacing(4)
        self._pictures = _path()
        self._refusal = label("")
        self._refusal.setWordWrap(True)
        self._refusal.setProperty("warning", True)
        self._refusal.setAccessibleName("What cannot be")
        self._refusal.setFixedWidth(INSIDE)
        self._refusal.hide()
        self._lay_out()
        self._look.chosen.connect(self.theme_chosen)
        self._compile.clicked.connect(self.compiling_chosen)
        for field in (self._undo, self._timeline):
            field.editingFinished.connect(self._on_memory_edited)

    def show_choices(self, theme: str, undo: int, timeline: int) -> None:
        """Show the theme, and megabytes for undo and timeline."""
        self._shown = (undo, timeline)
        self._look.show_choice(theme)
        self._undo.show_value(undo)
        self._timeline.show_value(timeline)

    def show_compiling(self, compiles: bool) -> None:
        """Show whether models are compiled."""
        self._compile.setChecked(compiles)

    def show_use(self, undo: int, timeline: int) -> None:
        """Show how many bytes undo and timeline take now."""
        for said, used, most in zip(
            (self._undo_use, self._timeline_use), (undo, timeline), self._shown, strict=True
        ):
            said.setText(f"{_figure(used)} of {most} MB in use" if most else "Keeps none")

    def show_folders(self, folders: Sequence[str], pictures: str) -> None:
        """Show where models are looked for besides the embedded one, and where pictures go."""
        while (item := self._folders.takeAt(0)) is not None:
            if (gone := item.widget()) is not None:
                gone.hide()
                gone.deleteLater()
        for folder in folders:
            self._folders.addWidget(self._folder_row(folder))
        if not folders:
            self._folders.addWidget(label("Only the embedded model is known.", quiet=True))
        _show_path(self._pictures, pictures)

    def refuse(self, why: str) -> None:
        """Say why something cannot be chosen; an empty sentence takes no room."""
        self._refusal.setText(why)
        self._refusal.setVisible(bool(why))

    def showEvent(self, event: QShowEvent) -> None:
        """The keys begin where nothing is changed by them."""
        super().showEvent(event)
        self._close.setFocus(Qt.FocusReason.OtherFocusReason)

    def hideEvent(self, event: QHideEvent) -> None:
        """What was typed last holds too."""
        super().hideEvent(event)
        self._on_memory_edited()

    # --- construction --------------------------------------------------------------------

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(12)
        column.setSizeConstraint(QLayout.SizeConstraint.SetFixedSize)
        looks = grid()
        looks.addWidget(label("Theme"), 0, 0)
        looks.addWidget(self._look, 0, 1)
        note = label(MEMORY_NOTE, quiet=True)
        note.setMinimumWidth(INSIDE)
        add, show = QPushButton("Add a folder…"), QPushButton("Show")
        add.clicked.connect(self.folder_asked)
        show.clicked.connect(self.pictures_asked)
        show.setAccessibleName("Show the folder of the pictures")
        sections: tuple[tuple[str, tuple[QLayout | QWidget, ...]], ...] = (
            ("Appearance", (looks,)),
            ("Memory", (self._memory(), note)),
            ("Speed", (self._compile, label(COMPILE_NOTE, quiet=True))),
            ("Folders of models", (self._folders, row(add, None))),
            ("Pictures", (_stretched(self._pictures, show),)),
        )
        for title, parts in sections:
            column.addWidget(label(title, section=True))
            for part in parts:
                if isinstance(part, QLayout):
                    column.addLayout(part)
                else:
                    column.addWidget(part)
            column.addWidget(separator())
        column.addWidget(self._refusal)
        column.addLayout(self._foot())

    def _memory(self) -> QGridLayout:
        form = grid()
        for line, (name, field, use) in enumerate(
            (
                ("Undo", self._undo, self._undo_use),
                ("Timeline", self._timeline, self._timeline_use),
            )
        ):
            form.addWidget(label(name), line, 0)
            form.addLayout(row(field, use, None, spacing=12), line, 1)
        return form

    def _foot(self) -> QHBoxLayout:
        keys, close = QPushButton("Keys…"), QPushButton("Close")
        self._close = close
        keys.clicked.connect(self.keys_asked)
        close.clicked.connect(self.close)
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)  # Enter in a field shall not press one
        for button in (keys, close):
            button.setAutoDefault(False)
        return row(keys, None, close)

    def _folder_row(self, folder: str) -> QWidget:
        path = _path(folder)
        remove = QToolButton()
        tip = "Look there no longer; nothing is deleted"
        remove.setToolTip(tip)
        remove.setAccessibleName(f"Remove {folder}")
        remove.setProperty("folder", folder)
        self._theme.set_icon(remove, "x", "text2")
        remove.clicked.connect(self._on_remove_clicked)
        line = QWidget()
        line.setLayout(_stretched(path, remove))
        return line

    # --- what the person does ------------------------------------------------------------

    @Slot()
    def _on_memory_edited(self) -> None:
        edited = (round(self._undo.value()), round(self._timeline.value()))
        if edited != self._shown:
            self.memory_edited.emit(*edited)

    @Slot()
    def _on_remove_clicked(self) -> None:
        self.folder_removed.emit(self.sender().property("folder"))


def _path(path: str = "") -> ElidedLabel:
    made = ElidedLabel(Qt.TextElideMode.ElideMiddle)
    made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    _show_path(made, path)
    return made


def _show_path(shown: ElidedLabel, path: str) -> None:
    shown.setText(path)
    shown.setToolTip(path)


def _figure(used: int) -> str:
    """Megabytes; of few of them also a tenth."""
    megabytes = used / MEBIBYTE
    return f"{megabytes:.1f}" if 0 < megabytes < 10 else f"{megabytes:.0f}"


def _megabytes(name: str, most: int) -> NumberField:
    field = NumberField(name, 0, most, STEP)
    field.setSuffix(" MB")
    field.setFixedWidth(112)
    field.shows_bar = False
    return field


def _stretched(wide: QWidget, narrow: QWidget) -> QHBoxLayout:
    line = row(wide, narrow)
    line.setStretch(0, 1)
    return line
