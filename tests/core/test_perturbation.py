"""Perturbed-attention guidance: what diffusers' own pipelines draw, in every kind, off again."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.abilities import GenerationKind
from core.addon import Control, Reference
from core.addons import AddonShelf
from core.checkpoints import describe
from core.errors import GenerationCancelled, InvalidRequest
from core.geometry import Size
from core.inference import generate
from core.pipelines import PipelineCache
from core.request import Pixels
from core.schedulers import make_scheduler
from tests.helpers.addons import comfy_folder, dressed, ip_adapter_folder
from tests.helpers.generations import Diary, a_request, new_cache, picture

TEXT, IMAGE, INPAINT = GenerationKind
Zoo = Callable[[str], Path]
SIZE = Size(128, 128)
"""At 64 pixels the middle of a tiny U-Net is a single cell, which attends to itself anyway."""


@pytest.fixture(scope="module")
def shelf(zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> AddonShelf:
    root = tmp_path_factory.mktemp("models")
    return AddonShelf([ip_adapter_folder(zoo, comfy_folder(zoo, root))])


@pytest.fixture(scope="module")
def cache() -> PipelineCache:
    return new_cache()


@pytest.fixture
def draw(zoo: Zoo, cache: PipelineCache, shelf: AddonShelf) -> Callable[..., Pixels]:
    def make(kind: Any = TEXT, model: str = "sd15", **changes: Any) -> Pixels:
        scheduler = describe(zoo(model)).abilities.schedulers[0]
        values = {"checkpoint": model, "size": SIZE, "scheduler": scheduler} | changes
        return dressed(a_request(kind, **values), zoo(model), cache, shelf).image

    return make


@pytest.mark.parametrize("kind", GenerationKind)
@pytest.mark.parametrize("model", ["sd15", "sd21", "sdxl-base", "sd3"])
def test_it_changes_every_kind_and_comes_off(draw: Any, model: str, kind: Any) -> None:
    before = draw(kind, model)
    guided = draw(kind, model, pag_scale=3.0)
    assert not np.array_equal(guided, before)
    assert not np.array_equal(draw(kind, model, pag_scale=1.0), guided)
    assert np.array_equal(draw(kind, model), before)


@pytest.mark.parametrize("guidance", [7.5, 1.0])
@pytest.mark.parametrize("model", ["sd15", "sdxl-base", "sd3"])
def test_it_draws_what_diffusers_draws(zoo: Zoo, draw: Any, model: str, guidance: float) -> None:
    from diffusers import AutoPipelineForText2Image

    loaded = new_cache().get(describe(zoo(model)), TEXT)
    pipe = AutoPipelineForText2Image.from_pipe(loaded.pipe, enable_pag=True)
    pipe.set_progress_bar_config(disable=True)
    scheduler = describe(zoo(model)).abilities.schedulers[0]
    pipe.scheduler = make_scheduler(scheduler, loaded.original_scheduler_config)
    theirs = pipe(
        "a cat in a castle",
        width=128,
        height=128,
        num_inference_steps=4,
        guidance_scale=guidance,
        pag_scale=3.0,
        generator=torch.Generator().manual_seed(7),
    ).images[0]
    ours = draw(model=model, pag_scale=3.0, guidance_scale=guidance)
    difference = np.abs(ours.astype(int) - np.asarray(theirs).astype(int))
    assert difference.max() <= 2  # the same sum, in another order


@pytest.mark.parametrize("kind", GenerationKind)
def test_it_goes_with_other_add_ons(draw: Any, kind: Any) -> None:
    worn: dict[str, Any] = {
        "controls": (Control("canny", picture(SIZE)),),
        "references": (Reference("ip-adapter-plus_sd15", picture()),),
    }
    without = draw(kind, **worn)
    assert not np.array_equal(draw(kind, pag_scale=3.0, **worn), without)
    assert np.array_equal(draw(kind, **worn), without)


def test_a_soft_mask_is_followed(draw: Any) -> None:
    grey = np.full((128, 128), 120, np.uint8)
    without = draw(INPAINT, mask_image=grey)
    assert not np.array_equal(draw(INPAINT, mask_image=grey, pag_scale=3.0), without)


def test_stopped_in_the_middle_it_is_off_again(
    zoo: Zoo, cache: PipelineCache, shelf: AddonShelf, draw: Any
) -> None:
    before, stop = draw(), threading.Event()
    request = a_request(size=SIZE, pag_scale=3.0)
    diary = Diary(on_step=lambda progress: stop.set())
    with pytest.raises(GenerationCancelled):
        generate(request, describe(zoo("sd15")), cache, diary, stop, shelf=shelf)
    assert np.array_equal(draw(), before)


@pytest.mark.parametrize(
    ("model", "scale", "words"),
    [
        ("flux-dev", 3.0, "PAG does not work with this model"),
        ("lcm", 3.0, "PAG does not work with this model"),
        ("sd15", -1.0, "must lie between 0 and 20"),
        ("sd15", float("nan"), "must lie between 0 and 20"),
    ],
)
def test_what_cannot_be_is_refused(zoo: Zoo, model: str, scale: float, words: str) -> None:
    abilities = describe(zoo(model)).abilities
    request = a_request(
        checkpoint=model, scheduler=abilities.schedulers[0], size=SIZE, pag_scale=scale
    )
    with pytest.raises(InvalidRequest, match=words):
        request.validate(abilities)


def test_a_unet_without_attention_in_its_middle_is_not_offered_it(zoo: Zoo, tmp_path: Path) -> None:
    shutil.copytree(zoo("sd15"), tmp_path / "plain")
    file = tmp_path / "plain" / "unet" / "config.json"
    config = json.loads(file.read_text()) | {"mid_block_type": "UNetMidBlock2D"}
    file.write_text(json.dumps(config))
    assert describe(tmp_path / "plain").abilities.pag_scale == 0
    assert describe(zoo("sd15")).abilities.pag_scale > 0
