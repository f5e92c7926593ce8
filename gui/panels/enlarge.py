"""The dialog that asks how much larger a picture shall become, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.errors import KnownError
from core.geometry import Size
from core.inference.tiles import MOST_SCALE, STRENGTH
from gui.widgets.form import grid, label, mark
from gui.widgets.number_field import NumberField

WIDTH = 420
HINT = (
    "Every tile is painted by this prompt. Where tiles show only parts of things, a prompt about "
    "light and material does better than one that names the whole."
)


@dataclass(frozen=True)
class Enlargement:
    """What the person asks for.

    Attributes:
        scale: How many times larger.
        strength: How far from the picture, 0 to 1.
        tile: Side of a tile in pixels.
        overlap: Pixels in which tiles are mixed.
    """

    prompt: str
    scale: float
    strength: float
    tile: int
    overlap: int


class EnlargeDialog(QDialog):
    """Stays open beside the work; what cannot be is said at once.

    Signals:
        asked: An `Enlargement`, when it is to be made.
    """

    asked = Signal(object)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setWindowTitle("Enlarge")
        self.setFixedWidth(WIDTH)
        self._says: Callable[[Enlargement], str] = lambda asked: ""
        self._prompt = QLineEdit()
        self._prompt.setAccessibleName("Prompt")
        self._prompt.textChanged.connect(self._read)
        self._scale = self._field("Scale", 1.25, MOST_SCALE, 0.25, 2, " ×")
        self._strength = self._field("Strength", 0.05, 1.0, 0.05, 2)
        self._tile = self._field("Tile", 64, 2048, 64, 0, " px")
        self._overlap = self._field("Overlap", 8, 512, 8, 0, " px")
        self._strength.show_value(STRENGTH)
        self._scale.show_value(2.0)
        form = grid()
        for line, (name, field) in enumerate(
            (
                ("Prompt", self._prompt),
                ("Scale", self._scale),
                ("Strength", self._strength),
                ("Tile", self._tile),
                ("Overlap", self._overlap),
            )
        ):
            form.addWidget(label(name), line, 0)
            form.addWidget(field, line, 1)
        hint = label(HINT, quiet=True)
        hint.setWordWrap(True)
        self._sum = QLabel()
        self._sum.setWordWrap(True)
        self._sum.setTextFormat(Qt.TextFormat.PlainText)
        self._sum.setAccessibleName("What it comes to")
        # Room for a sentence from the start, so that it moves nothing.
        self._sum.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self._sum.setAlignment(Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        column.addLayout(form)
        column.addWidget(hint)
        column.addWidget(self._sum)
        column.addLayout(self._make_foot())

    def ask(self, prompt: str, native: Size, says: Callable[[Enlargement], str]) -> None:
        """Ask about a picture.

        Args:
            native: The size that the model was made for; its tiles.
            says: What an answer comes to, in a line; raises a KnownError for what cannot be.
        """
        self._says = says
        self._prompt.setText(prompt)
        self._prompt.setCursorPosition(0)
        self._tile.show_value(max(native))
        self._overlap.show_value(max(native) // 8)
        self._read()
        self.show()
        self.raise_()
        self.activateWindow()
        self._scale.setFocus(Qt.FocusReason.PopupFocusReason)
        self._scale.selectAll()

    def _field(
        self, name: str, least: float, most: float, step: float, digits: int, suffix: str = ""
    ) -> NumberField:
        field = NumberField(name, least, most, step, digits)
        field.setSuffix(suffix)
        field.edited.connect(self._read)
        return field

    def _make_foot(self) -> QHBoxLayout:
        cancel = QPushButton("Cancel")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self._start = QPushButton("Enlarge")
        self._start.setObjectName("primary")
        self._start.setDefault(True)
        self._start.clicked.connect(self._on_start)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addStretch(1)
        foot.addWidget(cancel, 0, Qt.AlignmentFlag.AlignVCenter)
        foot.addWidget(self._start)
        return foot

    @property
    def answer(self) -> Enlargement:
        """What is written now."""
        return Enlargement(
            self._prompt.text().strip(),
            self._scale.value(),
            self._strength.value(),
            round(self._tile.value()),
            round(self._overlap.value()),
        )

    @Slot()
    def _read(self) -> None:
        try:
            words, is_wrong = self._says(self.answer), False
        except KnownError as error:
            words, is_wrong = str(error), True
        self._sum.setText(words)
        mark(self._sum, "warning", is_wrong)
        self._start.setEnabled(not is_wrong)

    @Slot()
    def _on_start(self) -> None:
        for field in (self._scale, self._strength, self._tile, self._overlap):
            field.interpretText()
        self.accept()
        self.asked.emit(self.answer)
