"""Out of memory: rung by rung until the picture fits, and nothing of it in the next picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication

from core.abilities import GenerationKind
from core.engine import Cancelled, Failed, Finished, MemoryRanShort
from core.inference.ladder import RUNGS
from core.memory import Placement
from core.request import Pixels
from tests.helpers.cramped import SIGNALS, CrampedDevice
from tests.helpers.engines import Engine, an_engine
from tests.helpers.generations import a_request, make

Zoo = Callable[[str], Path]
STEPS = 2

# Where memory ends, and everything that helps there; on the CPU only what is before the bar.
ON_CPU = {
    "load": ["again"],
    "step": ["again", "one by one"],
    "decode": ["VAE tiling"],
}
OFF_CPU = {
    "load": ["again", "model offload", "sequential offload"],
    "step": ["again", "one by one", "attention slicing", "model offload", "sequential offload"],
    "decode": ["VAE tiling", "model offload", "sequential offload"],
}


def small(**changes: Any) -> Any:
    return a_request(**{"num_inference_steps": STEPS} | changes)


@pytest.fixture
def picture(zoo: Zoo) -> Pixels:
    """What an engine of its own makes of `small()`."""
    return make(small(), zoo("sd15")).image


@contextmanager
def cramped_engine(zoo: Zoo, device: CrampedDevice) -> Iterator[Engine]:
    with an_engine([zoo("sd15")], cache=device.new_cache()) as engine:
        yield engine


def short_of(engine: Engine, request: Any) -> list[str]:
    return [event.saving for event in engine.recorder.of(MemoryRanShort, request)]


def check(engine: Engine, device: CrampedDevice, phase: str, number: int, picture: Pixels) -> None:
    """Let memory run out once more, until another of the rungs; then make the usual picture."""
    reliefs = (ON_CPU if device.plan.device == "cpu" else OFF_CPU)[phase]
    relief = reliefs[number % len(reliefs)]
    expected = reliefs[: reliefs.index(relief) + 1]
    if phase == "load":
        engine.thread._pipelines.release()
    device.cramp(phase, relief, step=1 + number % STEPS)
    request = small()
    finished = engine.make(request)
    assert isinstance(finished, Finished), finished
    assert len(short_of(engine, request)) == device.failures == len(expected)
    saved = [rung for rung in expected if rung != "again"]
    assert finished.result.facts.get("memory_savings", []) == saved
    assert _difference(finished.result.image, picture) <= (2 if saved else 0)
    device.cramp("", "")
    following = engine.make(small())
    assert np.array_equal(following.result.image, picture)
    assert "memory_savings" not in following.result.facts


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["load", "step", "decode"])
def test_twenty_times_out_of_memory_and_the_next_picture_is_as_new(
    qapp: QCoreApplication, zoo: Zoo, picture: Pixels, phase: str
) -> None:
    device = CrampedDevice("cuda")
    with cramped_engine(zoo, device) as engine:
        for number in range(20):
            device.signal = sorted(SIGNALS)[number % len(SIGNALS)]
            check(engine, device, phase, number, picture)
    assert device.pinned == 0


@pytest.mark.parametrize("phase", ["load", "step", "decode"])
def test_the_cpu_has_a_shorter_ladder(
    qapp: QCoreApplication, zoo: Zoo, picture: Pixels, phase: str
) -> None:
    device = CrampedDevice("cpu")
    with cramped_engine(zoo, device) as engine:
        for number in range(len(ON_CPU[phase])):
            check(engine, device, phase, number, picture)
    assert device.pinned == 0


@pytest.mark.parametrize("phase", ["load", "step", "decode"])
def test_nothing_helps_and_it_is_said_in_one_sentence(
    qapp: QCoreApplication, zoo: Zoo, picture: Pixels, phase: str
) -> None:
    device = CrampedDevice("cuda")
    with cramped_engine(zoo, device) as engine:
        device.cramp(phase, "nothing")
        request = small()
        failed = engine.make(request)
        assert isinstance(failed, Failed)
        assert failed.known
        about = "“sd15” does not fit" if phase == "load" else "64 × 64 pixels with “sd15”"
        assert about in failed.message
        assert device.failures == len(OFF_CPU[phase]) + 1
        assert len(short_of(engine, request)) == len(OFF_CPU[phase])
        device.cramp("", "")
        assert np.array_equal(engine.make(small()).result.image, picture)
    assert device.pinned == 0


def test_pictures_are_encoded_in_tiles_before_anything_slower(
    qapp: QCoreApplication, zoo: Zoo
) -> None:
    device = CrampedDevice("cpu")
    with cramped_engine(zoo, device) as engine:
        device.cramp("step", "VAE tiling")
        finished = engine.make(small(kind=GenerationKind.IMAGE_TO_IMAGE, num_inference_steps=6))
    assert finished.result.facts["memory_savings"] == ["VAE tiling"]


def test_what_would_undo_guidance_by_perturbation_is_left_out(
    qapp: QCoreApplication, zoo: Zoo, picture: Pixels
) -> None:
    """Halves computed apart, or other attention, would silently draw another picture."""
    device = CrampedDevice("cuda")
    with cramped_engine(zoo, device) as engine:
        device.cramp("step", "nothing")
        request = small(pag_scale=3.0)
        assert isinstance(engine.make(request), Failed)
        named = {rung.words: rung.name for rung in RUNGS}
        tried = [named[words] for words in short_of(engine, request)]
        assert tried == ["again", "model offload", "sequential offload"]
        device.cramp("", "")
        assert np.array_equal(engine.make(small()).result.image, picture)


def test_offloaded_model_is_read_anew_for_the_next_picture(
    qapp: QCoreApplication, zoo: Zoo
) -> None:
    device = CrampedDevice("cuda")
    with cramped_engine(zoo, device) as engine:
        device.cramp("load", "model offload")
        engine.make(small())
        device.cramp("", "")
        engine.make(small())
        engine.make(small())
    resident, offload = Placement.RESIDENT, Placement.MODEL_OFFLOAD
    assert device.placements == [resident, resident, offload, resident]


def test_it_can_be_stopped_between_two_rungs(qapp: QCoreApplication, zoo: Zoo) -> None:
    device = CrampedDevice("cuda")
    with cramped_engine(zoo, device) as engine:
        device.cramp("step", "nothing", step=2)
        request = small()
        device.ran_out = lambda: engine.thread.cancel(request.id)
        assert isinstance(engine.make(request), Cancelled)
        assert device.failures == 1
        device.cramp("", "")
        assert isinstance(engine.make(small()), Finished)


def _difference(one: Pixels, other: Pixels) -> int:
    """The most that a value of a pixel differs."""
    return int(np.abs(one.astype(int) - other.astype(int)).max())
