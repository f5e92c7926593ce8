from __future__ import annotations

from typing import Any

import pytest

from core.abilities import InpaintArea, MaskedContent
from gui.sampling import Mode, Sampling


@pytest.fixture
def told(sampling: Sampling) -> list[str]:
    """The names that `changed` told, in order."""
    names: list[str] = []
    sampling.changed.connect(names.append)
    return names


def test_a_change_is_told_once_by_name(sampling: Sampling, told: list[str]) -> None:
    sampling.prompt = "a pear"
    assert told == ["prompt"]
    assert sampling.prompt == "a pear"


@pytest.mark.parametrize("name", Sampling.KEPT)
def test_the_same_value_is_silent(sampling: Sampling, told: list[str], name: str) -> None:
    setattr(sampling, name, getattr(sampling, name))
    assert told == []


def test_two_samplings_share_nothing(sampling: Sampling) -> None:
    other = Sampling()
    other.seed = 99
    assert sampling.seed == 31


def test_what_to_dict_gave_comes_back(sampling: Sampling) -> None:
    values = {
        "checkpoint": "starter",
        "prompt": "a pear",
        "negative_prompt": "blurry",
        "mode": Mode.MASKED,
        "scheduler": "DDIM",
        "num_inference_steps": 7,
        "guidance_scale": 3.5,
        "strength": 0.4,
        "seed": 2**32 - 1,
        "seed_locked": True,
        "count": 3,
        "width": 320,
        "height": 200,
        "inpaint_area": InpaintArea.ONLY_MASKED,
        "area_padding": 64,
        "masked_content": MaskedContent.FILL,
        "hires": True,
        "hires_strength": 0.35,
    }
    for name, value in values.items():
        setattr(sampling, name, value)
    other = Sampling()
    other.restore(sampling.to_dict())
    assert {name: getattr(other, name) for name in values} == values
    assert isinstance(other.mode, Mode)


@pytest.mark.parametrize(
    ("name", "strange"),
    [
        ("prompt", 5),
        ("prompt", None),
        ("mode", "upside down"),
        ("mode", ["auto"]),
        ("seed", "many"),
        ("seed", True),
        ("seed", float("inf")),
        ("seed", float("nan")),
        ("seed_locked", 1),
        ("seed_locked", "yes"),
        ("guidance_scale", [7.5]),
        ("guidance_scale", float("nan")),
        ("num_inference_steps", {}),
    ],
)
def test_a_strange_value_is_left_out(
    sampling: Sampling, told: list[str], name: str, strange: Any
) -> None:
    before = sampling.to_dict()
    sampling.restore({name: strange, "count": 2})
    assert told == ["count"]
    assert sampling.to_dict() == before | {"count": 2}


def test_numbers_take_the_type_of_their_attribute(sampling: Sampling) -> None:
    sampling.restore({"guidance_scale": 9, "num_inference_steps": 12.0})
    assert isinstance(sampling.guidance_scale, float)
    assert isinstance(sampling.num_inference_steps, int)


def test_a_drawn_seed_is_in_range(sampling: Sampling) -> None:
    seeds = set()
    for _ in range(50):
        sampling.draw_seed()
        seeds.add(sampling.seed)
    assert len(seeds) > 40
    assert all(0 <= seed < 2**32 for seed in seeds)
