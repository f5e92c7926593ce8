"""How many pictures one start makes, and whether they are drawn in one batch."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QToolButton, QWidget

from gui.sampling import Sampling
from gui.theme import Theme
from gui.widgets.form import row
from gui.widgets.number_field import NumberField

TIP = "Draw them together: sooner done on a graphics card, but they may differ slightly"

DIGIT_WIDTH = 36
"""Pixels that one digit needs with its margins; the switch has to fit beside it."""


class PicturesField(QWidget):
    """The number, and beside it a switch where there are several and the model can.

    Attributes:
        count: The field with the number; whoever has this widget binds it.
    """

    def __init__(self, sampling: Sampling, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sampling = sampling
        self._may_be_together = False
        self.count = NumberField("Count", 1, 8)
        self.count.setMinimumWidth(DIGIT_WIDTH)
        self._together = QToolButton()
        self._together.setCheckable(True)
        self._together.setToolTip(TIP)
        self._together.setAccessibleName(TIP)
        theme.set_icon(self._together, "layout-grid", "text2")
        self._together.toggled.connect(self._on_toggled)
        self.setLayout(row(self.count, self._together, spacing=4))
        sampling.changed.connect(self._on_sampling_changed)
        self._show()

    def allow_together(self, allowed: bool) -> None:
        """Offer the switch, or take it away; what was chosen stays chosen."""
        self._may_be_together = allowed
        self._show()

    @Slot(bool)
    def _on_toggled(self, on: bool) -> None:
        self._sampling.draws_together = on

    @Slot(str)
    def _on_sampling_changed(self, name: str) -> None:
        if name in ("count", "draws_together"):
            self._show()

    def _show(self) -> None:
        self._together.setVisible(self._may_be_together and self._sampling.count > 1)
        self._together.setChecked(self._sampling.draws_together)
