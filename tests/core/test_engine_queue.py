"""What waits, in which order, held back and ended early; and the pictures that come of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication

from core.abilities import GenerationKind
from core.checkpoints import describe
from core.engine import Cancelled, Finished, Lane, QueueChanged
from core.engine.queue import Job, JobQueue
from core.gallery import Gallery
from core.inference import Reins, generate
from core.result import GenerationResult, StepProgress
from core.settings import Paths
from tests.helpers.engines import PATIENCE, Engine, an_engine
from tests.helpers.generations import Diary, a_request, make, new_cache, picture

Zoo = Callable[[str], Path]


@pytest.fixture
def engine(qapp: QCoreApplication, zoo: Zoo) -> Iterator[Engine]:
    with an_engine([zoo("sd15")]) as engine:
        yield engine


# --------------------------------------------------------------------- the queue alone


class Said:
    """A queue and what it told."""

    def __init__(self) -> None:
        self.states: list[QueueChanged] = []
        self.queue = JobQueue(self.states.append)

    def put(self, *names: str, lane: Lane = Lane.BACK) -> None:
        for name in names:
            self.queue.put(Job("sd15", a_request(id=name), lane))

    @property
    def waiting(self) -> tuple[str, ...]:
        return self.states[-1].waiting


@pytest.fixture
def said() -> Said:
    return Said()


def test_front_lane_goes_before_the_back_lane(said: Said) -> None:
    said.put("a", "b")
    said.put("live", lane=Lane.FRONT)
    said.put("c")
    said.put("live 2", lane=Lane.FRONT)
    assert said.waiting == ("live", "live 2", "a", "b", "c")


def test_waiting_request_is_moved(said: Said) -> None:
    said.put("a", "b", "c")
    said.queue.move("c", 0)
    assert said.waiting == ("c", "a", "b")
    said.queue.move("c", 99)
    assert said.waiting == ("a", "b", "c")
    said.queue.move("unknown", 0)
    assert said.waiting == ("a", "b", "c")


def test_live_picture_goes_behind_what_the_person_put_first(said: Said) -> None:
    said.put("a", "b")
    said.put("live", lane=Lane.FRONT)
    said.queue.move("live", 2)
    said.put("live 2", lane=Lane.FRONT)
    assert said.waiting == ("a", "b", "live", "live 2")


def test_every_change_is_told_once_and_nothing_else(said: Said) -> None:
    said.put("a", "b")
    job = said.queue.take()
    assert job is not None
    said.queue.pause(True)
    said.queue.pause(True)
    said.queue.cancel("unknown")
    said.queue.cancel("b")
    assert [(s.running, s.waiting, s.is_paused) for s in said.states] == [
        ("", ("a",), False),
        ("", ("a", "b"), False),
        ("a", ("b",), False),
        ("a", ("b",), True),
        ("a", (), True),
    ]


def test_model_to_be_loaded_ahead_is_not_in_the_list(said: Said) -> None:
    said.queue.put(Job("sd15"))
    said.put("a")
    assert [s.waiting for s in said.states] == [("a",)]


def test_closed_queue_gives_and_takes_nothing_even_while_paused(said: Said) -> None:
    said.put("a")
    said.queue.pause(True)
    said.queue.close()
    assert said.queue.take() is None
    assert not said.queue.put(Job("sd15", a_request()))


# --------------------------------------------------------------------- through the engine


def test_live_picture_is_made_before_waiting_batch_work(engine: Engine) -> None:
    batch = [a_request(seed=seed) for seed in range(3)]
    live = a_request(seed=9)
    engine.thread.pause()
    for request in batch:
        engine.thread.submit(request, Lane.BACK)
    engine.thread.submit(live)
    engine.thread.resume()
    engine.recorder.wait_for(Finished, count=4)
    made = [event.request_id for event in engine.recorder.of(Finished)]
    assert made == [request.id for request in (live, *batch)]


def test_nothing_begins_while_paused(engine: Engine) -> None:
    engine.thread.pause()
    request = a_request()
    engine.thread.submit(request)
    engine.thread.warm_up("sd15")
    engine.recorder.wait_until(
        lambda: any(request.id in s.waiting for s in engine.recorder.of(QueueChanged)), "request"
    )
    assert not engine.recorder.of((StepProgress, Finished))
    engine.thread.resume()
    assert isinstance(engine.recorder.outcome(request), Finished)


class Observed(Reins):
    """Reins that say when a run comes to rest."""

    def __init__(self) -> None:
        super().__init__()
        self.resting = threading.Event()

    def rest(self) -> float:
        if self._is_paused:
            self.resting.set()
        return super().rest()


def test_pause_is_between_two_steps_and_changes_no_pixel(zoo: Zoo) -> None:
    reins, request = Observed(), a_request()
    diary = Diary(on_step=lambda progress: reins.pause(progress.step == 2))
    results: list[GenerationResult] = []

    def run() -> None:
        checkpoint = describe(zoo("sd15"))
        results.append(generate(request, checkpoint, new_cache(), diary, reins.stop, reins))

    thread = threading.Thread(target=run)
    thread.start()
    assert reins.resting.wait(PATIENCE / 1000)
    assert [progress.step for progress in diary.steps] == [1, 2]
    reins.pause(False)
    thread.join()
    assert [progress.step for progress in diary.steps] == [1, 2, 3, 4]
    assert np.array_equal(results[0].image, make(request, zoo("sd15")).image)


def test_paused_picture_can_be_cancelled(engine: Engine) -> None:
    request = a_request(num_inference_steps=100)
    engine.thread.submit(request)
    engine.recorder.wait_for(StepProgress, request)
    engine.thread.pause()
    engine.thread.cancel(request.id)
    assert isinstance(engine.recorder.outcome(request), Cancelled)
    engine.thread.resume()
    assert isinstance(engine.make(a_request()), Finished)


def test_close_while_paused(engine: Engine) -> None:
    running, waiting = a_request(num_inference_steps=150), a_request()
    engine.thread.submit(running)
    engine.thread.submit(waiting)
    engine.recorder.wait_for(StepProgress, running)
    engine.thread.pause()
    engine.thread.close()
    assert engine.thread.isFinished()
    assert isinstance(engine.recorder.outcome(running), Cancelled)
    assert isinstance(engine.recorder.outcome(waiting), Cancelled)


# --------------------------------------------------------------------- stop here and keep


def finish_at_first_step(engine: Engine, request: Any) -> Any:
    engine.recorder.react = lambda event: (
        engine.thread.finish(request.id) if isinstance(event, StepProgress) else None
    )
    outcome = engine.make(request)
    engine.recorder.react = lambda event: None
    return outcome


@pytest.mark.parametrize("kind", list(GenerationKind))
def test_stopped_and_kept_it_says_at_which_step(
    engine: Engine, zoo: Zoo, kind: GenerationKind
) -> None:
    request = a_request(kind, num_inference_steps=150)
    finished = finish_at_first_step(engine, request)
    assert isinstance(finished, Finished)
    step = finished.result.steps
    assert finished.result.facts["stopped_at_step"] == step < request.steps_to_run
    assert finished.result.image.shape == (64, 64, 3)
    if kind is GenerationKind.INPAINTING:
        assert finished.result.changed_outside_mask == 0
    following = a_request(kind)
    result = engine.make(following).result
    assert np.array_equal(result.image, make(following, zoo("sd15")).image)
    assert "stopped_at_step" not in result.facts


def test_what_was_stopped_is_kept_with_its_step(
    qapp: QCoreApplication, zoo: Zoo, home: Path
) -> None:
    paths = Paths.find(home)
    paths.make()
    with Gallery(paths) as gallery, an_engine([zoo("sd15")], gallery) as engine:
        finished = finish_at_first_step(engine, a_request(num_inference_steps=150))
        record = gallery.get(finished.item.id).record
    assert record["facts"]["stopped_at_step"] == record["steps"] > 0


def test_finish_ends_a_pause_and_leaves_the_others_waiting(engine: Engine) -> None:
    running, waiting = a_request(num_inference_steps=150), a_request()
    engine.thread.submit(running)
    engine.thread.submit(waiting)
    engine.recorder.wait_for(StepProgress, running)
    engine.thread.pause()
    engine.thread.finish(running.id)
    assert isinstance(engine.recorder.outcome(running), Finished)
    assert not engine.recorder.of((Finished, Cancelled), waiting)
    engine.thread.resume()
    assert isinstance(engine.recorder.outcome(waiting), Finished)


def test_waiting_request_is_not_finished(engine: Engine) -> None:
    engine.thread.pause()
    request = a_request()
    engine.thread.submit(request)
    engine.thread.finish(request.id)
    engine.thread.resume()
    finished = engine.recorder.outcome(request)
    assert finished.result.steps == 4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kandinsky-2-2-decoder", "lcm", "sdxl-base"])
def test_families_that_know_no_early_end_come_to_one_too(
    qapp: QCoreApplication, zoo: Zoo, name: str
) -> None:
    zoo("kandinsky-2-2-prior")
    size = picture().shape[:2]
    with an_engine([zoo(name)]) as engine:
        request = a_request(checkpoint=name, num_inference_steps=60, scheduler="DDIM")
        if name == "lcm":
            request = a_request(checkpoint=name, num_inference_steps=45, scheduler="LCM")
        finished = finish_at_first_step(engine, request)
        assert isinstance(finished, Finished), finished
        assert finished.result.facts["stopped_at_step"] < request.steps_to_run
        assert finished.result.image.shape[:2] == size
        again = a_request(checkpoint=name, scheduler=request.scheduler)
        one, other = engine.make(again).result, engine.make(again.with_seed(again.seed)).result
    assert np.array_equal(one.image, other.image)
