"""What a picture is exported as: the format, its quality, and whether it tells how it was made."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QWidget

from gui.panels.sheets import Sheet
from gui.widgets.number_field import NumberField
from gui.widgets.segmented import Segmented

_FORMATS = [
    ("png", "PNG", "Every pixel, see-through places too"),
    ("jpg", "JPEG", "Small; see-through places become white"),
    ("webp", "WebP", "Smaller still; lossless if wanted"),
    ("psd", "PSD", "With layers, for Photoshop and its like"),
]
_WIDTH = 300


class ExportSheet(Sheet):
    """Asks for a format and what belongs to it.

    Signals:
        asked: Format (``"png"``, ``"jpg"``, ``"webp"``, ``"psd"``), quality, lossless, and whether
            prompt and settings go into the file.
    """

    asked = Signal(str, int, bool, bool)

    def __init__(self, window: QWidget) -> None:
        self._format = Segmented("Format", _FORMATS)
        self._chosen = "png"
        self._knows = False
        self._lossless = QCheckBox("Lossless")
        self._quality_label = QLabel("Quality")
        self._quality = NumberField("Quality", 1, 100, 1, 0)
        self._quality.setFixedWidth(96)
        self._tells = QCheckBox("Include prompt and settings")
        self._note = QLabel()
        self._note.setObjectName("hint")
        self._note.setWordWrap(True)
        self._note.setFixedWidth(_WIDTH)
        super().__init__(window, "Export picture", self._arranged())
        self.button.setText("Choose file…")
        self._format.chosen.connect(self._on_format)
        self._lossless.toggled.connect(self._show_format)
        self._tells.toggled.connect(self._show_format)
        self.accepted.connect(self._on_accepted)

    def ask(self, kind: str, quality: int, lossless: bool, tells: bool, knows: bool) -> None:
        """Ask, beginning with what was chosen last.

        Args:
            kind: The format.
            knows: Whether it is known how the picture was made, so that the file can tell.
        """
        self._chosen, self._knows = kind, knows
        self._format.show_choice(kind)
        self._quality.show_value(quality)
        self._lossless.setChecked(lossless)
        self._tells.setChecked(tells)
        self._show_format()
        self.bring()
        self.button.setFocus(Qt.FocusReason.PopupFocusReason)

    def _arranged(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(12)
        grid.addWidget(self._format, 0, 0, 1, 2)
        grid.addWidget(self._lossless, 1, 0, 1, 2)
        grid.addWidget(self._quality_label, 2, 0)
        grid.addWidget(self._quality, 2, 1, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(self._tells, 3, 0, 1, 2)
        grid.addWidget(self._note, 4, 0, 1, 2)
        return grid

    @Slot()
    def _show_format(self) -> None:
        """Show what the format can be told, and nothing else."""
        lossy = self._chosen == "jpg" or (self._chosen == "webp" and not self._lossless.isChecked())
        can_tell = self._chosen != "psd"
        self._lossless.setVisible(self._chosen == "webp")
        self._quality.setVisible(lossy)
        self._quality_label.setVisible(lossy)
        self._tells.setVisible(can_tell and self._knows)
        self._note.setText(self._words(can_tell))

    def _words(self, can_tell: bool) -> str:
        if not can_tell:
            return "A PSD says nothing about how the picture was made."
        if not self._knows:
            return "Nothing in this picture was generated here; the file says nothing about it."
        if self._tells.isChecked():
            return "Other programs can read from the file how the picture was made."
        return "The file says nothing about how the picture was made."

    @Slot(str)
    def _on_format(self, value: str) -> None:
        self._chosen = value
        self._show_format()

    @Slot()
    def _on_accepted(self) -> None:
        self._quality.interpretText()
        self.asked.emit(
            self._chosen,
            round(self._quality.value()),
            self._lossless.isChecked(),
            self._tells.isChecked(),
        )
