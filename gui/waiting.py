"""Pictures that waited when the program ended are offered again at the next start."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import QObject, Slot

from core.engine import WaitingShelf
from core.errors import StorageFailed
from core.logs import logger
from core.request import GenerationRequest
from gui.background import Background
from gui.generation import GenerationController
from gui.panels.messages import MessageStrip

_log = logger("waiting")


class WaitingController(QObject):
    """Keeps what runs and waits on disk, in the background, for as long as it does."""

    def __init__(
        self,
        generation: GenerationController,
        messages: MessageStrip,
        background: Background,
        shelf: WaitingShelf,
    ) -> None:
        super().__init__(generation)
        self._generation = generation
        self._messages = messages
        self._background = background
        self._shelf = shelf
        self._kept: set[str] = set()
        self._over: set[str] = set()  # done, and perhaps still on disk
        self._is_closed = False
        self._has_offered = False
        generation.jobs_changed.connect(self._on_jobs_changed)
        generation.state_changed.connect(self._on_state_changed)

    def close(self) -> None:
        """Leave on disk what is not done; nothing is forgotten from now on.

        To be called before the engine is closed, which cancels what waits, and after the
        background, which might be writing.
        """
        self._is_closed = True
        for request in self._generation.requests:
            self._put(request)
        for request_id in self._over:
            self._shelf.remove(request_id)

    @Slot()
    def _on_jobs_changed(self) -> None:
        if self._is_closed:
            return
        requests = {request.id: request for request in self._generation.requests}
        new = [request for key, request in requests.items() if key not in self._kept]
        over = self._kept - requests.keys()
        self._kept = set(requests)
        if new:
            self._background.start(self._keep(new))
        if over:
            self._forget(over)

    async def _keep(self, requests: Sequence[GenerationRequest]) -> None:
        for request in requests:
            await self._background.run(self._put, request)

    def _forget(self, request_ids: Collection[str]) -> None:
        self._over |= set(request_ids)
        self._background.start(self._remove(request_ids))

    async def _remove(self, request_ids: Collection[str]) -> None:
        for request_id in request_ids:
            await self._background.run(self._shelf.remove, request_id)
            self._over.discard(request_id)

    def _put(self, request: GenerationRequest) -> None:
        try:
            self._shelf.put(request)
        except StorageFailed as error:
            _log.info("a waiting picture is not kept: %s", error)

    # --- the next start ------------------------------------------------------------------------

    @Slot()
    def _on_state_changed(self) -> None:
        """The engine is there: from now on something can be started."""
        if not self._has_offered and not self._is_closed:
            self._has_offered = True
            self._background.start(self._offer())

    async def _offer(self) -> None:
        requests = await self._background.run(self._shelf.requests)
        left = [request for request in requests if request.id not in self._kept]
        if left and not self._is_closed:
            count = sum(max(1, len(request.together)) for request in left)
            words = "A picture was" if count == 1 else f"{count} pictures were"
            start = "Start it" if count == 1 else "Start them"
            forget = "Forget it" if count == 1 else "Forget them"
            self._messages.ask(
                f"{words} waiting when Sfumato was closed.",
                {start: lambda: self._start(left), forget: lambda: self._drop(left)},
            )

    def _start(self, requests: Sequence[GenerationRequest]) -> None:
        self._kept |= {request.id for request in requests}  # their files are there already
        self._generation.start_again(requests)

    def _drop(self, requests: Sequence[GenerationRequest]) -> None:
        self._forget([request.id for request in requests])
