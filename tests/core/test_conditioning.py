"""Weighted and long prompts: what is plain stays bit for bit, what is weighted counts as much."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.abilities import GenerationKind
from core.pipelines import PipelineCache
from core.request import Pixels
from tests.helpers.generations import a_request, make, new_cache

Zoo = Callable[[str], Path]
READ_BY_CLIP = ["sd15", "sd21", "sdxl-base"]


@pytest.fixture(scope="module")
def cache() -> PipelineCache:
    """Models in memory, shared by tests that leave them as they were."""
    return new_cache()


class Studio:
    """Makes pictures with one model of the zoo."""

    def __init__(self, name: str, zoo: Zoo, cache: PipelineCache) -> None:
        self._name, self._folder, self._cache = name, zoo(name), cache

    def picture(self, prompt: str, negative_prompt: str = "", **changes: Any) -> Pixels:
        request = a_request(
            checkpoint=self._name, prompt=prompt, negative_prompt=negative_prompt, **changes
        )
        return make(request, self._folder, self._cache).image


@pytest.fixture(params=READ_BY_CLIP)
def studio(request: pytest.FixtureRequest, zoo: Zoo, cache: PipelineCache) -> Studio:
    return Studio(request.param, zoo, cache)


def distance(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def test_our_reading_of_a_plain_prompt_is_the_pipelines_bit_for_bit(studio: Studio) -> None:
    # Without guidance the negative prompt changes nothing, but its weight has us read both.
    theirs = studio.picture("a cat in a castle", guidance_scale=1.0)
    ours = studio.picture("a cat in a castle", "(dark:1.4)", guidance_scale=1.0)
    assert np.array_equal(ours, theirs)


def test_a_weight_of_almost_one_gives_almost_the_plain_picture(studio: Studio) -> None:
    """Also what stands for an empty negative prompt must be as the pipeline has it."""
    for negative in ("", "dark"):
        plain = studio.picture("a cat in a castle", negative)
        weighed = studio.picture("a (cat:1.0001) in a castle", negative)
        assert np.abs(plain.astype(int) - weighed).max() <= 2


def test_more_weight_changes_more(studio: Studio) -> None:
    plain = studio.picture("a cat in a castle")
    far = [
        distance(studio.picture(f"a (cat:{weight}) in a castle"), plain) for weight in (1.1, 1.6)
    ]
    assert 0 < far[0] < far[1]


def test_brackets_of_weight_one_and_escaped_ones_are_plain_text(studio: Studio) -> None:
    plain = studio.picture("a cat in a castle")
    assert np.array_equal(studio.picture("a (cat:1.0) in a castle"), plain)
    literal = studio.picture(r"a cat \(red\) in a castle")
    assert not np.array_equal(literal, studio.picture("a cat (red) in a castle"))
    assert not np.array_equal(literal, plain)


def test_what_stands_beyond_75_tokens_is_read(studio: Studio) -> None:
    long = "a cat in a castle, " * 20
    pictures = [studio.picture(long + word) for word in ("red", "blue")]
    assert distance(*pictures) > 0
    # Read by chunks: the end, moved to a third chunk, is read as well.
    assert distance(studio.picture(long * 2 + "red"), studio.picture(long * 2 + "blue")) > 0


def test_a_long_negative_prompt_counts_to_its_end_too(studio: Studio) -> None:
    long = "dark, " * 60
    pictures = [studio.picture("a cat", long + word) for word in ("red", "blue")]
    assert distance(*pictures) > 0


def test_break_has_what_follows_read_on_its_own(studio: Studio) -> None:
    one, two = (studio.picture(f"a cat {between} a castle") for between in ("", "BREAK"))
    assert distance(one, two) > 0
    assert np.array_equal(studio.picture("a cat BREAK"), studio.picture("a cat"))


@pytest.mark.parametrize("kind", [GenerationKind.IMAGE_TO_IMAGE, GenerationKind.INPAINTING])
def test_weights_count_in_every_kind(studio: Studio, kind: GenerationKind) -> None:
    plain, weighed = (
        studio.picture(prompt, kind=kind, strength=1.0) for prompt in ("a cat", "a (cat:1.5)")
    )
    assert distance(plain, weighed) > 0


def test_weights_are_taken_out_where_no_clip_reads_them(zoo: Zoo, cache: PipelineCache) -> None:
    studio = Studio("sd3", zoo, cache)
    weighed = studio.picture("a ((cat)) [in] a (castle:1.3)", "(dark:2)")
    assert np.array_equal(weighed, studio.picture("a cat in a castle", "dark"))
