"""The desktop's dialogs for choosing files, opened so that nothing waits for them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget


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
    dialog = QFileDialog(window, title)
    dialog.setNameFilter(filters)
    if save_as:
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(suffix)
        dialog.selectFile(save_as)
        dialog.filterSelected.connect(
            lambda chosen: dialog.setDefaultSuffix(chosen.rpartition("*.")[2].rstrip(")"))
        )
    else:
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
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
    dialog = QFileDialog(window, title)
    dialog.setNameFilter(filters)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.filesSelected.connect(then)
    dialog.open()
    return dialog
