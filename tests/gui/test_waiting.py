"""What waits is on disk for as long as it waits, and is offered when the program starts again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from core.checkpoints import Checkpoint
from core.engine import WaitingShelf
from core.request import GenerationRequest
from gui.background import Background
from gui.generation import GenerationController
from gui.main_window import MainWindow
from gui.waiting import WaitingController
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.generations import a_request


class Session:
    """A window with generation and waiting, and an engine that obeys the test."""

    def __init__(
        self, window: MainWindow, background: Background, shelf: WaitingShelf, model: Checkpoint
    ) -> None:
        self.window, self.shelf = window, shelf
        self.sampling = window.generation._sampling
        self.generation = GenerationController(
            self.sampling, window.canvas, window.messages, window
        )
        self.waiting = WaitingController(self.generation, window.messages, background, shelf)
        self.engine = FakeEngine(self.generation.on_event)
        self.generation.use_engine(self.engine)
        self.generation.checkpoint = model

    def ask(self, count: int) -> list[GenerationRequest]:
        self.sampling.prompt, self.sampling.count = "a pear", count
        self.generation.generate()
        return self.engine.requests[-count:]

    def offers(self) -> list[str]:
        buttons = self.window.messages.findChildren(QPushButton)
        return [button.text() for button in buttons if button.isVisible()]

    def answer(self, word: str) -> None:
        for button in self.window.messages.findChildren(QPushButton):
            if button.isVisible() and button.text() == word:
                button.click()
                return
        raise AssertionError(self.offers())

    def on_disk(self) -> list[str]:
        return sorted(request.id for request in self.shelf.requests())


@pytest.fixture
def shelf(tmp_path: Path) -> WaitingShelf:
    return WaitingShelf(tmp_path / "queue")


@pytest.fixture
def session(
    window: MainWindow, background: Background, shelf: WaitingShelf, checkpoint: Checkpoint
) -> Iterator[Session]:
    yield Session(window, background, shelf, checkpoint)


def ids(requests: list[GenerationRequest]) -> list[str]:
    return sorted(request.id for request in requests)


def test_on_disk_while_it_waits_and_not_afterwards(session: Session, qtbot: QtBot) -> None:
    session.engine.ready()
    asked = session.ask(3)
    qtbot.waitUntil(lambda: session.on_disk() == ids(asked))
    session.engine.finish()
    qtbot.waitUntil(lambda: session.on_disk() == ids(asked[1:]))
    session.engine.cancelled()
    session.engine.fail("No.")
    qtbot.waitUntil(lambda: session.on_disk() == [])
    assert session.offers() == []


def test_closing_leaves_on_disk_what_is_not_done(session: Session, qtbot: QtBot) -> None:
    session.engine.ready()
    first, second, third = session.ask(3)
    qtbot.waitUntil(lambda: len(session.on_disk()) == 3)
    session.engine.finish()
    session.waiting.close()  # perhaps before the background came to forget the first one
    session.engine.cancelled()
    session.engine.cancelled()
    assert session.on_disk() == ids([second, third])
    assert first.id not in session.on_disk()


def test_closing_at_once_loses_nothing_either(session: Session) -> None:
    session.engine.ready()
    asked = session.ask(2)
    session.waiting.close()
    assert session.on_disk() == ids(asked)


def test_what_waited_is_offered_and_started_where_it_was_asked_for(
    session: Session, shelf: WaitingShelf, qtbot: QtBot
) -> None:
    left = [a_request(seed=seed) for seed in range(3)]
    for request in left:
        shelf.put(request)
    session.engine.ready()
    qtbot.waitUntil(lambda: session.window.messages.text != "")
    assert session.window.messages.text == "3 pictures were waiting when Sfumato was closed."
    assert session.offers() == ["Start them", "Forget them"]
    session.answer("Start them")
    assert [r.to_dict() for r in session.engine.requests] == [r.to_dict() for r in left]
    for _ in left:
        session.engine.finish()
    qtbot.waitUntil(lambda: session.on_disk() == [])


def test_what_waited_can_be_forgotten(session: Session, shelf: WaitingShelf, qtbot: QtBot) -> None:
    shelf.put(a_request())
    session.engine.ready()
    qtbot.waitUntil(lambda: session.offers() == ["Start it", "Forget it"])
    session.answer("Forget it")
    qtbot.waitUntil(lambda: session.on_disk() == [])
    assert session.engine.requests == []


def test_unanswered_it_stays_for_the_next_start(
    session: Session, shelf: WaitingShelf, qtbot: QtBot
) -> None:
    left = a_request()
    shelf.put(left)
    session.engine.ready()
    qtbot.waitUntil(lambda: session.window.messages.text != "")
    session.ask(1)
    session.engine.finish()
    qtbot.waitUntil(lambda: session.on_disk() == [left.id])


def test_an_engine_that_comes_too_late_offers_nothing(
    session: Session, background: Background, shelf: WaitingShelf
) -> None:
    shelf.put(a_request())
    background.close()
    session.waiting.close()
    session.engine.ready()
    assert session.offers() == []
    assert not background._tasks


def test_nothing_waited_and_nothing_is_said(session: Session, qtbot: QtBot) -> None:
    session.engine.ready()
    asked = session.ask(1)
    qtbot.waitUntil(lambda: session.on_disk() == ids(asked))
    assert session.window.messages.text == ""
