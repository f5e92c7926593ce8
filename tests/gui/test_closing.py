"""Closing the window: what is asked, what is kept, and how the next start looks."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from core.canvas.document import Document
from core.canvas.layering import add_layer
from core.geometry import Size
from core.projects import load_project
from core.settings import Paths
from gui.closing import Closing
from gui.documents import DocumentController
from gui.main_window import MainWindow
from gui.sampling import Sampling
from gui.theme import Theme
from tests.helpers.guard_qt import finish_deletions

Answer = QMessageBox.StandardButton


class Room:
    """A window with a document in it, as it stands after a start."""

    def __init__(self, window: MainWindow, sampling: Sampling) -> None:
        paths = Paths.find()
        paths.make()
        self.window = window
        self.documents = DocumentController(window.canvas, window.messages, sampling, paths, window)
        self.closing = Closing(window, self.documents)
        self.documents.show(Document(Size(64, 48)))
        self.documents.restore_session()
        self.closing.welcome()

    def work(self) -> None:
        """Something that one would miss."""
        add_layer(self.documents.document)

    def close(self) -> bool:
        """Press the window's button; at its end the studio keeps the session."""
        closed = self.window.close()
        finish_deletions()
        return closed

    @property
    def sheets(self) -> list[QMessageBox]:
        return [box for box in self.window.findChildren(QMessageBox) if box.isVisible()]

    def answer(self, button: Answer) -> None:
        (sheet,) = self.sheets
        sheet.button(button).click()

    def take_offer(self, text: str) -> None:
        """Press the button in the message strip."""
        offers = [b for b in self.window.messages.findChildren(QPushButton) if b.isVisible()]
        assert [offer.text() for offer in offers] == [text]
        offers[0].click()

    @property
    def is_open(self) -> bool:
        return self.window.isVisible()

    def next_start(self, qtbot: QtBot, theme: Theme) -> Room:
        """End as the studio does, and start again."""
        self.documents.keep_session()
        return opened(qtbot, theme)


def opened(qtbot: QtBot, theme: Theme) -> Room:
    """A room whose window closes without a question when the test is over."""
    window = MainWindow(theme, sampling := Sampling())
    room = Room(window, sampling)
    qtbot.addWidget(window, before_close_func=lambda _: room.closing.excuse())
    window.show()
    return room


@pytest.fixture
def room(qtbot: QtBot, theme: Theme, home: Path) -> Room:
    return opened(qtbot, theme)


def test_nothing_is_asked_where_nothing_was_done(room: Room) -> None:
    assert room.close()


def test_nothing_is_asked_where_everything_is_in_a_file(room: Room, tmp_path: Path) -> None:
    room.work()
    room.documents.save_as(str(tmp_path / "work.ora"))
    assert room.close()
    assert room.sheets == []


def test_the_window_stays_until_there_is_an_answer(room: Room) -> None:
    room.work()
    assert not room.close()
    assert room.is_open
    (sheet,) = room.sheets
    assert "“Untitled”" in sheet.text()
    assert "empty canvas" in sheet.informativeText()
    assert not room.close()  # the button once more
    assert len(room.sheets) == 1


def test_cancel_stays_and_the_next_closing_asks_again(room: Room) -> None:
    room.work()
    room.close()
    room.answer(Answer.Cancel)
    assert room.is_open
    assert len(room.documents.document.layers) == 2
    assert not room.close()
    assert len(room.sheets) == 1


def test_save_writes_the_file_and_closes(room: Room, tmp_path: Path) -> None:
    room.documents.save_as(str(tmp_path / "work.ora"))
    room.work()
    room.close()
    room.answer(Answer.Save)
    assert not room.is_open
    assert len(load_project(tmp_path / "work.ora").document.layers) == 2


def test_save_of_what_has_no_name_asks_for_one_first(room: Room, tmp_path: Path) -> None:
    room.work()
    room.close()
    room.answer(Answer.Save)
    dialog = room.window.findChild(QFileDialog)
    assert dialog is not None
    assert room.is_open
    dialog.fileSelected.emit(str(tmp_path / "work.ora"))
    assert not room.is_open
    assert (tmp_path / "work.ora").exists()


def test_a_save_that_fails_keeps_the_window_open(room: Room, tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("not one")
    room.documents.file = tmp_path / "folder" / "work.ora"
    room.work()
    room.close()
    room.answer(Answer.Save)
    assert room.is_open
    assert "could not be written" in room.window.messages.text


def test_after_dont_save_the_next_start_is_clean_and_offers_the_copy_once(
    room: Room, qtbot: QtBot, theme: Theme
) -> None:
    room.work()
    room.documents.keep_session()  # as every twenty seconds
    room.close()
    room.answer(Answer.Discard)
    assert not room.is_open

    second = room.next_start(qtbot, theme)
    assert second.documents.is_pristine
    assert "a copy is kept" in second.window.messages.text
    second.take_offer("Open it again")
    assert len(second.documents.document.layers) == 2

    third = second.next_start(qtbot, theme)
    assert "without saving" not in third.window.messages.text


def test_a_full_disk_does_not_undo_the_answer(room: Room) -> None:
    room.documents.copies.write_text("a file in the way")
    room.work()
    room.close()
    room.answer(Answer.Discard)
    assert not room.is_open


def test_where_nobody_can_answer_everything_comes_back(
    room: Room, qtbot: QtBot, theme: Theme
) -> None:
    room.work()
    room.closing.excuse()
    assert room.close()
    again = room.next_start(qtbot, theme)
    assert again.documents.is_modified
    assert len(again.documents.document.layers) == 2


def test_the_end_of_the_desktops_session_keeps_everything_and_asks_nothing(
    room: Room, qapp: QApplication
) -> None:
    room.work()
    qapp.commitDataRequest.emit(None)
    assert len(load_project(room.documents.session_file).document.layers) == 2
    room.work()  # the logout was called off, and the painting went on
    assert not room.close()
    room.answer(Answer.Cancel)
    qapp.commitDataRequest.emit(None)
    assert room.close()


def test_a_flat_picture_is_not_everything_so_the_window_stays_and_says_so(
    room: Room, tmp_path: Path
) -> None:
    room.work()
    room.close()
    room.answer(Answer.Save)
    dialog = room.window.findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "flat.png"))
    dialog.close()
    assert (tmp_path / "flat.png").exists()
    assert room.is_open
    assert "it keeps the layers" in room.window.messages.text
