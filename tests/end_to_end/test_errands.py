"""Grids and kept pictures made again, from the window to the files, with a real engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from core.images import read_image, write_image
from core.inference.axes import Axis
from gui.panels.enlarge import EnlargeDialog, Enlargement
from gui.panels.grid import GridDialog
from gui.panels.picture_windows import PictureWindow
from gui.widgets.picture_view import PictureView
from tests.helpers.studio import Person, studio_at, write_settings


@pytest.fixture(autouse=True)
def models(home: Path, zoo: Callable[[str], Path]) -> Path:
    """A home that knows the zoo's sd15."""
    folder = zoo("sd15")
    write_settings(home, folder)
    return folder


def answer(person: Person, word: str) -> None:
    buttons = person.window.messages.findChildren(QPushButton)
    next(button for button in buttons if button.text() == word).click()


def strip_items(person: Person) -> list[str]:
    model = person.window.gallery_model
    items = (model.item(model.index(row)) for row in range(model.rowCount()))
    return [item.id for item in items if item is not None]


@pytest.mark.slow
def test_a_grid_is_made_beside_the_canvas_and_becomes_a_sheet(
    qapp: QApplication, qtbot: QtBot
) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        person.do("grid")
        dialog = person.window.findChild(GridDialog)
        assert dialog is not None
        dialog.hide()
        axes = (Axis.of(None), Axis.of("guidance=3, 7"), Axis.of("steps=1-3"))
        dialog.asked.emit(axes)
        assert person.studio.generation.is_busy
        person.wait_for(lambda: "grid of 6 pictures is finished" in person.window.messages.text)
        assert len(person.items) == 6
        assert not person.studio.generation.has_proposal
        gallery = person.studio.results.gallery
        assert gallery is not None
        assert gallery.count() == 7
        sheet = gallery.items(1)[0]
        assert sheet.is_sheet
        assert strip_items(person)[0] == sheet.id
        assert [axis["name"] for axis in sheet.record["sheet"]["axes"]] == ["steps", "guidance"]
        drawn = read_image(sheet.path)
        assert min(drawn.shape[0] // 64, drawn.shape[1] // 64) >= 2
        answer(person, "Look at it")
        assert person.window.findChild(PictureWindow) is not None


@pytest.mark.slow
def test_a_stopped_grid_keeps_what_is_there(qapp: QApplication, qtbot: QtBot) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        person.studio.errands.grids.start(
            (Axis.of(None), Axis.of(None), Axis.of("steps=2, 150, 150 "))
        )
        person.wait_for(lambda: person.items)
        person.do("stop")
        person.wait_for(lambda: "1 of the grid’s 3 pictures" in person.window.messages.text)
        gallery = person.studio.results.gallery
        assert gallery is not None
        assert [item.is_sheet for item in gallery.items()] == [True, False]


@pytest.mark.slow
def test_a_grid_that_the_closed_window_left_has_a_sheet_of_what_was_made(
    qapp: QApplication, qtbot: QtBot
) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        person.studio.errands.grids.start((Axis.of(None), Axis.of(None), Axis.of("steps=2, 150")))
        person.wait_for(lambda: person.items)
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        gallery = person.studio.results.gallery
        assert gallery is not None
        sheet, picture = gallery.items()
        assert sheet.is_sheet
        assert [entry["id"] for entry in sheet.record["sheet"]["pictures"]] == [picture.id]
        assert sheet.record["sheet"]["axes"] == [{"name": "steps", "values": ["2", "150"]}]
        assert "A picture was waiting" in person.window.messages.text


@pytest.mark.slow
def test_a_kept_picture_is_made_again_and_compared(qapp: QApplication, qtbot: QtBot) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        item = person.generate()
        person.do("discard")
        person.window.strip.again_asked.emit(item)
        person.wait_for(lambda: "every pixel is the same" in person.window.messages.text)
        gallery = person.studio.results.gallery
        assert gallery is not None
        assert gallery.count() == 1  # nothing is kept of the second time
        assert not person.studio.generation.has_proposal

        other = np.array(read_image(item.path))
        other[0, 0] ^= 255
        write_image(item.path, other)
        person.window.strip.again_asked.emit(item)
        person.wait_for(lambda: "1 pixel" in person.window.messages.text)
        answer(person, "Look at both")
        window = person.window.findChild(PictureWindow)
        assert window is not None
        assert any("PSNR" in label.text() for label in window.findChildren(QLabel))
        assert window.findChild(PictureView) is not None


@pytest.mark.slow
def test_the_picture_in_the_frame_is_enlarged_and_put_among_the_results(
    qapp: QApplication, qtbot: QtBot
) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        first = person.generate()
        assert person.studio.generation.has_proposal
        person.steps.clear()
        person.do("enlarge")
        dialog = person.window.findChild(EnlargeDialog)
        assert dialog is not None
        said = [label.text() for label in dialog.findChildren(QLabel)]
        assert any("64 × 64 becomes 128 × 128" in text for text in said)
        dialog.hide()
        dialog.asked.emit(Enlargement("a cat", 1.5, 0.5, 64, 16))
        person.wait_for(lambda: "96 × 96 now" in person.window.messages.text)
        assert person.steps  # it was seen growing
        assert person.studio.generation.has_proposal  # the first still waits to be kept
        large = person.items[-1]
        assert (large.size, large.prompt) == ((96, 96), "a cat")
        assert large.request["tile_overlap"] == 16
        person.window.strip.enlarge_asked.emit(first)
        person.wait_for(lambda: dialog.isVisible())
        dialog.hide()
        dialog.asked.emit(Enlargement("a dog", 1.5, 0.5, 64, 16))
        person.wait_for(lambda: len(person.items) == 3)
        assert person.items[-1].request["parent_ids"] == [first.id]
