"""From the press on Generate to the picture in its frame; one place turns events into state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QPalette

from core.checkpoints import Checkpoint
from core.engine import Cancelled, EngineEvent, Failed, Finished, Lane, QueueChanged, Ready
from core.errors import KnownError
from core.geometry import Rect
from core.logs import logger
from core.prompts import Wildcards
from core.request import GenerationRequest
from core.result import GenerationResult, LoadingProgress, PreviewFrame, StepProgress
from gui.canvas.asking import plan_of, requests_for, ways_of
from gui.canvas.branching import Branching
from gui.canvas.contact_sheet import preview_image
from gui.canvas.view import CanvasView
from gui.images import to_qimage
from gui.jobs import Errand, Job, Proposal, State, layer_name, step_words
from gui.panels.messages import MessageStrip
from gui.sampling import Sampling

_log = logger("generation")


class Engine(Protocol):
    """What the controller needs of the inference thread."""

    def submit(self, request: GenerationRequest, lane: Lane, risk: bool) -> None:
        """Put a request at the end of its lane; `risk` the memory it needs."""

    def reproduce(self, request: GenerationRequest, then: Mapping[str, Any]) -> None:
        """Make a kept picture again, to be compared."""

    def cancel_all(self) -> None:
        """Stop the running request and empty the queue."""

    def preview_taken(self, request_id: str) -> None:
        """The last preview was drawn."""


class GenerationController(QObject):
    """Builds requests from models, follows their events, and offers the pictures.

    Signals:
        state_changed: The engine starts, loads, draws or rests.
        kept: The person kept this result in the document.
        item_kept: A new gallery item.
        jobs_changed: How many jobs run or wait.
        previewed: A preview of this step is shown.
        proposal_shown: The finished pictures of which one is shown now, as `Proposal`, or None.
    """

    state_changed = Signal(object)
    kept = Signal(object)
    item_kept = Signal(object)
    jobs_changed = Signal(int)
    previewed = Signal(int)
    proposal_shown = Signal(object)

    def __init__(
        self, sampling: Sampling, canvas: CanvasView, messages: MessageStrip, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._sampling = sampling
        self._canvas = canvas
        self._messages = messages
        self._engine: Engine | None = None
        self._jobs: dict[str, Job] = {}
        self._proposal: Proposal | None = None
        self._state = State.STARTING
        self._comparing = False
        self._is_asked_early = False
        self.checkpoint: Checkpoint | None = None
        self.wildcards: Wildcards = {}
        self.branching: Branching | None = None
        canvas.bar.stop_asked.connect(self.stop)
        canvas.bar.keep_asked.connect(self.keep)
        canvas.bar.discard_asked.connect(self.discard)
        canvas.bar.compare_held.connect(self.compare)
        canvas.bar.step_asked.connect(self._on_step_asked)
        canvas.compare_held.connect(self.compare)
        canvas.painting_asked.connect(self.keep)  # under the picture no stroke would be seen

    # --- what the person does --------------------------------------------------------------

    def use_model(self, checkpoint: Checkpoint) -> None:
        """Make the next pictures with this model; start the one that was asked for before."""
        self.checkpoint = checkpoint
        if self._is_asked_early:
            self._is_asked_early = False
            self.generate()

    def use_engine(self, engine: Engine) -> None:
        """Send requests to this engine."""
        self._engine = engine

    @Slot()
    def generate(self) -> None:
        """Keep the picture that stands in the frame, and ask for the next."""
        document = self._canvas.document
        if self._engine is None or document is None or self.checkpoint is None:
            self._is_asked_early = True
            self._messages.tell("The picture is started as soon as a model is there.")
            return
        self._canvas.end_gesture()
        branching = self.branching
        if branching is None:  # else the new picture shall be offered beside the one it leaves
            self.keep()
        if not self._sampling.seed_locked:
            self._sampling.draw_seed()
        try:
            ask = requests_for if branching is None else branching.requests_for
            requests = ask(document, self._sampling, self.checkpoint, self.wildcards)
        except KnownError as error:
            self._messages.warn(str(error))
            return
        self._messages.hide()
        self._submit(requests)

    def start_again(self, requests: Sequence[GenerationRequest]) -> None:
        """Make what was asked for at another time, each where it was asked for."""
        if self._engine is not None and self._canvas.document is not None:
            self._submit(requests)

    def run_errands(self, errands: Sequence[tuple[GenerationRequest, Errand]]) -> None:
        """Make pictures that are not offered in the frame, behind everything that is."""
        document, engine = self._canvas.document, self._engine
        if engine is None or document is None:
            return
        for request, errand in errands:
            rect = errand.place or document.frame
            self._jobs[request.id] = Job(request, document, rect, document.origin, errand)
            if errand.then is None:
                engine.submit(request, Lane.BACK, False)
            else:
                engine.reproduce(request, errand.then)
        self._show_jobs()

    def _submit(self, requests: Sequence[GenerationRequest], risk: bool = False) -> None:
        """One picture is waited for and goes first; several are looked at when they are done."""
        assert self._engine is not None
        assert self._canvas.document is not None
        document, lane = self._canvas.document, Lane.FRONT if len(requests) == 1 else Lane.BACK
        for request in requests:
            rect = request.frame or document.frame
            self._jobs[request.id] = Job(request, document, rect, document.origin)
            self._engine.submit(request, lane, risk)
        self._show_jobs()

    @Slot()
    def stop(self) -> None:
        """Stop the running job and those that wait."""
        if self._engine is not None and self._jobs:
            self._engine.cancel_all()

    @Slot()
    def keep(self) -> None:
        """Take the picture that is looked at into the document, as one step to undo."""
        proposal, self._proposal = self._proposal, None
        if proposal is None:
            return
        rect, result = proposal.shown
        self._clear_frame()
        name, mask = layer_name(result.request.prompt), result.request.mask_image
        try:
            proposal.document.place_image(result.image, rect, name, mask, extends=True)
        except KnownError as error:
            self._messages.warn(f"{error} The picture is in the results below.")
        else:
            self.kept.emit(result)

    @Slot()
    def discard(self) -> None:
        """Put the pictures away; the gallery has them."""
        if self._proposal is not None:
            self._proposal = None
            self._clear_frame()

    @Slot(bool)
    def compare(self, held: bool) -> None:
        """While held, show the document without the new picture."""
        self._comparing = held
        if self._proposal is not None:
            if held:
                self._canvas.hide_overlay()
            else:
                self._show_proposal()

    def show_result(self, rect: Rect, result: GenerationResult) -> None:
        """Let a finished picture stand in the frame, as if it had just been made."""
        if self._canvas.document is not None:
            self.keep()
            document = self._canvas.document
            self._offer(Job(result.request, document, rect, document.origin), result)

    def leave_document(self) -> None:
        """The document is closed: what stands in the frame stays in the gallery only."""
        self.branching = None
        self.discard()
        self._clear_frame()

    @property
    def state(self) -> State:
        """How the engine is."""
        return self._state

    @property
    def is_busy(self) -> bool:
        """Whether a job runs or waits."""
        return bool(self._jobs)

    @property
    def requests(self) -> tuple[GenerationRequest, ...]:
        """New pictures that run or wait, in the order in which they were asked for."""
        return tuple(job.request for job in self._jobs.values() if job.is_new)

    def request(self, request_id: str) -> GenerationRequest | None:
        """The request of that id, while it runs or waits."""
        job = self._jobs.get(request_id)
        return None if job is None else job.request

    @property
    def has_proposal(self) -> bool:
        """Whether a picture waits for Keep or Discard."""
        return self._proposal is not None

    @property
    def shown_result(self) -> GenerationResult | None:
        """The picture that waits for Keep or Discard, the one that is looked at."""
        return None if self._proposal is None else self._proposal.shown[1]

    def plan(self) -> tuple[str, str, bool]:
        """What Generate would do now; what the size means; whether strength is used."""
        document = self._canvas.document
        if document is None:
            return "", "", False
        if self.branching is not None:
            return self.branching.plan, "", False
        return plan_of(document, self._sampling, self.checkpoint)

    def ways(self) -> tuple[bool, bool]:
        """Whether Generate would repaint a mask; whether two passes are worth offering."""
        document = self._canvas.document
        if document is None:
            return False, False
        return ways_of(document, self._sampling, self.checkpoint)

    # --- what the engine tells ---------------------------------------------------------------

    @Slot(object)
    def on_event(self, event: EngineEvent) -> None:
        """Turn one event of the engine into state; a request nobody waits for is dropped."""
        if isinstance(event, QueueChanged):
            return
        if isinstance(event, Ready):
            self._enter(State.READY)
            return
        if isinstance(event, Failed) and not event.request_id:
            self._on_failed(event)
            return
        job = self._jobs.get(event.request_id)
        match event:
            case LoadingProgress():
                self._on_loading(job, event)
            case StepProgress() if job:
                self._on_step(job, event)
            case PreviewFrame() if job:
                self._on_preview(job, event)
            case Finished() | Cancelled() | Failed() if job:
                self._on_end(job, event)

    def _on_end(self, job: Job, event: Finished | Cancelled | Failed) -> None:
        del self._jobs[event.request_id]
        if self._proposal is None:
            self._clear_frame()
        else:  # under the previews of this job stood a finished picture
            self._show_proposal()
        if isinstance(event, Finished):
            self._on_finished(job, event)
        elif isinstance(event, Failed):
            self._on_failed(event, job.request if job.errand is None else None)
        elif not self._jobs:
            self._messages.tell("Stopped.")
        self._enter(State.DRAWING if self._jobs else State.READY)
        self._show_jobs()
        if job.errand is not None:
            job.errand.ended(event)

    def _on_failed(self, event: Failed, request: GenerationRequest | None = None) -> None:
        if event.details:
            _log.info("job %s failed:\n%s", event.request_id, event.details)
        if request is not None and event.can_be_risked:
            anew = request.with_seed(request.seed)  # the same in all but its id
            self._messages.warn(
                event.message, "Try anyway", lambda: self._submit([anew], risk=True)
            )
        else:
            self._messages.warn(event.message)

    def _on_loading(self, job: Job | None, event: LoadingProgress) -> None:
        loaded = State.DRAWING if self._jobs else State.READY
        self._enter(State.LOADING if event.fraction < 1 else loaded)
        if job is not None and self._is_open(job):
            self._canvas.place_bar_under(job.rect)
            self._canvas.bar.show_progress(f"Loading {event.what}", event.fraction)

    def _on_step(self, job: Job, event: StepProgress) -> None:
        self._enter(State.DRAWING)
        if self._is_open(job):
            self._canvas.place_bar_under(job.rect)
            fraction = event.step / max(1, event.num_steps)
            self._canvas.bar.show_progress(step_words(job.request, event), fraction)

    def _on_preview(self, job: Job, event: PreviewFrame) -> None:
        if self._engine is not None:
            self._engine.preview_taken(event.request_id)
        if not self._is_open(job) or self._comparing:
            return
        ground = self._canvas.palette().color(QPalette.ColorRole.Window)
        image = preview_image(event, job.request.mask_image, ground)
        self._canvas.show_overlay(job.rect, image)
        self.previewed.emit(event.step)

    def _on_finished(self, job: Job, event: Finished) -> None:
        for each in (event, *event.together):
            self._on_picture(job, each)
        if event.together and self._proposal is not None and self._is_open(job):
            self._proposal.index -= len(event.together)  # the first of them is looked at first
            self._show_proposal()

    def _on_picture(self, job: Job, event: Finished) -> None:
        if event.item is not None:
            self.item_kept.emit(event.item)
        if event.message:
            self._messages.warn(event.message)
        elif event.result.blanked:
            self._messages.warn("The model's own safety checker replaced this picture by black.")
        if job.errand is not None:
            return
        if self._is_open(job):
            self._offer(job, event.result)
        elif not event.message:
            self._messages.tell("A picture was finished. It is in the results below.")

    # --- what is shown -------------------------------------------------------------------------

    def _offer(self, job: Job, result: GenerationResult) -> None:
        if self._proposal is None:
            self._proposal = Proposal(job.document)
        self._proposal.pictures.append((job, result))
        self._proposal.index = len(self._proposal.pictures) - 1
        self._show_proposal()

    def _show_proposal(self) -> None:
        assert self._proposal is not None
        rect, result = self._proposal.shown
        self._canvas.show_overlay(rect, to_qimage(result.image))
        self._canvas.place_bar_under(rect)
        changed = result.changed_outside_mask
        note = "" if changed is None else f"{changed} px changed outside the mask"
        self._canvas.bar.show_choice(self._proposal.index, len(self._proposal.pictures), note)
        self.proposal_shown.emit(self._proposal)

    def _clear_frame(self) -> None:
        self._canvas.hide_overlay()
        self._canvas.wipe.switch(False)
        self._canvas.bar.hide()
        self._canvas.place_bar_under(None)
        self.proposal_shown.emit(None)

    @Slot(int)
    def _on_step_asked(self, direction: int) -> None:
        if self._proposal is not None:
            count = len(self._proposal.pictures)
            self._proposal.index = (self._proposal.index + direction) % count
            self._show_proposal()

    def _is_open(self, job: Job) -> bool:
        return job.is_seen and job.document is self._canvas.document

    def _enter(self, state: State) -> None:
        if state is not self._state:
            self._state = state
            self.state_changed.emit(state)

    def _show_jobs(self) -> None:
        self.jobs_changed.emit(len(self._jobs))
        if self._jobs and self._proposal is None and self._state is not State.DRAWING:
            first = next(iter(self._jobs.values()))
            if self._is_open(first):
                self._canvas.place_bar_under(first.rect)
                self._canvas.bar.show_progress("Starting", 0.0)
