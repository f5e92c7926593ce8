"""What happens to unsaved changes, and recent files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from core.canvas.document import Document
from core.canvas.layering import add_layer
from core.geometry import Size
from core.settings import Paths, Settings, load_settings, save_settings
from gui.documents import DocumentController
from gui.panels.messages import MessageStrip
from gui.recent import MOST, RecentFiles
from gui.sampling import Sampling
from gui.theme import Theme
from tests.gui.conftest import Easel

Answer = QMessageBox.StandardButton


class Desk:
    """A document controller that may ask."""

    def __init__(self, canvas: Easel, sampling: Sampling, theme: Theme, box: QWidget) -> None:
        paths = Paths.find()
        paths.make()
        self.window = box
        self.messages = MessageStrip(theme, box)
        self.documents = DocumentController(canvas, self.messages, sampling, paths, box)
        self.documents.may_ask = lambda: True
        self.used: list[str] = []
        self.documents.file_used.connect(self.used.append)
        self.documents.show(Document(Size(64, 48)))

    @property
    def document(self) -> Document:
        return self.documents.document

    def work(self) -> Document:
        """Something that one would miss."""
        add_layer(self.document)
        return self.document

    @property
    def sheet(self) -> QMessageBox | None:
        boxes = [box for box in self.window.findChildren(QMessageBox) if box.isVisible()]
        return boxes[0] if boxes else None

    def answer(self, button: Answer) -> None:
        assert self.sheet is not None
        self.sheet.button(button).click()


@pytest.fixture
def desk(canvas: Easel, sampling: Sampling, theme: Theme, home: object, qtbot: QtBot) -> Desk:
    box = QWidget()
    qtbot.addWidget(box)
    box.show()
    return Desk(canvas, sampling, theme, box)


LEAVING: dict[str, Callable[[DocumentController, Path], None]] = {
    "new": lambda documents, other: documents.ask_for_new(),
    "open": lambda documents, other: documents.ask_to_open(str(other)),
}


@pytest.fixture
def other(tmp_path: Path) -> Path:
    Image.new("RGB", (20, 10)).save(tmp_path / "other.png")
    return tmp_path / "other.png"


@pytest.mark.parametrize("way", LEAVING)
def test_nothing_is_asked_where_nothing_was_done(desk: Desk, other: Path, way: str) -> None:
    before = desk.document
    LEAVING[way](desk.documents, other)
    assert desk.sheet is None
    assert desk.document is not before


@pytest.mark.parametrize("way", LEAVING)
def test_cancel_stays(desk: Desk, other: Path, way: str) -> None:
    before = desk.work()
    LEAVING[way](desk.documents, other)
    assert desk.document is before
    assert desk.sheet is not None
    assert "“Untitled”" in desk.sheet.text()
    desk.answer(Answer.Cancel)
    assert desk.document is before


@pytest.mark.parametrize("way", LEAVING)
def test_without_saving_a_copy_is_kept_all_the_same(desk: Desk, other: Path, way: str) -> None:
    before = desk.work()
    LEAVING[way](desk.documents, other)
    desk.answer(Answer.Discard)
    assert desk.document is not before
    assert len(list((Paths.find().data / "closed").glob("*.ora"))) == 1


def test_a_named_document_is_saved_and_left(desk: Desk, other: Path, tmp_path: Path) -> None:
    desk.documents.save_as(str(tmp_path / "work.ora"))
    before = desk.work()
    desk.documents.ask_to_open(str(other))
    desk.answer(Answer.Save)
    assert desk.document is not before
    desk.documents.open(str(tmp_path / "work.ora"))
    assert len(desk.document.layers) == 2


def test_an_untitled_one_is_left_when_it_has_a_name(desk: Desk, tmp_path: Path) -> None:
    before = desk.work()
    desk.documents.ask_for_new()
    desk.answer(Answer.Save)
    dialog = desk.window.findChild(QFileDialog)
    assert dialog is not None
    assert desk.document is before
    dialog.fileSelected.emit(str(tmp_path / "work.ora"))
    assert desk.document is not before
    assert (tmp_path / "work.ora").exists()


def test_who_gives_up_the_name_stays_and_a_later_save_leaves_nothing(
    desk: Desk, tmp_path: Path
) -> None:
    before = desk.work()
    desk.documents.ask_for_new()
    desk.answer(Answer.Save)
    dialog = desk.window.findChild(QFileDialog)
    assert dialog is not None
    dialog.reject()
    desk.documents.save_as(str(tmp_path / "work.ora"))
    assert desk.document is before


def test_a_save_that_fails_leaves_nothing(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("not one")
    desk.documents.file = tmp_path / "folder" / "work.ora"
    before = desk.work()
    desk.documents.ask_for_new()
    desk.answer(Answer.Save)
    assert desk.document is before
    assert "could not be written" in desk.messages.text


def test_while_a_job_runs_nothing_is_asked_but_a_copy_kept(desk: Desk) -> None:
    desk.documents.may_ask = lambda: False
    before = desk.work()
    desk.documents.ask_for_new()
    assert desk.sheet is None
    assert desk.document is not before
    assert "a copy is kept" in desk.messages.text


# --- recent files -----------------------------------------------------------------------------


@pytest.fixture
def recent(qtbot: QtBot) -> Iterator[RecentFiles]:
    window = QWidget()
    qtbot.addWidget(window)
    yield RecentFiles(QAction("Open recent", window), window)


def entries(recent: RecentFiles) -> QMenu:
    menu = recent._action.menu()
    assert isinstance(menu, QMenu)
    menu.aboutToShow.emit()
    return menu


def test_files_opened_and_saved_are_told(desk: Desk, other: Path, tmp_path: Path) -> None:
    desk.documents.open(str(other))
    desk.documents.save_as(str(tmp_path / "work.ora"))
    desk.documents.save_as(str(tmp_path / "copy.png"))
    assert desk.used == [str(other), str(tmp_path / "work.ora")]


def test_the_newest_is_first_each_only_once_and_ten_of_them(
    recent: RecentFiles, tmp_path: Path
) -> None:
    files = [tmp_path / f"{number}&.ora" for number in range(MOST + 2)]
    for file in (*files, files[5]):
        file.touch()
        recent.remember(str(file))
    menu = entries(recent)
    texts = [action.text() for action in menu.actions() if action.data()]
    assert texts[0] == "&1  5&&.ora"
    assert len(texts) == len(set(texts)) == MOST
    chosen: list[str] = []
    recent.chosen.connect(chosen.append)
    menu.actions()[0].trigger()
    assert chosen == [str(files[5])]


def test_what_is_gone_is_not_offered_and_all_can_be_forgotten(
    recent: RecentFiles, tmp_path: Path
) -> None:
    assert not recent._action.isEnabled()
    recent.remember(str(tmp_path / "gone.ora"))
    (tmp_path / "there.ora").touch()
    recent.remember(str(tmp_path / "there.ora"))
    menu = entries(recent)
    assert recent.files == (str(tmp_path / "there.ora"),)
    menu.actions()[-1].trigger()
    assert recent.files == ()
    assert not recent._action.isEnabled()


def test_they_outlive_the_program(tmp_path: Path) -> None:
    save_settings(Settings(recent_files=("/a.ora", "/b.png")), tmp_path / "settings.json")
    assert load_settings(tmp_path / "settings.json").recent_files == ("/a.ora", "/b.png")
