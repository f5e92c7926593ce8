"""Pictures made beside the canvas: they wait behind others, show nothing, and are handed over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from core.checkpoints import Checkpoint
from core.engine import Cancelled, Failed, Finished, Lane
from core.geometry import Rect
from gui.generation import GenerationController
from gui.jobs import Errand
from gui.panels.messages import MessageStrip
from gui.sampling import Sampling
from gui.theme import Theme
from tests.gui.conftest import Easel
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.generations import a_request
from tests.helpers.results import noise


class Room:
    """A canvas and a controller with a fake engine, and what errands came to."""

    def __init__(
        self, canvas: Easel, sampling: Sampling, theme: Theme, checkpoint: Checkpoint
    ) -> None:
        self.canvas = canvas
        self.holder = QWidget()
        self.messages = MessageStrip(theme, self.holder)
        self.owner = QObject()
        self.controller = GenerationController(sampling, canvas, self.messages, self.owner)
        self.engine = FakeEngine(self.controller.on_event)
        self.controller.use_engine(self.engine)
        self.controller.checkpoint = checkpoint
        self.ends: list[Finished | Cancelled | Failed] = []
        sampling.prompt, sampling.seed, sampling.seed_locked = "a pear", 7, True

    def run(self, count: int = 1, place: Rect | None = None) -> None:
        self.controller.run_errands(
            [(a_request(), Errand(self.ends.append, place)) for _ in range(count)]
        )


@pytest.fixture
def room(canvas: Easel, sampling: Sampling, theme: Theme, checkpoint: Checkpoint) -> Iterator[Room]:
    room = Room(canvas, sampling, theme, checkpoint)
    yield room
    room.holder.deleteLater()


def test_errands_wait_in_the_back_lane_and_are_not_offered(room: Room) -> None:
    kept: list[object] = []
    room.controller.item_kept.connect(kept.append)
    room.run(2)
    assert room.engine.lanes == [Lane.BACK, Lane.BACK]
    assert room.controller.is_busy
    assert len(room.controller.requests) == 2
    assert not room.canvas.bar.isVisible()
    room.engine.step(1)
    room.engine.preview(1, noise(1, 8, 8, 3))
    assert room.engine.previews_taken  # or none would follow
    assert not room.canvas.bar.isVisible()
    result = room.engine.finish()
    room.engine.fail("No.", can_be_risked=True)
    assert isinstance(room.ends[0], Finished)
    assert room.ends[0].result is result
    assert isinstance(room.ends[1], Failed)
    assert not room.controller.has_proposal
    assert not room.controller.is_busy
    assert room.messages.isHidden() or "Try anyway" not in room.messages.text


def test_a_picture_that_waits_to_be_kept_stays(room: Room) -> None:
    room.controller.generate()
    shown = room.engine.finish()
    room.run(place=Rect(0, 0, 64, 64))
    room.engine.preview(1, noise(1, 8, 8, 3))
    room.engine.step(1)
    assert room.canvas.bar.isVisible()
    room.engine.cancelled()
    assert isinstance(room.ends[0], Cancelled)
    assert room.controller.shown_result is shown


def test_a_comparison_is_asked_of_the_engine_and_is_no_new_picture(room: Room) -> None:
    request = a_request()
    room.controller.run_errands([(request, Errand(room.ends.append, then={"torch": "2"}))])
    assert room.engine.compared == {request.id: {"torch": "2"}}
    assert room.controller.requests == ()  # it is not started again after a restart
    assert room.controller.is_busy
