"""Choices of the generation dock that belong to one way of making a picture."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from core.abilities import InpaintArea, MaskedContent
from gui.sampling import Sampling
from gui.widgets.form import grid, label
from gui.widgets.number_field import NumberField
from gui.widgets.segmented import Segmented

AREAS = (
    (InpaintArea.WHOLE_PICTURE, "Whole frame", "The model sees all of the frame"),
    (
        InpaintArea.ONLY_MASKED,
        "Closeup",
        "The model sees the mask and its surroundings enlarged: more detail in small places",
    ),
)
CONTENTS = (
    (MaskedContent.ORIGINAL, "Picture", "Begin from what the mask covers"),
    (MaskedContent.FILL, "Fill", "Begin from the colours around the mask: to take things away"),
    (MaskedContent.NOISE, "Noise", "Begin from coloured noise: for something quite different"),
)
ONE, TWO = "one", "two"
PASSES = (
    (ONE, "One", "Make it at its full size from the first step on"),
    (
        TWO,
        "Two",
        "First at the model's own size, where it composes best, then larger from there (hires fix)",
    ),
)


class InpaintingOptions(QWidget):
    """How a mask is repainted: how near to look, and what to begin from."""

    def __init__(self, sampling: Sampling, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sampling = sampling
        self._area = Segmented("Inpaint area", AREAS)
        self._padding_label = label("Padding")
        self._padding = NumberField("Padding around the mask", 0, 512, 8)
        self._padding.setSuffix(" px")
        self._padding.setToolTip("How much of the surroundings the model sees on each side")
        self._content = Segmented("Masked content", CONTENTS)
        rows = grid(self)
        for line, (name, control) in enumerate(
            (
                (label("Look at"), self._area),
                (self._padding_label, self._padding),
                (label("Begin with"), self._content),
            )
        ):
            rows.addWidget(name, line, 0)
            rows.addWidget(control, line, 1)
        self._area.chosen.connect(self._on_area_chosen)
        self._padding.edited.connect(self._on_padding_edited)
        self._content.chosen.connect(self._on_content_chosen)
        sampling.changed.connect(self._show)
        self._show()

    @property
    def unusual(self) -> str:
        """What is not as at first, in a few words; empty while all is."""
        said = []
        if self._sampling.inpaint_area is InpaintArea.ONLY_MASKED:
            said.append(f"Closeup with {self._sampling.area_padding} px around")
        if self._sampling.masked_content is not MaskedContent.ORIGINAL:
            names = {value: name for value, name, _ in CONTENTS}
            said.append(f"Begins with {names[self._sampling.masked_content].lower()}")
        return ", ".join(said)

    @Slot()
    def _show(self) -> None:
        area = self._sampling.inpaint_area
        self._area.show_choice(area)
        self._content.show_choice(self._sampling.masked_content)
        self._padding.show_value(self._sampling.area_padding)
        for widget in (self._padding_label, self._padding):
            widget.setVisible(area is InpaintArea.ONLY_MASKED)

    @Slot(str)
    def _on_area_chosen(self, value: str) -> None:
        self._sampling.inpaint_area = InpaintArea(value)

    @Slot(float)
    def _on_padding_edited(self, value: float) -> None:
        self._sampling.area_padding = round(value)

    @Slot(str)
    def _on_content_chosen(self, value: str) -> None:
        self._sampling.masked_content = MaskedContent(value)


class PassesOptions(QWidget):
    """Whether a large picture is made in one pass or in two, and how far the second may go."""

    def __init__(self, sampling: Sampling, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sampling = sampling
        self._passes = Segmented("Passes", PASSES)
        self._strength_label = label("Second pass")
        self._strength = NumberField("Strength of the second pass", 0.05, 1, 0.05, 2)
        self._strength.setToolTip("How far the second pass may go from the first picture")
        rows = grid(self)
        rows.addWidget(label("Passes"), 0, 0)
        rows.addWidget(self._passes, 0, 1)
        rows.addWidget(self._strength_label, 1, 0)
        rows.addWidget(self._strength, 1, 1)
        self._passes.chosen.connect(self._on_passes_chosen)
        self._strength.edited.connect(self._on_strength_edited)
        sampling.changed.connect(self._show)
        self._show()

    @property
    def unusual(self) -> str:
        """What is not as at first, in a few words; empty while all is."""
        return "In two passes" if self._sampling.hires else ""

    @Slot()
    def _show(self) -> None:
        two = self._sampling.hires
        self._passes.show_choice(TWO if two else ONE)
        self._strength.show_value(self._sampling.hires_strength)
        for widget in (self._strength_label, self._strength):
            widget.setVisible(two)

    @Slot(str)
    def _on_passes_chosen(self, value: str) -> None:
        self._sampling.hires = value == TWO

    @Slot(float)
    def _on_strength_edited(self, value: float) -> None:
        self._sampling.hires_strength = round(value, 4)
