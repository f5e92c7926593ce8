"""The real engine with someone who writes down what it tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QDeadlineTimer, QEventLoop, QObject, QThread, Slot

from core.engine import Cancelled, EngineEvent, Failed, Finished, InferenceThread
from core.memory import DevicePlan
from core.pipelines import PipelineCache
from tests.helpers.generations import new_cache

Room = Callable[[DevicePlan], int]
PATIENCE = 240_000  # ms; a limit for a hung test, not a promise


class Recorder(QObject):
    """Receives events in the test's thread, as a window would, and can act on them."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[EngineEvent] = []
        self.react: Callable[[EngineEvent], None] = lambda event: None
        self.threads: set[QThread] = set()

    @Slot(object)
    def on_event(self, event: EngineEvent) -> None:
        self.threads.add(QThread.currentThread())
        self.events.append(event)
        self.react(event)

    def of(self, kind: Any, request: Any = None) -> list[Any]:
        """The events of one type or of several, of one request if it is given."""
        found = [event for event in self.events if isinstance(event, kind)]
        return [e for e in found if request is None or e.request_id == request.id]  # type: ignore[union-attr]

    def wait_for(self, kind: Any, request: Any = None, count: int = 1) -> Any:
        """Run the event loop until there are that many; the last of them."""
        self.wait_until(lambda: len(self.of(kind, request)) >= count, str(kind))
        return self.of(kind, request)[-1]

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Run the event loop until `condition` holds."""
        deadline = QDeadlineTimer(PATIENCE)
        while not condition():
            assert not deadline.hasExpired(), f"no {what} among {self.events}"
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
            QThread.msleep(2)  # else this thread would take the interpreter from the engine's

    def outcome(self, request: Any) -> Any:
        """Run the event loop until the request is over; its last event."""
        return self.wait_for((Finished, Cancelled, Failed), request)


class Engine:
    """An engine with a recorder; its memory is what the plan says was free."""

    def __init__(
        self,
        folders: Sequence[Path],
        gallery: Any = None,
        cache: PipelineCache | None = None,
        room: Room = lambda plan: plan.free_bytes,
    ) -> None:
        self.recorder = Recorder()
        self.thread = InferenceThread(gallery, cache or new_cache(), list(folders), room=room)
        self.thread.event_emitted.connect(self.recorder.on_event)
        self.thread.start()

    def make(self, request: Any) -> Any:
        """Submit and wait for the outcome."""
        self.thread.submit(request)
        return self.recorder.outcome(request)


@contextmanager
def an_engine(folders: Sequence[Path], *arguments: Any, **named: Any) -> Iterator[Engine]:
    """An engine that is closed in the end; arguments as for `Engine`."""
    engine = Engine(folders, *arguments, **named)
    try:
        yield engine
    finally:
        engine.thread.close()
