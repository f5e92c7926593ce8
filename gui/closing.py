"""Whether the window may close: changes that are in no file are asked about first."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QGuiApplication

from core.errors import KnownError
from core.logs import logger
from gui.documents import DocumentController
from gui.leaving import ask_to_save, take_last_copy
from gui.main_window import MainWindow

WITHOUT = "If you don't, the next start is an empty canvas; a copy is kept and offered there."
_log = logger("closing")


class Closing(QObject):
    """Asks in a sheet that stops no job; the window stays until there is an answer.

    "Don't save" means that the next start is a clean one, where the copy is offered once. Where
    nobody is there to answer, because the desktop ends its session or a signal the program, nothing
    is asked, and what was open is there again at the next start, as after a crash.
    """

    def __init__(self, window: MainWindow, documents: DocumentController) -> None:
        super().__init__(window)
        self._window = window
        self._documents = documents
        self._unasked: object = None
        self._is_asking = False
        window.may_close = self.may_close
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.commitDataRequest.connect(self._on_session_ends)

    def may_close(self) -> bool:
        """True where nothing would be lost; otherwise the person is asked, and closes then."""
        documents = self._documents
        position = documents.document.undo_stack.position
        if not documents.is_modified or documents.is_forsaken or position is self._unasked:
            return True
        if not self._is_asking:
            self._is_asking = True
            save = self._save
            sheet = ask_to_save(self._window, documents.title, save, self._discard, WITHOUT)
            sheet.finished.connect(self._on_answered)
        return False

    def excuse(self) -> None:
        """Nobody can answer now: let the window close without a question, until work goes on."""
        self._unasked = self._documents.document.undo_stack.position

    def welcome(self) -> None:
        """Offer what was closed without saving at the end of the last session; only once."""
        copy = take_last_copy(self._documents.copies)
        if copy is not None:
            self._window.messages.tell(
                "The last picture was closed without saving; a copy is kept.",
                "Open it again",
                lambda: self._documents.open(str(copy)),
            )

    @Slot()
    def _on_session_ends(self) -> None:
        """The desktop is about to end everything; there may be no time for more than this."""
        self.excuse()
        try:
            self._documents.keep_session()
        except KnownError as error:
            _log.info("the session was not kept: %s", error)

    def _save(self) -> None:
        self._documents.save_and(self._window.close)

    def _discard(self) -> None:
        self._documents.forsake()
        self._window.close()

    @Slot()
    def _on_answered(self) -> None:
        self._is_asking = False
