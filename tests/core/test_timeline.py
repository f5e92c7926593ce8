"""Kept states, within a budget; a run that goes on from one is the run itself, bit by bit."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.abilities import AddonKind, FreeU, GenerationKind, InpaintArea
from core.addon import Addon, Control
from core.addons import AddonShelf
from core.checkpoints import describe
from core.errors import GenerationCancelled, InvalidRequest
from core.geometry import Rect, Size
from core.inference import Reins, Timelines, generate
from core.inference.generate import NO_ADDONS
from core.inference.timeline import KeptTensor, StepState, Timeline, name_of_run
from core.pipelines import PipelineCache
from core.request import Branch, GenerationRequest, pixel_digest
from core.result import GenerationResult
from core.schedulers import SCHEDULERS, draws_noise
from tests.helpers.addons import comfy_folder
from tests.helpers.generations import (
    SIZE,
    Diary,
    a_request,
    make,
    new_cache,
    picture,
    round_mask,
)

TEXT, IMAGE, INPAINT = GenerationKind
Zoo = Callable[[str], Path]
CPU = torch.device("cpu")
NOTHING = torch.zeros(0, dtype=torch.uint8)
PLENTY = 64 << 20


@pytest.fixture(scope="module")
def cache() -> PipelineCache:
    """Models in memory, shared: they are left as they were, which the tests prove by the way."""
    return new_cache()


class Maker:
    """Makes pictures of one model, and keeps the timelines of its runs if it has any."""

    def __init__(
        self,
        folder: Path,
        cache: PipelineCache,
        budget: int = PLENTY,
        shelf: AddonShelf = NO_ADDONS,
    ) -> None:
        self.checkpoint = describe(folder)
        self.shelf = shelf
        self.cache = cache
        self.timelines = Timelines(budget)
        self.diary = Diary(previews=False)

    def __call__(self, request: GenerationRequest) -> GenerationResult:
        return self.make(request, self.timelines)

    def make(
        self, request: GenerationRequest, timelines: Timelines | None = None
    ) -> GenerationResult:
        """The picture, with these timelines or with none."""
        diary = Diary() if timelines is None else self.diary
        stop, shelf = threading.Event(), self.shelf
        return generate(
            request, self.checkpoint, self.cache, diary, stop, shelf=shelf, timelines=timelines
        )


def asked(folder: Path, kind: GenerationKind = TEXT, **changes: Any) -> GenerationRequest:
    """A request that the model of that folder can carry out."""
    abilities = describe(folder).abilities
    values = {
        "checkpoint": folder.name,
        "scheduler": abilities.schedulers[0],
        "guidance_scale": abilities.guidance_scale,
        "strength": 1.0 if abilities.ignores_strength(kind) else 0.8,
        "num_inference_steps": 6,
    }
    request: GenerationRequest = a_request(kind, **(values | changes))
    return request


def branched(parent: GenerationRequest, step: int, **changes: Any) -> GenerationRequest:
    """The parent's run left after a step, changed in these."""
    return replace(parent, branch=Branch.of(parent, step), id="b" * 32, **changes)


# ------------------------------------------------------------------------------ the same picture

FAMILIES = [
    ("sd15", TEXT), ("sd15", IMAGE), ("sd15", INPAINT), ("sd15-inpaint", INPAINT),
    ("sd21", TEXT), ("sd21", INPAINT),
    ("sdxl-base", TEXT), ("sdxl-base", INPAINT), ("sdxl-inpaint", INPAINT),
    ("sdxl-refiner", IMAGE),
    ("lcm", TEXT), ("lcm", IMAGE), ("lcm", INPAINT),
    ("kandinsky-2-2-decoder", TEXT), ("kandinsky-2-2-decoder", IMAGE),
    ("kandinsky-2-2-decoder-inpaint", INPAINT),
    ("sd3", TEXT), ("sd3", IMAGE), ("sd3", INPAINT),
    ("flux-dev", TEXT), ("flux-dev", IMAGE), ("flux-dev", INPAINT),
    ("flux-schnell", TEXT),
]  # fmt: skip


def require_exact(request: GenerationRequest, maker: Maker) -> None:
    """Resumed from every kept step, and from a step computed anew, it is the same picture."""
    whole = maker.make(request)
    recorded = maker(request)
    assert np.array_equal(recorded.image, whole.image), "recording changed the picture"
    assert [frame.step for frame in recorded.frames] == list(range(1, request.steps_to_run + 1))
    for step in (1, 2, request.steps_to_run - 1):
        heard = len(maker.diary.steps)
        again = maker(branched(request, step))
        assert np.array_equal(again.image, whole.image), f"resumed from step {step}"
        assert [one.step for one in maker.diary.steps[heard:]] == list(
            range(step + 1, request.steps_to_run + 1)
        )
    forgotten = maker.make(branched(request, 2))
    assert np.array_equal(forgotten.image, whole.image), "steps done again"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), FAMILIES)
def test_every_family_goes_on_to_the_same_picture(
    zoo: Zoo, cache: PipelineCache, name: str, kind: GenerationKind
) -> None:
    require_exact(asked(zoo(name), kind), Maker(zoo(name), cache))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind", "scheduler"),
    [("sd15", INPAINT, scheduler) for scheduler in SCHEDULERS]
    + [("sd21", TEXT, scheduler) for scheduler in ("DPM++ 2M", "UniPC", "Heun", "PNDM", "DDPM")]
    + [("sd3", IMAGE, scheduler) for scheduler in ("DPM++ 2M", "UniPC")]
    + [("flux-dev", TEXT, "UniPC")]
    + [
        ("kandinsky-2-2-decoder", IMAGE, scheduler)
        for scheduler in ("DDIM", "DPM++ 2M Karras", "DPM++ 2M SDE")
    ],
)
def test_every_scheduler_goes_on_to_the_same_picture(
    zoo: Zoo, cache: PipelineCache, name: str, kind: GenerationKind, scheduler: str
) -> None:
    require_exact(asked(zoo(name), kind, scheduler=scheduler), Maker(zoo(name), cache))


def test_a_soft_mask_in_a_closeup_goes_on_to_the_same_picture(
    zoo: Zoo, cache: PipelineCache
) -> None:
    soft = (round_mask() * np.linspace(0.3, 1, SIZE.width)).astype(np.uint8)
    request = asked(
        zoo("sd15"), INPAINT, mask_image=soft, inpaint_area=InpaintArea.ONLY_MASKED,
        scheduler="DPM++ 2M SDE",
    )  # fmt: skip
    require_exact(request, Maker(zoo("sd15"), cache))


@pytest.mark.slow
@pytest.mark.parametrize("kind", GenerationKind)
@pytest.mark.parametrize(
    "changes",
    [
        {"controls": (Control("canny", picture(), end=0.6),)},
        {"prompt": "a cat <lora:tiny_unet:0.8>", "clip_skip": 2},
        {"pag_scale": 3.0, "freeu": FreeU(0.9, 0.2, 1.5, 1.6)},
        {"prompt": "a (red:1.3) cat", "addons": (Addon(AddonKind.VAE, "taesd"),)},
    ],
    ids=["controlnet", "lora", "pag and freeu", "weights and tiny vae"],
)
def test_with_addons_it_goes_on_to_the_same_picture(
    zoo: Zoo, cache: PipelineCache, tmp_path: Path, kind: GenerationKind, changes: dict[str, Any]
) -> None:
    shelf = AddonShelf((comfy_folder(zoo, tmp_path),))
    maker = Maker(zoo("sd15"), cache, shelf=shelf)
    require_exact(asked(zoo("sd15"), kind, scheduler="DPM++ 2M SDE", **changes), maker)


# ------------------------------------------------------------------------------ another way


def test_a_branch_with_another_prompt_or_guidance_is_another_picture(
    zoo: Zoo, cache: PipelineCache
) -> None:
    parent = asked(zoo("sd15"), scheduler="Euler")
    maker = Maker(zoo("sd15"), cache)
    whole = maker(parent)
    pictures = [
        maker(branched(parent, 3, **change)).image
        for change in ({"prompt": "a red apple"}, {"guidance_scale": 3.0}, {"negative_prompt": "x"})
    ]
    assert not any(np.array_equal(image, whole.image) for image in pictures)
    again = make(branched(parent, 3, prompt="a red apple"), zoo("sd15"), new_cache())
    assert np.array_equal(again.image, pictures[0]), "without kept states, in a new program"


def test_a_branch_with_another_mask_repaints_there_and_nowhere_else(
    zoo: Zoo, cache: PipelineCache
) -> None:
    parent = asked(zoo("sd15"), INPAINT)
    maker = Maker(zoo("sd15"), cache)
    maker(parent)
    corner = np.zeros((SIZE.height, SIZE.width), np.uint8)
    corner[:32, :32] = 255
    result = maker(branched(parent, 2, mask_image=corner))
    changed = (result.image != parent.init_image).any(axis=2)
    assert result.changed_outside_mask == 0
    assert changed[:32, :32].any()
    assert not changed[32:].any()


@pytest.mark.slow
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_another_seed_counts_where_noise_is_drawn_and_is_refused_elsewhere(
    zoo: Zoo, cache: PipelineCache, scheduler: str
) -> None:
    parent = asked(zoo("sd15"), scheduler=scheduler)
    maker = Maker(zoo("sd15"), cache)
    whole = maker(parent)
    other = branched(parent, 2, seed=99)
    if draws_noise(scheduler):
        assert not np.array_equal(maker(other).image, whole.image)
        assert np.array_equal(maker(other).image, maker(other).image)
    else:
        with pytest.raises(InvalidRequest, match="another seed changes nothing"):
            maker(other)


def test_a_branch_of_a_branch(zoo: Zoo, cache: PipelineCache) -> None:
    first = asked(zoo("sd15"), scheduler="Euler a")
    maker = Maker(zoo("sd15"), cache)
    second = branched(first, 2, prompt="a red apple", seed=8)
    whole = maker(second)
    assert [frame.step for frame in whole.frames] == [3, 4, 5, 6]
    third = branched(second, 4, seed=9)
    assert third.branch is not None
    assert third.branch.parent is second
    kept, anew = maker(third), make(third, zoo("sd15"), cache)
    assert np.array_equal(kept.image, anew.image)
    assert not np.array_equal(kept.image, whole.image)
    early = branched(second, 1)
    assert early.branch is not None
    assert early.branch.parent is first, "before the branch it is the first run's step"
    assert np.array_equal(maker(branched(second, 3)).image, whole.image)


def test_a_record_on_disk_finds_the_kept_states_and_makes_the_same_picture(
    zoo: Zoo, cache: PipelineCache
) -> None:
    parent = asked(zoo("sd15"), INPAINT, scheduler="Euler a", frame=Rect(3, 4, 64, 64))
    maker = Maker(zoo("sd15"), cache)
    branch = branched(maker(parent).request, 3, prompt="a red apple")
    made = maker(branch)
    pixels = {pixel_digest(image): image for image in branch.inputs if image is not None}
    record = json.loads(json.dumps(made.request.to_dict()))
    read = GenerationRequest.from_dict(record, pixels.__getitem__)
    again = maker(read)
    assert np.array_equal(again.image, made.image)
    heard = [step.step for step in maker.diary.steps]
    assert heard == [1, 2, 3, 4, 4, 4], "the first steps were not done again"


def test_the_network_is_not_asked_for_the_first_steps(zoo: Zoo, cache: PipelineCache) -> None:
    parent = asked(zoo("sd15"), scheduler="Euler")
    maker = Maker(zoo("sd15"), cache)
    asked_for: list[int] = []
    hook = cache.get(maker.checkpoint, TEXT).pipe.unet.conv_in.register_forward_hook(
        lambda *_: asked_for.append(1)
    )
    try:
        maker(parent)
        assert len(asked_for) == 6
        maker(branched(parent, 4))
        assert len(asked_for) == 6 + 2
        make(branched(parent, 4), zoo("sd15"), cache)
        assert len(asked_for) == 6 + 2 + 6
    finally:
        hook.remove()


def test_cancelled_on_the_way_to_the_branch_and_in_it(zoo: Zoo, cache: PipelineCache) -> None:
    parent = asked(zoo("sd15"), scheduler="DPM++ 2M")
    whole = make(parent, zoo("sd15"), cache)
    for last in (2, 5):
        stop = threading.Event()
        diary = Diary(on_step=lambda one, last=last, stop=stop: one.step == last and stop.set())
        with pytest.raises(GenerationCancelled):
            make(branched(parent, 4), zoo("sd15"), cache, diary, stop)
        assert diary.steps[-1].step == last
    assert np.array_equal(make(parent, zoo("sd15"), cache).image, whole.image)


def test_ended_early_on_the_way_it_still_is_a_branch(zoo: Zoo, cache: PipelineCache) -> None:
    reins = Reins()
    diary = Diary(on_step=lambda one: one.step == 1 and reins.finish())
    request = branched(asked(zoo("sd15"), scheduler="Euler"), 3, prompt="a red apple")
    result = generate(request, describe(zoo("sd15")), cache, diary, reins.stop, reins)
    assert [one.step for one in diary.steps] == [1, 2, 3, 4]
    assert result.request.branch is request.branch
    assert result.facts["stopped_at_step"] == 4


def test_a_budget_too_small_for_every_step_costs_time_and_not_the_picture(
    zoo: Zoo, cache: PipelineCache
) -> None:
    parent = asked(zoo("sd15"), scheduler="DPM++ 3M SDE", num_inference_steps=12)
    whole = make(parent, zoo("sd15"), cache)
    plenty = Maker(zoo("sd15"), cache)
    plenty(parent)
    maker = Maker(zoo("sd15"), cache, budget=plenty.timelines.bytes // 2)
    recorded = maker(parent)
    assert len(recorded.frames) == 12
    assert 0 < maker.timelines.bytes <= plenty.timelines.bytes // 2
    for step in (2, 7, 11):
        assert np.array_equal(maker(branched(parent, step)).image, whole.image)


def test_two_passes_have_no_timeline(zoo: Zoo, cache: PipelineCache) -> None:
    request = asked(zoo("sd15"), first_pass_size=Size(64, 64), size=Size(96, 96))
    maker = Maker(zoo("sd15"), cache)
    assert maker(request).frames == ()
    assert maker.timelines.bytes == 0


# ------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("step", "changes", "words"),
    [
        (0, {}, "Choose one from 1 to 5"),
        (6, {}, "Choose one from 1 to 5"),
        (2, {"scheduler": "DDIM"}, "keeps the scheduler of its run: Euler, not DDIM"),
        (2, {"num_inference_steps": 9}, "keeps the number of steps"),
        (2, {"size": Size(96, 64), "denoising_size": Size(96, 64)}, "keeps the size"),
        (2, {"kind": IMAGE, "init_image": picture()}, "keeps the kind"),
        (2, {"first_pass_size": Size(32, 32)}, "several passes"),
        (2, {"seed": 8}, "Leave it at 7"),
    ],
)
def test_what_a_branch_cannot_change_is_refused_in_words(
    zoo: Zoo, cache: PipelineCache, step: int, changes: dict[str, Any], words: str
) -> None:
    request = branched(asked(zoo("sd15"), scheduler="Euler"), step, **changes)
    with pytest.raises(InvalidRequest, match=words):
        make(request, zoo("sd15"), new_cache())


def test_a_branch_of_a_closeup_keeps_its_mask(zoo: Zoo) -> None:
    parent = asked(zoo("sd15"), INPAINT, inpaint_area=InpaintArea.ONLY_MASKED)
    other = branched(parent, 2, mask_image=np.flipud(round_mask()).copy() // 2)
    with pytest.raises(InvalidRequest, match="closeup keeps its mask"):
        make(other, zoo("sd15"), new_cache())


def test_a_parent_whose_picture_is_gone_is_refused(zoo: Zoo) -> None:
    request = branched(asked(zoo("sd15"), IMAGE), 2)
    lost = GenerationRequest.from_dict(request.to_dict())
    with pytest.raises(InvalidRequest, match="needs a picture to start from"):
        make(replace(lost, init_image=picture()), zoo("sd15"), new_cache())


def test_a_record_of_endless_branches_is_refused() -> None:
    record = asked_record = a_request().to_dict()
    for _ in range(3000):
        record = asked_record | {"branch": {"step": 1, "parent": record}}
    with pytest.raises(InvalidRequest, match="damaged"):
        GenerationRequest.from_dict(record)


# ------------------------------------------------------------------------------ the budget


def state(step: int, *shared: torch.Tensor, size: int = 1000) -> StepState:
    """A state of `size` bytes, and tensors that it has in common with others."""
    own = torch.full((size,), step, dtype=torch.uint8)
    history = [KeptTensor(tensor, CPU) for tensor in shared]
    return StepState(step, step, KeptTensor(own, CPU), {"history": history}, NOTHING)


def test_a_timeline_is_thinned_to_every_second_fourth_and_keeps_first_and_last() -> None:
    timeline = Timeline()
    for step in range(1, 13):
        timeline.add(state(step))
    assert timeline.bytes == 12_000
    assert timeline.thin()
    assert timeline.steps == (1, 3, 5, 7, 9, 11, 12)
    assert timeline.thin()
    assert timeline.steps == (1, 5, 9, 12)
    timeline.add(state(13))
    timeline.add(state(14))
    assert timeline.steps == (1, 5, 9, 13, 14)
    while timeline.thin():
        pass
    assert timeline.steps == (1, 14)
    assert timeline.bytes == 2_000
    found = timeline.up_to(8)
    assert found is not None
    assert found.step == 1


def test_what_states_share_counts_once() -> None:
    timeline, table = Timeline(), torch.zeros(5000, dtype=torch.uint8)
    for step in range(1, 6):
        timeline.add(state(step, table))
    assert timeline.bytes == 5 * 1000 + 5000


def test_runs_share_the_budget_and_the_oldest_goes_first() -> None:
    timelines = Timelines(10_000)
    for run in ("old", "middle", "new"):
        for step in range(1, 9):
            timelines.add(run, state(step))
            assert timelines.bytes <= 10_000
    assert timelines.steps("new")[0] == 1
    assert timelines.steps("new")[-1] == 8
    timelines.add("huge", state(1, size=9_500))
    assert timelines.steps("old") == ()
    assert timelines.up_to("old", 8) is None
    timelines.add("too large", state(1, size=20_000))
    assert timelines.bytes == 0


def test_a_smaller_budget_holds_at_once() -> None:
    timelines = Timelines(10_000)
    for run in ("old", "new"):
        for step in range(1, 5):
            timelines.add(run, state(step))
    timelines.limit(4_000)
    assert 0 < timelines.bytes <= 4_000
    assert timelines.up_to("new", 4) is not None
    timelines.limit(0)
    assert timelines.bytes == 0
    timelines.add("new", state(5))
    assert timelines.bytes == 0


def test_no_budget_keeps_nothing() -> None:
    timelines = Timelines(0)
    timelines.add("run", state(1))
    assert timelines.up_to("run", 1) is None


def test_the_name_of_a_run_is_of_what_decides_it() -> None:
    request, facts = a_request(), {"dtype": "float32"}
    name = name_of_run(request, facts)
    assert name == name_of_run(replace(request, id="x" * 32, parent_ids=("a",)), facts)
    for other in (replace(request, prompt="a dog"), replace(request, seed=8)):
        assert name_of_run(other, facts) != name
    assert name_of_run(request, {"dtype": "bfloat16"}) != name
