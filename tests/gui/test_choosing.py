"""Where the dialogs for files begin."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QDir, QStandardPaths
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from gui.choosing import choose_file, choose_files

FILTERS = "PNG (*.png)"


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Those of a person who lives elsewhere."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
    if not place.startswith(str(tmp_path)):
        pytest.skip("this desktop keeps pictures where no variable says")
    folder = Path(place)
    folder.mkdir(parents=True)
    return folder


def shut(dialog: QFileDialog) -> str:
    folder = dialog.directory().absolutePath()
    dialog.close()
    return folder


def test_the_first_dialog_begins_among_the_pictures(window: QWidget, pictures: Path) -> None:
    QFileDialog(window).setDirectory(QDir.current())  # as at the start; Qt remembers
    heard: list[object] = []
    opening = choose_file(window, "Open", FILTERS, heard.append)
    assert shut(opening) == QDir(str(pictures)).absolutePath()
    several = choose_files(window, "Open", FILTERS, heard.append)
    assert shut(several) == QDir(str(pictures)).absolutePath()
    saving = choose_file(window, "Save", FILTERS, heard.append, save_as="one.png", suffix="png")
    assert shut(saving) == QDir(str(pictures)).absolutePath()
    assert heard == []


@pytest.mark.usefixtures("pictures")
def test_a_file_that_has_a_place_is_saved_there(window: QWidget, tmp_path: Path) -> None:
    name = str(tmp_path / "one.png")
    saving = choose_file(window, "Save", FILTERS, print, save_as=name, suffix="png")
    assert shut(saving) == str(tmp_path)
    assert shut(choose_files(window, "Open", FILTERS, print)) == str(tmp_path)  # the last place
