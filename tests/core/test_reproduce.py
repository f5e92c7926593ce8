"""`gallery reproduce`: the same pixels again, or how far off and which fact has changed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.commands import run
from core.gallery import Gallery
from core.gallery.comparison import Comparison
from core.images import write_image
from core.settings import Paths
from tests.helpers.generations import picture

Zoo = Callable[[str], Path]
MADE = ["--width", "32", "--height", "32", "--steps", "2", "--seed", "3"]


def test_identical_pictures() -> None:
    comparison = Comparison.of(picture(), picture(), {"torch": "2"}, {"torch": "2"})
    assert comparison.is_identical
    assert comparison.psnr == math.inf
    assert comparison.sentences() == ["Identical: every pixel is the same."]


def test_different_pictures_and_facts() -> None:
    """One of 64 × 64 pixels is off by 5 in one channel: MSE 25 / 12288, PSNR 75.05 dB."""
    other = picture().copy()
    other[3, 4, 1] += 5
    comparison = Comparison.of(
        picture(), other, {"torch": "2", "dtype": "float32", "device": "cpu"},
        {"torch": "3", "device": "cpu", "threads": 2},
    )  # fmt: skip
    assert (comparison.differing, comparison.most) == (1, 5)
    assert comparison.psnr == pytest.approx(75.05, abs=0.01)
    assert comparison.sentences() == [
        "Different: PSNR 75.0 dB; 1 pixels differ, by 5 of 255 at most.",
        "dtype: float32 then, not recorded now",
        "torch: 2 then, 3 now",
    ]


def test_different_sizes_and_no_fact_to_blame() -> None:
    assert "not of the same size" in Comparison.of(picture(), picture()[1:], {}, {}).sentences()[0]
    other = 255 - picture()
    assert "No recorded fact" in Comparison.of(picture(), other, {}, {}).sentences()[1]


def kept_item(zoo: Zoo, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    arguments = ["generate", "a cat", "--model", str(zoo("sd15")), *MADE, *more, "--json"]
    assert run(arguments) == 0
    return dict(json.loads(capsys.readouterr().out))


@pytest.fixture
def models(zoo: Zoo, home: Path) -> None:
    """The home's settings name the zoo's folder, so that a record's model is found."""
    home.mkdir(parents=True)
    zoo("sd15")
    file = Paths.find(home).settings_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"schema": 1, "model_folders": [str(zoo("sd15").parent)]}))


@pytest.mark.usefixtures("models")
def test_every_kind_comes_out_the_same(
    zoo: Zoo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mask = np.zeros((32, 32), np.uint8)
    mask[8:20, 8:20], mask[8:20, 14:20] = 255, 130
    write_image(tmp_path / "photo.png", picture()[:32, :32])
    write_image(tmp_path / "mask.png", mask)
    masked = ["--init-image", str(tmp_path / "photo.png"), "--mask-image"]
    masked += [str(tmp_path / "mask.png"), "--inpaint-area", "masked", "--masked-content", "noise"]
    for more in ([], ["--hires", "2"], masked):
        item = kept_item(zoo, capsys, *more)
        assert run(["gallery", "reproduce", item["id"][:8]]) == 0
        assert capsys.readouterr().out == "Identical: every pixel is the same.\n"
    with Gallery(Paths.find(None)) as gallery:
        assert gallery.count() == 3  # nothing is kept of the second time


@pytest.mark.usefixtures("models")
def test_a_picture_that_differs_is_told(zoo: Zoo, capsys: pytest.CaptureFixture[str]) -> None:
    item = kept_item(zoo, capsys)
    write_image(Path(item["path"]), np.zeros((32, 32, 3), np.uint8))
    assert run(["gallery", "reproduce", item["id"], "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert told["identical"] is False
    assert told["psnr"] < 30
    assert told["differing"] > 900
    assert told["facts"] == {}


@pytest.mark.usefixtures("home")
def test_an_unknown_picture_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gallery", "reproduce", "nothing"]) == 2
    assert "no picture “nothing”" in capsys.readouterr().err
