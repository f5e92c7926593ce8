"""Blocking calls away from the window's thread, awaited in the asyncio loop that runs inside Qt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from core.logs import logger

T = TypeVar("T")
_log = logger("background")


class Background:
    """One named thread for gallery queries, thumbnails and looking for models; one for long work.

    Inference never runs here: it has a thread of its own.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Use `loop`, which runs in the window's thread."""
        self._loop = loop
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sfumato-background")
        self._beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sfumato-beside")
        self._stops: set[Callable[[], None]] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    async def run(self, call: Callable[..., T], *args: Any) -> T:
        """The result of ``call(*args)``, which runs in the named thread."""
        return await self._loop.run_in_executor(self._executor, call, *args)

    async def run_beside(self, call: Callable[[], T], stop: Callable[[], None]) -> T:
        """The result of ``call()``, which may take seconds: in a second thread, one at a time.

        Args:
            stop: Lets the call end soon; called by `close`, and where nobody waits any more.
        """
        self._stops.add(stop)
        try:
            return await self._loop.run_in_executor(self._beside, call)
        except asyncio.CancelledError:
            stop()
            raise
        finally:
            self._stops.discard(stop)

    async def pause(self, seconds: float) -> None:
        """Let the window live for so long."""
        over = self._loop.create_future()
        handle = self._loop.call_later(seconds, over.set_result, None)
        try:
            await over
        finally:
            handle.cancel()

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Let a coroutine run in the window's thread; what it raises is logged as a bug.

        After `close` nothing starts any more.
        """
        if self._is_closed:
            coroutine.close()
            return
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    def close(self) -> None:
        """Give up what waits, and wait for the calls that run."""
        self._is_closed = True
        for task in tuple(self._tasks):
            task.cancel()
        for stop in tuple(self._stops):
            stop()
        for executor in (self._executor, self._beside):
            executor.shutdown(wait=True, cancel_futures=True)

    async def finish(self) -> None:
        """After `close`: let what was given up hear of it, or asyncio complains at the exit."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _on_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("background work failed", exc_info=task.exception())
