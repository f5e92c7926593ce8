"""SDXL with its refiner: two models, one run, and what diffusers makes of the two."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.abilities import GenerationKind
from core.addon import Refinement
from core.addons import AddonShelf
from core.checkpoints import describe
from core.errors import BrokenCheckpoint, GenerationCancelled, InvalidRequest
from core.geometry import Size
from core.inference import generate
from core.inference.ensemble import validate_ensemble
from core.pipelines import PipelineCache
from core.request import GenerationRequest
from core.result import GenerationResult, StepProgress
from core.schedulers import make_scheduler
from tests.helpers.cramped import CrampedDevice
from tests.helpers.generations import Diary, a_request, new_cache

TEXT, IMAGE, INPAINT = GenerationKind
Zoo = Callable[[str], Path]
Draw = Callable[..., GenerationResult]
REFINED = Refinement("sdxl-refiner", 0.8)


@pytest.fixture(scope="module")
def models(zoo: Zoo) -> Path:
    """The folder with both models."""
    zoo("sdxl-refiner")
    zoo("sd15")
    return zoo("sdxl-base").parent


@pytest.fixture(scope="module")
def cache() -> PipelineCache:
    return new_cache()


def a_picture(kind: GenerationKind = TEXT, **changes: Any) -> GenerationRequest:
    values = {"checkpoint": "sdxl-base", "num_inference_steps": 10} | changes
    request: GenerationRequest = a_request(kind, **values)
    return request


@pytest.fixture
def draw(models: Path, cache: PipelineCache) -> Draw:
    def make(kind: Any = TEXT, diary: Diary | None = None, **changes: Any) -> GenerationResult:
        request, stop = a_picture(kind, **changes), threading.Event()
        base, shelf = describe(models / "sdxl-base"), AddonShelf([models])
        return generate(request, base, cache, diary or Diary(), stop, shelf=shelf)

    return make


@pytest.mark.parametrize("scheduler", ["Euler", "Euler a", "DDIM"])
def test_it_draws_what_diffusers_draws(models: Path, draw: Draw, scheduler: str) -> None:
    ours = draw(scheduler=scheduler, refinement=REFINED).image
    base = new_cache().get(describe(models / "sdxl-base"), TEXT)
    refiner = new_cache().get(describe(models / "sdxl-refiner"), IMAGE)
    for each in (base, refiner):
        each.pipe.scheduler = make_scheduler(scheduler, each.original_scheduler_config)
    common = {
        "prompt": "a cat in a castle",
        "num_inference_steps": 10,
        "guidance_scale": 7.5,
        "generator": torch.Generator().manual_seed(7),
    }
    size = {"width": 64, "height": 64}
    latents = base.pipe(**common, **size, denoising_end=0.8, output_type="latent").images
    theirs = refiner.pipe(**common, image=latents, denoising_start=0.8).images[0]
    assert np.array_equal(ours, np.asarray(theirs))


@pytest.mark.parametrize(
    ("kind", "scheduler", "steps"),
    [
        (TEXT, "Euler", 10),
        (TEXT, "Heun", 10),
        (TEXT, "PNDM", 10),
        (IMAGE, "Euler", 7),
        (IMAGE, "Heun", 7),
        (IMAGE, "PNDM", 7),
    ],
)
def test_both_models_count_as_one_run(draw: Draw, kind: Any, scheduler: str, steps: int) -> None:
    diary = Diary()
    result = draw(kind, diary, scheduler=scheduler, refinement=REFINED)
    assert [(p.step, p.num_steps) for p in diary.steps] == [
        (step, steps) for step in range(1, steps + 1)
    ]
    assert [frame.step for frame in diary.frames] == list(range(1, steps + 1))
    assert result.steps == steps
    assert len({progress.request_id for progress in diary.steps}) == 1


def test_where_it_starts_counts_and_all_is_told(draw: Draw) -> None:
    alone, late, early = (
        draw(refinement=refinement)
        for refinement in (None, REFINED, Refinement("sdxl-refiner", 0.5))
    )
    assert len({result.image.tobytes() for result in (alone, late, early)}) == 3
    assert np.array_equal(draw(refinement=REFINED).image, late.image)
    assert np.array_equal(draw().image, alone.image)
    assert late.request.refinement == REFINED
    assert late.request.kind is TEXT
    assert late.facts["model_hash"] == alone.facts["model_hash"] != late.facts["refiner_hash"]
    assert late.facts["denoising_size"] == [64, 64]


def test_what_saved_memory_in_the_first_model_is_told(models: Path) -> None:
    device = CrampedDevice("cpu")
    cache = device.new_cache()
    device.cramp("step", "one by one")

    def enough(progress: StepProgress) -> None:
        if progress.step == 8:  # the first model's last
            device.cramp("", "")

    base, shelf = describe(models / "sdxl-base"), AddonShelf([models])
    request, diary = a_picture(refinement=REFINED), Diary(on_step=enough)
    result = generate(request, base, cache, diary, threading.Event(), shelf=shelf)
    assert device.failures == 0
    assert len(diary.savings) == 2
    assert result.facts["memory_savings"] == ["one by one"]


@pytest.mark.parametrize("step", [3, 9])
def test_it_stops_in_either_model(
    models: Path, cache: PipelineCache, draw: Draw, step: int
) -> None:
    before, stop = draw().image, threading.Event()

    def stop_there(progress: StepProgress) -> None:
        if progress.step == step:
            stop.set()

    base, shelf = describe(models / "sdxl-base"), AddonShelf([models])
    request = a_picture(refinement=REFINED)
    with pytest.raises(GenerationCancelled):
        generate(request, base, cache, Diary(on_step=stop_there), stop, shelf=shelf)
    assert np.array_equal(draw().image, before)


def test_add_ons_are_the_first_models_alone(draw: Draw) -> None:
    plain = draw(refinement=REFINED).image
    assert not np.array_equal(draw(refinement=REFINED, clip_skip=2).image, plain)
    assert not np.array_equal(
        draw(refinement=REFINED, size=Size(128, 128), pag_scale=3.0).image,
        draw(refinement=REFINED, size=Size(128, 128)).image,
    )


# ------------------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": INPAINT}, "does not finish masks"),
        ({"refinement": Refinement("sdxl-refiner", 0.97)}, "leaves one of the two models none"),
        ({"kind": IMAGE, "strength": 0.2}, "leaves one of the two models none"),
        ({"first_pass_size": Size(64, 64), "size": Size(128, 128)}, "of one pass only"),
    ],
)
def test_what_a_refiner_cannot_finish(models: Path, changes: dict[str, Any], words: str) -> None:
    request = a_picture(**({"refinement": REFINED} | changes))
    with pytest.raises(InvalidRequest, match=words):
        validate_ensemble(request, describe(models / "sdxl-base").abilities)


def test_another_model_is_no_refiner(models: Path, draw: Draw) -> None:
    with pytest.raises(InvalidRequest, match="“sd15” is no refiner for pictures of sdxl"):
        draw(refinement=Refinement("sd15"))
    with pytest.raises(BrokenCheckpoint, match="no model called “ghost”"):
        draw(refinement=Refinement("ghost"))
    with pytest.raises(InvalidRequest, match="must lie between"):
        draw(refinement=Refinement("sdxl-refiner", 1.5))
    request = a_picture(checkpoint="sd15", refinement=REFINED)
    with pytest.raises(InvalidRequest, match="have no refiner"):
        request.validate(describe(models / "sd15").abilities)
