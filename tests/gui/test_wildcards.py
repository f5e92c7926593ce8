"""The folder of wildcards, opened from the menu."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices

from core.prompts import WildcardFolder, resolve
from gui.main_window import MainWindow
from gui.wildcards import WildcardController


class FileBrowser(QObject):
    """Stands in for the desktop's."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[Path] = []

    @Slot(QUrl)
    def open(self, url: QUrl) -> None:
        self.opened.append(Path(url.toLocalFile()))


@pytest.fixture
def browser() -> Iterator[FileBrowser]:
    browser = FileBrowser()
    QDesktopServices.setUrlHandler("file", browser, "open")
    yield browser
    QDesktopServices.unsetUrlHandler("file")


def test_a_new_folder_has_an_example_that_works(
    window: MainWindow, tmp_path: Path, browser: FileBrowser
) -> None:
    folder = WildcardFolder(tmp_path / "wildcards")
    WildcardController(window, folder)
    window.actions_by_name["wildcards"].trigger()
    assert browser.opened == [folder.folder]
    assert "__colours__" in window.messages.text
    assert str(folder.folder) in window.messages.text
    drawn = {resolve("a __colours__ cup", seed, folder) for seed in range(40)}
    assert {"a red cup", "a golden cup", "a smoke-grey cup"} <= drawn
    assert not any("{" in prompt or "#" in prompt for prompt in drawn)


def test_the_persons_own_files_are_left_alone(
    window: MainWindow, tmp_path: Path, browser: FileBrowser
) -> None:
    (tmp_path / "animals.txt").write_text("cat")
    WildcardController(window, WildcardFolder(tmp_path))
    window.actions_by_name["wildcards"].trigger()
    assert [file.name for file in tmp_path.iterdir()] == ["animals.txt"]
    assert "__animals__" in window.messages.text


def test_a_folder_that_cannot_be_made_is_told(
    window: MainWindow, tmp_path: Path, browser: FileBrowser
) -> None:
    (tmp_path / "file").write_text("")
    WildcardController(window, WildcardFolder(tmp_path / "file" / "wildcards"))
    window.actions_by_name["wildcards"].trigger()
    assert browser.opened == []
    assert window.messages.text
