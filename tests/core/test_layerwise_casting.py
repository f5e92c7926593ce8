"""Weights in 8 bits, where a card can keep them so: before the slowest saving, and recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication

from core.abilities import GenerationKind
from core.checkpoints import describe
from core.engine import Failed, MemoryRanShort
from core.inference import prepare
from core.inference.forecast import GIB, Forecast, advise
from core.inference.ladder import RUNGS
from core.memory import DevicePlan, Hardware, Placement, plan
from core.pipelines.placing import cast_layerwise
from core.settings import RESOURCES
from tests.helpers.cramped import CrampedDevice
from tests.helpers.engines import an_engine
from tests.helpers.generations import a_request, make, new_cache

Zoo = Callable[[str], Path]
STARTER = RESOURCES / "models" / "starter"
CARD = DevicePlan("cuda", "float16", "A test's.", 8 << 30, 8 << 30, can_cast=True)
LARGE = Forecast(
    resident=6 * GIB, largest=3 * GIB, working=GIB, loading=0, mapped=0, largest_cast=2 * GIB
)


@pytest.fixture
def card() -> CrampedDevice:
    """A card that keeps weights in 8 bits, and has hardly any memory."""
    device = CrampedDevice("cuda")
    device.plan = replace(device.plan, can_cast=True)
    return device


@pytest.mark.parametrize("able", [True, False])
def test_the_plan_says_whether_the_card_can(able: bool) -> None:
    found = Hardware(ram_total=GIB, ram_free=GIB, cuda="RTX", cuda_total=1, cuda_fp8=able)
    assert plan(found, "").can_cast is able
    assert not plan(replace(found, cuda=""), "").can_cast


def test_it_comes_before_one_layer_at_a_time() -> None:
    room = int(3.5 * GIB)
    cast = advise(LARGE, CARD, room)
    assert cast.placement is Placement.LAYERWISE_CASTING
    assert "8 bits (layerwise casting)" in cast.words
    for slower in (
        advise(LARGE, CARD, room, may_cast=False),
        advise(LARGE, replace(CARD, can_cast=False), room),
        advise(LARGE, CARD, 3 * GIB),
    ):
        assert slower.placement is Placement.SEQUENTIAL_OFFLOAD
    assert advise(LARGE, CARD, 5 * GIB).placement is Placement.MODEL_OFFLOAD


def test_a_picture_in_8_bits_is_nearly_the_same_for_every_kind() -> None:
    """On the CPU, which computes it as a card would; only that nothing is offloaded."""
    expected = make(a_request(checkpoint="starter", num_inference_steps=6), STARTER).image
    cache = new_cache()
    pipes = [cache.get(describe(STARTER), kind).pipe for kind in GenerationKind]
    before = cache.bytes_in_use
    for pipe in pipes:
        cast_layerwise(pipe, "float32")
    assert cache.bytes_in_use < 0.6 * before
    drawn = make(a_request(checkpoint="starter", num_inference_steps=6), STARTER, cache).image
    assert 0 < np.abs(drawn.astype(int) - expected).mean() < 10


def test_the_ladder_takes_it_and_the_record_says_so(
    qapp: QCoreApplication, zoo: Zoo, card: CrampedDevice
) -> None:
    with an_engine([zoo("sd15")], cache=card.new_cache()) as engine:
        whole = engine.make(a_request(num_inference_steps=2)).result
        card.cramp("step", "layerwise casting")
        saved = engine.make(a_request(num_inference_steps=2)).result
        card.cramp("", "")
        again = engine.make(a_request(num_inference_steps=2)).result
    savings = saved.facts["memory_savings"]
    assert savings[-2:] == ["model offload", "layerwise casting"]
    assert saved.facts["weights_stored_as"] == "float8_e4m3fn"
    assert "weights_stored_as" not in whole.facts | again.facts
    assert np.array_equal(whole.image, again.image)


def test_the_ladder_leaves_it_out_where_it_would_spoil_an_addon(
    qapp: QCoreApplication, zoo: Zoo, card: CrampedDevice, tmp_path: Path
) -> None:
    (tmp_path / "loras").symlink_to(zoo("lora-sd15"))
    (tmp_path / "sd15").symlink_to(zoo("sd15"))
    with an_engine([tmp_path], cache=card.new_cache()) as engine:
        card.cramp("step", "nothing")
        request = a_request(prompt="a cat <lora:tiny_unet:1>", num_inference_steps=2)
        failed = engine.make(request)
        assert isinstance(failed, Failed)
        named = {rung.words: rung.name for rung in RUNGS}
        tried = [named[event.saving] for event in engine.recorder.of(MemoryRanShort, request)]
    assert "sequential offload" in tried
    assert "layerwise casting" not in tried


def test_a_model_in_8_bits_is_read_in_full_again_for_an_addon(
    zoo: Zoo, card: CrampedDevice
) -> None:
    checkpoint, cache = describe(zoo("sd15")), card.new_cache()
    cache.suggest(checkpoint, Placement.LAYERWISE_CASTING)
    assert cache.get(checkpoint, a_request().kind).plan.placement is Placement.LAYERWISE_CASTING
    prepare(a_request(), checkpoint, cache, lambda plan: 8 * GIB)
    assert cache.plan.placement is Placement.LAYERWISE_CASTING  # kept
    prepare(a_request(prompt="a cat <lora:tiny:1>"), checkpoint, cache, lambda plan: 8 * GIB)
    assert cache.plan.placement is Placement.RESIDENT
