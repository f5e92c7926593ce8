"""Which document is open, where it came from, and how it gets in and out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QObject, QPointF, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from core import metadata
from core.canvas.document import Document
from core.errors import KnownError
from core.geometry import Rect, Size
from core.images import read_image
from core.logs import logger
from core.projects import save_project
from core.request import Pixels
from core.settings import Paths
from gui import keeping
from gui.arriving import take_in
from gui.canvas.view import CanvasView
from gui.choosing import choose_file
from gui.clipboard import place_of
from gui.exporting import write_picture
from gui.images import to_qimage
from gui.leaving import ask_to_save, put_aside, remember_last_copy
from gui.opening import Opened, making, read_document
from gui.panels.messages import MessageStrip
from gui.sampling import Sampling

PICTURES = "Pictures (*.png *.jpg *.jpeg *.webp *.bmp *.tif *.tiff *.gif)"
OPENABLE = f"Pictures and projects (*.ora {PICTURES[10:-1]});;OpenRaster (*.ora);;All files (*)"
SAVEABLE = "OpenRaster with layers (*.ora);;PNG picture (*.png)"
SESSION = "session.ora"
_log = logger("documents")
_NEVER = object()
"""A position no undo stack ever has: what is open is not saved as it is."""


class DocumentController(QObject):
    """Opens, places, saves and exports; whatever would be lost is put aside first.

    Attributes:
        may_ask: Whether a question may stand before the window now.
        made: How it was made: ``text`` and ``record`` of the picture kept in it last, or opened.
        is_forsaken: Whether the open document's changes are given up, so that no session is kept.

    Signals:
        opened: Another document is shown.
        title_changed: Name or state of the open document is different.
        settings_found: A picture brought the record of how it was made.
        file_used: A file was opened, or a project saved.
    """

    opened = Signal()
    title_changed = Signal()
    settings_found = Signal(object)
    file_used = Signal(str)

    def __init__(
        self,
        canvas: CanvasView,
        messages: MessageStrip,
        sampling: Sampling,
        paths: Paths,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._canvas = canvas
        self._messages = messages
        self._sampling = sampling
        self._paths = paths
        self._window = window
        self._saved_at: object = None
        self._stamp: keeping.Stamp | None = None
        self._is_blank = True
        self._name = ""
        self._then: Callable[[], object] | None = None
        self.is_forsaken = False
        self.made: dict[str, Any] | None = None
        self.may_ask: Callable[[], bool] = lambda: False
        self.file: Path | None = None
        canvas.dropped.connect(self._on_dropped)

    # --- what is open ------------------------------------------------------------------------

    @property
    def document(self) -> Document:
        """The open document."""
        assert self._canvas.document is not None
        return self._canvas.document

    @property
    def title(self) -> str:
        """The file's name, or that of the picture it began with."""
        return self.file.name if self.file else self._name or "Untitled"

    @property
    def is_modified(self) -> bool:
        """Whether something was done since the last save."""
        return self._saved_at is not self.document.undo_stack.position

    @property
    def is_pristine(self) -> bool:
        """Whether nothing was done at all, so that nothing can be lost."""
        return self._is_blank and self.file is None and not self.is_modified

    def show(
        self,
        document: Document,
        file: Path | None = None,
        is_blank: bool = True,
        name: str = "",
    ) -> None:
        """Make `document` the open one.

        Args:
            file: The project it is in; saving writes there again.
            is_blank: Whether nobody would miss it.
            name: What to call it while it is in no project: the picture it came from.
        """
        before = self._canvas.document
        if before is not None:
            before.undo_stack.changed.disconnect(self._on_undo_changed)
        self.file = file
        self._name = name
        self._is_blank = is_blank
        self.is_forsaken = False
        self.made = None
        self._saved_at = document.undo_stack.position
        document.undo_stack.changed.connect(self._on_undo_changed)
        self._canvas.show_document(document)
        self._stamp = keeping.stamp_of(file)
        self.opened.emit()
        self.title_changed.emit()

    def show_unsaved(self, document: Document, file: Path | None = None, name: str = "") -> None:
        """The like of `show` for what is in no file as it is."""
        self.show(document, file, is_blank=False, name=name)
        self._saved_at = _NEVER
        self.title_changed.emit()

    def _on_undo_changed(self) -> None:
        self.title_changed.emit()

    # --- in ----------------------------------------------------------------------------------

    def ask_for_new(self, size: Size | None = None) -> None:
        """An empty canvas, when the open document is out of the way."""
        self._leave(lambda: self.new(size))

    @Slot(str)
    def ask_to_open(self, name: str) -> None:
        """Open a file, when the open document is out of the way."""
        self._leave(lambda: self.open(name))

    def new(self, size: Size | None = None) -> None:
        """An empty white canvas; one of the frame's size, not asked for, nobody would miss."""
        blank = Document(size or self.document.frame.size)
        self._make_room(lambda: self.show(blank, is_blank=size is None))

    @Slot()
    def ask_for_file(self) -> None:
        """Let the person choose what to open."""
        choose_file(self._window, "Open", OPENABLE, self.ask_to_open)

    @Slot()
    def ask_for_layer(self) -> None:
        """Let the person choose a picture that becomes a layer."""
        filters = f"{PICTURES};;All files (*)"
        choose_file(self._window, "Place image as layer", filters, self.place_file)

    def open(self, name: str) -> None:
        """Open a picture or a project; what was open before is put aside."""
        try:
            opened = read_document(Path(name))
        except KnownError as error:
            self._messages.warn(str(error))
            return
        self._make_room(lambda: self._show_opened(Path(name), opened))

    def _show_opened(self, file: Path, opened: Opened) -> None:
        if file.suffix.lower() == ".ora":
            self.show(opened.document, file, is_blank=False)
            self._sampling.restore(opened.facts)
        else:
            self.show(opened.document, is_blank=False, name=file.name)
            self._offer_settings(file)
        self.made = opened.made
        self.file_used.emit(str(file))
        if opened.notices:
            self._messages.tell(f"{file.name} is open. {' '.join(opened.notices)}")

    def place_file(self, name: str, at: QPointF | None = None) -> None:
        """Put the picture in a file on a new layer."""
        try:
            self.place(read_image(Path(name)), Path(name).stem, at)
        except KnownError as error:
            self._messages.warn(str(error))
            return
        self._offer_settings(Path(name))

    def place(self, pixels: Pixels, name: str, at: QPointF | None = None) -> None:
        """Put pixels on a new layer, in the middle of the canvas or about `at`."""
        size = Size(pixels.shape[1], pixels.shape[0])
        canvas = self.document.size
        centre = (canvas.width / 2, canvas.height / 2) if at is None else (at.x(), at.y())
        rect = Rect(round(centre[0] - size.width / 2), round(centre[1] - size.height / 2), *size)
        self.document.place_image(pixels, rect, name)

    @Slot()
    def paste(self) -> None:
        """Put the clipboard's picture on a new layer; on a pristine canvas, open it."""
        content = QGuiApplication.clipboard().mimeData()
        if not take_in(self, self._messages, content, place_of(content, self.document.size)):
            self._messages.tell("There is no picture on the clipboard.")

    def _on_dropped(self, content: QMimeData, at: QPointF) -> None:
        if not take_in(self, self._messages, content, at):
            self._messages.warn("What was dropped is not a picture. Drop a PNG, JPEG or WebP.")

    def _offer_settings(self, file: Path) -> None:
        record = metadata.read_record(file) or metadata.foreign_record(file)
        if record is not None and "request" in record:
            self._messages.tell(
                "This picture knows how it was made.",
                "Use its settings",
                lambda: self.settings_found.emit(record),
            )

    # --- out ---------------------------------------------------------------------------------

    @Slot()
    def save(self) -> None:
        """Write the file again, or ask for one."""
        if self.file is None:
            self.ask_where_to_save()
        else:
            self.save_as(str(self.file))

    @Slot()
    def ask_where_to_save(self) -> None:
        """Let the person choose a file."""
        stem = Path(self.title).stem
        dialog = choose_file(
            self._window, "Save as", SAVEABLE, self.save_as, save_as=stem, suffix="ora"
        )
        dialog.rejected.connect(self._forget_then)

    def save_as(self, name: str) -> None:
        """Write layers and settings to an .ora, or the flattened picture to a .png."""
        file, theirs = Path(name), None
        try:
            if file.suffix.lower() == ".ora":
                theirs = self._save_project(file)
            else:
                write_picture(self.document, file)
        except KnownError as error:
            self._then = None
            self._messages.warn(str(error))
            return
        then, self._then = self._then, None
        if theirs is not None:
            words = f"Saved {file.name}. Another program had changed it; a copy of that is kept."
            self._messages.tell(words, "Open it", lambda: self.open(str(theirs)))
        elif then is None or not self.is_modified:
            self._messages.tell(f"Saved {file.name}.")
        else:
            self._messages.tell(f"Saved {file.name}, flat. Save an .ora too: it keeps the layers.")
        if then is not None and not self.is_modified:
            then()

    def _save_project(self, file: Path) -> Path | None:
        """Write it; returns the copy of what another program had made of the file meanwhile."""
        facts = self._sampling.to_dict() | {"made": self.made}
        is_ours = file == self.file
        theirs = keeping.keep_others_version(file, self._stamp, self.copies) if is_ours else None
        save_project(self.document, file, facts)
        self.file, self._stamp = file, keeping.stamp_of(file)
        self._saved_at = self.document.undo_stack.position
        self.title_changed.emit()
        self.file_used.emit(str(file))
        return theirs

    @Slot()
    def copy(self) -> None:
        """Put what the frame shows on the clipboard."""
        self.copy_pixels(self.document.flatten(self.document.frame))

    def copy_pixels(self, pixels: Pixels) -> None:
        """Put a picture on the clipboard, without a word about how it was made."""
        QGuiApplication.clipboard().setImage(to_qimage(pixels))
        self._messages.tell("Copied.")

    # --- nothing gets lost -------------------------------------------------------------------

    def keep_session(self) -> None:
        """Write what is open into the home, to be there again at the next start.

        Raises:
            StorageFailed: it cannot be written.
        """
        if self.is_pristine or self.is_forsaken:
            keeping.remove_session(self.session_file)
        else:
            save_project(self.document, self.session_file, self.session_facts())

    @property
    def session_file(self) -> Path:
        """Where `keep_session` writes."""
        return self._paths.data / SESSION

    @property
    def settings_file(self) -> Path:
        """Where the choices are kept."""
        return self._paths.settings_file

    def session_facts(self) -> dict[str, Any]:
        """What `restore_session` needs besides the document."""
        return {
            "file": str(self.file) if self.file else "",
            "name": self._name,
            "modified": self.is_modified,
            "stamp": self._stamp,
            "made": self.made,
        }

    def restore_session(self) -> bool:
        """Show what was open at the end of the last session; False if there is none."""
        if not self.session_file.exists():
            return False
        try:
            project = keeping.load_session(self.session_file)
        except KnownError as error:
            self._messages.warn(str(error))
            return False
        facts = project.facts
        file = Path(str(facts["file"])) if facts.get("file") else None
        name = str(facts.get("name", ""))
        if facts.get("modified", True):
            self.show_unsaved(project.document, file, name)
        else:
            self.show(project.document, file, is_blank=False, name=name)
        self._stamp = keeping.read_stamp(facts.get("stamp"))
        self.made = making(facts.get("made"))
        return True

    @property
    def copies(self) -> Path:
        """Folder of the copies of what was closed without saving."""
        return self._paths.data / "closed"

    def forsake(self) -> None:
        """Give the changes up: a copy is put aside, and no session is kept of them."""
        self.is_forsaken = True
        try:
            remember_last_copy(put_aside(self.document, self.copies))
        except KnownError as error:  # the answer was "Don't save"; a full disk does not undo it
            _log.info("no copy was kept: %s", error)

    def save_and(self, then: Callable[[], object]) -> None:
        """Save, ask where if need be, and do `then` once everything is in a file."""
        self._then = then
        self.save()

    def _leave(self, then: Callable[[], None]) -> None:
        """Do what closes the open document; changes are asked about, unless a job runs."""
        if self.is_modified and self.may_ask():
            ask_to_save(self._window, self.title, lambda: self.save_and(then), then)
        else:
            then()

    def _forget_then(self) -> None:
        self._then = None

    def _make_room(self, then: Callable[[], None]) -> None:
        """Do what closes the open document, with a copy of it kept if it was modified."""
        if self.is_modified:
            try:
                file = put_aside(self.document, self.copies)
            except KnownError as error:
                words = f"“{self.title}” stays open, because no copy of it could be kept."
                self._messages.warn(f"{words} {error}", "Close it without a copy", then)
                return
            self._messages.tell(
                "The picture before was closed; a copy is kept.",
                "Open it again",
                lambda: self.open(str(file)),
            )
        then()
