"""Add-ons on the command line: every flag arrives, nonsense is refused in one sentence."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.abilities import AddonKind, FreeU
from core.addon import Addon, Refinement
from core.commands.adding import add_addons, addon_overrides
from core.errors import InvalidRequest, UnreadableImage
from core.images import write_image
from tests.helpers.addons import SD1
from tests.helpers.generations import picture


def asked(*arguments: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    add_addons(parser)
    return addon_overrides(parser.parse_args(arguments), SD1)


def test_nothing_asked_changes_nothing() -> None:
    assert asked() == {}


def test_loras_and_a_vae() -> None:
    found = asked("--lora", "ink:0.5", "--lora", "style/wash", "--lora", "a:b:-1", "--vae", "clear")
    assert found["addons"] == (
        Addon(AddonKind.LORA, "ink", 0.5),
        Addon(AddonKind.LORA, "style/wash"),
        Addon(AddonKind.LORA, "a:b", -1.0),
        Addon(AddonKind.VAE, "clear"),
    )


def test_clip_skip_and_freeu() -> None:
    assert asked("--clip-skip", "2", "--freeu") == {"clip_skip": 2, "freeu": SD1.freeu}
    assert asked("--freeu", "1,0.5,1.2,1.3") == {"freeu": FreeU(1, 0.5, 1.2, 1.3)}


def test_controls(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", picture())
    one, two = asked(
        *["--control", f"model=canny,image={tmp_path}/a.png"],
        *["--control", f"image={tmp_path}/a.png, model=m, weight=0.5, end=.8, preprocessor=canny"],
    )["controls"]
    assert (one.name, one.weight, one.start, one.end, one.preprocessor) == (
        "canny",
        1,
        0,
        1,
        "none",
    )
    assert (two.name, two.weight, two.end, two.preprocessor) == ("m", 0.5, 0.8, "canny")
    assert np.array_equal(one.image, picture())


def test_pictures_to_follow_and_pag(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", picture())
    asked_for = f"model=eyes,image={tmp_path}/a.png,weight=.4"
    found = asked("--ip-adapter", asked_for, "--pag-scale", "2")
    (reference,) = found["references"]
    assert (reference.name, reference.weight, found["pag_scale"]) == ("eyes", 0.4, 2.0)
    assert np.array_equal(reference.image, picture())


def test_a_refiner() -> None:
    assert asked("--refiner", "xl") == {"refinement": Refinement("xl", 0.8)}
    assert asked("--refiner", "xl", "--refiner-start", "0.7") == {
        "refinement": Refinement("xl", 0.7)
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--refiner-start", "0.7"], "--refiner-start needs --refiner"),
        (["--lora", "ink:much"], "--lora has “much” where a number belongs"),
        (["--freeu", "1,2"], "--freeu has 2 numbers"),
        (["--freeu", "1,2,3,x"], "--freeu has “x”"),
        (["--ip-adapter", "model=eyes"], "--ip-adapter needs a model and an image"),
        (["--ip-adapter", "model=eyes,image=a.png,end=1"], "--ip-adapter cannot read “end=1”"),
        (["--control", "canny"], "cannot read “canny”"),
        (["--control", "model=canny"], "needs a model and an image"),
        (["--control", "model=canny,image=a.png,weight=much"], "--control has “much”"),
        (["--control", "model=canny,image=a.png,colour=red"], "cannot read “colour=red”"),
    ],
)
def test_nonsense_is_refused(arguments: list[str], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        asked(*arguments)


def test_a_missing_picture_is_named() -> None:
    with pytest.raises(UnreadableImage, match="nowhere"):
        asked("--control", "model=canny,image=nowhere.png")
