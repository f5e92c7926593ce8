"""Work on mask and selection that may take seconds: beside the window, one after the other."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Slot

from core.canvas.interrupting import Interrupted, Interruption
from core.canvas.working import Turn, Work
from core.errors import KnownError
from gui.background import Background
from gui.documents import DocumentController
from gui.panels.messages import MessageStrip

PATIENCE_MS = 300
"""Work that lasts longer is spoken of, and can be cancelled."""
_LOOK_AGAIN_S = 0.03


class LongEdits(QObject):
    """Runs work, puts it into the document, and lets it be cancelled.

    What is painted meanwhile stays: if it is part of what was worked on, the work begins again. A
    stroke that is being drawn is never cut short; the work waits for its end.
    """

    def __init__(
        self, documents: DocumentController, messages: MessageStrip, background: Background
    ) -> None:
        super().__init__(messages)
        self._documents = documents
        self._messages = messages
        self._background = background
        self._is_at_work = False
        self._works: list[Work] = []
        self._interruption = Interruption()
        self._then: Callable[[], object] | None = None
        self._said = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PATIENCE_MS)
        self._timer.timeout.connect(self._speak)
        documents.opened.connect(self.cancel)

    @property
    def is_running(self) -> bool:
        """Whether something is being done or waits for its turn."""
        return bool(self._works)

    def start(self, work: Work) -> None:
        """Do it as soon as what was started before is done."""
        if not self._works:
            self._timer.start()
        self._works.append(work)
        if not self._is_at_work:
            self._is_at_work = True
            self._background.start(self._work_off())

    def in_turn(self, act: Callable[[], object]) -> None:
        """Do it now, or after what is under way: steps come in the order they were asked for."""
        if self._works:
            self.start(Turn(act))
        else:
            act()

    def then(self, act: Callable[[], object]) -> bool:
        """Do it once everything is done, unless that is cancelled; False if nothing is to do."""
        if self._works:
            self._then = act
            self._speak()
        return bool(self._works)

    @Slot()
    def cancel(self) -> bool:
        """Give up what runs and what waits; the document stays as it is. False if nothing does."""
        if not self._works:
            return False
        self._interruption.wish()
        self._interruption = Interruption()
        self._works.clear()
        self._then = None
        self._fall_silent()
        return True

    async def _work_off(self) -> None:
        try:
            while self._works:
                work = self._works[0]
                self._end(work, await self._succeeds(work, self._interruption))
        finally:
            self._is_at_work = False
            self.cancel()  # there is something to cancel only where a bug or the end came between

    async def _succeeds(self, work: Work, interruption: Interruption) -> bool:
        try:
            await self._finish(work, interruption)
        except Interrupted:
            return False
        except KnownError as error:
            self._messages.warn(str(error))
            return False
        return True

    async def _finish(self, work: Work, interruption: Interruption) -> None:
        is_done = False
        while not is_done:
            call = work.begin(interruption.check)
            made = await self._background.run_beside(call, interruption.wish)
            while self._documents.document.has_open_change and not interruption.is_wished:
                await self._background.pause(_LOOK_AGAIN_S)
            interruption.check()
            is_done = work.finish(made)

    def _end(self, work: Work, is_done: bool) -> None:
        """Forget it; after the last one comes what was to follow, if it can."""
        if work not in self._works:  # cancelled, and perhaps others are under way by now
            return
        self._works.remove(work)
        if self._works:
            if self._said:
                self._speak()
            return
        self._fall_silent()
        then, self._then = self._then, None
        if then is not None and is_done:
            then()

    @Slot()
    def _speak(self) -> None:
        self._timer.stop()
        follows = " The picture is started then." if self._then is not None else ""
        words = next((work.words for work in self._works if work.words), "")
        if words:
            self._said = f"{words}…{follows}"
            self._messages.ask(self._said, {"Cancel": self._on_cancel})

    def _fall_silent(self) -> None:
        self._timer.stop()
        if self._said and self._messages.text == self._said:
            self._messages.hide()
        self._said = ""

    def _on_cancel(self) -> None:
        self.cancel()
