"""Keeps what is open while the person works, so that pulling the plug costs seconds, not hours."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from core.errors import StorageFailed
from core.logs import logger
from core.projects import save_project, snapshot_of
from core.settings import Settings, save_settings
from gui.background import Background
from gui.documents import DocumentController

INTERVAL_MS = 20_000
_log = logger("autosave")


class Autosave(QObject):
    """Writes session and settings in the background when something changed since the last time.

    The snapshot shares its tiles with the document, so that taking it costs references; encoding
    and writing happen in the background thread while the painting goes on.
    """

    def __init__(
        self,
        documents: DocumentController,
        background: Background,
        settings: Callable[[], Settings],
        parent: QObject,
    ) -> None:
        """Write what `settings` gives, whenever it gives something else."""
        super().__init__(parent)
        self._documents = documents
        self._background = background
        self._settings = settings
        self._kept: tuple[object, object] = (None, None)
        self._kept_settings: Settings | None = None
        self._is_writing = False
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self.keep)

    def start(self) -> None:
        """Look every twenty seconds."""
        self._timer.start()

    def stop(self) -> None:
        """Look no more."""
        self._timer.stop()

    def keep(self) -> None:
        """Write what changed, unless the last writing still goes on."""
        if self._is_writing:
            return
        document = self._documents.document
        state = (document, document.undo_stack.position)
        settings = self._settings()
        calls: list[tuple[Callable[..., object], tuple[object, ...]]] = []
        if state != self._kept and not self._documents.is_pristine:
            facts = self._documents.session_facts()
            arguments = (snapshot_of(document), self._documents.session_file, facts)
            calls.append((save_project, arguments))
        if settings != self._kept_settings:
            calls.append((save_settings, (settings, self._documents.settings_file)))
        if calls:
            self._kept, self._kept_settings = state, settings
            self._is_writing = True
            self._background.start(self._write(calls))

    async def _write(self, calls: list[tuple[Callable[..., object], tuple[object, ...]]]) -> None:
        try:
            for call, arguments in calls:
                await self._background.run(call, *arguments)
        except StorageFailed as error:
            _log.info("not kept: %s", error)
            self._kept = (None, None)
        finally:
            self._is_writing = False
