"""What is asked, and kept, when a document with unsaved changes makes room for another one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QMessageBox, QWidget

from core.atomic import write_atomically
from core.canvas.document import Document
from core.projects import save_project

COPIES_KEPT = 20
"""Closed documents that were never saved; the oldest goes first."""
_LAST = "offered-next"


def ask_to_save(
    window: QWidget,
    title: str,
    save: Callable[[], None],
    leave: Callable[[], None],
    without: str = "If you don't, a copy is kept for a while.",
) -> QMessageBox:
    """Ask in a sheet on the window, which waits while everything else goes on.

    Args:
        save: Called for "Save".
        leave: Called for "Don't save"; "Cancel" and Esc call nothing.
        without: What becomes of the changes then, in a sentence.
    """
    box = QMessageBox(window)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowModality(Qt.WindowModality.WindowModal)
    box.setWindowTitle("Unsaved changes")
    box.setTextFormat(Qt.TextFormat.PlainText)  # file names may look like markup
    box.setText(f"Save the changes to “{title}”?")
    box.setInformativeText(without)
    button = QMessageBox.StandardButton
    box.setStandardButtons(button.Save | button.Discard | button.Cancel)
    box.button(button.Discard).setText("&Don't save")
    box.setDefaultButton(button.Save)
    box.setEscapeButton(button.Cancel)
    for each in box.buttons():
        each.setIcon(QIcon())  # Fusion's own are of another time
    acts = {box.button(button.Save): save, box.button(button.Discard): leave}
    box.buttonClicked.connect(lambda clicked: acts.get(clicked, _stay)())
    box.open()
    return box


def put_aside(document: Document, folder: Path) -> Path:
    """Keep a copy of a document that is about to be closed; returns its file.

    Raises:
        StorageFailed: it cannot be written.
    """
    file = new_copy(folder)
    save_project(document, file, {})
    return file


def new_copy(folder: Path) -> Path:
    """A name for one more copy; the oldest go, so that there will be no more than are kept."""
    for older in sorted(folder.glob("*.ora"))[: 1 - COPIES_KEPT]:  # names begin with the time
        with suppress(OSError):
            older.unlink(missing_ok=True)
    return folder / f"{datetime.now().astimezone():%Y%m%d-%H%M%S-%f}.ora"


def remember_last_copy(file: Path) -> None:
    """Say beside the copy that it is the one that the next start offers.

    Raises:
        StorageFailed: it cannot be written.
    """
    write_atomically(file.parent / _LAST, file.name.encode())


def take_last_copy(folder: Path) -> Path | None:
    """The copy that was remembered, which is so no longer; None if there is none."""
    try:
        name = (folder / _LAST).read_text(encoding="utf-8")
        (folder / _LAST).unlink()
    except (OSError, ValueError):
        return None
    copies = {copy.name: copy for copy in folder.glob("*.ora")}
    return copies.get(name)


def _stay() -> None:
    """Cancel: everything stays as it is."""
