"""Grids: axes out of words, every place made, and one labelled sheet."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.abilities import MaskedContent
from core.commands import run
from core.commands.axis import Axis
from core.commands.sheet import sheet
from core.errors import InvalidRequest
from core.gallery import Gallery
from core.images import read_image
from core.settings import Paths

Zoo = Callable[[str], Path]


@pytest.mark.parametrize(
    ("text", "field", "values"),
    [
        ("steps=10, 20", "num_inference_steps", (10, 20)),
        ("guidance=3,7.5", "guidance_scale", (3.0, 7.5)),
        ("guidance_scale=3", "guidance_scale", (3.0,)),
        ("hires-strength=0.3,0.6", "hires_strength", (0.3, 0.6)),
        ("scheduler=Euler,DDIM", "scheduler", ("Euler", "DDIM")),
        ("prompt=a cat, red|a dog", "prompt", ("a cat, red", "a dog")),
        ("prompt=a {red|blue} cat|a dog", "prompt", ("a {red|blue} cat", "a dog")),
        ("prompt=a {red|blue} cat", "prompt", ("a {red|blue} cat",)),
        ("content=fill,noise", "masked_content", (MaskedContent.FILL, MaskedContent.NOISE)),
    ],
)
def test_an_axis_is_read(text: str, field: str, values: tuple[object, ...]) -> None:
    axis = Axis.of(text)
    assert (axis.field, axis.values) == (field, values)
    assert axis.changes(0) == {field: values[0]}
    assert axis.labels[0].startswith(text.partition("=")[0])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("speed=1", "no axis “speed”.*steps"),
        ("id=1", "no axis"),
        ("frame=1", "no axis"),
        ("steps", "names no values"),
        ("steps=10,", "names no values"),
        ("steps=ten", "“ten” is no value for steps"),
        ("content=magic", "“magic” is no value"),
    ],
)
def test_an_axis_that_is_none_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        Axis.of(text)


def test_no_axis_is_one_place_that_changes_nothing() -> None:
    axis = Axis.of(None)
    assert (axis.changes(0), axis.labels) == ({}, [""])


def test_a_sheet_has_every_picture_whole_and_something_written_beside_it() -> None:
    colours = {(0, 0, 0): 10, (0, 0, 1): 80, (0, 1, 0): 150, (0, 1, 1): 220}
    pictures = {at: np.full((40, 60, 3), grey, np.uint8) for at, grey in colours.items()}
    drawn = sheet(pictures, ["steps 10", "steps 20"], ["a", "b"], [""])
    for grey in colours.values():
        assert (drawn == grey).all(axis=2).sum() >= 40 * 60
    plain = sheet(pictures, ["", ""], ["", ""], [""])
    assert plain.shape == (8 + 2 * 48 + 8, 8 + 2 * 68, 3)
    assert drawn.shape[0] > plain.shape[0]
    assert drawn.shape[1] > plain.shape[1]


def test_a_sheet_of_large_pictures_still_fits_into_a_file() -> None:
    large = np.full((3000, 4000, 3), 9, np.uint8)
    drawn = sheet({(0, 0, x): large for x in range(12)}, ["x"] * 12, [""], [""])
    assert max(drawn.shape) <= 16_384


def test_long_labels_are_wrapped_and_cut_off() -> None:
    picture = {(0, 0, 0): np.zeros((40, 60, 3), np.uint8)}
    short, long = (sheet(picture, [label], [""], [""]) for label in ("a b", "word " * 50))
    assert short.shape[1] == long.shape[1]
    assert short.shape[0] < long.shape[0] < 40 + 6 * 20


def test_a_grid_makes_every_combination(
    zoo: Zoo, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "sheet.png"
    arguments = ["grid", "a cat", "--model", str(zoo("sd15")), "--width", "32", "--height", "32"]
    arguments += ["--seed", "5", "--x", "steps=1,2", "--y", "guidance=3,7", "--output", str(target)]
    assert run([*arguments, "--json"]) == 0
    *lines, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert [line["place"] for line in lines] == [[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1]]
    assert last == {"sheet": str(target), "pictures": 4}
    with Gallery(Paths.find(None)) as gallery:
        requests = [gallery.get(line["id"]).request for line in lines]
        pictures = [read_image(Path(line["path"])) for line in lines]
    made = [(r["num_inference_steps"], r["guidance_scale"], r["seed"]) for r in requests]
    assert made == [(1, 3.0, 5), (2, 3.0, 5), (1, 7.0, 5), (2, 7.0, 5)]
    drawn = read_image(target)
    assert all(_holds(drawn, picture) for picture in pictures)


def _holds(drawn: np.ndarray, picture: np.ndarray) -> bool:
    height, width = picture.shape[:2]
    corners = np.argwhere((drawn == picture[0, 0]).all(axis=2))
    return any(np.array_equal(drawn[y : y + height, x : x + width], picture) for y, x in corners)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--x", "steps=1,2", "--y", "num-inference-steps=3"], "same setting"),
        (["--x", f"seed={','.join(map(str, range(401)))}"], "401 pictures"),
        (["--x", "strength=0.5,1"], "needs --init-image"),
        (["--x", "content=fill,noise"], "needs --mask-image"),
        (["--x", "hires-strength=0.4,0.5"], "needs --hires"),
        (["--x", "scheduler=Euler,Magic"], "“Magic” is not a scheduler"),
        (["--x", "model=nothing"], "no model called “nothing”"),
        (["--x", "steps=1", "--output", "a.tga"], "no ending"),
    ],
)
def test_a_grid_that_cannot_be_is_refused_before_it_begins(
    zoo: Zoo,
    home: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    sentence: str,
) -> None:
    assert run(["grid", "a cat", "--model", str(zoo("sd15")), *options]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert sentence in shown.err
    assert len(shown.err.strip().splitlines()) == 1
