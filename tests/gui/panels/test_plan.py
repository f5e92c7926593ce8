"""What Generate would do: said in a sentence, with choices that fold where there is little room."""

from __future__ import annotations

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from core.abilities import InpaintArea, MaskedContent
from gui.main_window import MainWindow
from gui.panels.generation import ROOM_FOR_WAYS, GenerationPanel
from gui.panels.plan import PlanSection
from gui.panels.ways import InpaintingOptions, PassesOptions
from gui.sampling import Sampling
from gui.theme import Theme
from gui.widgets.number_field import NumberField
from gui.widgets.prompt_edit import PromptEdit
from tests.helpers.desktop import LEFT

USUAL = ("Prompt", "Negative prompt", "Width", "Height", "Steps", "Guidance scale", "Seed", "Count")


@pytest.fixture
def plan(qtbot: QtBot, sampling: Sampling, theme: Theme) -> PlanSection:
    plan = PlanSection(sampling, theme)
    qtbot.addWidget(plan)
    plan.resize(300, 200)
    plan.show_plan("Repaints the mask and nothing else.")
    plan.show()
    return plan


def choices(plan: PlanSection) -> tuple[bool, bool]:
    """Whether those of repainting, and those of two passes, are seen."""
    (inpainting,) = plan.findChildren(InpaintingOptions)
    (passes,) = plan.findChildren(PassesOptions)
    return inpainting.isVisible(), passes.isVisible()


def fold(plan: PlanSection, name: str) -> QToolButton:
    return next(b for b in plan.findChildren(QToolButton) if b.accessibleName() == name)


def test_choices_are_there_where_they_mean_something(plan: PlanSection) -> None:
    assert choices(plan) == (False, False)
    plan.show_ways(inpaints=True, enlarges=False)
    assert choices(plan) == (True, False)
    plan.show_ways(inpaints=False, enlarges=True)
    assert choices(plan) == (False, True)


def test_they_fold_where_there_is_little_room(plan: PlanSection) -> None:
    plan.show_ways(inpaints=True, enlarges=False)
    plan.show_room(False)
    assert choices(plan) == (False, False)
    plan.show_room(True)
    assert choices(plan) == (True, False)


def test_once_unfolded_by_hand_they_stay(plan: PlanSection) -> None:
    plan.show_ways(inpaints=True, enlarges=False)
    plan.show_room(False)
    QTest.mouseClick(fold(plan, "Choose how the mask is repainted"), LEFT)
    assert choices(plan) == (True, False)
    plan.show_room(True)
    plan.show_room(False)
    assert choices(plan) == (True, False)
    QTest.mouseClick(fold(plan, "Hide how the mask is repainted"), LEFT)
    assert choices(plan) == (False, False)


def test_what_is_folded_and_unusual_is_said(plan: PlanSection, sampling: Sampling) -> None:
    plan.show_ways(inpaints=True, enlarges=False)
    plan.show_room(False)
    assert plan.sentence.text() == "Repaints the mask and nothing else."
    sampling.inpaint_area = InpaintArea.ONLY_MASKED
    sampling.area_padding = 24
    sampling.masked_content = MaskedContent.FILL
    said = "Repaints the mask and nothing else. Closeup with 24 px around, Begins with fill."
    assert plan.sentence.text() == said
    plan.show_room(True)
    assert plan.sentence.text() == "Repaints the mask and nothing else."


@pytest.mark.parametrize("inpaints", [False, True])
@pytest.mark.parametrize("choice", ["dark", "light"])
def test_the_usual_controls_are_whole_in_a_small_window(
    window: MainWindow, theme: Theme, qtbot: QtBot, choice: str, inpaints: bool
) -> None:
    theme.choose(choice)
    panel = window.generation
    assert panel.height() < ROOM_FOR_WAYS
    panel.show_plan("Repaints the mask and nothing else.")
    panel.show_ways(inpaints=inpaints, enlarges=False)
    panel.set_strength_used(inpaints)
    qtbot.waitUntil(lambda: not panel.findChildren(QToolButton)[0].visibleRegion().isEmpty())
    names = (*USUAL, "Strength") if inpaints else USUAL
    assert [name for name in names if not is_whole(panel, name)] == []


def is_whole(panel: GenerationPanel, name: str) -> bool:
    fields = [*panel.findChildren(NumberField), *panel.findChildren(PromptEdit)]
    (field,) = [each for each in fields if each.accessibleName() == name]
    return field.visibleRegion().boundingRect() == field.rect()
