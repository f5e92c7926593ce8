"""The desktop's dialogs for choosing files, opened so that nothing waits for them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QDir, QStandardPaths, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

_PICTURES = QStandardPaths.StandardLocation.PicturesLocation


def choose_file(
    window: QWidget,
    title: str,
    filters: str,
    then: Callable[[str], object],
    *,
    save_as: str = "",
    suffix: str = "",
) -> QFileDialog:
    """Ask for the name of a file and call `then` with it; giving up calls nothing.

    Args:
        filters: As Qt writes them, ``PNG (*.png);;JPEG (*.jpg)``.
        save_as: A name to begin with: the file is to be written, not read.
        suffix: Ending of a name that is typed without one; it follows the filter chosen.
    """
    dialog = _dialog(window, title, filters)
    if save_as:
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(suffix)
        dialog.selectFile(save_as)
        dialog.filterSelected.connect(
            lambda chosen: dialog.setDefaultSuffix(chosen.rpartition("*.")[2].rstrip(")"))
        )
    else:
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.fileSelected.connect(then)
    dialog.open()
    return dialog


def choose_files(
    window: QWidget, title: str, filters: str, then: Callable[[list[str]], object]
) -> QFileDialog:
    """Ask for files to read, one or many, and call `then` with them; giving up calls nothing.

    Args:
        filters: As for `choose_file`.
    """
    dialog = _dialog(window, title, filters)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    dialog.filesSelected.connect(then)
    dialog.open()
    return dialog


def _dialog(window: QWidget, title: str, filters: str) -> QFileDialog:
    """One that begins where the last one ended, and the first among the person's pictures.

    Qt would begin the first in the folder that the program was started in.
    """
    dialog = QFileDialog(window, title)
    dialog.setNameFilter(filters)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    pictures = QDir(QStandardPaths.writableLocation(_PICTURES))
    if dialog.directory() == QDir.current() and pictures.exists():
        dialog.setDirectory(pictures)
    return dialog
