"""Keeps what is open while the person works, so that pulling the plug costs seconds, not hours."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

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

    Signals:
        failed: It could not be written, and why; once, until it could be again.
    """

    failed = Signal(str)

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
        self._kept: tuple[object, ...] = ()
        self._kept_settings: Settings | None = None
        self._is_writing = False
        self._has_failed = False
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
        documents, document = self._documents, self._documents.document
        # A save changes nothing but where it is, and the next start has to know that too.
        where = documents.file, documents.is_modified
        state = (document, document.undo_stack.position, *where)
        settings = self._settings()
        calls: list[tuple[Callable[..., object], tuple[object, ...]]] = []
        if state != self._kept and not documents.is_pristine:
            facts = documents.session_facts()
            arguments = (snapshot_of(document), documents.session_file, facts)
            calls.append((save_project, arguments))
        if settings != self._kept_settings:
            calls.append((save_settings, (settings, documents.settings_file)))
        if calls:
            self._kept, self._kept_settings = state, settings
            self._is_writing = True
            self._background.start(self._write(calls))

    async def _write(self, calls: list[tuple[Callable[..., object], tuple[object, ...]]]) -> None:
        try:
            for call, arguments in calls:
                await self._background.run(call, *arguments)
            self._has_failed = False
        except StorageFailed as error:
            _log.info("not kept: %s", error)
            self._kept, self._kept_settings = (), None
            if not self._has_failed:
                self.failed.emit(f"A crash now would cost your last changes. {error}")
            self._has_failed = True
        finally:
            self._is_writing = False
