"""What the selection tools, the bucket and the gradient can be set to."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QToolButton, QWidget

from gui.canvas.tools.filling import BucketTool, GradientTool
from gui.canvas.tools.gesture import Tool
from gui.canvas.tools.selecting import PolygonTool, SelectionSettings, WandTool
from gui.theme import Theme
from gui.widgets.number_field import NumberField
from gui.widgets.segmented import Segmented

_WAYS = (
    ("replace", "square-dashed", "New", "Instead of what is selected"),
    ("add", "squares-unite", "Add", "Add to what is selected (Shift)"),
    ("subtract", "squares-subtract", "Subtract", "Take away from what is selected (Alt)"),
    ("intersect", "squares-intersect", "Intersect", "Keep what is in both (Shift+Alt)"),
)
_TARGETS = [
    ("selection", "Selection", "Draw what the tools may touch"),
    ("mask", "Mask", "Draw what the next picture repaints"),
]
_GROUNDS = [
    ("layer", "Layer", "Fill the active layer"),
    ("mask", "Mask", "Fill what the next picture repaints"),
]
_ENDS = [
    ("nothing", "To nothing", "The colour fades away"),
    ("background", "To second colour", "From the brush's colour to the second"),
]
_SAMPLES = [
    ("picture", "Picture", "Look at the whole picture"),
    ("layer", "Layer", "Look at the active layer alone"),
]
_HINT = "Shift adds, Alt takes away"
_CLOSE = "To close it {keep}, or click twice"


class SelectionOptions(QWidget):
    """A row for the bar above the canvas; shows what the tool in the hand looks at."""

    def __init__(
        self,
        settings: SelectionSettings,
        theme: Theme,
        say: Callable[[str], str],
        parent: QWidget | None = None,
    ) -> None:
        """Let `say` write the keys into hints, as `Keymap.say` does."""
        super().__init__(parent)
        self._say = say
        self._settings = settings
        self._shades = False
        self._make_choices(theme)
        self._make_wand_controls()
        self._hint = QLabel()
        self._hint.setObjectName("hint")
        self._lay_out()
        self._connect()
        settings.changed.connect(self._show_settings)
        self._show_settings()

    def _make_choices(self, theme: Theme) -> None:
        self._target = Segmented("What is drawn", _TARGETS)
        self._ground = Segmented("What is filled", _GROUNDS)
        self._how = Segmented("How shapes join", [(v, name, tip) for v, _, name, tip in _WAYS])
        for button, (_, icon, _, _) in zip(self._how.findChildren(QToolButton), _WAYS, strict=True):
            button.setText("")
            button.setFixedSize(QSize(30, 26))
            theme.set_icon(button, icon)
        self._into = Segmented("What the gradient ends in", _ENDS)

    def _make_wand_controls(self) -> None:
        self._tolerance = NumberField("Tolerance", 0, 255, 1, 0)
        self._tolerance.setFixedWidth(72)
        self._tolerance.setToolTip("How far a colour may be from the one that is clicked")
        self._tolerance_label = QLabel("Tolerance")
        self._contiguous = QCheckBox("Contiguous")
        self._contiguous.setToolTip("Only what hangs together with the pixel that is clicked")
        self._antialias = QCheckBox("Soft edges")
        self._antialias.setToolTip("Slanting edges get the values between, without steps")
        self._sample = Segmented("Where colours are looked at", _SAMPLES)

    def _connect(self) -> None:
        self._target.chosen.connect(self._on_target)
        self._ground.chosen.connect(self._on_ground)
        self._how.chosen.connect(self._on_how)
        self._tolerance.edited.connect(self._on_tolerance)
        self._contiguous.toggled.connect(self._on_contiguous)
        self._antialias.toggled.connect(self._on_antialias)
        self._into.chosen.connect(self._on_into)
        self._sample.chosen.connect(self._on_sample)

    def show_tool(self, tool: Tool) -> None:
        """Show what that tool looks at."""
        fills = isinstance(tool, BucketTool | GradientTool)
        self._ground.setVisible(fills)
        self._target.setVisible(not fills)
        self._how.setVisible(not fills)
        self._hint.setText(self._say(_CLOSE) if isinstance(tool, PolygonTool) else _HINT)
        self._shades = isinstance(tool, GradientTool)
        self._into.setVisible(self._shades and not self._settings.fills_mask)
        looks = isinstance(tool, BucketTool | WandTool)
        for widget in (
            self._tolerance,
            self._tolerance_label,
            self._contiguous,
            self._antialias,
            self._sample,
        ):
            widget.setVisible(looks)
        self._hint.setVisible(not fills and not looks)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        middle = Qt.AlignmentFlag.AlignVCenter
        for widget in (self._target, self._ground, self._how):
            row.addWidget(widget, alignment=middle)
        field = QHBoxLayout()
        field.setSpacing(8)
        field.addWidget(self._tolerance_label)
        field.addWidget(self._tolerance)
        row.addLayout(field)
        row.addWidget(self._contiguous)
        row.addWidget(self._antialias)
        row.addWidget(self._sample, alignment=middle)
        row.addWidget(self._into, alignment=middle)
        row.addWidget(self._hint)

    def _show_settings(self) -> None:
        settings = self._settings
        self._target.show_choice(settings.target)
        self._ground.show_choice("mask" if settings.fills_mask else "layer")
        self._how.show_choice(settings.how)
        self._tolerance.show_value(settings.tolerance)
        for box, value in (
            (self._contiguous, settings.contiguous),
            (self._antialias, settings.antialias),
        ):
            box.blockSignals(True)
            box.setChecked(value)
            box.blockSignals(False)
        self._into.show_choice("background" if settings.into_background else "nothing")
        self._into.setVisible(self._shades and not settings.fills_mask)
        self._sample.show_choice("picture" if settings.merged else "layer")

    @Slot(str)
    def _on_target(self, value: str) -> None:
        self._settings.change(target=value)

    @Slot(str)
    def _on_ground(self, value: str) -> None:
        self._settings.change(fills_mask=value == "mask")

    @Slot(str)
    def _on_how(self, value: str) -> None:
        self._settings.change(how=value)

    @Slot(float)
    def _on_tolerance(self, value: float) -> None:
        self._settings.change(tolerance=value)

    @Slot(bool)
    def _on_contiguous(self, value: bool) -> None:
        self._settings.change(contiguous=value)

    @Slot(bool)
    def _on_antialias(self, value: bool) -> None:
        self._settings.change(antialias=value)

    @Slot(str)
    def _on_into(self, value: str) -> None:
        self._settings.change(into_background=value == "background")

    @Slot(str)
    def _on_sample(self, value: str) -> None:
        self._settings.change(merged=value == "picture")
