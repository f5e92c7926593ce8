"""Grids: axes out of words, every place made, and one labelled sheet."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.abilities import AddonKind, GenerationKind, MaskedContent
from core.addon import Addon
from core.checkpoints import describe
from core.commands import run
from core.errors import InvalidRequest
from core.gallery import Gallery
from core.gallery.sheets import GridSheet, sheet
from core.geometry import Size
from core.images import read_image
from core.inference.axes import Axis
from core.inference.grids import cells_of, settings_for
from core.metadata import parse_infotext, read_infotext, read_record
from core.settings import Paths
from tests.helpers.generations import a_request

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
        ("size=64x96, 32 × 32", "size", (Size(64, 96), Size(32, 32))),
        ("seed=1-4", "seed", (1, 2, 3, 4)),
        ("steps=10-30 (+10), 50", "num_inference_steps", (10, 20, 30, 50)),
        ("steps=9-1 (-4)", "num_inference_steps", (9, 5, 1)),
        ("steps=10-20 [3]", "num_inference_steps", (10, 15, 20)),
        ("strength=0.1-0.4 (+0.1)", "strength", (0.1, 0.2, 0.3, 0.4)),
        ("guidance=1-2 [5]", "guidance_scale", (1.0, 1.25, 1.5, 1.75, 2.0)),
    ],
)
def test_an_axis_is_read(text: str, field: str, values: tuple[object, ...]) -> None:
    axis = Axis.of(text)
    assert (axis.field, axis.values) == (field, values)
    for place, value in enumerate(values):
        assert getattr(axis.put(a_request(), place), field) == value
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
        ("size=large", "“large” is no value for size"),
        ("lora:=1", "no axis"),
        ("seed=1-1000", "more than 400 values"),
        ("seed=1-9 (-1)", "never arrives"),
        ("seed=1-9 (+0)", "never arrives"),
    ],
)
def test_an_axis_that_is_none_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        Axis.of(text)


def test_no_axis_is_one_place_that_changes_nothing() -> None:
    axis, request = Axis.of(None), a_request()
    assert axis.put(request, 0) is request
    assert axis.labels == [""]


def test_words_of_the_prompt_are_replaced_before_anything_is_drawn() -> None:
    request = a_request(prompt="a red cat", negative_prompt="red", written_prompt="a {red|red} cat")
    axis = Axis.of("replace=red, blue")
    assert axis.put(request, 0).prompt == "a {red|red} cat"
    assert axis.put(request, 1).prompt == "a {blue|blue} cat"
    assert axis.put(request, 1).negative_prompt == "blue"
    with pytest.raises(InvalidRequest, match="“green” is not in the prompt"):
        Axis.of("replace=green, blue").put(request, 1)


def test_a_lora_is_weighed_in_its_place_or_put_on() -> None:
    first, second = Addon(AddonKind.LORA, "ink", 1.0, "ab"), Addon(AddonKind.LORA, "oil")
    axis = Axis.of("lora:ink=0, 0.5")
    on = axis.put(a_request(addons=(first, second)), 1)
    assert on.addons == (Addon(AddonKind.LORA, "ink", 0.5, "ab"), second)
    assert axis.put(a_request(), 1).addons == (Addon(AddonKind.LORA, "ink", 0.5),)


def test_only_what_changes_the_picture_is_offered(zoo: Zoo) -> None:
    sd = describe(zoo("sd15")).abilities
    offered = {setting.key for setting in settings_for(a_request(), sd, ["sd15"])}
    assert {"seed", "steps", "guidance", "scheduler", "size"} <= offered
    assert not {"strength", "model", "feather", "hires_strength"} & offered
    masked = a_request(GenerationKind.INPAINTING, addons=(Addon(AddonKind.LORA, "ink"),))
    offered = {setting.key for setting in settings_for(masked, sd, ["sd15", "other"])}
    assert {"strength", "model", "feather", "content", "lora:ink"} <= offered
    assert not {"size", "padding"} & offered


def test_each_picture_draws_by_its_own_seed_and_works_at_its_own_size(zoo: Zoo) -> None:
    model = describe(zoo("sd15"))
    axes = (Axis.of(None), Axis.of("size=64x64, 100x60"), Axis.of("seed=1-6"))
    base = a_request(prompt="a {red|blue|green} cat")
    cells = cells_of(base, model, axes, lambda name: model, {})
    assert [cell.place for cell in cells] == [(0, y, x) for y in (0, 1) for x in range(6)]
    assert len({cell.request.prompt for cell in cells}) > 1
    assert {cell.request.written_prompt for cell in cells} == {base.prompt}
    assert len({cell.request.id for cell in cells}) == 12
    assert {cell.request.denoising_size for cell in cells} == {Size(64, 64), Size(104, 64)}


def test_a_sheet_is_a_picture_of_the_gallery_that_says_what_it_compares(home: Path) -> None:
    image, base = np.full((90, 200, 3), 7, np.uint8), a_request()
    kept = GridSheet(image, base, (("Steps", ("10", "20")),), {(0, 0, 1): "some-picture"})
    with Gallery(Paths.find(None)) as gallery:
        item = gallery.keep_sheet(kept)
        assert gallery.rebuild() == 1
        item = gallery.get(item.id)
        assert (item.is_sheet, item.size) == (True, Size(200, 90))
        assert gallery.request(item.id).size == base.size
    record = read_record(item.path)
    assert record is not None
    assert record["sheet"]["axes"] == [{"name": "Steps", "values": ["10", "20"]}]
    assert record["sheet"]["pictures"] == [{"place": [0, 0, 1], "id": "some-picture"}]
    fields = parse_infotext(read_infotext(item.path) or "")
    assert (fields["Script"], fields["X Type"], fields["X Values"]) == (
        "X/Y/Z plot", "Steps", "10, 20",
    )  # fmt: skip


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


def test_a_long_word_stays_above_its_own_picture() -> None:
    """The paper right of the narrow first column's label is not written on."""
    pictures = {(0, 0, x): np.zeros((64, 64, 3), np.uint8) for x in (0, 1)}
    drawn = sheet(pictures, ["Pneumonoultramicroscopic" * 9, ""], [""], [""])
    paper = drawn[8 : drawn.shape[0] - 72 - 8, 8 + 64 + 8 :]
    assert paper.size
    assert (paper == drawn[0, 0]).all()


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
