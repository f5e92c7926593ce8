"""The thread that makes pictures: in order, stoppable, and never brought down."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QObject, QThread

from core.abilities import GenerationKind
from core.engine import (
    Cancelled,
    EngineEvent,
    Failed,
    Finished,
    InferenceThread,
    QueueChanged,
    Ready,
)
from core.errors import StorageFailed
from core.gallery import Gallery
from core.request import Pixels
from core.result import GenerationResult, LoadingProgress, PreviewFrame, StepProgress
from core.settings import Paths
from tests.helpers.engines import Engine
from tests.helpers.generations import a_request, make, new_cache

Zoo = Callable[[str], Path]


@pytest.fixture
def models(zoo: Zoo, tmp_path: Path) -> Path:
    """A folder of models that a test may damage."""
    for name in ("sd15", "sd21"):
        shutil.copytree(zoo(name), tmp_path / "models" / name)
    return tmp_path / "models"


@pytest.fixture
def start(qapp: QCoreApplication, models: Path) -> Iterator[Callable[..., Engine]]:
    """Starts engines and closes them at the end of the test."""
    engines: list[Engine] = []

    def begin(gallery: Any = None) -> Engine:
        engines.append(Engine([models], gallery))
        return engines[-1]

    yield begin
    for engine in engines:
        engine.thread.close()


@pytest.fixture
def engine(start: Callable[..., Engine]) -> Engine:
    return start()


@pytest.fixture
def fresh(models: Path) -> Callable[[Any], Pixels]:
    """The picture of a request without any engine, from a model loaded for it alone."""
    return lambda request: make(request, models / request.checkpoint).image


class FullDisk:
    """A gallery that can keep nothing."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def keep(self, result: GenerationResult) -> Any:
        raise self._error


# ----------------------------------------------------------------------------- one picture


def test_request_in_picture_out(engine: Engine, fresh: Callable[[Any], Pixels]) -> None:
    request = a_request()
    finished = engine.make(request)
    assert isinstance(finished, Finished)
    assert np.array_equal(finished.result.image, fresh(request))
    assert finished.item is None
    assert finished.message == ""


def test_events_come_in_order_and_on_the_thread_of_the_window(engine: Engine) -> None:
    engine.recorder.wait_for(Ready)
    request = a_request()
    engine.make(request)
    among = (PreviewFrame, QueueChanged)
    kinds = [type(event) for event in engine.recorder.events if not isinstance(event, among)]
    loading = kinds.count(LoadingProgress)
    assert loading > 2
    assert kinds == [
        Ready,
        *[LoadingProgress] * loading,
        *[StepProgress] * 4,
        Finished,
    ]
    assert engine.recorder.threads == {QThread.currentThread()}


def test_nothing_is_emitted_from_within_submit(engine: Engine) -> None:
    """A controller must have noted the id before the first event about it comes."""
    request = a_request()
    engine.thread.submit(request)
    assert not engine.recorder.of(QueueChanged)
    engine.recorder.wait_for(QueueChanged)


def test_picture_is_kept_in_the_gallery(start: Callable[..., Engine], home: Path) -> None:
    paths = Paths.find(home)
    paths.make()
    gallery = Gallery(paths)
    try:
        finished = start(gallery).make(a_request())
        assert finished.item.path.exists()
        assert gallery.count() == 1
    finally:
        gallery.close()


def test_requests_are_done_in_the_order_they_came(engine: Engine) -> None:
    requests = [a_request(seed=seed) for seed in range(3)]
    for request in requests:
        engine.thread.submit(request)
    engine.recorder.wait_for(Finished, count=3)
    assert [e.request_id for e in engine.recorder.of(Finished)] == [r.id for r in requests]


def test_event_loop_turns_while_it_works(engine: Engine) -> None:
    """The recorder hears of each step before the end, and not all at once afterwards."""
    finished_at_step: list[bool] = []
    engine.recorder.react = lambda event: (
        finished_at_step.append(bool(engine.recorder.of(Finished)))
        if isinstance(event, StepProgress)
        else None
    )
    engine.make(a_request(num_inference_steps=6))
    assert finished_at_step == [False] * 6


# ----------------------------------------------------------------------------- previews


def test_next_preview_comes_only_when_the_last_was_taken(engine: Engine) -> None:
    request = a_request(num_inference_steps=8)
    engine.make(request)
    assert [frame.step for frame in engine.recorder.of(PreviewFrame, request)] == [1]


def test_preview_of_every_step_for_a_window_that_keeps_up(engine: Engine) -> None:
    request = a_request(num_inference_steps=8)
    posted: list[int] = []

    class Window(QObject):
        def take(self, event: EngineEvent) -> None:
            if isinstance(event, PreviewFrame):
                posted.append(event.step)
                engine.thread.preview_taken(event.request_id)

    # Directly, on the engine's thread: no preview can be missed for want of time.
    window = Window()
    engine.thread._posted.connect(window.take, type=_direct())
    engine.make(request)
    assert posted == list(range(1, 9))


def _direct() -> Any:
    from PySide6.QtCore import Qt

    return Qt.ConnectionType.DirectConnection


def test_preview_taken_of_another_request_is_not_for_this_one(engine: Engine) -> None:
    request = a_request(num_inference_steps=8)
    engine.recorder.react = lambda event: engine.thread.preview_taken("another")
    engine.make(request)
    assert len(engine.recorder.of(PreviewFrame, request)) == 1


# ----------------------------------------------------------------------------- cancelling


def test_running_request_is_cancelled(engine: Engine, fresh: Callable[[Any], Pixels]) -> None:
    request = a_request(num_inference_steps=100)
    engine.recorder.react = lambda event: (
        engine.thread.cancel(request.id) if isinstance(event, StepProgress) else None
    )
    assert isinstance(engine.make(request), Cancelled)
    assert len(engine.recorder.of(StepProgress, request)) < 100
    engine.recorder.react = lambda event: None
    following = a_request()
    assert np.array_equal(engine.make(following).result.image, fresh(following))


def test_request_is_cancelled_while_its_model_loads(engine: Engine) -> None:
    request = a_request()
    engine.recorder.react = lambda event: (
        engine.thread.cancel(request.id) if isinstance(event, LoadingProgress) else None
    )
    # The whole load may be over before this thread gets its turn; then a step is too late.
    assert isinstance(engine.make(request), Cancelled | Finished)
    engine.recorder.react = lambda event: None
    assert isinstance(engine.make(a_request()), Finished)


def test_waiting_request_is_taken_out_of_the_queue(engine: Engine) -> None:
    first, second, third = (a_request(seed=seed) for seed in range(3))
    for request in (first, second, third):
        engine.thread.submit(request)
    engine.thread.cancel(second.id)
    engine.recorder.outcome(third)
    assert isinstance(engine.recorder.outcome(second), Cancelled)
    assert not engine.recorder.of(StepProgress, second)
    assert isinstance(engine.recorder.outcome(first), Finished)
    assert isinstance(engine.recorder.outcome(third), Finished)


def test_everything_is_cancelled(engine: Engine) -> None:
    requests = [a_request(seed=seed, num_inference_steps=100) for seed in range(3)]
    for request in requests:
        engine.thread.submit(request)
    engine.recorder.wait_for(StepProgress, requests[0])
    engine.thread.cancel_all()
    assert all(isinstance(engine.recorder.outcome(r), Cancelled) for r in requests)
    assert isinstance(engine.make(a_request()), Finished)


def test_each_request_has_one_outcome(engine: Engine) -> None:
    """Cancelling what is over, unknown, or cancelled already says nothing more."""
    request = a_request()
    engine.make(request)
    engine.thread.cancel(request.id)
    engine.thread.cancel("unknown")
    engine.make(a_request())
    assert len(engine.recorder.of(Finished, request)) == 1
    assert not engine.recorder.of(Cancelled)


# ----------------------------------------------------------------------------- failures


def test_known_failure_is_told_in_its_own_words(engine: Engine) -> None:
    failed = engine.make(a_request(checkpoint="nothing"))
    assert failed.known
    assert failed.details == ""
    assert "“nothing”" in failed.message
    assert "sd15" in failed.message


def test_engine_outlives_every_failure(
    engine: Engine, models: Path, fresh: Callable[[Any], Pixels]
) -> None:
    shutil.rmtree(models / "sd21" / "unet")
    usual = a_request()
    expected = fresh(usual)
    for bad in (
        a_request(checkpoint="sd21"),
        a_request(prompt=" "),
        a_request(GenerationKind.INPAINTING, mask_image=np.zeros((64, 64), np.uint8)),
        a_request(GenerationKind.IMAGE_TO_IMAGE, strength=0.01),
        a_request(scheduler="no such scheduler"),
    ):
        failed = engine.make(bad)
        assert isinstance(failed, Failed)
        assert failed.known
        assert failed.message
        assert np.array_equal(engine.make(usual.with_seed(usual.seed)).result.image, expected)


def test_bug_is_logged_and_survived(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    expected_log: Callable[[str], None],
) -> None:
    engine.make(a_request())
    pipelines = engine.thread._pipelines

    def stumble(*_: object) -> Any:
        raise ZeroDivisionError("a bug of ours")

    request = a_request()
    expected_log(f"request {request.id} failed")
    with monkeypatch.context() as patch:
        patch.setattr(pipelines, "get", stumble)
        failed = engine.make(request)
    assert isinstance(failed, Failed)
    assert not failed.known
    assert "ZeroDivisionError: a bug of ours" in failed.details
    assert "ZeroDivisionError" not in failed.message
    assert isinstance(engine.make(a_request()), Finished)


def test_full_disk_does_not_lose_the_picture(start: Callable[..., Engine]) -> None:
    engine = start(FullDisk(StorageFailed("The disk is full. Free some space.")))
    finished = engine.make(a_request())
    assert isinstance(finished, Finished)
    assert finished.item is None
    assert finished.message == "The disk is full. Free some space."
    assert finished.result.image.shape == (64, 64, 3)


def test_bug_of_the_gallery_does_not_lose_the_picture(
    start: Callable[..., Engine], expected_log: Callable[[str], None]
) -> None:
    expected_log("could not be kept")
    finished = start(FullDisk(ZeroDivisionError())).make(a_request())
    assert isinstance(finished, Finished)
    assert finished.item is None
    assert "Save it from the canvas" in finished.message


# ----------------------------------------------------------------------------- loading ahead


def test_model_is_loaded_ahead(engine: Engine) -> None:
    engine.thread.warm_up("sd15")
    progress = engine.recorder.wait_for(LoadingProgress)
    assert progress.request_id == ""
    request = a_request()
    assert isinstance(engine.make(request), Finished)
    assert not engine.recorder.of(LoadingProgress, request)


def test_loading_ahead_fails_in_silence(engine: Engine) -> None:
    engine.thread.warm_up("nothing")
    assert isinstance(engine.make(a_request()), Finished)
    assert not engine.recorder.of(Failed)


def test_loading_ahead_gives_way_to_another_model(engine: Engine) -> None:
    engine.thread.warm_up("sd21")
    request = a_request(checkpoint="sd15")
    assert isinstance(engine.make(request), Finished)
    assert not engine.recorder.of(Failed)
    assert not engine.recorder.of(Cancelled)


# ----------------------------------------------------------------------------- the end


def test_close_ends_the_thread_in_the_middle_of_a_step(start: Callable[..., Engine]) -> None:
    engine = start()
    running, waiting = a_request(num_inference_steps=150), a_request()
    engine.thread.submit(running)
    engine.thread.submit(waiting)
    engine.recorder.wait_for(StepProgress, running)
    engine.thread.close()
    assert engine.thread.isFinished()
    assert isinstance(engine.recorder.outcome(running), Cancelled)
    assert isinstance(engine.recorder.outcome(waiting), Cancelled)


def test_close_right_after_start(start: Callable[..., Engine]) -> None:
    engine = start()
    engine.thread.close()
    assert engine.thread.isFinished()


def test_close_without_start(qapp: QCoreApplication, models: Path) -> None:
    thread = InferenceThread(None, new_cache(), [models])
    thread.submit(a_request())
    thread.close()
    thread.close()
    assert not thread.isRunning()


def test_request_after_close_is_cancelled(engine: Engine) -> None:
    engine.thread.close()
    assert isinstance(engine.make(a_request()), Cancelled)


def test_close_releases_the_model(engine: Engine) -> None:
    engine.make(a_request())
    pipelines = engine.thread._pipelines
    unet = weakref.ref(next(iter(pipelines._models.values())).loaded.pipe.unet)
    assert pipelines.bytes_in_use > 0
    engine.thread.close()
    assert pipelines.bytes_in_use == 0
    gc.collect()
    assert unet() is None


def test_many_threads_submit_and_cancel(engine: Engine) -> None:
    """Whatever the order, each request gets exactly one outcome."""
    requests = [a_request(seed=seed, num_inference_steps=2) for seed in range(12)]

    def use(own: list[Any]) -> None:
        for index, request in enumerate(own):
            engine.thread.submit(request)
            if index % 2:
                engine.thread.cancel(request.id)

    threads = [threading.Thread(target=use, args=(requests[i::3],)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcomes = [engine.recorder.outcome(request) for request in requests]
    engine.make(a_request())
    assert all(isinstance(outcome, Finished | Cancelled) for outcome in outcomes)
    for request in requests:
        assert len(engine.recorder.of((Finished, Cancelled, Failed), request)) == 1  # type: ignore[arg-type]


def test_engine_is_light_to_import() -> None:
    """The window imports this module before its first paint; torch must wait for the thread."""
    code = (
        "import sys, core.engine\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'PySide6.QtWidgets'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
