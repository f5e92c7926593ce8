"""What a mask asks for and what becomes of it: soft change maps, closeups, contents, two passes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.abilities import GenerationKind, InpaintArea, MaskedContent
from core.checkpoints import describe, find_checkpoints
from core.errors import GenerationCancelled, InvalidRequest
from core.geometry import Rect, Size
from core.images import resize
from core.inference.change_map import level_after
from core.inference.masked import WorkArea
from core.inference.masked_content import covered, surroundings
from core.masks import with_denoising_size
from core.pipelines import PipelineCache
from core.request import Pixels
from core.result import StepProgress
from tests.helpers.generations import Diary, a_request, make, new_cache, picture, round_mask

TEXT, IMAGE, INPAINT = GenerationKind
ONLY_MASKED = InpaintArea.ONLY_MASKED
Zoo = Callable[[str], Path]
WIDE = Size(128, 64)
STEPS = 8
STARTER = Path(__file__).resolve().parents[2] / "resources" / "models"
# Where a strip of the steps mask says from 0 to 255, left to right, 16 pixels each.
GREYS = (0, 32, 64, 96, 128, 160, 208, 255)


@pytest.fixture(scope="module")
def cache() -> PipelineCache:
    """Models in memory, shared by tests that leave them as they were."""
    return new_cache()


def stairs(size: Size = WIDE) -> Pixels:
    """Eight strips of growing grey."""
    row = np.repeat(np.array(GREYS, np.uint8), size.width // len(GREYS))
    return np.tile(row, (size.height, 1))


def only(value: int, size: Size = WIDE) -> Pixels:
    return np.full((size.height, size.width), value, np.uint8)


def on_wide(mask: Pixels, **changes: Any) -> Any:
    values = {
        "size": WIDE,
        "mask_image": mask,
        "mask_feather": 0,
        "strength": 1.0,
        "num_inference_steps": STEPS,
    }
    return a_request(INPAINT, **(values | changes))


def distances(image: Pixels, other: Pixels) -> list[float]:
    """Mean difference in the inner half of each strip, where no neighbour shines in."""
    far = np.abs(image.astype(int) - other).mean(axis=2)
    width = far.shape[1] // len(GREYS)
    inner = slice(width // 4, -(width // 4))
    return [float(strip[:, inner].mean()) for strip in np.split(far, len(GREYS), axis=1)]


# ------------------------------------------------------------------------------ change maps


@pytest.mark.parametrize("name", ["sd15", "sd21", "sdxl-base"])
def test_a_lighter_mask_changes_more(zoo: Zoo, cache: PipelineCache, name: str) -> None:
    """The zoo's VAEs are random and shine across: so a mask of one grey at a time."""

    def made(value: int) -> Pixels:
        mask = np.full((64, 64), value, np.uint8)
        request = a_request(INPAINT, checkpoint=name, strength=1.0, mask_image=mask)
        return make(request, zoo(name), cache).image.astype(int)

    faint = made(1)
    changes = [np.abs(made(value) - faint).mean() for value in (60, 128, 255)]
    assert changes[0] == 0  # of four steps both have the last
    assert changes == sorted(changes)


def test_the_embedded_model_changes_a_place_as_far_as_its_grey_says() -> None:
    cache = new_cache()
    starter = describe(find_checkpoints([STARTER])[0].path)
    plain = np.full((WIDE.height, WIDE.width, 3), 128, np.uint8)
    request = on_wide(
        stairs(),
        checkpoint="starter",
        prompt="a red apple",
        init_image=plain,
        strength=0.6,
        num_inference_steps=16,
    )
    result = make(request, starter, cache)
    black = stairs() == 0
    assert np.array_equal(result.image[black], plain[black])
    assert result.changed_outside_mask == 0
    faint = make(replace(request, mask_image=only(1)), starter, cache)
    grown = distances(result.image, faint.image)[1::2]
    assert grown == sorted(grown)
    assert grown[-1] > 2 * grown[0]


def test_a_place_joins_in_for_its_share_of_the_steps() -> None:
    """Of 4 steps, white has all, half grey two, the faintest one."""
    levels = [level_after(done, 4) for done in (1, 2, 3, 4)]
    assert [sum(value > level for level in levels) for value in (255, 128, 127, 64, 63, 1, 0)] == [
        *(4, 3, 2, 2, 1, 1, 0)
    ]


def test_a_model_of_black_and_white_masks_repaints_from_half_up(
    zoo: Zoo, cache: PipelineCache
) -> None:
    soft = on_wide(stairs(), checkpoint="sd15-inpaint", num_inference_steps=2)
    hard = replace(soft, mask_image=np.where(stairs() >= 128, np.uint8(255), np.uint8(0)))
    result = make(soft, zoo("sd15-inpaint"), cache)
    assert np.array_equal(result.image, make(hard, zoo("sd15-inpaint"), cache).image)
    assert np.array_equal(result.image[:, :64], picture(WIDE)[:, :64])
    assert result.changed_outside_mask == 0
    assert soft.mask_image is result.request.mask_image
    with pytest.raises(InvalidRequest, match="nowhere more than half"):
        make(replace(soft, mask_image=only(127)), zoo("sd15-inpaint"), cache)


# ------------------------------------------------------------------------------ closeups

BIG = Size(200, 160)
SPOT = Rect(90, 70, 12, 9)


def small_mask(at: Rect) -> Pixels:
    mask = np.zeros((BIG.height, BIG.width), np.uint8)
    mask[at.slices()] = 255
    return mask


def closeup(name: str, folder: Path, at: Rect = SPOT, **changes: Any) -> Any:
    values = {
        "checkpoint": name,
        "size": BIG,
        "mask_image": small_mask(at),
        "inpaint_area": ONLY_MASKED,
        "area_padding": 10,
        "strength": 1.0,
        "num_inference_steps": 2,
    }
    return with_denoising_size(a_request(INPAINT, **(values | changes)), describe(folder).abilities)


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("sd15", Rect(90, 70, 12, 9)),
        ("sdxl-base", Rect(0, 0, 12, 9)),
        ("sd15-inpaint", Rect(190, 150, 10, 10)),
    ],
)
def test_a_closeup_is_made_at_the_models_size_and_exact_outside(
    zoo: Zoo, cache: PipelineCache, name: str, at: Rect
) -> None:
    request = closeup(name, zoo(name), at)
    abilities = describe(zoo(name)).abilities
    area = WorkArea.of(request, abilities)
    assert area.rect.grown(0).contains(at)
    assert area.rect.size.area < BIG.area / 8
    assert request.denoising_size.area >= 0.8 * abilities.native_size.area
    diary = Diary()
    result = make(request, zoo(name), cache, diary)
    inside = request.mask_image > 0
    assert np.array_equal(result.image[~inside], picture(BIG)[~inside])
    assert (result.image[inside] != picture(BIG)[inside]).any(axis=1).mean() > 0.8
    assert result.changed_outside_mask == 0
    assert result.request is request
    for frame in diary.frames:  # of the whole picture, although the model saw a part
        assert frame.image.shape == (BIG.height, BIG.width, 3)
        assert np.array_equal(frame.image[~inside], picture(BIG)[~inside])


def test_a_closeup_of_everything_is_the_whole_picture(zoo: Zoo, cache: PipelineCache) -> None:
    whole = a_request(INPAINT, mask_image=np.full((64, 64), 255, np.uint8), num_inference_steps=2)
    close = replace(whole, inpaint_area=ONLY_MASKED)
    first, second = (make(request, zoo("sd15"), cache).image for request in (whole, close))
    assert np.array_equal(first, second)


# ------------------------------------------------------------------------------ masked content


def test_a_fill_takes_the_colours_around_the_mask() -> None:
    halves = np.zeros((40, 60, 3), np.uint8)
    halves[:, :30], halves[:, 30:] = (200, 40, 0), (0, 40, 200)
    mask = np.zeros((40, 60), np.uint8)
    mask[8:32, 4:26] = mask[12:28, 40:52] = 255
    spoiled = np.where((mask > 0)[..., None], np.uint8(255), halves)
    filled = covered(spoiled, mask, MaskedContent.FILL, 0, Size(60, 40)).astype(int)
    assert np.array_equal(filled[mask == 0], halves[mask == 0])
    assert np.abs(filled[14:26, 8:16] - (200, 40, 0)).max() < 40
    assert np.abs(filled[16:24, 44:50] - (0, 40, 200)).max() < 40


def test_a_fill_without_surroundings_is_grey() -> None:
    everything = np.full((5, 7), 255, np.uint8)
    assert (surroundings(picture(Size(7, 5)), everything) == 128).all()


def test_noise_is_the_seeds_own_and_lies_in_the_mask() -> None:
    mask = round_mask()
    noisy = [
        covered(picture(), mask, MaskedContent.NOISE, seed, Size(64, 64)) for seed in (1, 1, 2)
    ]
    assert np.array_equal(noisy[0], noisy[1])
    assert (noisy[0] != noisy[2])[mask > 0].any()
    assert np.array_equal(noisy[0][mask == 0], picture()[mask == 0])


def test_a_grey_place_keeps_a_part_of_its_colour() -> None:
    white = np.full((1, 3, 3), 255, np.uint8)
    mask = np.array([[0, 128, 255]], np.uint8)
    noisy = covered(white, mask, MaskedContent.NOISE, 5, Size(3, 1))[0].astype(int)
    assert (noisy[0] == 255).all()
    assert (noisy[2] <= noisy[1]).all()


@pytest.mark.parametrize("content", list(MaskedContent))
def test_what_lies_under_the_mask_counts_and_the_rest_is_exact(
    zoo: Zoo, cache: PipelineCache, content: MaskedContent
) -> None:
    request = a_request(INPAINT, masked_content=content, strength=0.5)
    result = make(request, zoo("sd15"), cache)
    usual = make(replace(request, masked_content=MaskedContent.ORIGINAL), zoo("sd15"), cache)
    outside = round_mask() == 0
    assert np.array_equal(result.image[outside], picture()[outside])
    same = np.array_equal(result.image, usual.image)
    assert same is (content is MaskedContent.ORIGINAL)


# ------------------------------------------------------------------------------ two passes


def in_two(**changes: Any) -> Any:
    values = {"size": Size(96, 64), "first_pass_size": Size(48, 32), "hires_strength": 0.5}
    return a_request(TEXT, **(values | changes))


def test_two_passes_are_told_as_one(zoo: Zoo, cache: PipelineCache) -> None:
    diary = Diary()
    result = make(in_two(), zoo("sd15"), cache, diary)
    assert result.image.shape == (64, 96, 3)
    assert result.steps == 4 + 2
    assert [step.step for step in diary.steps] == [1, 2, 3, 4, 5, 6]
    assert {step.num_steps for step in diary.steps} == {6}
    assert [frame.step for frame in diary.frames] == [1, 2, 3, 4, 5, 6]
    assert all(step.seconds_left >= 0 for step in diary.steps)
    assert result.request.first_pass_size == Size(48, 32)
    assert result.changed_outside_mask is None


def test_two_passes_are_text_to_image_and_then_image_to_image(
    zoo: Zoo, cache: PipelineCache
) -> None:
    small = make(a_request(TEXT, size=Size(48, 32)), zoo("sd15"), cache)
    start = resize(small.image, Size(96, 64))
    large = a_request(IMAGE, size=Size(96, 64), init_image=start, strength=0.5)
    expected = make(large, zoo("sd15"), cache).image
    assert np.array_equal(make(in_two(), zoo("sd15"), cache).image, expected)


@pytest.mark.parametrize("step", [2, 5])
def test_either_pass_can_be_stopped(zoo: Zoo, cache: PipelineCache, step: int) -> None:
    stop = threading.Event()

    def on_step(progress: StepProgress) -> None:
        if progress.step == step:
            stop.set()

    diary = Diary(on_step=on_step)
    with pytest.raises(GenerationCancelled):
        make(in_two(), zoo("sd15"), cache, diary, stop)
    assert diary.steps[-1].step == step


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("sd15", {"hires_strength": 0.1}, "Set second pass strength to 0.25"),
        ("sd15", {"first_pass_size": Size(50, 32)}, "needs multiples of 8"),
        ("sd15", {"hires_strength": 2.0}, "must lie between 0 and 1"),
    ],
)
def test_passes_that_cannot_be_are_refused(
    zoo: Zoo, name: str, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        in_two(**changes).validate(describe(zoo(name)).abilities)


def test_only_text_to_image_has_two_passes(zoo: Zoo) -> None:
    request = replace(a_request(IMAGE), first_pass_size=Size(32, 32))
    with pytest.raises(InvalidRequest, match="Two passes are for text-to-image"):
        request.validate(describe(zoo("sd15")).abilities)
