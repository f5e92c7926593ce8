"""What is to be made, in which order; for many threads that ask and one that makes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from core.engine.events import QueueChanged
from core.inference import Reins
from core.request import GenerationRequest


class Lane(Enum):
    """Who goes first: somebody looks at a live picture; a batch is looked at when it is done."""

    FRONT = auto()
    BACK = auto()


@dataclass(eq=False)
class Job:
    """A request in the queue; without one, a model that is only to be loaded.

    Attributes:
        is_risked: Whether the person wants it tried however little memory there is.
        then: The facts of a kept picture that is made again to be compared; None for a new one.
    """

    checkpoint: str
    request: GenerationRequest | None = None
    lane: Lane = Lane.FRONT
    is_risked: bool = False
    then: Mapping[str, Any] | None = None
    reins: Reins = field(default_factory=Reins)

    @property
    def request_id(self) -> str:
        """The request's id; empty without a request."""
        return "" if self.request is None else self.request.id


class JobQueue:
    """Jobs in the order in which they will be done, the front lane before the back lane.

    Args:
        told: Hears of every change, from within the call that made it and in the order of the
            changes; it must not call the queue.
    """

    def __init__(self, told: Callable[[QueueChanged], None]) -> None:
        self._told = told
        self._changed = threading.Condition()
        self._waiting: list[Job] = []
        self._running: Job | None = None
        self._is_paused = False
        self._said = self._state()
        self.is_closed = False

    def put(self, job: Job) -> bool:
        """Add a job at the end of its lane; False once the queue is closed.

        A model that is being loaded ahead of time gives way to a request for another one.
        """
        with self._changed:
            if self.is_closed:
                return False
            for other in (*self._waiting, self._running):
                if other and other.request is None and other.checkpoint != job.checkpoint:
                    other.reins.cancel()
            self._waiting.insert(self._place_of(job.lane), job)
            self._tell()
            return True

    def hold(self, held: bool) -> None:
        """Let the running job wait before its next block, or go on; waits for nobody itself."""
        running = self._running
        if running is not None:
            running.reins.hold() if held else running.reins.let_go()

    def take(self) -> Job | None:
        """Wait for the next job; None once the queue is closed."""
        with self._changed:
            self._running = None
            self._tell()
            self._changed.wait_for(self._may_go_on)
            self._running = None if self.is_closed else self._waiting.pop(0)
            self._tell()
            return self._running

    def cancel(self, request_id: str | None = None) -> list[Job]:
        """Cancel that job, or all of them; those that had not begun are given back."""
        with self._changed:
            if self._running and request_id in (None, self._running.request_id):
                self._running.reins.cancel()
            taken = [job for job in self._waiting if request_id in (None, job.request_id)]
            self._waiting = [job for job in self._waiting if job not in taken]
            self._tell()
            return taken

    def finish(self, request_id: str) -> None:
        """Let that job end now with what it has, if it is the running one."""
        with self._changed:
            if self._running and self._running.request_id == request_id:
                self._running.reins.finish()

    def move(self, request_id: str, place: int) -> None:
        """Put a waiting request at `place` among the waiting, 0 being the next."""
        with self._changed:
            for job in self._waiting:
                if job.request is not None and job.request_id == request_id:
                    self._waiting.remove(job)
                    self._waiting.insert(max(0, place), job)
                    self._tell()
                    return

    def pause(self, paused: bool) -> None:
        """Let the running job rest after its step and none begin, or go on."""
        with self._changed:
            self._is_paused = paused
            if self._running:
                self._running.reins.pause(paused)
            self._tell()

    def close(self) -> None:
        """Let `take` give None from now on."""
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()

    def _may_go_on(self) -> bool:
        return self.is_closed or (bool(self._waiting) and not self._is_paused)

    def _place_of(self, lane: Lane) -> int:
        """Behind the last of the same lane, wherever the person has moved that."""
        if lane is Lane.BACK:
            return len(self._waiting)
        fronts = [n for n, job in enumerate(self._waiting) if job.lane is Lane.FRONT]
        return fronts[-1] + 1 if fronts else 0

    def _tell(self) -> None:
        self._changed.notify_all()
        if (state := self._state()) != self._said:
            self._said = state
            self._told(state)

    def _state(self) -> QueueChanged:
        running = "" if self._running is None else self._running.request_id
        waiting = tuple(job.request_id for job in self._waiting if job.request is not None)
        return QueueChanged(running, waiting, self._is_paused)
