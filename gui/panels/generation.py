"""The dock on the right: what to make, how, and the button that starts it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QLayout,
    QMenu,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.abilities import ModelAbilities
from gui.panels.addons import AddonsSection
from gui.panels.branch_chip import BranchChip
from gui.panels.pictures import PicturesField
from gui.panels.plan import PlanSection
from gui.panels.prompt import PromptSection
from gui.sampling import Mode, Sampling
from gui.theme import Theme
from gui.widgets.form import grid, label, row, separator
from gui.widgets.grouped_box import GroupedBox
from gui.widgets.number_field import NumberField
from gui.widgets.prompt_edit import PromptEdit
from gui.widgets.segmented import Segmented

if TYPE_CHECKING:
    from gui.prompting import PromptFit

MODES = (
    (Mode.AUTO, "Auto", "Repaint the mask if it touches the frame, else make a new picture"),
    (Mode.NEW, "New", "A new picture from nothing but the prompt"),
    (Mode.FROM_CANVAS, "From canvas", "Start from what the frame shows, as far as strength says"),
    (Mode.MASKED, "Masked", "Repaint only what the mask covers"),
)
WIDTH = 324
MARGIN = 12
SECOND_LABEL_WIDTH = 60
ROOM_FOR_WAYS = 720
"""Pixels of height from which the choices of one way need not be folded away."""


class GenerationPanel(QWidget):
    """Shows a `Sampling` and changes it; knows nothing of canvas or engine.

    Signals:
        generate_asked: Start.
        recall_asked: +1 for an older prompt, -1 for a newer one.
        size_chosen: Width and height from the presets.
    """

    generate_asked = Signal()
    recall_asked = Signal(int)
    size_chosen = Signal(int, int)

    def __init__(self, sampling: Sampling, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAccessibleName("Generation")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(WIDTH)
        self._sampling = sampling
        self._theme = theme
        self._make_controls()
        self._lay_out()
        self._connect()
        for name in Sampling.KEPT:
            self._show(name)

    # --- what the window tells the panel -------------------------------------------------

    def show_size(self, width: int, height: int) -> None:
        """Show the frame's size after the frame itself was changed."""
        self._width.show_value(width)
        self._height.show_value(height)

    def show_fit(self, fit: PromptFit) -> None:
        """Show how the prompt fits the model."""
        self.prompt.show_fit(fit)

    def show_plan(self, plan: str) -> None:
        """Say in one line what Generate would do now."""
        self._plan.show_plan(plan)

    def show_size_note(self, note: str) -> None:
        """Say that the model works at another size; an empty note takes no room."""
        self._size_note.setText(note)
        self._size_note.setVisible(bool(note))

    def show_schedulers(self, names: Sequence[str]) -> None:
        """Offer these schedulers."""
        from core.schedulers import grouped  # not before the first paint

        self._scheduler.show_groups(grouped(tuple(names)))
        self._show("scheduler")

    def show_abilities(self, abilities: ModelAbilities) -> None:
        """Offer what the model can use; the rest goes away, and its values stay."""
        self._negative_label.setVisible(abilities.uses_negative_prompt)
        self._negative.setVisible(abilities.uses_negative_prompt)
        self._guidance_label.setVisible(abilities.uses_guidance_scale)
        self._guidance.setVisible(abilities.uses_guidance_scale)
        self._pictures.allow_together(abilities.draws_together)

    def show_size_presets(self, presets: Sequence[tuple[str, int, int]]) -> None:
        """Offer these (label, width, height)."""
        self._presets_menu.clear()
        for name, width, height in presets:
            action = self._presets_menu.addAction(f"{name}\t{width} × {height}")
            action.setData((width, height))

    def show_jobs(self, count: int) -> None:
        """Say on the button how many jobs wait behind the running one."""
        waiting = count - 1
        self._generate.setText("Generate" if waiting < 1 else f"Generate   ({waiting} waiting)")

    def set_strength_used(self, used: bool) -> None:
        """Offer strength only where a picture is the start; elsewhere it means nothing."""
        self._strength.setVisible(used)
        self._strength_label.setVisible(used)

    def show_ways(self, *, inpaints: bool, enlarges: bool) -> None:
        """Offer what belongs to repainting a mask, and to a picture made in two passes."""
        self._plan.show_ways(inpaints=inpaints, enlarges=enlarges)

    def type_prompt(self, text: str) -> None:
        """Replace the prompt, as typing would."""
        self.prompt.type_text(text)

    def focus_prompt(self) -> None:
        """Put the cursor into the prompt."""
        self.prompt.take_focus()

    # --- construction --------------------------------------------------------------------

    def _make_controls(self) -> None:
        self.prompt = PromptSection(self._theme)
        self._negative_label = label("Negative prompt")
        self._negative = PromptEdit("Negative prompt", "What it must not show", 2, most=4)
        self._mode = Segmented("Mode", MODES)
        self._plan = PlanSection(self._sampling, self._theme)
        self.addons = AddonsSection(self._theme)
        self._make_numbers()
        self._scheduler = GroupedBox("Scheduler")
        self.branch_chip = BranchChip(self._theme)
        self._generate = QPushButton("Generate")
        self._generate.setObjectName("primary")
        self._generate.setProperty("tip", "Start")
        self._generate.setProperty("keys_of", "generate")

    def _make_numbers(self) -> None:
        self._width = NumberField("Width", 8, 2048, 8)
        self._height = NumberField("Height", 8, 2048, 8)
        self._width.shows_bar = self._height.shows_bar = False
        self._swap = self._tool("arrow-left-right", "Swap width and height")
        self._presets = self._tool("chevron-down", "Sizes")
        self._presets_menu = QMenu(self)
        self._presets.setMenu(self._presets_menu)
        self._presets.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._size_note = label("", quiet=True)
        self._size_note.setWordWrap(True)
        self._size_note.hide()
        self._steps = NumberField("Steps", 1, 100)
        self._guidance = NumberField("Guidance scale", 1, 20, 0.1, 1)
        self._guidance_label = label("Guidance")
        self._strength = NumberField("Strength", 0.05, 1, 0.05, 2)
        self._strength_label = label("Strength")
        self._seed = NumberField("Seed", 0, 2**32 - 1)
        self._seed.shows_bar = False
        self._dice = self._tool("dices", "Draw another seed")
        self._lock = self._tool("lock-open", "Keep the seed for the next pictures")
        self._lock.setCheckable(True)
        self._pictures = PicturesField(self._sampling, self._theme)

    def _tool(self, icon: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        self._theme.set_icon(button, icon, "text2")
        return button

    def _lay_out(self) -> None:
        form = QWidget()
        form.setObjectName("form")
        column = self._column = QVBoxLayout(form)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        column.setSpacing(8)
        column.addWidget(self.prompt, 5)  # the prompts take what room there is
        column.addWidget(self._negative_label)
        column.addWidget(self._negative, 1)
        column.addSpacing(4)
        column.addWidget(self._mode)
        column.addWidget(self._plan)
        column.addWidget(separator())
        column.addLayout(self._grid())
        column.addWidget(self.addons)
        column.addStretch()
        scroll = QScrollArea()
        scroll.setWidget(form)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll = scroll
        scroll.verticalScrollBar().installEventFilter(self)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(1, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(scroll, 1)
        outer.addWidget(separator())
        foot = QVBoxLayout()
        foot.setContentsMargins(12, 12, 12, 12)
        foot.setSpacing(8)
        foot.addWidget(self.branch_chip)
        foot.addWidget(self._generate)
        outer.addLayout(foot)

    def _grid(self) -> QGridLayout:
        """Two pairs of label and field side by side; what needs more room goes across."""
        form = grid()
        form.setColumnMinimumWidth(2, SECOND_LABEL_WIDTH)
        form.setColumnStretch(3, 1)
        size = row(self._width, label("×"), self._height, self._swap, self._presets, spacing=4)
        seed = row(self._seed, self._dice, self._lock, spacing=4)
        # From the top down: in this order Tab goes through them.
        _across(form, 0, "Size", size)
        form.addWidget(self._size_note, 1, 1, 1, 3)
        _pair(form, 2, label("Steps"), self._steps, self._guidance_label, self._guidance)
        _across(form, 3, "Seed", seed)
        _pair(form, 4, label("Pictures"), self._pictures, self._strength_label, self._strength)
        form.addWidget(label("Scheduler"), 5, 0)
        form.addWidget(self._scheduler, 5, 1, 1, 3)
        return form

    def _connect(self) -> None:
        self._sampling.changed.connect(self._on_changed)
        self.prompt.edited.connect(self._on_prompt_edited)
        self.prompt.recall_asked.connect(self.recall_asked)
        self._negative.edited.connect(self._on_negative_edited)
        self._mode.chosen.connect(self._on_mode_chosen)
        self._scheduler.chosen.connect(self._on_scheduler_chosen)
        self._dice.clicked.connect(self._on_dice_clicked)
        self._lock.toggled.connect(self._on_lock_toggled)
        self._swap.clicked.connect(self._on_swap_clicked)
        self._presets_menu.triggered.connect(self._on_preset_chosen)
        self._generate.clicked.connect(self.generate_asked)
        for name, (field, _) in self._numbers().items():
            field.setProperty("attribute", name)
            field.edited.connect(self._on_number_edited)

    def _numbers(self) -> dict[str, tuple[NumberField, type]]:
        return {
            "num_inference_steps": (self._steps, int),
            "guidance_scale": (self._guidance, float),
            "strength": (self._strength, float),
            "seed": (self._seed, int),
            "count": (self._pictures.count, int),
            "width": (self._width, int),
            "height": (self._height, int),
        }

    # --- room -----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold away what there is no room for."""
        super().resizeEvent(event)
        self._plan.show_room(event.size().height() >= ROOM_FOR_WAYS)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The scroll bar takes the margin's room, so that edges stay in line."""
        if event.type() in (QEvent.Type.Show, QEvent.Type.Hide):
            bar = self._scroll.verticalScrollBar()
            less = bar.sizeHint().width() if event.type() == QEvent.Type.Show else 0
            self._column.setContentsMargins(MARGIN, MARGIN, max(0, MARGIN - less), MARGIN)
        return super().eventFilter(watched, event)

    # --- the model changes the controls ---------------------------------------------------

    @Slot(str)
    def _on_changed(self, name: str) -> None:
        self._show(name)

    def _show(self, name: str) -> None:
        value = getattr(self._sampling, name)
        if name in self._numbers():
            self._numbers()[name][0].show_value(value)
        elif name == "prompt":
            self.prompt.show_text(value)
        elif name == "negative_prompt":
            self._negative.show_text(value)
        elif name == "mode":
            self._mode.show_choice(value)
        elif name == "scheduler":
            self._scheduler.show_choice(value)
        elif name == "seed_locked":
            self._lock.setChecked(value)
            self._theme.set_icon(self._lock, "lock" if value else "lock-open", "text2")

    # --- the controls change the model ----------------------------------------------------

    @Slot(float)
    def _on_number_edited(self, value: float) -> None:
        name = self.sender().property("attribute")
        kind = self._numbers()[name][1]
        setattr(self._sampling, name, kind(round(value, 4)))

    @Slot(str)
    def _on_prompt_edited(self, text: str) -> None:
        self._sampling.prompt = text

    @Slot(str)
    def _on_negative_edited(self, text: str) -> None:
        self._sampling.negative_prompt = text

    @Slot(str)
    def _on_mode_chosen(self, value: str) -> None:
        self._sampling.mode = Mode(value)

    @Slot(str)
    def _on_scheduler_chosen(self, name: str) -> None:
        self._sampling.scheduler = name

    @Slot()
    def _on_dice_clicked(self) -> None:
        self._sampling.draw_seed()

    @Slot(bool)
    def _on_lock_toggled(self, locked: bool) -> None:
        self._sampling.seed_locked = locked

    @Slot()
    def _on_swap_clicked(self) -> None:
        self.size_chosen.emit(self._sampling.height, self._sampling.width)

    @Slot("QAction*")
    def _on_preset_chosen(self, action: object) -> None:
        width, height = action.data()  # type: ignore[attr-defined]
        self.size_chosen.emit(width, height)


def _across(form: QGridLayout, line: int, name: str, control: QLayout) -> None:
    form.addWidget(label(name), line, 0)
    form.addLayout(control, line, 1, 1, 3)


def _pair(form: QGridLayout, line: int, *widgets: QWidget) -> None:
    for place, widget in enumerate(widgets):
        form.addWidget(widget, line, place)
