"""One job after the other on a thread of their own, and word of it to the window's thread."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QThread, Signal

from core.addons import AddonShelf
from core.checkpoints import Checkpoint, resolve
from core.engine.events import Cancelled, EngineEvent, Failed, Finished, Ready
from core.engine.queue import Job, JobQueue, Lane
from core.engine.relay import Relay
from core.errors import GenerationCancelled, KnownError
from core.gallery import Gallery, GalleryItem
from core.inference import Timelines, generate, prepare
from core.inference.forecast import Advice
from core.inference.reproducing import threads_of
from core.inference.timeline import MEBIBYTE
from core.logs import logger
from core.memory import DevicePlan, room
from core.pipelines import PipelineCache, import_libraries
from core.pipelines.compiling import COMPILED, COMPILING
from core.request import GenerationRequest
from core.result import GenerationResult, LoadingProgress, MemoryIsTight, Remark
from core.tracing import trace

_log = logger("engine")
_OUR_FAULT = (
    "Something went wrong inside Sfumato, and the picture was not made. "
    "You can go on; the details are in the log."
)
_NOT_KEPT = "The picture could not be put into the gallery. Save it from the canvas."


class InferenceThread(QThread):
    """Makes one picture after the other and tells about it; outlives every failure.

    Every method may be called from any thread and returns at once, `close` excepted.

    Args:
        gallery: Keeps what is made; None keeps nothing.
        pipelines: The models in memory; used by this thread alone from now on.
        folders: Where models are looked for.
        room: How much memory of a device there is for a picture.
        timeline_megabytes: How much the states of the last runs may take, to branch from.

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
        room: Callable[[DevicePlan], int] = room,
        timeline_megabytes: int = 0,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("inference")
        self._gallery = gallery
        self._pipelines = pipelines
        self._folders = tuple(folders)
        self._jobs = JobQueue(self.post)
        self._relay: Relay | None = None
        self._room = room
        self._compiles = pipelines.compiles
        self._timelines = Timelines(timeline_megabytes * MEBIBYTE)
        self._posted.connect(self.event_emitted, Qt.ConnectionType.QueuedConnection)

    def submit(
        self, request: GenerationRequest, lane: Lane = Lane.FRONT, risk: bool = False
    ) -> None:
        """Put a request at the end of its lane; the front lane is done before the back lane.

        Args:
            risk: Try it even if the system might end this program for want of memory.
        """
        if not self._jobs.put(Job(request.checkpoint, request, lane, risk)):
            self.post(Cancelled(request.id))

    def reproduce(self, request: GenerationRequest, then: Mapping[str, Any]) -> None:
        """Make a kept picture again, under the conditions of then; it is not kept.

        Args:
            request: With an id of its own.
            then: The facts of the kept result.
        """
        if not self._jobs.put(Job(request.checkpoint, request, Lane.BACK, then=then)):
            self.post(Cancelled(request.id))

    def look_in(self, folders: Sequence[Path]) -> None:
        """Look for models in these folders from the next job on."""
        self._folders = tuple(folders)

    def limit_timelines(self, megabytes: int) -> None:
        """Let the states of the last runs take that much from now on; 0 keeps none."""
        self._timelines.limit(megabytes * MEBIBYTE)

    @property
    def timeline_bytes(self) -> int:
        """What the states of the last runs take now."""
        return self._timelines.bytes

    def compile_models(self, compiles: bool) -> None:
        """Let torch compile the model of the next picture, or not."""
        self._compiles = compiles

    def warm_up(self, checkpoint: str) -> None:
        """Load a model ahead of the first request; what fails here is told by that request."""
        self._jobs.put(Job(checkpoint))

    def cancel(self, request_id: str) -> None:
        """Stop that request, or take it out of the queue; nothing happens if it is over."""
        self._stop(request_id)

    def cancel_all(self) -> None:
        """Stop the running request and empty the queue."""
        self._stop(None)

    def finish(self, request_id: str) -> None:
        """Let that request, if it runs, end after its step with the picture it has by then."""
        self._jobs.finish(request_id)

    def move(self, request_id: str, place: int) -> None:
        """Put a waiting request at `place` among the waiting ones, 0 being the next."""
        self._jobs.move(request_id, place)

    def pause(self) -> None:
        """Let the running request rest after its step, and begin none."""
        self._jobs.pause(True)

    def resume(self) -> None:
        """Go on after a pause."""
        self._jobs.pause(False)

    def hold(self, held: bool) -> None:
        """Let the running request wait a moment for the window, or go on; see `Reins`."""
        self._jobs.hold(held)

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
        for job in self._jobs.cancel(request_id):
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

    def _work(self, job: Job) -> None:
        try:
            self._relay = Relay(self.post, job.request_id)
            if job.request is None:
                self._load_ahead(job)
            else:
                self._make(job, job.request)
        except GenerationCancelled:
            if job.request is not None:
                self.post(Cancelled(job.request_id))
        except KnownError as error:
            self._tell_failure(job, error)
        except Exception:  # noqa: BLE001  edge of the thread
            self._blame_us(job.request_id)
        finally:
            self._relay = None

    def _make(self, job: Job, request: GenerationRequest) -> None:
        checkpoint = resolve(request.checkpoint, self._folders)
        request.validate(checkpoint.abilities)
        advice = self._advice(job, request, checkpoint)
        if advice is None:
            return
        assert self._relay is not None
        # What is compared with a kept picture is made as that one was.
        self._pipelines.compiles = (
            self._compiles if job.then is None else bool(job.then.get(COMPILED))
        )
        if self._pipelines.will_compile(checkpoint):
            self.post(Remark(request.id, COMPILING))
        reins = job.reins
        shelf = AddonShelf(self._folders)
        with threads_of(job.then or {}):
            result = generate(
                request, checkpoint, self._pipelines, self._relay, reins.stop, reins, shelf,
                # What is compared with a kept picture is made anew from its first step on.
                self._timelines if job.then is None else None, at_once=advice.at_once,
            )  # fmt: skip
        for words in self._pipelines.take_remarks():
            self.post(Remark(request.id, words))
        if job.then is None:
            others = tuple(map(self._finished, result.together))
            self.post(replace(self._finished(result), together=others))
        else:
            self.post(Finished(request.id, result))

    def _finished(self, result: GenerationResult) -> Finished:
        item, message = self._keep(result)
        return Finished(result.request.id, result, item, message)

    def _advice(
        self, job: Job, request: GenerationRequest, checkpoint: Checkpoint
    ) -> Advice | None:
        """How the picture may be begun, or None; says what there is to say about its memory."""
        shelf = AddonShelf(self._folders)
        advice = prepare(request, checkpoint, self._pipelines, self._room, shelf)
        if advice.is_hopeless and not job.is_risked:
            self.post(Failed(request.id, advice.words, known=True, can_be_risked=True))
            return None
        if advice.words:
            self.post(MemoryIsTight(request.id, advice.words))
        return advice

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

    def _load_ahead(self, job: Job) -> None:
        def progress(fraction: float, what: str) -> None:
            if job.reins.stop.is_set():
                raise GenerationCancelled
            self.post(LoadingProgress("", fraction, what))

        try:
            checkpoint = resolve(job.checkpoint, self._folders)
            self._pipelines.get(checkpoint, max(checkpoint.abilities.kinds), progress)
        finally:
            self.post(LoadingProgress("", 1.0, "ready"))  # the end, whichever it was

    def _tell_failure(self, job: Job, error: KnownError) -> None:
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
