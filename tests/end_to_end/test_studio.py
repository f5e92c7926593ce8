"""The window, the engine and the gallery together, on a tiny model with random weights."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QPushButton
from pytestqt.qtbot import QtBot

from core.canvas.document import Document
from core.gallery import Gallery
from core.geometry import Rect, Size
from core.images import read_image, write_image
from core.settings import Paths, load_settings
from gui.generation import State
from gui.sampling import Mode
from tests.helpers.results import noise
from tests.helpers.studio import Person, studio_at, write_settings

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def models(home: Path, zoo: Callable[[str], Path]) -> Path:
    """A home that knows the zoo's sd15."""
    folder = zoo("sd15")
    write_settings(home, folder)
    return folder


def pixels(person: Person) -> np.ndarray:
    document = person.studio.documents.document
    return document.flatten(Rect.of_size(document.size))[..., :3]


@pytest.mark.usefixtures("models")
def test_from_nothing_then_masked_then_from_canvas(qapp: QApplication, qtbot: QtBot) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        studio = person.studio
        assert studio.documents.document.size == Size(64, 64)

        first = person.generate()
        assert person.steps
        assert first.kind == "text-to-image"
        person.do("keep")
        before = pixels(person).copy()
        assert np.array_equal(before, read_image(first.path))

        person.window.brush_settings.change(size=16)
        person.paint("mask", (24, 32), (32, 32), (40, 32))
        studio.sampling.prompt = "a pear"
        second = person.generate()
        assert second.kind == "inpainting"
        assert second.changed_outside_mask == 0
        person.do("keep")
        after = pixels(person)
        with_mask = studio.documents.document.mask_pixels(Rect(0, 0, 64, 64)) > 0
        assert np.array_equal(after, read_image(second.path))
        assert np.array_equal(after[~with_mask], before[~with_mask])
        assert not np.array_equal(after[with_mask], before[with_mask])

        person.do("clear_mask")
        studio.sampling.mode = Mode.FROM_CANVAS
        third = person.generate()
        assert third.kind == "image-to-image"
        assert studio.generation.state is State.READY

        model = person.window.gallery_model
        assert [model.index(row).data(Qt.ItemDataRole.UserRole).id for row in range(3)] == [
            third.id, second.id, first.id,
        ]  # fmt: skip
        chosen = person.window.strip.view.currentIndex()
        assert chosen.row() == 0


@pytest.mark.usefixtures("models")
def test_a_click_on_a_result_brings_its_settings_back_and_the_same_picture(
    qapp: QApplication, qtbot: QtBot
) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        sampling = person.studio.sampling
        sampling.scheduler = "DDIM"
        sampling.seed_locked = False
        first = person.generate()
        person.do("discard")
        sampling.prompt, sampling.num_inference_steps = "something else", 3
        sampling.scheduler = "Euler"
        second = person.generate()
        person.do("discard")
        assert first.seed != second.seed

        view = person.window.strip.view
        index = person.window.gallery_model.index(1)
        QTest.mouseClick(view.viewport(), LEFT, pos=view.visualRect(index).center())
        assert sampling.prompt == "a cat in a castle"
        assert (sampling.scheduler, sampling.num_inference_steps) == ("DDIM", 4)
        assert (sampling.seed, sampling.seed_locked) == (first.seed, True)
        again = person.generate()
        assert np.array_equal(read_image(again.path), read_image(first.path))
        assert again.id != first.id


@pytest.mark.usefixtures("models")
def test_several_pictures_of_one_start(qapp: QApplication, qtbot: QtBot) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        person.studio.sampling.count = 3
        person.do("generate")
        person.wait_for(lambda: len(person.items) == 3)
        assert [item.seed for item in person.items] == [7, 8, 9]
        person.do("keep")
        assert np.array_equal(pixels(person), read_image(person.items[2].path))


@pytest.mark.usefixtures("models")
def test_esc_ends_the_gesture_first_and_then_the_job(qapp: QApplication, qtbot: QtBot) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        person.generate()
        person.do("discard")
        person.studio.sampling.num_inference_steps = 200
        person.do("generate")
        window = person.window
        window.take_tool("brush")
        QTest.mousePress(window.canvas, LEFT, pos=QPoint(200, 200))
        QTest.mouseMove(window.canvas, QPoint(300, 300))
        assert window.canvas.in_gesture
        window.escape_pressed.emit()
        assert not window.canvas.in_gesture
        assert person.studio.generation.is_busy
        window.escape_pressed.emit()
        person.wait_for(lambda: not person.studio.generation.is_busy)
        assert len(person.items) == 1
        assert window.messages.text == "Stopped."
        person.studio.sampling.num_inference_steps = 4
        again = person.generate()
        assert np.array_equal(read_image(again.path), read_image(person.items[0].path))


@pytest.mark.usefixtures("models")
def test_closing_during_a_job_loses_nothing(qapp: QApplication, qtbot: QtBot, home: Path) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        first = person.generate()  # stands in the frame, not kept yet
        person.paint("mask", (24, 32), (40, 32))
        person.studio.sampling.prompt = "a pear"
        person.studio.sampling.num_inference_steps = 200
        person.do("generate")
        person.wait_for(lambda: person.studio.generation.state is State.DRAWING)
    assert not [t for t in threading.enumerate() if t.name.startswith("sfumato")]
    assert load_settings(Paths.find(home).settings_file).prompts[0] == "a pear"
    with studio_at(qapp, qtbot) as person:
        assert np.array_equal(pixels(person), read_image(first.path))
        assert not person.studio.documents.document.mask_is_empty
        assert person.studio.sampling.prompt == "a pear"
        person.wait_for_model()
        assert person.window.gallery_model.rowCount() == 1


@pytest.mark.usefixtures("models")
def test_a_proposal_is_kept_when_the_window_closes(qapp: QApplication, qtbot: QtBot) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        item = person.generate()
    with studio_at(qapp, qtbot) as person:
        assert np.array_equal(pixels(person), read_image(item.path))
        person.wait_for_model()


@pytest.mark.usefixtures("models")
def test_closing_at_once_leaves_nothing_running(qapp: QApplication, qtbot: QtBot) -> None:
    with studio_at(qapp, qtbot) as person:
        assert person.studio.engine is not None
        assert person.studio.engine.isRunning()
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()


@pytest.mark.usefixtures("models")
def test_a_slow_autosave_does_not_replace_the_last_session(
    qapp: QApplication, qtbot: QtBot
) -> None:
    size = Size(1500, 1500)
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        document = Document.from_image(noise(1, size.height, size.width, 3))  # slow to write
        person.studio.documents.show(document, is_blank=False)
        person.studio.autosave.keep()
        for _ in range(3):  # until the writing has begun
            qapp.processEvents()
        grey = np.full((size.height, size.width, 3), 90, np.uint8)
        document.place_image(grey, Rect.of_size(size), "grey")
    with studio_at(qapp, qtbot) as person:
        assert (pixels(person) == 90).all()
        person.wait_for_model()


@pytest.mark.usefixtures("models")
def test_painting_beyond_the_edge_grows_the_picture(qapp: QApplication, qtbot: QtBot) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        document = person.studio.documents.document
        document.place_image(noise(3, 64, 64, 3), Rect(0, 0, 64, 64), "noise")
        person.window.canvas.move_frame(Rect(32, 0, 64, 64))
        item = person.generate()
        assert item.kind == "inpainting"
        person.do("keep")
        assert document.size == Size(96, 64)
        grown = document.flatten(Rect(0, 0, 96, 64))
        assert np.array_equal(grown[:, :64, :3], noise(3, 64, 64, 3))
        assert (grown[..., 3] == 255).all()


@pytest.mark.usefixtures("models")
def test_a_result_goes_to_the_trash_and_back(qapp: QApplication, qtbot: QtBot) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        item = person.generate()
        person.do("discard")
        model = person.window.gallery_model
        person.window.strip.delete_asked.emit(item)
        assert model.rowCount() == 0
        assert not item.path.exists()
        assert person.window.messages.text == "Moved to the trash."
        offers = person.window.messages.findChildren(QPushButton)
        next(offer for offer in offers if offer.isVisible()).click()
        person.wait_for(lambda: model.rowCount() == 1)
        assert item.path.exists()


@pytest.mark.usefixtures("models")
def test_an_older_result_is_shown_in_the_frame_and_copied(qapp: QApplication, qtbot: QtBot) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        item = person.generate()
        person.do("discard")
        person.window.strip.show_asked.emit(item)
        assert person.studio.generation.has_proposal
        person.do("keep")
        assert np.array_equal(pixels(person), read_image(item.path))
        person.window.strip.copy_asked.emit(item)
        copied = QApplication.clipboard().image()
        assert (copied.width(), copied.height()) == (64, 64)
        item.path.unlink()
        person.window.strip.show_asked.emit(item)
        assert person.window.messages.text not in ("", "Copied.")
        QApplication.clipboard().clear()


@pytest.mark.usefixtures("models")
def test_files_of_the_command_line_and_of_a_second_start(
    qapp: QApplication, qtbot: QtBot, tmp_path: Path
) -> None:
    write_image(tmp_path / "one.png", noise(1, 24, 32, 3))
    write_image(tmp_path / "two.png", noise(2, 40, 48, 3))
    with studio_at(qapp, qtbot, tmp_path / "one.png") as person:
        assert person.studio.documents.document.size == Size(32, 24)
        person.studio.on_called([str(tmp_path / "two.png"), str(tmp_path / "missing.png")])
        assert person.studio.documents.document.size == Size(48, 40)
        assert person.window.messages.text
        person.wait_for_model()


@pytest.mark.usefixtures("models")
def test_the_docks_size_moves_the_frame_and_leaves_an_opened_picture(
    qapp: QApplication, qtbot: QtBot, tmp_path: Path
) -> None:
    write_image(tmp_path / "one.png", noise(1, 128, 128, 3))
    with studio_at(qapp, qtbot, tmp_path / "one.png") as person:
        person.studio.sampling.width = 64
        document = person.studio.documents.document
        assert np.array_equal(pixels(person), noise(1, 128, 128, 3))
        assert document.frame == Rect(32, 0, 64, 128)
        person.window.canvas.move_frame(Rect(0, 0, 96, 32))
        assert (person.studio.sampling.width, person.studio.sampling.height) == (96, 32)
        person.wait_for_model()


@pytest.mark.usefixtures("models")
def test_the_frame_of_a_picture_larger_than_the_model_draws_is_one_that_it_can(
    qapp: QApplication, qtbot: QtBot, tmp_path: Path
) -> None:
    write_image(tmp_path / "wide.png", noise(1, 64, 2400, 3))
    with studio_at(qapp, qtbot, tmp_path / "wide.png") as person:
        person.wait_for_model()
        checkpoint = person.studio.generation.checkpoint
        assert checkpoint is not None
        native = checkpoint.abilities.native_size
        for _ in range(2):  # at the start, and with a model that is there already
            frame = person.studio.documents.document.frame
            assert frame.size == native
            assert abs(frame.x + native.width / 2 - 1200) <= 1
            assert (person.studio.sampling.width, person.studio.sampling.height) == native
            person.studio.documents.open(str(tmp_path / "wide.png"))


def test_two_models_and_a_recall_that_changes_between_them(
    qapp: QApplication, qtbot: QtBot, home: Path, zoo: Callable[[str], Path]
) -> None:
    write_settings(home, zoo("sd15"), zoo("sd21"))
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        combo = next(
            box
            for box in person.window.header.findChildren(QComboBox)
            if box.accessibleName() == "Model"
        )
        assert {combo.itemText(n) for n in range(combo.count())} >= {"sd15", "sd21"}
        assert combo.currentText() == "sd15"
        first = person.generate()
        person.do("discard")
        combo.setCurrentText("sd21")
        assert person.studio.sampling.checkpoint == "sd21"
        second = person.generate()
        person.do("discard")
        assert (first.checkpoint, second.checkpoint) == ("sd15", "sd21")
        person.studio.recall(first)
        assert combo.currentText() == "sd15"
        assert np.array_equal(read_image(person.generate().path), read_image(first.path))


@pytest.mark.parametrize(
    "request_record",
    [
        {},
        {"size": "big"},
        {"size": [0, -4]},
        {"size": [None, 3]},
        {"size": [1e9, 64]},
        {"prompt": 5, "seed": "x", "checkpoint": None},
    ],
)
@pytest.mark.usefixtures("models")
def test_a_strange_record_harms_nothing(
    qapp: QApplication, qtbot: QtBot, request_record: dict[str, object]
) -> None:
    with studio_at(qapp, qtbot) as person:
        person.studio.documents.settings_found.emit({"request": request_record})
        assert person.studio.documents.document.frame.size == Size(64, 64)


def test_without_a_model_the_window_says_what_to_do(
    qapp: QApplication, qtbot: QtBot, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gui.studio.model_folders", lambda settings: [home / "models"])
    with studio_at(qapp, qtbot) as person:
        person.wait_for(lambda: "No model was found" in person.window.messages.text)
        person.do("generate")
        assert "as soon as a model is there" in person.window.messages.text
        assert not person.studio.generation.is_busy


@pytest.mark.usefixtures("models")
def test_a_gallery_that_cannot_be_opened_is_said_and_pictures_are_made_all_the_same(
    qapp: QApplication, qtbot: QtBot, home: Path
) -> None:
    paths = Paths.find(home)
    paths.make()
    paths.gallery_file.mkdir()
    with studio_at(qapp, qtbot) as person:
        assert "Results will not be kept" in person.window.messages.text
        person.wait_for_model()
        person.do("generate")
        person.wait_for(lambda: person.studio.generation.has_proposal)
        person.do("keep")
        assert (pixels(person) != 255).any()


@pytest.mark.usefixtures("models")
def test_what_is_in_the_gallery_can_be_opened_afterwards(
    qapp: QApplication, qtbot: QtBot, home: Path
) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        item = person.generate()
    with Gallery(Paths.find(home)) as gallery:
        request = gallery.request(item.id)
    assert (request.prompt, request.seed) == ("a cat in a castle", 7)
