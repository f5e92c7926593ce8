"""The queue in header, bar and panel, with an engine that only writes down what it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtWidgets import QLabel, QToolButton
from pytestqt.qtbot import QtBot

from core.checkpoints import Checkpoint
from core.engine import EngineEvent, Lane, MemoryIsTight, MemoryRanShort, QueueChanged
from core.result import StepProgress
from gui.generation import GenerationController
from gui.main_window import MainWindow
from gui.panels.queue import QueuePanel
from gui.queueing import QueueController
from tests.helpers.fake_engine import FakeEngine


class FakeQueueEngine:
    """Fulfils `gui.queueing.QueueEngine`; `asked` has every call in order."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def cancel(self, request_id: str) -> None:
        self.asked.append(("cancel", request_id))

    def cancel_all(self) -> None:
        self.asked.append(("cancel all",))

    def finish(self, request_id: str) -> None:
        self.asked.append(("finish", request_id))

    def move(self, request_id: str, place: int) -> None:
        self.asked.append(("move", request_id, place))

    def pause(self) -> None:
        self.asked.append(("pause",))

    def resume(self) -> None:
        self.asked.append(("resume",))


class Room:
    """A window with both controllers and four pictures asked for."""

    def __init__(self, window: MainWindow, checkpoint: Checkpoint) -> None:
        self.window = window
        self.generation = GenerationController(
            window.generation._sampling, window.canvas, window.messages, window
        )
        self.queue = QueueController(window, self.generation)
        self.maker, self.engine = FakeEngine(self.tell), FakeQueueEngine()
        self.generation.use_engine(self.maker)
        self.generation.checkpoint = checkpoint
        self.queue.use_engine(self.engine)
        self.maker.ready()

    def tell(self, event: EngineEvent) -> None:
        self.generation.on_event(event)
        self.queue.on_event(event)

    def ask(self, prompt: str, count: int = 1) -> list[str]:
        sampling = self.window.generation._sampling
        before = len(self.maker.requests)
        sampling.prompt, sampling.count = prompt, count
        self.generation.generate()
        return [request.id for request in self.maker.requests[before:]]

    def header(self) -> str:
        button = self.window.header.findChild(QToolButton, "state")
        assert button is not None
        return button.text()

    def bar(self) -> str:
        labels = self.window.canvas.bar.findChildren(QLabel)
        return " ".join(label.text() for label in labels if label.isVisible())

    def press(self, tip: str) -> None:
        for button in self.window.canvas.bar.findChildren(QToolButton):
            if button.toolTip() == tip and button.isVisible():
                button.click()
                return
        raise AssertionError(f"no visible button {tip!r}")

    @property
    def panel(self) -> QueuePanel:
        self.queue.show_panel()
        panel = self.window.findChild(QueuePanel)
        assert panel is not None
        return panel


@pytest.fixture
def room(qtbot: QtBot, window: MainWindow, checkpoint: Checkpoint) -> Iterator[Room]:
    room = Room(window, checkpoint)
    yield room
    if panel := window.findChild(QueuePanel):
        panel.close()


def running(room: Room, count: int = 3) -> list[str]:
    """One picture is being made and `count` wait."""
    ids = [*room.ask("a pear"), *room.ask("an apple", count)]
    room.tell(QueueChanged(ids[0], tuple(ids[1:]), is_paused=False))
    room.tell(StepProgress(ids[0], 1, 20, 2.0))
    return ids


def test_one_picture_goes_before_several(room: Room) -> None:
    running(room)
    assert room.maker.lanes == [Lane.FRONT, *[Lane.BACK] * 3]


def test_the_header_says_how_many_wait(room: Room) -> None:
    assert room.header() == "ready"
    ids = running(room)
    assert room.header() == "drawing · 3 waiting"
    room.tell(QueueChanged(ids[0], (), is_paused=False))
    assert room.header() == "drawing"


def test_the_panel_lists_the_running_one_first_and_follows(room: Room) -> None:
    ids = running(room)
    panel = room.panel
    labels = [label.text() for label in panel.findChildren(QLabel)]
    assert "Step 1 of 20 · 128 × 96 · seed 0" in [
        text.replace(f"seed {room.maker.requests[0].seed}", "seed 0") for text in labels
    ]
    room.tell(StepProgress(ids[0], 2, 20, 2.0))
    assert any(label.text().startswith("Step 2") for label in panel.findChildren(QLabel))
    panel.up_asked.emit(ids[3])
    panel.up_asked.emit(ids[0])
    panel.cancel_asked.emit(ids[2])
    assert room.engine.asked == [("move", ids[3], 1), ("cancel", ids[2])]
    panel.cancel_all_asked.emit()
    assert room.maker.stops == 1


def test_pause_and_go_on_from_the_bar(room: Room) -> None:
    ids = running(room)
    room.press("Pause after this step")
    assert room.engine.asked == [("pause",)]
    room.tell(QueueChanged(ids[0], tuple(ids[1:]), is_paused=True))
    assert room.bar() == "Pausing after this step"
    room.tell(StepProgress(ids[0], 7, 20, 2.0))
    assert room.bar() == "Paused · step 7 of 20"
    assert room.header() == "paused · 3 waiting"
    room.press("Go on")
    assert room.engine.asked[-1] == ("resume",)
    room.tell(QueueChanged(ids[0], tuple(ids[1:]), is_paused=False))
    room.press("Pause after this step")


def test_stop_here_and_keep(room: Room) -> None:
    ids = running(room)
    room.press("Keep what there is and stop here")
    assert room.engine.asked == [("finish", ids[0])]
    assert "Finishing" in room.bar()


def test_the_actions_do_the_same(room: Room) -> None:
    ids = running(room)
    actions = room.window.actions_by_name
    actions["pause"].trigger()
    actions["finish"].trigger()
    assert room.engine.asked == [("pause",), ("finish", ids[0])]
    actions["queue"].trigger()
    assert room.panel.isVisible()


def test_with_nothing_to_make_nothing_is_paused_or_finished(room: Room) -> None:
    room.window.actions_by_name["pause"].trigger()
    room.window.actions_by_name["finish"].trigger()
    assert room.engine.asked == []


def test_a_pause_ends_when_nothing_is_left_to_hold_back(room: Room) -> None:
    running(room)
    room.tell(QueueChanged("", (), is_paused=True))
    assert room.engine.asked == [("resume",)]


def test_want_of_memory_is_said_and_what_is_tight_only_once(room: Room) -> None:
    ids = running(room)
    room.tell(MemoryRanShort(ids[0], "encoding and decoding in tiles"))
    assert room.window.messages.text == "Memory ran short; now encoding and decoding in tiles."
    room.tell(MemoryIsTight(ids[0], "This needs about 9.0 GB."))
    assert room.window.messages.text == "This needs about 9.0 GB."
    room.window.messages.hide()
    room.tell(MemoryIsTight(ids[1], "This needs about 9.0 GB."))
    assert room.window.messages.text == ""


def test_what_was_refused_for_its_memory_can_be_tried_anyway(room: Room, qtbot: QtBot) -> None:
    room.ask("a pear")
    asked = room.maker.requests[0]
    room.maker.fail("It needs about 9.0 GB.", can_be_risked=True)
    assert room.window.messages.text == "It needs about 9.0 GB."
    button = next(
        b for b in room.window.messages.findChildren(type(room.window.messages._offers[0]))
        if b.text() == "Try anyway"
    )  # fmt: skip
    button.click()
    again = room.maker.requests[-1]
    assert room.maker.risked == [False, True]
    assert again.id != asked.id
    assert again.to_dict() | {"id": ""} == asked.to_dict() | {"id": ""}
