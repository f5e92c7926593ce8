from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QMenu, QPushButton, QTextEdit, QToolButton
from pytestqt.qtbot import QtBot

from core.abilities import GenerationKind, ModelAbilities
from core.geometry import Size
from core.schedulers import SCHEDULERS
from gui.panels.generation import GenerationPanel
from gui.prompting import PromptFit
from gui.sampling import Mode, Sampling
from gui.theme import Theme
from gui.widgets.number_field import NumberField
from gui.widgets.prompt_edit import PromptEdit

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(qtbot: QtBot, sampling: Sampling, theme: Theme) -> GenerationPanel:
    panel = GenerationPanel(sampling, theme)
    qtbot.addWidget(panel)
    panel.resize(panel.width(), 800)
    panel.show()
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    return panel


def field(panel: GenerationPanel, name: str) -> NumberField:
    return next(f for f in panel.findChildren(NumberField) if f.accessibleName() == name)


def counter(panel: GenerationPanel) -> str:
    return panel.findChild(QPushButton, "counter").text()  # type: ignore[no-any-return]


def edit(panel: GenerationPanel, name: str) -> PromptEdit:
    return next(e for e in panel.findChildren(PromptEdit) if e.accessibleName() == name)


def button(panel: GenerationPanel, name: str) -> QToolButton:
    return next(b for b in panel.findChildren(QToolButton) if b.accessibleName() == name)


def scheduler(panel: GenerationPanel) -> QComboBox:
    return next(c for c in panel.findChildren(QComboBox) if c.accessibleName() == "Scheduler")


def texts(panel: GenerationPanel) -> list[str]:
    return [label.text() for label in panel.findChildren(QLabel) if label.isVisible()]


NUMBERS = (
    ("Steps", "num_inference_steps", 12),
    ("Guidance scale", "guidance_scale", 3.5),
    ("Strength", "strength", 0.4),
    ("Seed", "seed", 2**32 - 1),
    ("Count", "count", 4),
    ("Width", "width", 320),
    ("Height", "height", 200),
)


@pytest.mark.parametrize(("name", "attribute", "value"), NUMBERS)
def test_a_number_goes_both_ways(
    panel: GenerationPanel, sampling: Sampling, name: str, attribute: str, value: float
) -> None:
    setattr(sampling, attribute, value)
    assert field(panel, name).value() == pytest.approx(value)
    number = field(panel, name)
    number.setFocus()
    number.selectAll()
    QTest.keyClicks(number, number.textFromValue(number.minimum()))
    QTest.keyClick(number, Qt.Key.Key_Return)
    told = getattr(sampling, attribute)
    assert told == pytest.approx(number.minimum())
    assert type(told) is type(value)


def test_the_prompts_go_both_ways(panel: GenerationPanel, sampling: Sampling) -> None:
    for name, attribute in (("Prompt", "prompt"), ("Negative prompt", "negative_prompt")):
        setattr(sampling, attribute, "a pear")
        assert edit(panel, name).toPlainText() == "a pear"
        QTest.keyClicks(edit(panel, name), "!")
        assert "!" in getattr(sampling, attribute)


@pytest.mark.parametrize("mode", list(Mode))
def test_the_mode_goes_both_ways(panel: GenerationPanel, sampling: Sampling, mode: Mode) -> None:
    label = {"auto": "Auto", "new": "New", "from canvas": "From canvas", "masked": "Masked"}[mode]
    sampling.mode = mode
    assert button(panel, label).isChecked()
    sampling.mode = Mode.AUTO if mode is not Mode.AUTO else Mode.NEW
    QTest.mouseClick(button(panel, label), LEFT)
    assert sampling.mode is mode


def test_the_scheduler_goes_both_ways_and_offering_names_changes_nothing(
    panel: GenerationPanel, sampling: Sampling
) -> None:
    sampling.scheduler = "DDIM"
    panel.show_schedulers(["Euler", "DDIM", "UniPC"])
    assert sampling.scheduler == "DDIM"
    assert scheduler(panel).currentText() == "DDIM"
    scheduler(panel).setCurrentText("UniPC")
    assert sampling.scheduler == "UniPC"
    sampling.scheduler = "Euler"
    assert scheduler(panel).currentText() == "Euler"


def test_dice_draws_and_the_lock_locks(panel: GenerationPanel, sampling: Sampling) -> None:
    QTest.mouseClick(button(panel, "Draw another seed"), LEFT)
    assert sampling.seed != 31
    assert field(panel, "Seed").value() == sampling.seed
    lock = button(panel, "Keep the seed for the next pictures")
    QTest.mouseClick(lock, LEFT)
    assert sampling.seed_locked
    sampling.seed_locked = False
    assert not lock.isChecked()


def test_swap_and_presets_ask_for_a_size(panel: GenerationPanel, sampling: Sampling) -> None:
    sizes: list[tuple[int, int]] = []
    panel.size_chosen.connect(lambda width, height: sizes.append((width, height)))
    sampling.width, sampling.height = 320, 200
    QTest.mouseClick(button(panel, "Swap width and height"), LEFT)
    panel.show_size_presets([("Model’s own", 256, 256), ("Landscape 3 : 2", 384, 256)])
    actions = [a for menu in panel.findChildren(QMenu) for a in menu.actions() if a.data()]
    next(a for a in actions if "Landscape" in a.text()).trigger()
    assert sizes == [(200, 320), (384, 256)]


def test_showing_the_frames_size_is_no_edit(panel: GenerationPanel, sampling: Sampling) -> None:
    panel.show_size(640, 480)
    assert (field(panel, "Width").value(), field(panel, "Height").value()) == (640, 480)
    assert (sampling.width, sampling.height) == (256, 256)


def test_tokens_are_counted_and_the_end_is_marked(
    panel: GenerationPanel, sampling: Sampling
) -> None:
    sampling.prompt = "🍎 a red apple and much more"
    panel.show_fit(PromptFit(80, 75, " and much more", cut_at=13))
    assert counter(panel) == "80 / 75"
    assert any("and much more" in text for text in texts(panel))
    (mark,) = edit(panel, "Prompt").extraSelections()
    assert isinstance(mark, QTextEdit.ExtraSelection)
    assert mark.cursor.selectedText() == " and much more"  # type: ignore[attr-defined]
    panel.show_fit(PromptFit(5, 75))
    assert edit(panel, "Prompt").extraSelections() == []
    assert not any("Not read" in text for text in texts(panel))


def test_a_drawn_prompt_is_counted_about_and_a_note_is_said(panel: GenerationPanel) -> None:
    panel.show_fit(PromptFit(9, 75, note="No weights here.", is_drawn=True))
    assert counter(panel) == "≈ 9 / 75"
    assert "No weights here." in texts(panel)
    panel.show_fit(PromptFit(9, 75))
    assert "No weights here." not in texts(panel)


def test_many_schedulers_stand_in_groups(panel: GenerationPanel, sampling: Sampling) -> None:
    panel.show_schedulers(tuple(SCHEDULERS))
    texts_of = [scheduler(panel).itemText(index) for index in range(scheduler(panel).count())]
    assert texts_of[:3] == ["Common", "Euler", "Euler a"]
    sampling.scheduler = "DPM2"
    assert scheduler(panel).currentText() == "DPM2"
    assert scheduler(panel).currentData() == "DPM2"


def test_the_plan_and_the_size_note_are_said(panel: GenerationPanel) -> None:
    panel.show_plan("Repaints the mask and nothing else.")
    panel.show_size_note("The model works at 256 × 256.")
    assert {"Repaints the mask and nothing else.", "The model works at 256 × 256."} <= set(
        texts(panel)
    )
    panel.show_size_note("")
    assert "The model works at 256 × 256." not in texts(panel)


def test_strength_is_away_where_it_means_nothing(panel: GenerationPanel) -> None:
    panel.set_strength_used(False)
    assert not field(panel, "Strength").isVisible()
    panel.set_strength_used(True)
    assert field(panel, "Strength").isVisible()


def test_the_button_starts_and_says_how_many_wait(panel: GenerationPanel) -> None:
    started: list[None] = []
    panel.generate_asked.connect(lambda: started.append(None))
    generate = next(b for b in panel.findChildren(QPushButton) if "Generate" in b.text())
    QTest.mouseClick(generate, LEFT)
    assert started == [None]
    panel.show_jobs(1)
    assert generate.text() == "Generate"
    panel.show_jobs(3)
    assert "2 waiting" in generate.text()
    panel.show_jobs(0)
    assert generate.text() == "Generate"


def test_every_number_keeps_its_shown_value_until_somebody_edits_it(
    panel: GenerationPanel, sampling: Sampling
) -> None:
    before = sampling.to_dict()
    for number in panel.findChildren(NumberField):
        number.setFocus()
    assert sampling.to_dict() == before


def test_what_a_model_cannot_use_is_not_there_and_comes_back(
    panel: GenerationPanel, sampling: Sampling
) -> None:
    sampling.negative_prompt = "blurry"
    whole = ModelAbilities(
        family="sd1",
        kinds=frozenset(GenerationKind),
        size_multiple=8,
        native_size=Size(64, 64),
        schedulers=("Euler",),
    )
    panel.show_abilities(replace(whole, uses_negative_prompt=False, uses_guidance_scale=False))
    assert field(panel, "Guidance scale").isHidden()
    assert edit(panel, "Negative prompt").isHidden()
    assert sampling.negative_prompt == "blurry"
    panel.show_abilities(whole)
    assert not field(panel, "Guidance scale").isHidden()
    assert not edit(panel, "Negative prompt").isHidden()


def test_tab_goes_from_the_top_down(panel: GenerationPanel) -> None:
    panel.set_strength_used(True)
    chain, widget = [], panel.nextInFocusChain()
    while widget is not panel:
        if widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            chain.append(widget)
        widget = widget.nextInFocusChain()
    fields = [each for each in chain if isinstance(each, NumberField | QComboBox)]
    places = [each.mapTo(panel, each.rect().center()).toTuple() for each in fields]
    assert [each.accessibleName() for each in fields][-1] == "Scheduler"
    assert places == sorted(places, key=lambda place: (place[1], place[0]))
