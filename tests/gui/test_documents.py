"""Opening, placing, pasting, saving, and that nothing open gets lost."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, QUrl
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from core.canvas.document import Document
from core.canvas.strokes import StrokeTarget
from core.gallery import Gallery
from core.geometry import Rect, Size
from core.images import write_image
from core.metadata import read_record
from core.projects import load_project, save_project
from core.request import Pixels
from core.settings import Paths
from gui.canvas.tools.painting import BrushSettings, Target
from gui.documents import DocumentController
from gui.images import from_qimage, to_qimage
from gui.leaving import COPIES_KEPT
from gui.panels.messages import MessageStrip
from gui.sampling import Sampling
from gui.theme import Theme
from tests.gui.conftest import Easel
from tests.helpers.results import a_result, noise


class Desk:
    """A document controller with canvas and messages, and what it told."""

    def __init__(self, canvas: Easel, sampling: Sampling, theme: Theme, paths: Paths) -> None:
        self.canvas, self.sampling = canvas, sampling
        self.box = QWidget()
        self.box.show()
        self.messages = MessageStrip(theme, self.box)
        self.documents = DocumentController(canvas, self.messages, sampling, paths, self.box)
        self.opened: list[Size] = []
        self.found: list[Any] = []
        self.documents.opened.connect(lambda: self.opened.append(self.document.size))
        self.documents.settings_found.connect(self.found.append)
        self.documents.show(Document(Size(64, 48)))
        self.opened.clear()

    @property
    def document(self) -> Document:
        return self.documents.document

    @property
    def message(self) -> str:
        return self.messages.text

    def pixels(self) -> Pixels:
        return self.document.flatten(Rect.of_size(self.document.size))

    def layers(self) -> list[str]:
        return [layer.name for layer in self.document.layers]

    def paint(self) -> None:
        """A stroke, so that there is something to lose."""
        brush = BrushSettings().brush(Target.PAINT, False)
        stroke = self.document.begin_stroke(brush, StrokeTarget.PAINT)
        stroke.move_to(20, 20)
        stroke.finish()

    def take_offer(self, text: str) -> None:
        """Press the button in the message strip."""
        offers = [b for b in self.messages.findChildren(QPushButton) if b.isVisible()]
        assert [offer.text() for offer in offers] == [text]
        offers[0].click()

    def drop(self, *files: Path, at: QPointF | None = None, image: QImage | None = None) -> None:
        content = QMimeData()
        if files:
            content.setUrls([QUrl.fromLocalFile(str(file)) for file in files])
        if image is not None:
            content.setImageData(image)
        self.canvas.dropped.emit(content, at or QPointF(32, 24))


@pytest.fixture
def paths() -> Paths:
    paths = Paths.find()
    paths.make()
    return paths


@pytest.fixture
def desk(qtbot: QtBot, canvas: Easel, sampling: Sampling, theme: Theme, paths: Paths) -> Desk:
    desk = Desk(canvas, sampling, theme, paths)
    qtbot.addWidget(desk.box)
    return desk


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A PNG of 40 x 30 pixels of noise."""
    write_image(tmp_path / "photo.png", noise(1, 30, 40, 3))
    return tmp_path / "photo.png"


@pytest.fixture
def made(paths: Paths) -> Path:
    """A picture that knows how it was made."""
    with Gallery(paths) as gallery:
        return gallery.keep(a_result()).path


@pytest.fixture(autouse=True)
def clipboard(qtbot: QtBot) -> Iterator[None]:
    yield
    QGuiApplication.clipboard().clear()


# --- opening ----------------------------------------------------------------------------------


def test_a_picture_is_opened_pixel_by_pixel(desk: Desk, picture: Path) -> None:
    desk.documents.open(str(picture))
    assert desk.opened == [Size(40, 30)]
    assert np.array_equal(desk.pixels()[..., :3], noise(1, 30, 40, 3))
    assert not desk.documents.is_modified
    assert desk.documents.file is None


def test_an_opened_picture_is_not_pristine(desk: Desk, picture: Path) -> None:
    desk.documents.open(str(picture))
    assert not desk.documents.is_pristine
    desk.drop(picture)
    assert desk.layers() == ["photo", "photo"]


@pytest.mark.parametrize("name", ["missing.png", "broken.png", "broken.ora", "folder.png"])
def test_a_broken_file_is_said_and_nothing_is_closed(desk: Desk, tmp_path: Path, name: str) -> None:
    if name.startswith("broken"):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    if name.startswith("folder"):
        (tmp_path / name).mkdir()
    before = desk.document
    desk.documents.open(str(tmp_path / name))
    assert desk.message
    assert desk.document is before
    desk.documents.place_file(str(tmp_path / name))
    assert desk.layers() == ["Background"]


def test_a_picture_of_ours_offers_its_settings(desk: Desk, made: Path) -> None:
    desk.documents.open(str(made))
    assert "knows how it was made" in desk.message
    desk.take_offer("Use its settings")
    assert desk.found == [read_record(made)]
    assert desk.found[0]["request"]["prompt"] == "a red apple"


# --- placing ----------------------------------------------------------------------------------


def test_a_file_becomes_a_layer_in_the_middle(desk: Desk, picture: Path) -> None:
    desk.paint()
    desk.documents.place_file(str(picture))
    assert desk.layers() == ["Background", "photo"]
    assert np.array_equal(desk.pixels()[9:39, 12:52, :3], noise(1, 30, 40, 3))
    desk.document.undo()
    assert desk.layers() == ["Background"]


def test_a_drop_on_an_untouched_canvas_opens(desk: Desk, picture: Path) -> None:
    desk.drop(picture)
    assert desk.opened == [Size(40, 30)]


def test_a_drop_on_work_becomes_a_layer_about_the_pointer(desk: Desk, picture: Path) -> None:
    desk.paint()
    desk.drop(picture, at=QPointF(20, 15))
    assert desk.opened == []
    assert np.array_equal(desk.pixels()[:30, :40, :3], noise(1, 30, 40, 3))


def test_image_data_dropped_beside_the_picture_is_said(desk: Desk) -> None:
    desk.paint()
    desk.drop(image=to_qimage(noise(1, 8, 8, 3)), at=QPointF(900, 900))
    assert desk.message
    assert desk.layers() == ["Background"]


def test_a_drop_without_a_picture_is_said(desk: Desk) -> None:
    desk.drop()
    assert "not a picture" in desk.message


def test_several_files_become_several_layers(desk: Desk, picture: Path) -> None:
    desk.paint()
    desk.drop(picture, picture)
    assert desk.layers() == ["Background", "photo", "photo"]


# --- the clipboard ----------------------------------------------------------------------------


def test_pasting_on_an_untouched_canvas_opens_what_can_be_lost(desk: Desk) -> None:
    QGuiApplication.clipboard().setImage(to_qimage(noise(4, 20, 24, 3)))
    desk.documents.paste()
    assert desk.opened == [Size(24, 20)]
    assert desk.documents.is_modified
    desk.documents.paste()
    assert desk.layers() == ["Background", "Pasted"]


def test_pasting_on_work_is_one_step(desk: Desk) -> None:
    desk.paint()
    before = desk.pixels()
    QGuiApplication.clipboard().setImage(to_qimage(noise(4, 20, 24, 3)))
    desk.documents.paste()
    assert np.array_equal(desk.pixels()[14:34, 20:44, :3], noise(4, 20, 24, 3))
    desk.document.undo()
    assert np.array_equal(desk.pixels(), before)


def test_pasting_what_no_canvas_holds_is_refused_in_words(desk: Desk) -> None:
    wide = QImage(80_000, 4, QImage.Format.Format_RGB888)
    wide.fill(0)
    before = desk.document
    for _ in range(2):  # on an untouched canvas, and on work
        QGuiApplication.clipboard().setImage(wide)
        desk.documents.paste()
        assert "too large" in desk.message
        assert desk.document is before
        assert desk.layers() == ["Background"]
        desk.paint()
    desk.document.undo()


def test_pasting_a_copied_file_takes_the_file(desk: Desk, picture: Path) -> None:
    content = QMimeData()
    content.setUrls([QUrl.fromLocalFile(str(picture))])
    QGuiApplication.clipboard().setMimeData(content)
    desk.documents.paste()
    assert desk.opened == [Size(40, 30)]


def test_an_empty_clipboard_is_said(desk: Desk) -> None:
    QGuiApplication.clipboard().setText("words")
    desk.documents.paste()
    assert "no picture on the clipboard" in desk.message


def test_copying_takes_what_the_frame_shows(desk: Desk, picture: Path) -> None:
    desk.documents.open(str(picture))
    desk.document.set_frame(Rect(4, 4, 16, 8))
    desk.documents.copy()
    copied = from_qimage(QGuiApplication.clipboard().image())
    assert np.array_equal(copied[..., :3], noise(1, 30, 40, 3)[4:12, 4:20])


# --- saving -----------------------------------------------------------------------------------


def test_a_project_comes_back_with_layers_mask_frame_and_settings(
    desk: Desk, picture: Path, tmp_path: Path
) -> None:
    desk.paint()
    desk.documents.place_file(str(picture))
    desk.document.fill_mask(Rect(3, 3, 9, 9))
    desk.document.set_frame(Rect(8, 8, 32, 32))
    desk.sampling.prompt = "a pear"
    expected = desk.pixels()
    assert desk.documents.is_modified
    desk.documents.save_as(str(tmp_path / "work.ora"))
    assert not desk.documents.is_modified
    assert desk.documents.title == "work.ora"
    assert desk.message == "Saved work.ora."
    desk.documents.new()
    desk.sampling.prompt = ""
    desk.documents.open(str(tmp_path / "work.ora"))
    assert np.array_equal(desk.pixels(), expected)
    assert desk.layers() == ["Background", "photo"]
    assert desk.document.frame == Rect(8, 8, 32, 32)
    assert desk.document.mask_pixels(Rect(3, 3, 9, 9)).min() == 255
    assert desk.sampling.prompt == "a pear"
    assert desk.documents.file == tmp_path / "work.ora"
    assert not desk.documents.is_modified


def test_undoing_to_the_saved_state_is_unmodified(desk: Desk, tmp_path: Path) -> None:
    desk.paint()
    desk.documents.save_as(str(tmp_path / "work.ora"))
    desk.paint()
    assert desk.documents.is_modified
    desk.document.undo()
    assert not desk.documents.is_modified
    desk.document.undo()
    assert desk.documents.is_modified


def test_save_writes_the_file_again(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "work.ora"
    desk.paint()
    desk.documents.save_as(str(file))
    before = file.stat().st_mtime_ns
    desk.paint()
    desk.documents.save()
    assert file.stat().st_mtime_ns > before
    assert not desk.documents.is_modified


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_said(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    desk.documents.save_as(str(tmp_path / "closed" / "work.ora"))
    assert desk.message
    assert desk.documents.file is None


def test_saving_an_untitled_document_asks_where(desk: Desk) -> None:
    desk.documents.save()
    dialog = desk.box.findChild(QFileDialog)
    assert dialog is not None
    assert dialog.acceptMode() is QFileDialog.AcceptMode.AcceptSave
    assert dialog.defaultSuffix() == "ora"
    dialog.close()


# --- nothing gets lost ------------------------------------------------------------------------


def test_a_closed_document_is_put_aside_and_can_be_opened_again(desk: Desk, picture: Path) -> None:
    desk.paint()
    expected = desk.pixels()
    desk.documents.open(str(picture))
    desk.messages.hide()
    desk.paint()
    desk.documents.new()
    assert "a copy is kept" in desk.message
    desk.take_offer("Open it again")
    assert desk.document.size == Size(40, 30)
    closed = sorted((Paths.find().data / "closed").glob("*.ora"))
    assert len(closed) == 2  # both, although they were closed within one second
    desk.documents.open(str(closed[0]))
    assert np.array_equal(desk.pixels(), expected)


def test_the_oldest_copies_are_forgotten(desk: Desk, paths: Paths) -> None:
    folder = paths.data / "closed"
    folder.mkdir(parents=True)
    for number in range(COPIES_KEPT):
        (folder / f"20200101-0000{number:02}-0.ora").touch()
    desk.paint()
    desk.documents.new()
    names = sorted(file.name for file in folder.iterdir())
    assert len(names) == COPIES_KEPT
    assert names[0] == "20200101-000001-0.ora"
    assert not names[-1].startswith("2020")


def test_what_nobody_touched_is_not_put_aside(desk: Desk, picture: Path) -> None:
    desk.documents.open(str(picture))
    desk.documents.new()
    assert not (Paths.find().data / "closed").exists()


def test_the_session_comes_back(desk: Desk, paths: Paths) -> None:
    desk.paint()
    desk.document.fill_mask(Rect(3, 3, 9, 9))
    expected = desk.pixels()
    desk.documents.keep_session()
    desk.documents.show(Document(Size(16, 16)))
    assert desk.documents.restore_session()
    assert np.array_equal(desk.pixels(), expected)
    assert not desk.document.mask_is_empty
    assert desk.documents.is_modified
    assert not desk.documents.is_pristine


def test_a_saved_session_comes_back_saved(desk: Desk, tmp_path: Path) -> None:
    desk.paint()
    desk.documents.save_as(str(tmp_path / "work.ora"))
    desk.documents.keep_session()
    desk.documents.show(Document(Size(16, 16)))
    assert desk.documents.restore_session()
    assert desk.documents.file == tmp_path / "work.ora"
    assert not desk.documents.is_modified


def test_an_opened_picture_is_there_again_at_the_next_start(desk: Desk, picture: Path) -> None:
    desk.documents.open(str(picture))
    desk.documents.keep_session()
    desk.documents.show(Document(Size(16, 16)))
    assert desk.documents.restore_session()
    assert np.array_equal(desk.pixels()[..., :3], noise(1, 30, 40, 3))


def test_an_untouched_canvas_leaves_no_session(desk: Desk, paths: Paths) -> None:
    desk.paint()
    desk.documents.keep_session()
    desk.documents.show(Document(Size(16, 16)))
    desk.documents.keep_session()
    assert not desk.documents.restore_session()


def test_a_broken_session_is_said(desk: Desk, paths: Paths) -> None:
    (paths.data / "session.ora").write_bytes(b"PK no zip")
    assert not desk.documents.restore_session()
    assert "last session" in desk.message
    kept = paths.data / "unreadable-session.ora"
    assert str(kept) in desk.message
    desk.documents.keep_session()
    assert kept.read_bytes() == b"PK no zip"


def test_what_no_copy_can_be_kept_of_stays_open(desk: Desk, picture: Path) -> None:
    desk.documents.copies.write_text("in the way")
    desk.paint()
    expected = desk.pixels()
    desk.documents.open(str(picture))
    assert "stays open" in desk.message
    assert np.array_equal(desk.pixels(), expected)
    assert desk.documents.is_modified
    desk.take_offer("Close it without a copy")
    assert desk.document.size == Size(40, 30)


def test_a_full_disk_leaves_file_and_document_as_they_were(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "work.ora"
    desk.documents.save_as(str(file))
    before = file.read_bytes()
    desk.paint()

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    desk.documents.save()
    assert "No space left" in desk.message
    assert file.read_bytes() == before
    assert desk.documents.is_modified
    monkeypatch.undo()
    desk.documents.save()
    assert file.read_bytes() != before
    assert not desk.documents.is_modified


@pytest.mark.parametrize("restarted", [False, True])
def test_what_another_program_made_of_the_file_is_kept(
    desk: Desk, tmp_path: Path, restarted: bool
) -> None:
    file = tmp_path / "work.ora"
    desk.documents.save_as(str(file))
    desk.paint()
    if restarted:
        desk.documents.keep_session()
        desk.documents.show(Document(Size(16, 16)))
        desk.documents.restore_session()
    ours = desk.pixels()
    save_project(Document(Size(20, 10)), file)
    desk.documents.save()
    assert "Another program had changed it" in desk.message
    desk.messages.hide()
    desk.documents.save()
    assert desk.message == "Saved work.ora."
    (theirs,) = desk.documents.copies.glob("*.ora")
    assert load_project(theirs).document.size == Size(20, 10)
    assert np.array_equal(load_project(file).document.flatten(desk.document.bounds), ours)


def test_a_file_that_was_removed_is_written_again(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "folder" / "work.ora"
    desk.documents.save_as(str(file))
    shutil.rmtree(file.parent)
    desk.paint()
    desk.documents.save()
    assert desk.message == "Saved work.ora."
    assert np.array_equal(load_project(file).document.flatten(desk.document.bounds), desk.pixels())


def test_the_title_is_told(desk: Desk, tmp_path: Path) -> None:
    told: list[tuple[str, bool]] = []
    documents = desk.documents
    documents.title_changed.connect(lambda: told.append((documents.title, documents.is_modified)))
    desk.paint()
    documents.save_as(str(tmp_path / "work.ora"))
    assert told[0] == ("Untitled", True)
    assert told[-1] == ("work.ora", False)
