"""What Generate would do now, and the choices that belong to it alone."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QLabel, QToolButton, QVBoxLayout, QWidget

from gui.panels.ways import InpaintingOptions, PassesOptions
from gui.sampling import Sampling
from gui.theme import Theme
from gui.widgets.form import label, row


class PlanSection(QWidget):
    """A sentence; below it choices, which fold away where there is little room.

    Once the person has folded or unfolded them, they stay so whatever the room.
    """

    def __init__(self, sampling: Sampling, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._sentence = label("", quiet=True)
        self._sentence.setWordWrap(True)
        self._inpainting = InpaintingOptions(sampling)
        self._passes = PassesOptions(sampling)
        self._fold = QToolButton()
        self._fold.setProperty("slim", True)
        self._fold.clicked.connect(self._on_fold_clicked)
        self._plan = ""
        self._is_open, self._by_hand = True, False
        self._inpaints = self._enlarges = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        line = row(self._sentence, self._fold)
        line.setStretch(0, 1)
        column.addLayout(line)
        column.addWidget(self._inpainting)
        column.addWidget(self._passes)
        sampling.changed.connect(self._on_sampling_changed)
        self._show()

    @property
    def sentence(self) -> QLabel:
        """Where it is said what Generate would do."""
        return self._sentence

    def show_plan(self, plan: str) -> None:
        """Say in one sentence what Generate would do now."""
        self._plan = plan
        self._show_words()

    def show_ways(self, *, inpaints: bool, enlarges: bool) -> None:
        """Offer what belongs to repainting a mask, and to a picture made in two passes."""
        if (inpaints, enlarges) != (self._inpaints, self._enlarges):
            self._inpaints, self._enlarges = inpaints, enlarges
            self._show()

    def show_room(self, is_enough: bool) -> None:
        """Fold the choices away, or unfold them, unless the person has done so."""
        if not self._by_hand and is_enough != self._is_open:
            self._is_open = is_enough
            self._show()

    @Slot()
    def _on_fold_clicked(self) -> None:
        self._by_hand, self._is_open = True, not self._is_open
        self._show()

    @Slot()
    def _on_sampling_changed(self) -> None:
        self._show_words()

    def _show(self) -> None:
        self._inpainting.setVisible(self._inpaints and self._is_open)
        self._passes.setVisible(self._enlarges and self._is_open)
        self._fold.setVisible(self._inpaints or self._enlarges)
        what = "how the mask is repainted" if self._inpaints else "how a large picture is made"
        tip = f"{'Hide' if self._is_open else 'Choose'} {what}"
        self._fold.setToolTip(tip)
        self._fold.setAccessibleName(tip)
        icon = "chevron-up" if self._is_open else "chevron-down"
        self._theme.set_icon(self._fold, icon, "text2")
        self._show_words()

    def _show_words(self) -> None:
        """What is folded away and not as usual is said, so that it surprises nobody."""
        unusual = ""
        if not self._is_open:
            chosen = [self._inpainting.unusual] if self._inpaints else []
            chosen += [self._passes.unusual] if self._enlarges else []
            unusual = ", ".join(filter(None, chosen))
        self._sentence.setText(f"{self._plan} {unusual}." if unusual else self._plan)
