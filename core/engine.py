"""The thread that makes pictures: requests in, events out; the only Qt in core, and only QtCore."""

from __future__ import annotations

import os
import threading
import traceback
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QThread, Signal

from core.checkpoints import resolve
from core.errors import GenerationCancelled, KnownError
from core.gallery import Gallery, GalleryItem
from core.inference import generate
from core.logs import logger
from core.pipelines import PipelineCache, import_libraries
from core.request import GenerationRequest
from core.result import GenerationResult, LoadingProgress, PreviewFrame, StepProgress
from core.tracing import trace

_log = logger("engine")
_OUR_FAULT = (
    "Something went wrong inside Sfumato, and the picture was not made. "
    "You can go on; the details are in the log."
)
_NOT_KEPT = "The picture could not be put into the gallery. Save it from the canvas."


@dataclass(frozen=True)
class Ready:
    """torch and diffusers are imported."""


@dataclass(frozen=True)
class Queued:
    """A request waits for its turn."""

    request_id: str


@dataclass(frozen=True, eq=False)
class Finished:
    """A picture is made.

    Attributes:
        item: Where the gallery keeps it; None without a gallery, and when it could not be kept.
        message: Why it could not be kept, in words for the person; else empty.
    """

    request_id: str
    result: GenerationResult
    item: GalleryItem | None = None
    message: str = ""


@dataclass(frozen=True)
class Cancelled:
    """A request was stopped, or taken out of the queue."""

    request_id: str


@dataclass(frozen=True)
class Failed:
    """A request came to nothing.

    Attributes:
        request_id: Empty where no request is to blame.
        message: For the person, in a sentence or two.
        known: Whether it is the world's fault; else it is a bug.
        details: The traceback of a bug.
    """

    request_id: str
    message: str
    known: bool
    details: str = ""


EngineEvent = (
    Ready | Queued | LoadingProgress | StepProgress | PreviewFrame | Finished | Cancelled | Failed
)


@dataclass(eq=False)
class _Job:
    """A request in the queue; without one, a model that is only to be loaded."""

    checkpoint: str
    request: GenerationRequest | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def request_id(self) -> str:
        return "" if self.request is None else self.request.id


class _JobQueue:
    """Jobs in the order they came, for many threads that put and one that takes."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[_Job] = deque()
        self._running: _Job | None = None
        self.is_closed = False

    def put(self, job: _Job) -> bool:
        """Add a job; False once the queue is closed.

        A model that is being loaded ahead of time gives way to a request for another one.
        """
        with self._changed:
            if self.is_closed:
                return False
            for other in (*self._waiting, self._running):
                if other and other.request is None and other.checkpoint != job.checkpoint:
                    other.stop.set()
            self._waiting.append(job)
            self._changed.notify()
            return True

    def take(self) -> _Job | None:
        """Wait for the next job; None once the queue is closed."""
        with self._changed:
            self._running = None
            self._changed.wait_for(lambda: self._waiting or self.is_closed)
            self._running = None if self.is_closed else self._waiting.popleft()
            return self._running

    def stop(self, request_id: str | None = None) -> list[_Job]:
        """Stop that job, or all of them; those that had not begun are given back."""
        with self._changed:
            if self._running and request_id in (None, self._running.request_id):
                self._running.stop.set()
            taken = [job for job in self._waiting if request_id in (None, job.request_id)]
            self._waiting = deque(job for job in self._waiting if job not in taken)
            return taken

    def close(self) -> None:
        """Let `take` give None from now on."""
        with self._changed:
            self.is_closed = True
            self._changed.notify()


class _Relay:
    """Listens to one generation and passes on what it hears, previews only when looked at."""

    def __init__(self, engine: InferenceThread, request_id: str) -> None:
        self.request_id = request_id
        self.loading_progressed = self.step_completed = engine.post
        self._post = engine.post
        self._is_taken = True

    def wants_preview(self) -> bool:
        """Whether the last preview was taken."""
        return self._is_taken

    def preview_ready(self, frame: PreviewFrame) -> None:
        """Send a preview, and then none until it is taken."""
        self._is_taken = False
        self._post(frame)

    def take_preview(self) -> None:
        """The window has drawn the last preview."""
        self._is_taken = True


class InferenceThread(QThread):
    """Makes one picture after the other and tells about it; outlives every failure.

    Every method may be called from any thread and returns at once, `close` excepted.

    Args:
        gallery: Keeps what is made; None keeps nothing.
        pipelines: The models in memory; used by this thread alone from now on.
        folders: Where models are looked for.

    Attributes:
        event_emitted: Signal with one `EngineEvent`; emitted in the thread this object belongs
            to, the window's, and never from within a call of one of its methods.
    """

    event_emitted = Signal(object)
    _posted = Signal(object)

    def __init__(
        self,
        gallery: Gallery | None,
        pipelines: PipelineCache,
        folders: Sequence[Path],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("inference")
        self._gallery = gallery
        self._pipelines = pipelines
        self._folders = tuple(folders)
        self._jobs = _JobQueue()
        self._relay: _Relay | None = None
        self._posted.connect(self.event_emitted, Qt.ConnectionType.QueuedConnection)

    def submit(self, request: GenerationRequest) -> None:
        """Put a request at the end of the queue."""
        self.post(Queued(request.id))  # first: the thread may begin before `put` returns
        if not self._jobs.put(_Job(request.checkpoint, request)):
            self.post(Cancelled(request.id))

    def look_in(self, folders: Sequence[Path]) -> None:
        """Look for models in these folders from the next job on."""
        self._folders = tuple(folders)

    def warm_up(self, checkpoint: str) -> None:
        """Load a model ahead of the first request; what fails here is told by that request."""
        self._jobs.put(_Job(checkpoint))

    def cancel(self, request_id: str) -> None:
        """Stop that request, or take it out of the queue; nothing happens if it is over."""
        self._stop(request_id)

    def cancel_all(self) -> None:
        """Stop the running request and empty the queue."""
        self._stop(None)

    def preview_taken(self, request_id: str) -> None:
        """The last preview of that request was drawn: the next one is welcome."""
        relay = self._relay
        if relay is not None and relay.request_id == request_id:
            relay.take_preview()

    def close(self) -> None:
        """Stop everything and wait for the thread to end; it takes no more requests."""
        self._jobs.close()
        self._stop(None)
        self.wait()

    def run(self) -> None:
        """The thread: import, then one job after the other until closed. Called by Qt."""
        self._import()
        while (job := self._jobs.take()) is not None:
            with trace("job"):
                self._work(job)
        try:
            self._pipelines.release()
        except Exception:  # noqa: BLE001  edge of the thread
            _log.exception("the model could not be released")

    def post(self, event: EngineEvent) -> None:
        """Have `event_emitted` emitted from the event loop of this object's thread."""
        self._posted.emit(event)

    def _stop(self, request_id: str | None) -> None:
        for job in self._jobs.stop(request_id):
            if job.request is not None:
                self.post(Cancelled(job.request_id))

    def _import(self) -> None:
        def give_up_when_closed() -> None:
            if self._jobs.is_closed:
                raise GenerationCancelled

        try:
            with trace("import"):
                import_libraries(give_up_when_closed)
            _use_spare_cores()
        except GenerationCancelled:
            return
        except Exception:  # noqa: BLE001  edge of the thread
            self._blame_us("")
        else:
            self.post(Ready())

    def _work(self, job: _Job) -> None:
        try:
            self._relay = _Relay(self, job.request_id)
            if job.request is None:
                self._load_ahead(job)
            else:
                self._make(job.request, job.stop)
        except GenerationCancelled:
            if job.request is not None:
                self.post(Cancelled(job.request_id))
        except KnownError as error:
            self._tell_failure(job, error)
        except Exception:  # noqa: BLE001  edge of the thread
            self._blame_us(job.request_id)
        finally:
            self._relay = None

    def _make(self, request: GenerationRequest, stop: threading.Event) -> None:
        checkpoint = resolve(request.checkpoint, self._folders)
        assert self._relay is not None
        result = generate(request, checkpoint, self._pipelines, self._relay, stop)
        item, message = self._keep(result)
        self.post(Finished(request.id, result, item, message))

    def _keep(self, result: GenerationResult) -> tuple[GalleryItem | None, str]:
        """(the gallery's item, why there is none); the picture itself is never lost here."""
        if self._gallery is None:
            return None, ""
        try:
            with trace("keep"):
                return self._gallery.keep(result), ""
        except KnownError as error:
            return None, str(error)
        except Exception:  # noqa: BLE001  the picture is still worth more than the gallery
            _log.exception("result of %s could not be kept", result.request.id)
            return None, _NOT_KEPT

    def _load_ahead(self, job: _Job) -> None:
        def progress(fraction: float, what: str) -> None:
            if job.stop.is_set():
                raise GenerationCancelled
            self.post(LoadingProgress("", fraction, what))

        try:
            checkpoint = resolve(job.checkpoint, self._folders)
            self._pipelines.get(checkpoint, max(checkpoint.abilities.kinds), progress)
        finally:
            self.post(LoadingProgress("", 1.0, "ready"))  # the end, whichever it was

    def _tell_failure(self, job: _Job, error: KnownError) -> None:
        if job.request is None:
            _log.info("not loaded ahead: %s", error)
        else:
            self.post(Failed(job.request_id, str(error), known=True))

    def _blame_us(self, request_id: str) -> None:
        _log.exception("request %s failed", request_id or "(none)")
        self.post(Failed(request_id, _OUR_FAULT, known=False, details=traceback.format_exc()))


def _use_spare_cores() -> None:
    """Leave one core to the window: barriers that spin beside a busy core lose 3 to 50 times."""
    import psutil
    import torch

    if "OMP_NUM_THREADS" not in os.environ:
        cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
        if hasattr(os, "sched_getaffinity"):  # fewer in a container or under taskset
            cores = min(cores, len(os.sched_getaffinity(0)))
        torch.set_num_threads(max(1, cores - 1))  # counts for the thread that calls it
