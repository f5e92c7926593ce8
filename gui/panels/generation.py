"""The dock on the right: what to make, how, and the button that starts it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.sampling import Mode, Sampling
from gui.theme import Theme
from gui.widgets.number_field import NumberField
from gui.widgets.prompt_edit import PromptEdit
from gui.widgets.segmented import Segmented

MODES = (
    (Mode.AUTO, "Auto", "Repaint the mask if it touches the frame, else make a new picture"),
    (Mode.NEW, "New", "A new picture from nothing but the prompt"),
    (Mode.FROM_CANVAS, "From canvas", "Start from what the frame shows, as far as strength says"),
    (Mode.MASKED, "Masked", "Repaint only what the mask covers"),
)
WIDTH = 324


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
        self._cut_at: int | None = None
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

    def show_tokens(self, count: int, limit: int, cut: str) -> None:
        """Show how many tokens the prompt has, and the end that the model will not read."""
        self._tokens.setText(f"{count} / {limit}")
        _mark(self._tokens, "warning", bool(cut))
        self._cut.setVisible(bool(cut))
        self._cut.setText(f"Not read: “{_shortened(cut)}”")
        self._cut.setToolTip(f"<p>{escape(cut)}</p>" if cut else "")
        self._cut_at = len(self._sampling.prompt) - len(cut) if cut else None
        self._mark_cut()

    def show_plan(self, plan: str) -> None:
        """Say in one line what Generate would do now."""
        self._plan.setText(plan)

    def show_size_note(self, note: str) -> None:
        """Say that the model works at another size; an empty note takes no room."""
        self._size_note.setText(note)
        self._size_note.setVisible(bool(note))

    def show_schedulers(self, names: Sequence[str]) -> None:
        """Offer these schedulers."""
        self._scheduler.blockSignals(True)
        self._scheduler.clear()
        self._scheduler.addItems(list(names))
        self._scheduler.blockSignals(False)
        self._show("scheduler")

    def show_size_presets(self, presets: Sequence[tuple[str, int, int]]) -> None:
        """Offer these (label, width, height)."""
        self._presets_menu.clear()
        for label, width, height in presets:
            action = self._presets_menu.addAction(f"{label}\t{width} × {height}")
            action.setData((width, height))

    def show_jobs(self, count: int) -> None:
        """Say on the button how many jobs wait behind the running one."""
        waiting = count - 1
        self._generate.setText("Generate" if waiting < 1 else f"Generate   ({waiting} waiting)")

    def set_strength_used(self, used: bool) -> None:
        """Strength means something only where a picture is the start."""
        self._strength.setEnabled(used)
        self._strength_label.setEnabled(used)

    def type_prompt(self, text: str) -> None:
        """Replace the prompt, as typing would."""
        self._prompt.setPlainText(text)

    def focus_prompt(self) -> None:
        """Put the cursor into the prompt."""
        self._prompt.setFocus(Qt.FocusReason.ShortcutFocusReason)

    # --- construction --------------------------------------------------------------------

    def _make_controls(self) -> None:
        self._prompt = PromptEdit("Prompt", "What the picture shows", 4)
        self._tokens = _label("0 / 75", quiet=True)
        self._tokens.setToolTip("Tokens of the prompt, and how many the model reads")
        self._cut = _label("")
        self._cut.setWordWrap(True)
        self._cut.setTextFormat(Qt.TextFormat.PlainText)  # <lora:…> is no markup
        self._cut.hide()
        self._cut.setProperty("warning", True)
        self._negative = PromptEdit("Negative prompt", "What it must not show", 2)
        self._mode = Segmented("Mode", MODES)
        self._plan = _label("", quiet=True)
        self._plan.setWordWrap(True)
        self._make_numbers()
        self._scheduler = QComboBox()
        self._scheduler.setAccessibleName("Scheduler")
        self._generate = QPushButton("Generate")
        self._generate.setObjectName("primary")
        self._generate.setToolTip("Start (Ctrl+Enter)")

    def _make_numbers(self) -> None:
        self._width = NumberField("Width", 8, 2048, 8)
        self._height = NumberField("Height", 8, 2048, 8)
        self._width.shows_bar = self._height.shows_bar = False
        self._swap = self._tool("arrow-left-right", "Swap width and height")
        self._presets = self._tool("chevron-down", "Sizes")
        self._presets_menu = QMenu(self)
        self._presets.setMenu(self._presets_menu)
        self._presets.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._size_note = _label("", quiet=True)
        self._size_note.setWordWrap(True)
        self._size_note.hide()
        self._steps = NumberField("Steps", 1, 100)
        self._guidance = NumberField("Guidance scale", 1, 20, 0.1, 1)
        self._strength = NumberField("Strength", 0.05, 1, 0.05, 2)
        self._strength_label = _label("Strength")
        self._seed = NumberField("Seed", 0, 2**32 - 1)
        self._seed.shows_bar = False
        self._dice = self._tool("dices", "Draw another seed")
        self._lock = self._tool("lock-open", "Keep the seed for the next pictures")
        self._lock.setCheckable(True)
        self._count = NumberField("Count", 1, 8)

    def _tool(self, icon: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        self._theme.set_icon(button, icon, "text2")
        return button

    def _lay_out(self) -> None:
        form = QWidget()
        form.setObjectName("form")
        column = QVBoxLayout(form)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addLayout(_row(_label("Prompt", section=True), None, self._tokens))
        column.addWidget(self._prompt)
        column.addWidget(self._cut)
        column.addWidget(_label("Negative prompt"))
        column.addWidget(self._negative)
        column.addSpacing(4)
        column.addWidget(self._mode)
        column.addWidget(self._plan)
        column.addWidget(_separator())
        column.addLayout(self._grid())
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(form)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(1, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(scroll, 1)
        outer.addWidget(_separator())
        foot = QVBoxLayout()
        foot.setContentsMargins(12, 12, 12, 12)
        foot.addWidget(self._generate)
        outer.addLayout(foot)

    def _grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(8)
        grid.setColumnMinimumWidth(0, 84)
        grid.setColumnStretch(1, 1)
        rows: tuple[tuple[QLabel, QWidget | QHBoxLayout], ...] = (
            (_label("Size"), _row(self._width, _label("×"), self._height, self._swap,
                                  self._presets, spacing=4)),
            (_label("Steps"), self._steps),
            (_label("Guidance"), self._guidance),
            (self._strength_label, self._strength),
            (_label("Seed"), _row(self._seed, self._dice, self._lock, spacing=4)),
            (_label("Scheduler"), self._scheduler),
            (_label("Pictures"), self._count),
        )  # fmt: skip
        line = 0
        for label, control in rows:
            grid.addWidget(label, line, 0)
            if isinstance(control, QHBoxLayout):
                grid.addLayout(control, line, 1)
            else:
                grid.addWidget(control, line, 1)
            line += 1
            if label.text() == "Size":
                grid.addWidget(self._size_note, line, 1)
                line += 1
        return grid

    def _connect(self) -> None:
        self._sampling.changed.connect(self._on_changed)
        self._prompt.edited.connect(self._on_prompt_edited)
        self._prompt.recall_asked.connect(self.recall_asked)
        self._negative.edited.connect(self._on_negative_edited)
        self._mode.chosen.connect(self._on_mode_chosen)
        self._scheduler.currentTextChanged.connect(self._on_scheduler_chosen)
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
            "count": (self._count, int),
            "width": (self._width, int),
            "height": (self._height, int),
        }

    # --- the model changes the controls ---------------------------------------------------

    @Slot(str)
    def _on_changed(self, name: str) -> None:
        self._show(name)

    def _show(self, name: str) -> None:
        value = getattr(self._sampling, name)
        if name in self._numbers():
            self._numbers()[name][0].show_value(value)
        elif name == "prompt":
            self._prompt.show_text(value)
        elif name == "negative_prompt":
            self._negative.show_text(value)
        elif name == "mode":
            self._mode.show_choice(value)
        elif name == "scheduler":
            self._scheduler.blockSignals(True)
            self._scheduler.setCurrentText(value)
            self._scheduler.blockSignals(False)
        elif name == "seed_locked":
            self._lock.setChecked(value)
            self._theme.set_icon(self._lock, "lock" if value else "lock-open", "text2")

    def _mark_cut(self) -> None:
        end = len(self._sampling.prompt)
        start = end if self._cut_at is None else self._cut_at
        self._prompt.mark_unread(start, self._theme.colour("text2"))

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


def _label(text: str, *, quiet: bool = False, section: bool = False) -> QLabel:
    label = QLabel(text)
    if section:
        label.setObjectName("section")
    label.setProperty("quiet", quiet)
    return label


def _mark(label: QLabel, name: str, on: bool) -> None:
    label.setProperty(name, on)
    label.style().unpolish(label)
    label.style().polish(label)


def _row(*widgets: QWidget | None, spacing: int = 8) -> QHBoxLayout:
    """Widgets side by side; None is a stretch."""
    row = QHBoxLayout()
    row.setSpacing(spacing)
    row.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        if widget is None:
            row.addStretch(1)
        else:
            row.addWidget(widget, 1 if isinstance(widget, NumberField) else 0)
    return row


def _separator() -> QFrame:
    line = QFrame()
    line.setObjectName("separator")
    line.setFixedHeight(1)
    return line


def _shortened(text: str, most: int = 88) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
