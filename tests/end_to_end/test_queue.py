"""A batch that is paused, outlives the window, is started again, ended early, and stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from core.engine import WaitingShelf
from core.settings import Paths
from tests.helpers.studio import Person, studio_at, write_settings


@pytest.fixture(autouse=True)
def models(home: Path, zoo: Callable[[str], Path]) -> Path:
    """A home that knows the zoo's sd15."""
    folder = zoo("sd15")
    write_settings(home, folder, num_inference_steps=150)
    return folder


def header(person: Person) -> str:
    button = person.window.header.findChild(QToolButton, "state")
    assert button is not None
    return button.text()


def answer(person: Person, word: str) -> None:
    buttons = person.window.messages.findChildren(QPushButton)
    next(button for button in buttons if button.text() == word).click()


@pytest.mark.slow
def test_a_paused_batch_outlives_the_window(qapp: QApplication, qtbot: QtBot) -> None:
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        person.studio.sampling.count = 2
        person.do("generate")
        person.wait_for(lambda: person.steps)
        person.do("pause")
        person.wait_for(lambda: header(person) == "paused · 1 waiting")
    shelf = WaitingShelf(Paths.find().queue)
    assert [request.seed for request in shelf.requests()] == [7, 8]
    assert person.items == []

    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        person.wait_for(lambda: "2 pictures were waiting" in person.window.messages.text)
        answer(person, "Start them")
        person.wait_for(lambda: person.steps)
        person.do("finish")
        person.wait_for(lambda: person.items)
        kept = person.items[0]
        assert 0 < kept.record["facts"]["stopped_at_step"] < 150
        assert kept.seed == 7
        person.do("stop")
        person.wait_for(lambda: not person.studio.generation.is_busy)
        person.wait_for(lambda: shelf.requests() == [])
