"""The queue as the person sees and changes it: in the header, its panel and the frame's bar."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QObject, Slot

from core.engine import EngineEvent, MemoryIsTight, MemoryRanShort, QueueChanged, Remark
from core.request import GenerationRequest
from core.result import LoadingProgress, StepProgress
from gui.generation import GenerationController, State
from gui.main_window import MainWindow
from gui.panels.queue import Entry, QueuePanel

STATES = {
    State.STARTING: ("starting", "text2"),
    State.READY: ("ready", "ok"),
    State.LOADING: ("loading model", "accent"),
    State.DRAWING: ("drawing", "accent"),
}
_EMPTY = QueueChanged("", (), is_paused=False)


class QueueEngine(Protocol):
    """What the controller needs of the inference thread."""

    def cancel(self, request_id: str) -> None:
        """Stop that request, or take it out of the queue."""

    def cancel_all(self) -> None:
        """Stop the running request and empty the queue."""

    def finish(self, request_id: str) -> None:
        """Let the running request end with the picture it has."""

    def move(self, request_id: str, place: int) -> None:
        """Put a waiting request at `place`, 0 being the next."""

    def pause(self) -> None:
        """Rest after the step."""

    def resume(self) -> None:
        """Go on."""


class QueueController(QObject):
    """Follows the engine's queue, and passes on what the person wants of it."""

    def __init__(self, window: MainWindow, generation: GenerationController) -> None:
        super().__init__(window)
        self._window = window
        self._generation = generation
        self._engine: QueueEngine | None = None
        self._queue = _EMPTY
        self._progress = ""
        self._said_of_memory = ""
        self._panel: QueuePanel | None = None
        window.header.queue_asked.connect(self.show_panel)
        window.canvas.bar.pause_asked.connect(self.pause_or_go_on)
        window.canvas.bar.finish_asked.connect(self.finish)
        actions = window.actions_by_name
        actions["pause"].triggered.connect(self.pause_or_go_on)
        actions["finish"].triggered.connect(self.finish)
        actions["queue"].triggered.connect(self.show_panel)
        generation.state_changed.connect(self._show_state)
        generation.jobs_changed.connect(self._show_entries)

    def use_engine(self, engine: QueueEngine) -> None:
        """Follow this engine."""
        self._engine = engine

    # --- what the person does ----------------------------------------------------------------

    @Slot()
    def show_panel(self) -> None:
        """Hang the panel below the header; it is made when it is wanted for the first time."""
        if self._panel is None:
            self._panel = self._make_panel()
        self._show_entries()
        self._panel.show_paused(self._queue.is_paused)
        self._panel.open_at(self._window.header.queue_corner)

    @Slot()
    def pause_or_go_on(self) -> None:
        """Let the running picture rest after its step and none begin, or end that."""
        if self._engine is None or not self._generation.is_busy:
            return
        if self._queue.is_paused:
            self._engine.resume()
        else:
            self._engine.pause()

    @Slot()
    def finish(self) -> None:
        """Decode the running picture as it is after its step."""
        if self._engine is not None and self._queue.running:
            self._engine.finish(self._queue.running)
            self._window.canvas.bar.say("Finishing with what there is")

    @Slot(str)
    def _on_cancel_asked(self, request_id: str) -> None:
        if self._engine is not None:
            self._engine.cancel(request_id)

    @Slot(str)
    def _on_up_asked(self, request_id: str) -> None:
        if self._engine is not None and request_id in self._queue.waiting:
            self._engine.move(request_id, max(0, self._queue.waiting.index(request_id) - 1))

    # --- what the engine tells -----------------------------------------------------------------

    @Slot(object)
    def on_event(self, event: EngineEvent) -> None:
        """Take note of what concerns the queue; to be connected after the generation's slot."""
        match event:
            case QueueChanged():
                self._on_queue_changed(event)
            case StepProgress():
                self._say_progress(f"Step {event.step} of {event.num_steps}")
                if self._queue.is_paused and event.step < event.num_steps:
                    self._window.canvas.bar.say(f"Paused · step {event.step} of {event.num_steps}")
            case LoadingProgress() if event.request_id:
                self._say_progress("Loading the model")
            case MemoryRanShort():
                self._window.messages.tell(f"Memory ran short; now {event.saving}.")
            case MemoryIsTight() if event.words != self._said_of_memory:
                self._said_of_memory = event.words  # once, and not for every picture of a batch
                self._window.messages.tell(event.words)
            case Remark():
                self._window.messages.tell(event.words)

    def _on_queue_changed(self, queue: QueueChanged) -> None:
        before, self._queue = self._queue, queue
        if queue.running != before.running:
            self._progress = ""
        if queue.is_paused != before.is_paused:
            self._window.canvas.bar.show_paused(queue.is_paused)
            words = "Pausing after this step" if queue.is_paused else "Going on"
            self._window.canvas.bar.say(words)
            if self._panel is not None:
                self._panel.show_paused(queue.is_paused)
        if queue.is_paused and not (queue.running or queue.waiting) and self._engine is not None:
            self._engine.resume()  # nothing is left to be held back; the next one shall begin
        self._show_state()
        self._show_entries()

    # --- what is shown -------------------------------------------------------------------------

    @Slot()
    def _show_state(self) -> None:
        text, token = STATES[self._generation.state]
        if self._queue.is_paused:
            text, token = "paused", "text2"
        if waiting := len(self._queue.waiting):
            text = f"{text} · {waiting} waiting"
        self._window.header.show_state(text, token)

    @Slot()
    def _show_entries(self) -> None:
        if self._panel is not None:
            self._panel.show_entries(self._entries())

    def _entries(self) -> list[Entry]:
        entries = []
        for request_id in (self._queue.running, *self._queue.waiting):
            request = self._generation.request(request_id)
            if request is not None:
                is_running = request_id == self._queue.running
                facts = self._running_facts(request) if is_running else _facts(request)
                entries.append(Entry(request_id, request.prompt, facts, is_running))
        return entries

    def _running_facts(self, request: GenerationRequest) -> str:
        return f"{self._progress or 'Starting'} · {_facts(request)}"

    def _say_progress(self, words: str) -> None:
        self._progress = words
        request = self._generation.request(self._queue.running)
        if self._panel is not None and request is not None:
            self._panel.show_facts(request.id, self._running_facts(request))

    def _make_panel(self) -> QueuePanel:
        panel = QueuePanel(self._window.theme, self._window)
        panel.cancel_asked.connect(self._on_cancel_asked)
        panel.up_asked.connect(self._on_up_asked)
        panel.cancel_all_asked.connect(self._generation.stop)
        panel.pause_asked.connect(self.pause_or_go_on)
        return panel


def _facts(request: GenerationRequest) -> str:
    seeds = request.together
    if not seeds:
        return f"{request.size} · seed {request.seed}"
    return f"{request.size} · {len(seeds)} together · seeds from {request.seed}"
