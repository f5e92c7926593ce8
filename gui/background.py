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
    """One named thread for gallery queries, thumbnails and looking for models.

    Inference never runs here: it has a thread of its own.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Use `loop`, which runs in the window's thread."""
        self._loop = loop
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sfumato-background")
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    async def run(self, call: Callable[..., T], *args: Any) -> T:
        """The result of ``call(*args)``, which runs in the named thread."""
        return await self._loop.run_in_executor(self._executor, call, *args)

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
        """Give up what waits, and wait for the call that runs."""
        self._is_closed = True
        for task in tuple(self._tasks):
            task.cancel()
        self._executor.shutdown(wait=True, cancel_futures=True)

    async def finish(self) -> None:
        """After `close`: let what was given up hear of it, or asyncio complains at the exit."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _on_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("background work failed", exc_info=task.exception())
