"""Pictures made larger tile by tile: exact in size, without seams, and the same every time."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.abilities import GenerationKind
from core.checkpoints import describe
from core.commands import run
from core.errors import GenerationCancelled, InvalidRequest
from core.gallery import Gallery
from core.geometry import Rect, Size
from core.images import read_image, write_image
from core.inference import Reins, generate
from core.inference.noise_field import NoiseField
from core.inference.tile_plan import JoinedTiles, TilePlan
from core.inference.tiles import enlarging, in_tiles, plan_for
from core.metadata import infotext, parse_infotext
from core.request import GenerationRequest, Pixels
from core.result import GenerationResult
from core.settings import Paths
from tests.helpers.generations import Diary, a_request, make, new_cache, picture

Zoo = Callable[[str], Path]

SHAPES = [
    (Size(8, 8), 64, 8, 8),
    (Size(64, 64), 64, 16, 8),
    (Size(65, 64), 64, 16, 8),
    (Size(133, 71), 64, 9, 8),
    (Size(301, 1024), 64, 16, 8),
    (Size(968, 520), 512, 64, 8),
    (Size(2047, 1300), 512, 128, 64),
    (Size(8192, 700), 512, 64, 8),
]


@pytest.mark.parametrize(("size", "side", "overlap", "step"), SHAPES)
def test_tiles_cover_everything_and_give_each_pixel_once(
    size: Size, side: int, overlap: int, step: int
) -> None:
    plan = TilePlan.of(size, Size(side, side), overlap, step)
    tiles = list(plan)
    assert len(tiles) == plan.count
    whole = Rect.of_size(plan.padded)
    assert all(whole.contains(tile.rect) for tile in tiles)
    assert all(part % step == 0 for tile in tiles for part in tile.rect)
    for places, length, shares, end in (
        (plan.columns, plan.tile.width, plan.shares[0], plan.padded.width),
        (plan.rows, plan.tile.height, plan.shares[1], plan.padded.height),
    ):
        assert (places[0], places[-1] + length) == (0, end)
        assert all(a + length - b >= overlap for a, b in itertools.pairwise(places))
        given = np.zeros(end, np.float32)
        for place, share in zip(places, shares, strict=True):
            given[place : place + length] += share
        np.testing.assert_allclose(given, 1, atol=1e-6)


@pytest.mark.parametrize(("size", "side", "overlap", "step"), SHAPES)
def test_a_picture_that_is_cut_and_joined_is_itself(
    size: Size, side: int, overlap: int, step: int
) -> None:
    plan = TilePlan.of(size, Size(side, side), overlap, step)
    whole = picture(plan.padded)
    joined = JoinedTiles(plan)
    for tile in plan:
        joined.lay(tile, whole[tile.rect.slices()])
    assert np.array_equal(joined.picture, whole[: size.height, : size.width])


def test_tiles_that_disagree_meet_on_a_slope_not_on_a_step() -> None:
    plan = TilePlan.of(Size(112, 64), Size(64, 64), 16, 8)
    joined = JoinedTiles(plan)
    for tile, grey in zip(plan, (100, 160), strict=True):
        joined.lay(tile, np.full((64, 64, 3), grey, np.uint8))
    row = joined.picture[32, :, 0].astype(int)
    assert (row[:48] == 100).all()
    assert (row[64:] == 160).all()
    assert np.diff(row).min() >= 0
    assert np.diff(row).max() <= 1.5 * 60 / 16 + 1  # smoothstep's steepest place


def test_parts_of_the_noise_belong_together() -> None:
    import torch

    field = NoiseField(5, Size(128, 64))
    like = torch.zeros(1, 4, 8, 8)
    left, right = field.cut(Rect(0, 0, 64, 64), like), field.cut(Rect(32, 0, 64, 64), like)
    assert torch.equal(left[..., 4:], right[..., :4])
    again = NoiseField(5, Size(128, 64)).cut(Rect(0, 0, 64, 64), like)
    assert torch.equal(again, left)


def a_larger(model: Path, photo: Pixels | None = None, scale: float = 2.0) -> GenerationRequest:
    return enlarging(
        a_request(num_inference_steps=4),
        picture() if photo is None else photo,
        scale,
        describe(model).abilities,
        strength=0.5,
        tile=64,
        overlap=16,
    )


def test_a_picture_is_made_larger_and_made_again(zoo: Zoo, home: Path) -> None:
    model = zoo("sd15")
    request = a_larger(model, picture()[:60, :50], 2.5)
    diary = Diary()
    result = make(request, model, listener=diary)
    assert result.image.shape == (150, 125, 3)
    count = plan_for(request, 8).count
    assert count == 9
    assert (result.steps, result.facts["tiles"]) == (2 * count, count)
    assert [step.step for step in diary.steps] == list(range(1, 2 * count + 1))
    assert {step.num_steps for step in diary.steps} == {2 * count}
    assert {step.request_id for step in diary.steps} == {request.id}
    with Gallery(Paths.find(None)) as gallery:
        item = gallery.keep(result)
        again = make(gallery.request(item.id), model)
    assert np.array_equal(again.image, result.image)


def test_previews_show_the_tile_in_its_place(zoo: Zoo) -> None:
    model, diary = zoo("sd15"), Diary()
    make(a_larger(model), model, listener=diary)
    first, last = diary.frames[0].image, diary.frames[-1].image
    assert first.shape == last.shape == (128, 128, 3)
    assert np.array_equal(first[64:, 64:], np.array(_enlarged(picture())[64:, 64:]))
    assert not np.array_equal(last[:32, :32], first[:32, :32])


def _enlarged(photo: Pixels) -> Pixels:
    from core.images import resize

    return resize(photo, Size(photo.shape[1] * 2, photo.shape[0] * 2))


def drifting(one: GenerationRequest, listener: object, noise: object) -> GenerationResult:
    """A tile as models paint it: the picture with a grain, in a colour of its own."""
    assert one.init_image is not None
    random = np.random.default_rng(one.seed)
    grain = random.normal(0, 5, one.init_image.shape)
    painted = one.init_image + random.uniform(-40, 40, 3) + grain
    image = np.clip(np.rint(painted), 0, 255).astype(np.uint8)
    return GenerationResult(request=one, image=image, seconds=0.0, steps=1)


@pytest.mark.parametrize("slope", [0.0, 0.5])
def test_no_seam_is_steeper_than_what_lies_inside(slope: float) -> None:
    """Differences of neighbouring columns at the ends of tiles, and everywhere else."""
    photo = np.zeros((256, 256, 3), np.uint8) + np.uint8(70)
    photo += (np.arange(256) * slope).astype(np.uint8)[None, :, None]
    request = a_request(
        GenerationKind.IMAGE_TO_IMAGE,
        init_image=photo,
        size=Size(512, 512),
        denoising_size=Size(192, 192),
        tile_overlap=24,
    )
    result = in_tiles(request, 8, Diary(), lambda: False, drifting)
    steps = np.abs(np.diff(result.image.astype(np.float32), axis=1)).mean(axis=(0, 2))
    columns = plan_for(request, 8).columns
    assert len(columns) > 2
    ends = {place - 1 for place in columns[1:]} | {place + 191 for place in columns[:-1]}
    inside = [x for x in range(len(steps)) if x not in ends]
    assert steps[sorted(ends)].max() <= steps[inside].max()
    assert result.facts["tiles"] == len(columns) ** 2


def test_what_is_coarse_keeps_its_colours(zoo: Zoo) -> None:
    """A model of random weights paints any colour; the average of a tile's middle stays."""
    request = a_larger(zoo("sd15"), np.full((64, 64, 3), (60, 120, 180), np.uint8))
    image = make(request, zoo("sd15")).image
    means = image[32:96, 32:96].mean(axis=(0, 1))
    assert np.abs(means - (60, 120, 180)).max() < 12
    assert image.std() > 4  # and yet it was painted


def test_it_is_cancelled_in_any_tile(zoo: Zoo) -> None:
    model, stop = zoo("sd15"), threading.Event()
    diary = Diary(on_step=lambda step: stop.set() if step.step == 5 else None)
    with pytest.raises(GenerationCancelled):
        make(a_larger(model), model, listener=diary, stop=stop)
    assert len(diary.steps) == 5


def test_stopped_and_kept_the_rest_is_only_enlarged(zoo: Zoo) -> None:
    model, reins = describe(zoo("sd15")), Reins()
    request = a_larger(zoo("sd15"))
    diary = Diary(on_step=lambda step: reins.finish() if step.step == 3 else None)
    result = generate(request, model, new_cache(), diary, reins.stop, reins)
    assert result.facts["tiles"] == 2
    assert np.array_equal(result.image[-32:, -32:], _enlarged(picture())[-32:, -32:])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"scale": 1.0}, "scale is 1; it must lie between 1 and 8"),
        ({"scale": float("nan")}, "scale is nan"),
        ({"overlap": 20}, "a quarter of it may overlap"),
        ({"tile": 32}, "64 pixels or more"),
        ({"tile": 8192}, "larger than this model takes"),
        ({"strength": 0.1}, "leaves no step"),
    ],
)
def test_what_cannot_be_is_refused(zoo: Zoo, changes: dict[str, float], sentence: str) -> None:
    values = {"scale": 2.0, "strength": 0.5, "tile": 64, "overlap": 16} | changes
    scale = values.pop("scale")
    base = a_request(num_inference_steps=4)
    abilities = describe(zoo("sd15")).abilities
    with pytest.raises(InvalidRequest, match=sentence):
        enlarging(base, picture(), scale, abilities, **values)  # type: ignore[arg-type]


def test_models_that_cannot_are_refused(zoo: Zoo) -> None:
    for name in ("flux-dev", "kandinsky-2-2-decoder"):
        abilities = describe(zoo(name)).abilities
        assert not abilities.takes_tiles
        base = a_request(scheduler=abilities.schedulers[0])
        with pytest.raises(InvalidRequest, match="cannot enlarge pictures in tiles"):
            enlarging(base, picture(), 2, abilities, strength=1.0, tile=512)
    with pytest.raises(InvalidRequest, match="cannot enlarge"):
        make(replace(a_request(), tile_overlap=8), zoo("sd15"))


def test_the_record_names_the_tiles_and_so_does_the_infotext(zoo: Zoo) -> None:
    request = a_larger(zoo("sd15"))
    assert GenerationRequest.from_dict(request.to_dict()).tile_overlap == 16
    fields = parse_infotext(infotext(request, {}))
    assert (fields["Size"], fields["SD upscale overlap"]) == ("128x128", "16")
    assert request.kind is GenerationKind.IMAGE_TO_IMAGE


def test_from_the_command_line_with_what_the_picture_says_of_itself(
    zoo: Zoo, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    made = ["generate", "a cat", "--model", str(zoo("sd15")), "--steps", "4", "--seed", "3"]
    assert run([*made, "--width", "64", "--height", "64", "--output", str(small)]) == 0
    options = ["--model", str(zoo("sd15")), "--strength", "0.5", "--tile", "64", "--overlap", "16"]
    capsys.readouterr()
    assert run(["upscale", str(small), *options, "--output", str(large), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["size"], told["seed"], told["steps"]) == ([128, 128], 3, 18)
    assert read_image(large).shape == (128, 128, 3)
    with Gallery(Paths.find(None)) as gallery:
        kept = gallery.get(told["id"]).request
    assert (kept["prompt"], kept["tile_overlap"]) == ("a cat", 16)
    assert len(kept["parent_ids"]) == 1
    write_image(small, picture())
    assert run(["upscale", str(small), *options]) == 2
    assert "Tell it with --prompt" in capsys.readouterr().err
