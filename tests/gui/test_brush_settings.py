"""What the brush is set to, from one start to the next."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from core.canvas.dynamics import NATURAL, Response, Sensor
from core.canvas.presets import BrushShelf
from gui.brush_settings import BrushSettings, Target


@pytest.fixture
def shelf(tmp_path: Path) -> BrushShelf:
    return BrushShelf(tmp_path / "brushes")


def changed(shelf: BrushShelf) -> BrushSettings:
    settings = BrushSettings()
    settings.change(
        size=77.5, hardness=0.25, opacity=0.5, flow=0.3, spacing=0.4, smoothing=0.6,
        strength=0.2, colour=(1, 2, 3), preset="Chalk", tip=shelf.tip("chalk", turns=True),
    )  # fmt: skip
    settings.respond("flow", Response(sensor=Sensor.TILT, is_on=True))
    return settings


def test_everything_is_there_again(shelf: BrushShelf) -> None:
    before, after = changed(shelf), BrushSettings()
    after.restore(json.loads(json.dumps(before.to_dict())), shelf)
    assert after.to_dict() == before.to_dict()
    assert after.brush(Target.PAINT, False).tip is before.tip


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": "large"}, {"hardness": 3}, {"colour": [1, 2, 999]}, {"strength": -1},
        {"dynamics": {"size": 5}}, {"tip": {"name": "gone", "turns": False}}, {"tip": 7},
        {"smoothing": 1e9}, {"flow": None}, {"size": 10**400}, {"size": math.nan},
        {"colour": [1, 2]}, {"colour": [math.inf, 0, 0]}, {"background": [1, 2, 3, 4]},
        {"background": [1, 2, 999]}, {"recent": [[math.inf, 0, 0]]},
    ],
)  # fmt: skip
def test_a_record_that_makes_no_sense_changes_nothing(
    shelf: BrushShelf, wrong: dict[str, Any]
) -> None:
    settings = changed(shelf)
    before = settings.to_dict()
    settings.restore(BrushSettings().to_dict() | wrong, shelf)
    assert settings.to_dict() == before


def test_an_older_record_keeps_what_it_does_not_know(shelf: BrushShelf) -> None:
    settings = BrushSettings()
    settings.restore({"size": 12}, shelf)
    assert (settings.size, settings.hardness, settings.dynamics) == (12.0, 0.8, NATURAL)


def test_a_preset_comes_and_goes_without_the_colour(shelf: BrushShelf) -> None:
    settings = changed(shelf)
    preset = settings.as_preset(" Mine ")
    assert preset.name == "Mine"
    other = BrushSettings()
    other.take(preset, shelf.tip(preset.tip, preset.turns))
    assert other.colour == BrushSettings().colour
    assert other.as_preset("Mine") == preset


def test_a_plain_mask_knows_neither_opacity_nor_strength(shelf: BrushShelf) -> None:
    brush = changed(shelf).brush(Target.MASK, erases=False)
    assert (brush.opacity, brush.flow, brush.strength) == (1.0, 1.0, 1.0)
    assert not brush.dynamics.opacity.is_on
    assert not brush.dynamics.flow.is_on


def test_the_two_colours_change_places_and_become_black_on_white(brush: BrushSettings) -> None:
    brush.change(colour=(1, 2, 3), background=(4, 5, 6))
    brush.swap_colours()
    assert (brush.colour, brush.background) == ((4, 5, 6), (1, 2, 3))
    brush.reset_colours()
    assert (brush.colour, brush.background) == ((0, 0, 0), (255, 255, 255))
