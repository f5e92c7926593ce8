"""A picture gone through step by step in the real window, and left at one of its steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from core.images import read_image
from gui.panels.branch_chip import BranchChip
from gui.widgets.step_scrubber import StepScrubber
from tests.helpers.studio import Person, studio_at, write_settings

Zoo = Callable[[str], Path]
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def models(home: Path, zoo: Zoo) -> None:
    write_settings(home, zoo("sd15"), scheduler="Euler a", num_inference_steps=6)


def scrubber(person: Person) -> StepScrubber:
    return person.window.canvas.bar.findChildren(StepScrubber)[0]


def says(person: Person) -> list[str]:
    labels = person.window.canvas.bar.findChildren(QLabel)
    return [label.text() for label in labels if label.isVisible()]


def middle_of(person: Person) -> tuple[int, ...]:
    """The colour that is seen in the middle of the frame."""
    canvas = person.window.canvas
    x, y = canvas.viewport.to_view(32, 32)
    return canvas.grab().toImage().pixelColor(round(x), round(y)).getRgb()


def press(person: Person, words: str) -> None:
    buttons = person.window.canvas.bar.findChildren(QToolButton)
    next(
        button for button in buttons if button.isVisible() and button.accessibleName() == words
    ).click()


def chip(person: Person) -> BranchChip:
    return person.window.generation.branch_chip


def test_scrub_with_mouse_and_keys_then_branch_and_make_it_again(
    qapp: QApplication, qtbot: QtBot
) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        first = person.generate()
        slider = scrubber(person)
        assert "step 6 of 6" in says(person)
        finished = middle_of(person)

        person.do("scrub")
        assert slider.hasFocus()
        for _ in range(4):
            QTest.keyClick(slider, Qt.Key.Key_Left)
        assert "step 2 of 6" in says(person)
        assert middle_of(person) != finished
        QTest.mouseClick(slider, Qt.MouseButton.LeftButton, pos=QPoint(slider.width() - 9, 12))
        assert "step 6 of 6" in says(person)
        assert middle_of(person) == finished
        press(person, "Branch from here")  # from the end there is nowhere to go
        assert chip(person).isHidden()
        assert "Go back to the step" in person.window.messages.text

        QTest.keyClick(slider, Qt.Key.Key_Home)
        QTest.keyClick(slider, Qt.Key.Key_Right)
        press(person, "Branch from here")
        assert chip(person).words == "From step 2 of 6: a cat in a castle"
        person.studio.sampling.prompt = "a red apple"
        branch = person.generate()

        assert branch.request["branch"]["step"] == 2
        person.do("scrub")
        QTest.keyClick(slider, Qt.Key.Key_Return)
        assert person.window.canvas.hasFocus()
        assert branch.request["parent_ids"] == [first.id]
        assert not np.array_equal(read_image(branch.path), read_image(first.path))
        assert person.studio.generation.has_proposal
        assert "2 of 2" in says(person)  # the first one is still to be had
        gallery = person.studio.results._gallery
        assert gallery is not None
        again = gallery.request(branch.id)
        assert again.branch is not None
        assert again.branch.parent.prompt == "a cat in a castle"


def test_the_bar_has_room_for_its_rows(qapp: QApplication, qtbot: QtBot) -> None:
    """Its first face, the progress, is smaller; the row comes after the second is shown."""
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        person.generate()
        bar = person.window.canvas.bar
        qtbot.waitUntil(lambda: scrubber(person).isVisible())
        qtbot.waitUntil(lambda: bar.size() == bar.sizeHint())
        row = scrubber(person).parentWidget()
        keep = next(b for b in bar.findChildren(QPushButton) if b.text() == "Keep")
        assert bar.rect().contains(QRect(row.mapTo(bar, QPoint(0, 0)), row.size()))
        assert bar.rect().contains(QRect(keep.mapTo(bar, QPoint(0, 0)), keep.size()))
        assert keep.mapTo(bar, QPoint(0, 0)).y() >= row.mapTo(bar, row.rect().bottomLeft()).y()


def test_escape_takes_the_branch_back_and_the_next_picture_is_whole(
    qapp: QApplication, qtbot: QtBot
) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        whole = person.generate()
        QTest.keyClick(scrubber(person), Qt.Key.Key_Home)
        person.do("branch")
        assert not chip(person).isHidden()
        person.studio.sampling.num_inference_steps = 9
        person.do("generate")
        assert "keeps the number of steps" in person.window.messages.text
        person.studio.sampling.num_inference_steps = 6
        person.window.escape_pressed.emit()
        assert chip(person).isHidden()
        again = person.generate()
        assert again.request["branch"] is None
        assert np.array_equal(read_image(again.path), read_image(whole.path))


def test_no_steps_no_timeline(qapp: QApplication, qtbot: QtBot) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        person.do("scrub")
        assert "no new picture" in person.window.messages.text
        item = person.generate()
        person.do("discard")
        person.window.strip.show_asked.emit(item)  # from its record alone
        assert not scrubber(person).isVisible()
        person.do("branch")
        assert chip(person).isHidden()


def test_the_settings_of_a_branch_bring_its_step_back(qapp: QApplication, qtbot: QtBot) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        first = person.generate()
        QTest.keyClick(scrubber(person), Qt.Key.Key_Home)
        person.do("branch")
        person.studio.sampling.prompt = "a red apple"
        branch = person.generate()
        person.window.strip.settings_asked.emit(first)
        person.wait_for(lambda: chip(person).isHidden())
        assert person.studio.sampling.prompt == "a cat in a castle"
        person.window.strip.settings_asked.emit(branch)
        person.wait_for(lambda: not chip(person).isHidden())
        again = person.generate()
        assert np.array_equal(read_image(again.path), read_image(branch.path))


def test_a_mask_painted_anew_is_the_branchs_mask(qapp: QApplication, qtbot: QtBot) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        person.generate()
        person.do("keep")
        person.paint("mask", (10, 10), (20, 10))
        masked = person.generate()
        assert masked.request["kind"] == "inpainting"
        QTest.keyClick(scrubber(person), Qt.Key.Key_Home)
        person.do("branch")
        before = person.studio.generation.branching
        assert before is not None
        person.studio.documents.document.clear_mask()
        person.paint("mask", (50, 50), (55, 50))  # keeps the picture that stood there
        assert not chip(person).isHidden()
        person.generate()
        made = person.items[-1]
        assert made.request["branch"]["step"] == before.step
        assert made.request["mask_image"] != masked.request["mask_image"]
        assert made.changed_outside_mask == 0
