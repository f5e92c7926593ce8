"""Pictures that are drawn together, from the switch beside their number to their frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QScrollArea, QToolButton
from pytestqt.qtbot import QtBot

from core.checkpoints import Checkpoint
from core.engine import Lane
from core.result import PreviewFrame
from gui.panels.generation import WIDTH, GenerationPanel
from gui.panels.pictures import TIP, PicturesField
from gui.sampling import Sampling
from gui.theme import Theme
from tests.gui.conftest import Easel
from tests.gui.test_generation import Room, plain

RED, GREEN = (200, 0, 0), (0, 160, 0)


@pytest.fixture
def room(
    qtbot: QtBot, canvas: Easel, sampling: Sampling, theme: Theme, checkpoint: Checkpoint
) -> Iterator[Room]:
    canvas.resize(600, 400)
    canvas.fit()
    abilities = replace(checkpoint.abilities, draws_together=True)
    room = Room(canvas, sampling, theme, replace(checkpoint, abilities=abilities))
    qtbot.addWidget(room.holder)
    room.engine.ready()
    sampling.draws_together = True
    yield room


def switch_of(field: PicturesField) -> QToolButton:
    found = field.findChild(QToolButton)
    assert isinstance(found, QToolButton)
    return found


def test_switch_is_there_where_it_means_something(
    qtbot: QtBot, sampling: Sampling, theme: Theme
) -> None:
    field = PicturesField(sampling, theme)
    qtbot.addWidget(field)
    field.show()
    sampling.count = 4
    assert not switch_of(field).isVisible()  # the model cannot
    field.allow_together(True)
    assert switch_of(field).isVisible()
    assert "may differ slightly" in switch_of(field).toolTip() == TIP
    switch_of(field).click()
    assert sampling.draws_together
    sampling.draws_together = False
    assert not switch_of(field).isChecked()
    sampling.count = 1
    assert not switch_of(field).isVisible()


def test_dock_need_not_be_wider_for_the_switch(
    qtbot: QtBot, sampling: Sampling, theme: Theme, checkpoint: Checkpoint
) -> None:
    panel = GenerationPanel(sampling, theme)
    qtbot.addWidget(panel)
    panel.show()
    sampling.count = 8
    panel.show_abilities(replace(checkpoint.abilities, draws_together=True))
    panel.set_strength_used(True)
    scrolled = panel.findChild(QScrollArea)
    assert isinstance(scrolled, QScrollArea)
    form = scrolled.widget()
    assert form is not None
    assert form.minimumSizeHint().width() <= WIDTH - 1  # the line at its edge


def test_choice_is_kept_between_starts(sampling: Sampling) -> None:
    sampling.draws_together = True
    other = Sampling()
    other.restore(sampling.to_dict())
    assert other.draws_together


def test_one_request_with_all_seeds_goes_first(room: Room) -> None:
    room.generate(count=3)
    (request,) = room.engine.requests
    assert request.together == (7, 8, 9)
    assert room.engine.lanes == [Lane.FRONT]


def test_what_can_only_be_drawn_alone_is_asked_for_one_by_one(room: Room) -> None:
    room.sampling.prompt = "a {red|green|blue|grey|black|white} pear"
    room.generate(count=4)
    words = {}
    for request in room.engine.requests:
        for seed in request.together or (request.seed,):
            words[seed] = request.prompt
    assert sorted(words) == [7, 8, 9, 10]
    assert len(set(words.values())) > 1
    assert len(room.engine.requests) >= len(set(words.values()))


def test_plan_says_it_where_it_is_done(room: Room) -> None:
    room.sampling.count = 4
    assert "Draws 4 together, which may differ slightly." in room.controller.plan()[0]
    room.sampling.refiner = "another"
    assert "together" in room.controller.plan()[0]  # this family has none
    room.sampling.count = 1
    assert "together" not in room.controller.plan()[0]
    room.sampling.count, room.sampling.draws_together = 4, False
    assert "together" not in room.controller.plan()[0]


def test_all_of_them_are_seen_on_their_way(room: Room) -> None:
    room.generate(count=2)
    room.engine.step(3)
    (request,) = room.engine.requests
    assert "Step 3 of 20 · 2 together · 0:02 left" in room.bar_says()
    room.controller.on_event(PreviewFrame(request.id, 3, plain(RED, 16), (plain(GREEN, 16),)))
    assert (room.seen(16, 32), room.seen(48, 32)) == (RED, GREEN)


def test_the_first_is_looked_at_first_and_the_one_looked_at_is_kept(room: Room) -> None:
    room.generate(count=3)
    results = room.engine.finish_batch()
    assert "1 of 3" in room.bar_says()
    assert room.controller.shown_result is results[0]
    room.press("Next picture")
    room.press("Keep")
    assert (room.pixels() == results[1].image).all()
    assert room.layers() == ["Background", "a pear"]
    assert not room.controller.is_busy


def test_a_second_batch_stands_behind_the_first(room: Room) -> None:
    room.generate(count=2)
    room.engine.finish_batch()
    request = room.engine.requests[0]
    room.controller.start_again([replace(request, id="again")])
    results = room.engine.finish_batch()
    assert "3 of 4" in room.bar_says()
    assert room.controller.shown_result is results[0]


def test_a_picture_by_itself_is_not_called_together(room: Room) -> None:
    room.generate()
    room.engine.step(3)
    assert "Step 3 of 20 · 0:02 left" in room.bar_says()
