"""The embedded model goes the ordinary path: small, complete, repeatable, and it keeps masks.

What its pictures look like is measured by `tools/starter_model`, not asserted here.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from core.abilities import GenerationKind
from core.checkpoints import Checkpoint, find_checkpoints, model_folders
from core.geometry import Size
from core.pipelines import PipelineCache
from core.prompts import PromptTokenizer
from core.settings import RESOURCES, Settings
from tests.helpers.generations import Diary, a_request, make, new_cache, picture, round_mask

FOLDER = RESOURCES / "models" / "starter"
MOST_BYTES = 80_000_000
SIZE = Size(128, 96)
STEPS = 5


@pytest.fixture(scope="module")
def starter() -> Checkpoint:
    """The first model that is found when nobody has chosen any."""
    return find_checkpoints(model_folders(Settings()))[0]


@pytest.fixture(scope="module")
def cache() -> PipelineCache:
    return new_cache()


def request(kind: GenerationKind, **changes: object) -> object:
    values = {"checkpoint": "starter", "size": SIZE, "num_inference_steps": STEPS, "seed": 31}
    return a_request(kind, **(values | {"prompt": "a red apple on a blue background"} | changes))


def test_it_is_the_model_of_the_first_minute(starter: Checkpoint) -> None:
    assert starter.path == FOLDER
    assert starter.abilities.kinds == frozenset(GenerationKind)


def test_it_is_small_and_holds_nothing_but_safetensors() -> None:
    files = [file for file in FOLDER.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) <= MOST_BYTES
    assert {file.suffix for file in files if file.stat().st_size > 2_000_000} == {".safetensors"}


def test_its_card_names_data_licences_and_training() -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    for word in ("Noto", "Apache", "CC-BY", "autoencoder"):
        assert word in card, word
    assert re.search(r"samples[^\n]*\d\d,\d{3}", card), "how many samples it has seen"
    assert any((FOLDER / "LICENSES").iterdir())


def test_it_reads_prompts_of_75_tokens(starter: Checkpoint) -> None:
    count = PromptTokenizer.load(starter.path / "tokenizer").count(
        "a red apple on a blue background"
    )
    assert (count.limit, count.cut) == (75, "")
    assert 7 <= count.count <= 10


@pytest.mark.parametrize("kind", list(GenerationKind))
def test_every_kind_makes_the_same_picture_twice(
    kind: GenerationKind, starter: Checkpoint, cache: PipelineCache
) -> None:
    diary = Diary()
    first = make(request(kind), starter, cache, diary)
    again = make(request(kind), starter, cache)

    assert first.image.shape == (SIZE.height, SIZE.width, 3)
    assert np.array_equal(first.image, again.image)
    assert first.image.std() > 1
    assert len(diary.frames) == len(diary.steps) == first.steps


def test_another_seed_and_another_prompt_make_other_pictures(
    starter: Checkpoint, cache: PipelineCache
) -> None:
    kind = GenerationKind.TEXT_TO_IMAGE
    one = make(request(kind), starter, cache).image
    assert not np.array_equal(one, make(request(kind, seed=32), starter, cache).image)
    other = make(request(kind, prompt="a green pear"), starter, cache).image
    assert not np.array_equal(one, other)


def test_nothing_outside_the_mask_changes(starter: Checkpoint, cache: PipelineCache) -> None:
    result = make(request(GenerationKind.INPAINTING), starter, cache)
    outside = round_mask(SIZE) == 0

    assert result.changed_outside_mask == 0
    assert np.array_equal(result.image[outside], picture(SIZE)[outside])
    assert not np.array_equal(result.image[~outside], picture(SIZE)[~outside])


@pytest.mark.parametrize("scheduler", ["Euler", "Euler a", "DDIM", "DPM++ 2M", "UniPC", "Heun"])
def test_every_scheduler_stays_within_bounds(
    scheduler: str, starter: Checkpoint, cache: PipelineCache
) -> None:
    """A scheduler that reads the model's prediction wrongly ends in black, white or noise."""
    made = make(
        request(GenerationKind.TEXT_TO_IMAGE, scheduler=scheduler, num_inference_steps=8),
        starter,
        cache,
    )
    clipped = np.isin(made.image, (0, 255)).mean()
    assert clipped < 0.5
    assert made.image.std() > 1


def test_core_does_not_know_it() -> None:
    """No special case: only the folder in which models are looked for leads to it."""
    sources = (Path(__file__).parents[2] / "core").rglob("*.py")
    assert [str(file) for file in sources if "starter" in file.read_text(encoding="utf-8")] == []
