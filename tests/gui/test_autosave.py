from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from core.canvas.document import Document
from core.geometry import Rect, Size
from core.projects import load_project
from core.settings import Paths, Settings, load_settings
from gui.autosave import Autosave
from gui.background import Background
from gui.documents import DocumentController
from gui.panels.messages import MessageStrip
from gui.sampling import Sampling
from gui.theme import Theme
from tests.gui.conftest import Easel
from tests.helpers.desktop import rest


class Desk:
    """An autosave whose clock is turned by hand."""

    def __init__(
        self, canvas: Easel, sampling: Sampling, theme: Theme, background: Background
    ) -> None:
        self.paths = Paths.find()
        self.paths.make()
        self.box = QWidget()
        self.documents = DocumentController(
            canvas, MessageStrip(theme, self.box), sampling, self.paths, self.box
        )
        self.settings = Settings(prompts=("a pear",))
        self.autosave = Autosave(self.documents, background, lambda: self.settings, self.box)
        self.documents.show(Document(Size(64, 64)))

    def written(self) -> tuple[int, int]:
        """When session and settings were written last; 0 for never."""
        files = (self.documents.session_file, self.paths.settings_file)
        times = [file.stat().st_mtime_ns if file.exists() else 0 for file in files]
        return times[0], times[1]


@pytest.fixture
def desk(
    qtbot: QtBot, canvas: Easel, sampling: Sampling, theme: Theme, background: Background
) -> Iterator[Desk]:
    desk = Desk(canvas, sampling, theme, background)
    qtbot.addWidget(desk.box)
    yield desk
    background.close()


def test_what_changed_is_written_and_only_then(
    desk: Desk, background: Background, qtbot: QtBot
) -> None:
    desk.documents.document.fill_mask(Rect(0, 0, 8, 8))
    desk.autosave.keep()
    rest(qtbot, background)
    first = desk.written()
    assert all(first)
    assert load_settings(desk.paths.settings_file).prompts == ("a pear",)
    assert not load_project(desk.documents.session_file).document.mask_is_empty
    desk.autosave.keep()
    rest(qtbot, background)
    assert desk.written() == first
    desk.documents.document.clear_mask()
    desk.autosave.keep()
    rest(qtbot, background)
    second = desk.written()
    assert second[0] > first[0]
    assert second[1] == first[1]


def test_the_painting_goes_on_while_it_is_written(
    desk: Desk, background: Background, qtbot: QtBot
) -> None:
    document = desk.documents.document
    document.place_image(np.full((64, 64, 3), 90, np.uint8), Rect(0, 0, 64, 64), "grey")
    desk.autosave.keep()
    document.place_image(np.full((64, 64, 3), 10, np.uint8), Rect(0, 0, 64, 64), "dark")
    rest(qtbot, background)
    kept = load_project(desk.documents.session_file).document
    assert (kept.flatten(Rect(0, 0, 64, 64))[..., :3] == 90).all()
    desk.autosave.keep()
    rest(qtbot, background)
    kept = load_project(desk.documents.session_file).document
    assert (kept.flatten(Rect(0, 0, 64, 64))[..., :3] == 10).all()


def test_an_untouched_canvas_writes_no_session(
    desk: Desk, background: Background, qtbot: QtBot
) -> None:
    desk.autosave.keep()
    rest(qtbot, background)
    assert desk.written()[0] == 0


def test_a_full_disk_is_tried_again(desk: Desk, background: Background, qtbot: QtBot) -> None:
    desk.documents.document.fill_mask(Rect(0, 0, 8, 8))
    desk.documents.session_file.mkdir()  # in the way
    desk.autosave.keep()
    rest(qtbot, background)
    desk.documents.session_file.rmdir()
    desk.autosave.keep()
    rest(qtbot, background)
    assert desk.documents.session_file.is_file()


def test_a_full_disk_is_said_once_until_there_is_room_again(
    desk: Desk, background: Background, qtbot: QtBot
) -> None:
    said: list[str] = []
    desk.autosave.failed.connect(said.append)
    session = desk.documents.session_file
    for count in (1, 2):
        desk.documents.document.fill_mask(Rect(0, 0, 8 * count, 8))
        session.unlink(missing_ok=True)
        session.mkdir()  # in the way
        for _ in range(2):
            desk.autosave.keep()
            rest(qtbot, background)
        assert len(said) == count
        assert "could not be written" in said[-1]
        session.rmdir()
        desk.autosave.keep()
        rest(qtbot, background)


def test_a_session_knows_the_file_it_was_saved_in(
    desk: Desk, background: Background, qtbot: QtBot, tmp_path: Path
) -> None:
    desk.documents.document.fill_mask(Rect(0, 0, 8, 8))
    desk.autosave.keep()
    rest(qtbot, background)
    desk.documents.save_as(str(tmp_path / "work.ora"))
    desk.autosave.keep()
    rest(qtbot, background)
    assert desk.documents.restore_session()
    assert desk.documents.file == tmp_path / "work.ora"
    assert not desk.documents.is_modified


def test_it_looks_by_itself_until_it_is_stopped(desk: Desk) -> None:
    desk.autosave.start()
    assert desk.autosave._timer.isActive()
    desk.autosave.stop()
    assert not desk.autosave._timer.isActive()
