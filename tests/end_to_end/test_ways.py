"""The window's choices for repainting and for two passes, down to the kept record and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from core.abilities import MaskedContent
from core.geometry import Rect, Size
from gui.panels.ways import InpaintingOptions, PassesOptions
from tests.helpers.results import noise
from tests.helpers.studio import Person, studio_at, write_settings


@pytest.fixture(autouse=True)
def models(home: Path, zoo: Callable[[str], Path]) -> None:
    """A home that knows the zoo's sd15, whose own size is 128 × 128."""
    write_settings(home, zoo("sd15"))


def press(person: Person, name: str) -> None:
    panel = person.window.generation
    (button,) = (b for b in panel.findChildren(QToolButton) if b.accessibleName() == name)
    assert button.isVisible()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_closeup_that_paints_beyond_the_edge(qapp: QApplication, qtbot: QtBot) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        (options,) = person.window.generation.findChildren(InpaintingOptions)
        assert not options.isVisible()
        document = person.studio.documents.document
        document.place_image(noise(3, 64, 64, 3), Rect(0, 0, 64, 64), "noise")
        person.window.canvas.move_frame(Rect(40, 0, 64, 64))
        press(person, "Choose how the mask is repainted")
        assert options.isVisible()
        press(person, "Closeup")
        press(person, "Fill")
        item = person.generate()
        assert item.request["inpaint_area"] == "only masked"
        assert item.request["masked_content"] == "fill"
        assert item.request["denoising_size"] != [64, 64]
        assert item.changed_outside_mask == 0
        person.do("keep")
        assert document.size == Size(104, 64)
        grown = document.flatten(Rect(0, 0, 104, 64))
        assert np.array_equal(grown[:, :64, :3], noise(3, 64, 64, 3))

        person.studio.sampling.masked_content = MaskedContent.NOISE
        person.studio.recall(item)
        assert person.studio.sampling.inpaint_area == "only masked"
        assert person.studio.sampling.masked_content is MaskedContent.FILL


def test_two_passes_are_offered_made_and_recalled(qapp: QApplication, qtbot: QtBot) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        (options,) = person.window.generation.findChildren(PassesOptions)
        assert not options.isVisible()
        person.studio.sampling.width, person.studio.sampling.height = 192, 128
        press(person, "Choose how a large picture is made")
        assert options.isVisible()
        press(person, "Two")
        item = person.generate()
        assert item.request["first_pass_size"] == [160, 104]
        assert item.size == Size(192, 128)
        assert max(person.steps) <= 4 + 2
        person.studio.sampling.hires = False
        person.studio.recall(item)
        assert person.studio.sampling.hires
