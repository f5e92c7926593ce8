"""Compiled by torch where the person asks for it: nearly the same picture, and back to the bit.

torch's own reading of the blocks is real here; what it would hand to a C++ compiler is computed
as it is, but for one test.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch._dynamo
from PySide6.QtCore import QCoreApplication
from torch._inductor.exc import InvalidCxxCompiler

from core.abilities import GenerationKind
from core.addons import AddonShelf
from core.checkpoints import describe
from core.engine import Remark
from core.errors import GenerationCancelled
from core.inference import generate
from core.inference.stopping import blocks
from core.pipelines import PipelineCache, import_libraries
from core.pipelines.compiling import COMPILED, COMPILING
from tests.helpers.engines import an_engine
from tests.helpers.generations import CPU, Diary, a_request, make

Zoo = Callable[[str], Path]
TEXT = GenerationKind.TEXT_TO_IMAGE


@dataclass
class Backend:
    """Stands in for torch's compiler; counts what it is given."""

    error: Exception | None = None
    programs: int = 0

    def __call__(self, graph: Any, inputs: Any) -> Any:
        self.programs += 1
        if self.error is not None:
            raise self.error
        return graph.forward


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    """One for all tests: reading a block takes torch a second, and what was read is found again."""
    import_libraries()
    torch._dynamo.reset()
    yield Backend()
    torch._dynamo.reset()


@pytest.fixture(scope="module")
def cache(backend: Backend) -> PipelineCache:
    made = PipelineCache(None, CPU, backend=backend)
    made.compiles = True
    return made


def test_the_picture_is_nearly_the_same_and_says_that_it_was_compiled(
    zoo: Zoo, cache: PipelineCache, backend: Backend
) -> None:
    plain = make(a_request(), zoo("sd15"))
    compiled = make(a_request(), zoo("sd15"), cache)
    assert compiled.facts[COMPILED] is True
    assert COMPILED not in plain.facts
    assert np.abs(compiled.image.astype(int) - plain.image).max() <= 2
    assert not cache.take_remarks()


def test_the_second_picture_compiles_nothing(
    zoo: Zoo, cache: PipelineCache, backend: Backend
) -> None:
    """Each run has hooks and an event of its own, which must not become part of the program."""
    checkpoint = describe(zoo("sd15"))
    first = make(a_request(), checkpoint, cache)
    assert backend.programs > 0
    assert not cache.will_compile(checkpoint)
    programs = backend.programs
    again = make(a_request(), checkpoint, cache)
    make(a_request(seed=8), checkpoint, cache)
    make(a_request(GenerationKind.INPAINTING, strength=1.0), checkpoint, cache)
    assert backend.programs == programs
    assert np.array_equal(first.image, again.image)


def test_it_can_be_switched_off_and_nothing_of_it_stays(zoo: Zoo, cache: PipelineCache) -> None:
    plain = make(a_request(), zoo("sd15"))
    make(a_request(), zoo("sd15"), cache)
    cache.compiles = False
    after = make(a_request(), zoo("sd15"), cache)
    cache.compiles = True
    assert np.array_equal(after.image, plain.image)
    assert after.facts == plain.facts
    assert cache.will_compile(describe(zoo("sd15")))


def test_what_cannot_be_compiled_is_drawn_as_without_and_said_once(
    zoo: Zoo,
) -> None:
    backend = Backend(InvalidCxxCompiler())
    cache = PipelineCache(None, CPU, backend=backend)
    cache.compiles = True
    plain = make(a_request(), zoo("sd15"))
    drawn = make(a_request(), zoo("sd15"), cache)
    assert np.array_equal(drawn.image, plain.image)
    assert COMPILED not in drawn.facts
    (words,) = cache.take_remarks()
    assert "no C++ compiler was found" in words
    again = make(a_request(), zoo("sd15"), cache)
    assert backend.programs == 1
    assert COMPILED not in again.facts
    assert not cache.take_remarks()


def test_a_compiled_model_can_be_stopped_between_its_blocks(zoo: Zoo, cache: PipelineCache) -> None:
    looked: list[int] = []

    class Event(threading.Event):
        def is_set(self) -> bool:
            looked.append(1)
            if len(looked) == 60:
                self.set()
            return super().is_set()

    checkpoint = describe(zoo("sd15"))
    expected = make(a_request(), checkpoint, cache)
    pipe = cache.get(checkpoint, TEXT).pipe
    watched = {type(module).__name__ for module in blocks(pipe)}
    assert {"BasicTransformerBlock", "ResnetBlock2D"} <= watched
    with pytest.raises(GenerationCancelled):
        make(a_request(), checkpoint, cache, stop=Event())
    assert np.array_equal(make(a_request(), checkpoint, cache).image, expected.image)


def test_a_lora_is_not_compiled(
    zoo: Zoo, cache: PipelineCache, backend: Backend, tmp_path: Path
) -> None:
    (tmp_path / "loras").symlink_to(zoo("lora-sd15"))
    shelf, checkpoint = AddonShelf([tmp_path]), describe(zoo("sd15"))

    def draw(cache: PipelineCache, prompt: str) -> Any:
        stop = threading.Event()
        return generate(a_request(prompt=prompt), checkpoint, cache, Diary(), stop, shelf=shelf)

    programs = backend.programs
    worn = draw(cache, "a cat <lora:tiny_unet:0.8>")
    assert backend.programs == programs
    assert COMPILED not in worn.facts
    expected = draw(PipelineCache(None, CPU), "a cat <lora:tiny_unet:0.8>")
    assert np.array_equal(worn.image, expected.image)
    assert draw(cache, "a cat").facts[COMPILED] is True


def test_a_model_without_repeated_blocks_is_left_as_it_is(
    zoo: Zoo, cache: PipelineCache, backend: Backend
) -> None:
    checkpoint = describe(zoo("sd3"))
    request = a_request(checkpoint="sd3", scheduler=checkpoint.abilities.schedulers[0])
    programs = backend.programs
    drawn = make(request, checkpoint, cache)
    assert COMPILED not in drawn.facts
    assert backend.programs == programs


def test_a_model_that_leaves_takes_it_along(zoo: Zoo, cache: PipelineCache) -> None:
    make(a_request(), zoo("sd15"), cache)
    unet = weakref.ref(cache.get(describe(zoo("sd15")), TEXT).pipe.unet)
    cache.release()
    assert unet() is None


def test_the_engine_says_that_it_takes_longer_and_makes_old_pictures_as_they_were(
    qapp: QCoreApplication, zoo: Zoo, backend: Backend
) -> None:
    with an_engine([zoo("sd15")], cache=PipelineCache(None, CPU, backend=backend)) as engine:
        first = a_request()
        plain = engine.make(first).result
        engine.thread.compile_models(True)
        second, third = a_request(), a_request()
        compiled = engine.make(second).result
        engine.make(third)
        old = a_request()
        engine.thread.reproduce(old, plain.facts)
        assert np.array_equal(engine.recorder.outcome(old).result.image, plain.image)
    assert [remark.words for remark in engine.recorder.of(Remark, second)] == [COMPILING]
    assert not engine.recorder.of(Remark, first) + engine.recorder.of(Remark, third)
    assert compiled.facts[COMPILED] is True


@pytest.mark.slow
def test_a_real_compiler_draws_nearly_the_same(zoo: Zoo, tmp_path: Path) -> None:
    cache = PipelineCache(tmp_path / "cache" / "previews", CPU)
    cache.compiles = True
    compiled = make(a_request(), zoo("sd15"), cache)
    if words := cache.take_remarks():
        pytest.skip(words[0])
    plain = make(a_request(), zoo("sd15"))
    assert np.abs(compiled.image.astype(int) - plain.image).max() <= 2
