"""Several pictures in one batch: each what its seed gives by itself, but for rounding."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication

from core.abilities import GenerationKind, MaskedContent
from core.checkpoints import describe
from core.engine import Finished, MemoryIsTight
from core.errors import GenerationCancelled, InvalidRequest
from core.gallery import Gallery
from core.geometry import Size
from core.inference import Reins, generate
from core.inference.batches import MOST_TOGETHER, batched, validate_batch
from core.inference.branching import validate_branch
from core.inference.demand import Demand
from core.inference.forecast import forecast, prepare
from core.metadata import infotext
from core.request import MAX_SEED, Branch, GenerationRequest, Pixels
from core.result import GenerationResult, StepProgress
from core.settings import Paths
from tests.helpers.cramped import CrampedDevice
from tests.helpers.engines import an_engine
from tests.helpers.generations import CPU, Diary, a_request, make, new_cache

Zoo = Callable[[str], Path]
SEEDS = (7, 8, 9)
ROUNDING = 2
"""Of 255. With all families, kinds and schedulers of the zoo 1 was the most that was seen."""


def together(seeds: tuple[int, ...] = SEEDS, **changes: Any) -> GenerationRequest:
    request: GenerationRequest = a_request(seed=seeds[0], together=seeds, **changes)
    return request


def pictures_of(result: GenerationResult) -> list[GenerationResult]:
    return sorted((result, *result.together), key=lambda each: each.request.seed)


def distance(one: Pixels, other: Pixels) -> int:
    return int(np.abs(one.astype(int) - other.astype(int)).max())


# ------------------------------------------------------------------------- the pictures


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("sd15", GenerationKind.TEXT_TO_IMAGE),
        ("sd15", GenerationKind.IMAGE_TO_IMAGE),
        ("sd15", GenerationKind.INPAINTING),
        ("sd15-inpaint", GenerationKind.INPAINTING),
        ("sd21", GenerationKind.TEXT_TO_IMAGE),
        ("sdxl-base", GenerationKind.TEXT_TO_IMAGE),
        ("sdxl-base", GenerationKind.IMAGE_TO_IMAGE),
        ("sdxl-base", GenerationKind.INPAINTING),
        ("sd3", GenerationKind.TEXT_TO_IMAGE),
        ("flux-dev", GenerationKind.TEXT_TO_IMAGE),
    ],
)
def test_each_picture_is_that_of_its_seed(zoo: Zoo, model: str, kind: GenerationKind) -> None:
    checkpoint, cache = describe(zoo(model)), new_cache()
    scheduler = "Euler" if model in ("sd3", "flux-dev") else "Euler a"  # draws at each step
    asked = together((7, 8), kind=kind, checkpoint=model, scheduler=scheduler)
    made = make(asked, checkpoint, cache)
    assert [each.request.seed for each in (made, *made.together)] == [7, 8]
    assert made.request.id == asked.id != made.together[0].request.id
    for each in pictures_of(made):
        alone = make(replace(each.request, together=()), checkpoint, cache)
        assert distance(each.image, alone.image) <= ROUNDING
        assert each.changed_outside_mask == alone.changed_outside_mask
        assert each.changed_outside_mask in (None, 0)
        assert each.facts.pop("drawn_together") == 2
        assert each.facts == alone.facts
    assert distance(made.image, made.together[0].image) > 2 * ROUNDING


def test_what_each_seed_puts_under_the_mask_is_its_own(zoo: Zoo) -> None:
    checkpoint, cache = describe(zoo("sd15")), new_cache()
    request = together(kind=GenerationKind.INPAINTING, masked_content=MaskedContent.NOISE)
    for each in pictures_of(make(request, checkpoint, cache)):
        alone = make(replace(each.request, together=()), checkpoint, cache)
        assert distance(each.image, alone.image) <= ROUNDING


def test_grey_masks_and_perturbed_attention_are_those_of_single_pictures(zoo: Zoo) -> None:
    checkpoint, cache = describe(zoo("sd15")), new_cache()
    mask = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (64, 1))
    request = together(kind=GenerationKind.INPAINTING, mask_image=mask, pag_scale=3.0)
    for each in pictures_of(make(request, checkpoint, cache)):
        alone = make(replace(each.request, together=()), checkpoint, cache)
        assert distance(each.image, alone.image) <= ROUNDING
        assert each.changed_outside_mask == 0


def test_a_batch_again_is_the_same_to_the_bit_and_leaves_nothing_behind(zoo: Zoo) -> None:
    """From any of its records: in each stand the seeds of all."""
    checkpoint, cache = describe(zoo("sd15")), new_cache()
    before = make(a_request(), checkpoint, cache).image
    first = make(together(), checkpoint, cache)
    assert np.array_equal(make(a_request(), checkpoint, cache).image, before)
    second = first.together[0]
    read = GenerationRequest.from_dict(second.request.to_dict())
    again = make(read, checkpoint, new_cache())
    assert np.array_equal(again.image, second.image)
    assert again.request.seed == 8
    assert [each.request.seed for each in again.together] == [7, 9]


def test_stop_and_keep_gives_every_picture_and_cancel_none(zoo: Zoo) -> None:
    checkpoint, cache, reins = describe(zoo("sd15")), new_cache(), Reins()
    diary = Diary(on_step=lambda progress: reins.finish() if progress.step == 2 else None)
    result = generate(together(), checkpoint, cache, diary, reins.stop, reins)
    assert [each.facts["stopped_at_step"] for each in pictures_of(result)] == [2, 2, 2]
    stop = threading.Event()
    with pytest.raises(GenerationCancelled):
        make(together(), checkpoint, cache, Diary(on_step=lambda _: stop.set()), stop)
    following = make(a_request(), checkpoint, cache).image
    assert np.array_equal(following, make(a_request(), checkpoint).image)


def test_previews_show_each_of_them(zoo: Zoo) -> None:
    diary = Diary()
    make(together(), zoo("sd15"), listener=diary)
    assert len(diary.frames) == 4
    for frame in diary.frames:
        shown = [frame.image, *frame.others]
        assert len(shown) == 3
        assert {each.shape for each in shown} == {frame.image.shape}
        assert not np.array_equal(*shown[:2])


# ------------------------------------------------------------------------- memory


def test_fewer_at_a_time_is_the_first_thing_that_helps(zoo: Zoo, qapp: QCoreApplication) -> None:
    device = CrampedDevice("cpu")
    with an_engine([zoo("sd15")], cache=device.new_cache()) as engine:
        alone = engine.make(a_request(num_inference_steps=2)).result
        device.cramp("step", "fewer at a time")
        done = engine.make(together(num_inference_steps=2))
    assert isinstance(done, Finished)
    assert device.failures == 2  # as it was, and again with what was freed
    made = pictures_of(done.result)
    assert [each.request.together for each in made] == [(), (), ()]
    assert [each.request.seed for each in made] == list(SEEDS)
    assert not {"drawn_together", "memory_savings"} & made[0].facts.keys()
    assert np.array_equal(made[0].image, alone.image)


def test_a_batch_that_would_not_fit_is_drawn_in_even_parts(zoo: Zoo) -> None:
    checkpoint, cache = describe(zoo("sd15")), new_cache()
    request = together((7, 8, 9, 10))
    asked = Demand.of(request, checkpoint.abilities, _no_shelf(), 3)
    room = forecast(checkpoint, CPU, asked).peak
    advice = prepare(request, checkpoint, cache, lambda plan: room)
    assert advice.at_once == 3
    assert "at most 3 at a time" in advice.words
    diary = Diary()
    made = generate(request, checkpoint, cache, diary, threading.Event(), at_once=advice.at_once)
    assert [each.request.together for each in pictures_of(made)] == [(7, 8)] * 2 + [(9, 10)] * 2
    assert [progress.step for progress in diary.steps] == list(range(1, 9))
    assert {progress.num_steps for progress in diary.steps} == {8}
    assert _falls(diary.steps)


def test_the_engine_says_that_it_draws_fewer(zoo: Zoo, qapp: QCoreApplication) -> None:
    checkpoint, request = describe(zoo("sd15")), together()
    asked = Demand.of(request, checkpoint.abilities, _no_shelf(), 1)
    peak = forecast(checkpoint, CPU, asked).peak
    with an_engine([zoo("sd15")], room=lambda plan: peak) as engine:
        done = engine.make(request)
        said = engine.recorder.of(MemoryIsTight, request)
    assert "one after the other" in said[0].words
    assert len(done.together) == 2


def test_what_is_computed_grows_with_everything_that_is_asked_for(zoo: Zoo) -> None:
    checkpoint = describe(zoo("sd15"))
    one, many = Demand(Size(512, 512)), Demand(Size(512, 512), pictures=64)

    def working(demand: Demand) -> int:
        return forecast(checkpoint, CPU, demand).working

    # Of few pictures the tiny model's decoding takes the most, of many the steps.
    assert working(one) < working(replace(one, pictures=4)) < working(many)
    assert working(replace(many, copies=1)) < working(many) < working(replace(many, copies=3))
    assert working(many) < working(replace(many, controls=1))
    assert working(replace(one, encoder=1 << 30)) == 4 << 30
    worn = forecast(checkpoint, CPU, replace(one, worn=1000)).resident
    assert worn == forecast(checkpoint, CPU, one).resident + 4000


# ------------------------------------------------------------------------- what is kept


def test_each_is_kept_by_itself_and_says_of_which_batch(
    zoo: Zoo, tmp_path: Path, qapp: QCoreApplication
) -> None:
    paths = Paths.find(tmp_path)
    paths.make()
    with Gallery(paths) as gallery, an_engine([zoo("sd15")], gallery) as engine:
        done = engine.make(together())
        assert isinstance(done, Finished)
        items = [each.item for each in (done, *done.together)]
        assert [item.seed for item in items if item] == list(SEEDS)
        kept = [gallery.request(item.id) for item in items if item]
    assert [request.together for request in kept] == [SEEDS] * 3
    text = infotext(kept[1], {})
    assert "Batch size: 3, Batch pos: 1" in text


# ------------------------------------------------------------------------- what is refused


def test_what_cannot_be_drawn_together_is_refused_in_words(zoo: Zoo) -> None:
    abilities = describe(zoo("sd15")).abilities
    for request, words in (
        (together((7,)), "1 pictures are no batch"),
        (together(tuple(range(MOST_TOGETHER + 1))), "no batch"),
        (together((7, 7)), "Name each once"),
        (replace(together(), seed=3), "Name each once"),
        (together((7, MAX_SEED + 1)), "lie between"),
        (together(first_pass_size=Size(64, 64)), "one at a time"),
    ):
        with pytest.raises(InvalidRequest, match=words):
            validate_batch(request, abilities)
    with pytest.raises(InvalidRequest, match="draws one picture at a time"):
        validate_batch(together(), replace(abilities, draws_together=False))
    with pytest.raises(InvalidRequest, match="together with others"):
        validate_branch(a_request(branch=Branch(together(), 2)), abilities)


def test_pictures_of_one_start_are_gathered_by_their_words(zoo: Zoo) -> None:
    abilities = describe(zoo("sd15")).abilities
    cats = [a_request(seed=seed) for seed in (1, 2, 3)]
    dog = a_request(seed=4, prompt="a dog")
    gathered = batched([*cats, dog], abilities)
    assert [request.together for request in gathered] == [(1, 2, 3), ()]
    assert [request.together for request in batched(cats, abilities, most=2)] == [(1, 2), ()]
    unable = replace(abilities, draws_together=False)
    assert [request.together for request in batched(cats, unable)] == [()] * 3


def test_another_seed_is_a_picture_by_itself() -> None:
    assert together().with_seed(8).together == SEEDS
    assert together().with_seed(80).together == ()


def _falls(steps: list[StepProgress]) -> bool:
    """Whether what is left becomes less from the first part's end to the last step."""
    return steps[-1].seconds_left < steps[3].seconds_left


def _no_shelf() -> Any:
    from core.addons import AddonShelf

    return AddonShelf()
