"""From the press on Generate to the picture in the document, with an engine that obeys the test."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QObject
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QLabel, QProgressBar, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from core.canvas.document import Document
from core.checkpoints import Checkpoint
from core.geometry import Rect, Size
from core.request import Pixels
from core.settings import Paths
from gui.canvas.tools.looking import PanTool
from gui.canvas.tools.painting import PaintingTool, Target
from gui.generation import GenerationController, State
from gui.panels.messages import MessageStrip
from gui.sampling import Mode, Sampling
from gui.theme import Theme
from tests.gui.conftest import Easel
from tests.helpers.desktop import LEFT, drag
from tests.helpers.fake_engine import FakeEngine, inpainted
from tests.helpers.results import a_result, noise

WHOLE = Rect(0, 0, 64, 64)
GREEN = (0, 160, 0)


class Room:
    """A canvas, a message strip and a controller, as in the window, with a fake engine."""

    def __init__(
        self, canvas: Easel, sampling: Sampling, theme: Theme, checkpoint: Checkpoint
    ) -> None:
        self.canvas, self.sampling = canvas, sampling
        self.holder = QWidget()
        self.holder.show()
        self.messages = MessageStrip(theme, self.holder)
        self.owner = QObject()
        self.controller = GenerationController(sampling, canvas, self.messages, self.owner)
        self.engine = FakeEngine(self.controller.on_event)
        self.controller.use_engine(self.engine)
        self.controller.checkpoint = checkpoint
        sampling.prompt = "a pear"
        sampling.seed, sampling.seed_locked = 7, True

    @property
    def document(self) -> Document:
        return self.canvas.easel

    def generate(self, *, count: int = 1) -> None:
        self.sampling.count = count
        self.controller.generate()

    def pixels(self, rect: Rect = WHOLE) -> Pixels:
        return self.document.flatten(rect)[..., :3]

    def layers(self) -> list[str]:
        return [layer.name for layer in self.document.layers]

    # --- what the bar under the frame shows ---

    def bar_says(self) -> list[str]:
        bar = self.canvas.bar
        return [label.text() for label in bar.findChildren(QLabel) if label.isVisible()]

    def bar_offers(self) -> list[str]:
        return [b.text() for b in self.canvas.bar.findChildren(QPushButton) if b.isVisible()]

    def press(self, name: str) -> None:
        """Press a button of the bar, by its text or the beginning of its tip."""
        for kind in (QPushButton, QToolButton):
            for button in self.canvas.bar.findChildren(kind):
                if button.isVisible() and (button.text() or button.toolTip()).startswith(name):
                    button.click()
                    return
        raise AssertionError(f"no visible button {name!r}")

    def seen(self, x: float, y: float) -> tuple[int, int, int]:
        """The colour on the screen at a document position."""
        return _rgb(self.screen().pixelColor(self.canvas.at(x, y)))

    def screen(self) -> QImage:
        return self.canvas.grab().toImage()


def _rgb(colour: QColor) -> tuple[int, int, int]:
    return colour.red(), colour.green(), colour.blue()


@pytest.fixture
def room(
    qtbot: QtBot, canvas: Easel, sampling: Sampling, theme: Theme, checkpoint: Checkpoint
) -> Iterator[Room]:
    canvas.resize(600, 400)
    canvas.fit()
    room = Room(canvas, sampling, theme, checkpoint)
    qtbot.addWidget(room.holder)
    room.engine.ready()
    yield room


def plain(colour: tuple[int, int, int], side: int = 64) -> Pixels:
    return np.full((side, side, 3), colour, np.uint8)


# --- asking -----------------------------------------------------------------------------------


def test_asked_before_a_model_is_there_it_starts_with_the_model(
    room: Room, checkpoint: Checkpoint
) -> None:
    room.controller.checkpoint = None
    room.sampling.prompt = "a red apple"
    room.generate()
    assert room.engine.requests == []
    assert "as soon as" in room.messages.text

    room.controller.use_model(checkpoint)
    assert [request.prompt for request in room.engine.requests] == ["a red apple"]
    room.controller.use_model(checkpoint)
    assert len(room.engine.requests) == 1


def test_what_cannot_be_done_is_said_and_not_sent(room: Room) -> None:
    room.sampling.prompt = ""
    room.generate()
    assert room.engine.requests == []
    assert "prompt is empty" in room.messages.text


def test_each_picture_of_a_start_draws_its_own_alternatives(room: Room) -> None:
    room.controller.wildcards = {"pet": ["cat", "dog", "hen", "fox"]}
    room.sampling.prompt = "a {red|blue} __pet__"
    room.generate(count=8)
    requests = room.engine.requests
    assert [request.seed for request in requests] == list(range(7, 15))
    assert len({request.prompt for request in requests}) > 2
    assert {request.written_prompt for request in requests} == {"a {red|blue} __pet__"}
    assert room.sampling.prompt == "a {red|blue} __pet__"


def test_a_wildcard_that_is_not_there_is_said_and_nothing_is_sent(room: Room) -> None:
    room.sampling.prompt = "a __pet__"
    room.generate()
    assert room.engine.requests == []
    assert "no wildcard “pet”" in room.messages.text


def test_the_old_complaint_goes_with_the_next_start(room: Room) -> None:
    room.messages.warn("Something failed.")
    room.generate()
    assert room.messages.text == ""


def test_an_open_seed_is_drawn_anew_and_a_locked_one_stays(room: Room) -> None:
    room.generate()
    room.sampling.seed_locked = False
    room.generate()
    first, second = (request.seed for request in room.engine.requests)
    assert first == 7
    assert second == room.sampling.seed != 7


def test_several_pictures_take_the_seeds_that_follow(room: Room) -> None:
    room.sampling.seed = 2**32 - 2
    room.generate(count=3)
    assert [request.seed for request in room.engine.requests] == [2**32 - 2, 2**32 - 1, 0]
    assert len({request.id for request in room.engine.requests}) == 3


def test_a_stroke_under_way_is_given_up(room: Room) -> None:
    from PySide6.QtTest import QTest

    room.canvas.take_tool(PaintingTool("Brush", room.canvas._brush, Target.PAINT))
    QTest.mousePress(room.canvas, LEFT, pos=room.canvas.at(20, 20))
    room.generate()
    assert not room.canvas.in_gesture
    assert (room.pixels() == 255).all()


def test_jobs_are_counted(room: Room) -> None:
    counts: list[int] = []
    room.controller.jobs_changed.connect(counts.append)
    room.generate(count=2)
    room.engine.finish()
    room.engine.finish()
    assert counts == [2, 1, 0]
    assert not room.controller.is_busy


# --- on the way -------------------------------------------------------------------------------


def test_the_states_of_the_engine_are_told(room: Room) -> None:
    states: list[State] = []
    room.controller.state_changed.connect(states.append)
    room.generate()
    room.engine.load(0.5)
    room.engine.load(1.0)
    room.engine.step(1)
    room.engine.finish()
    assert states == [State.LOADING, State.DRAWING, State.READY]


def test_progress_is_told_under_the_frame(room: Room) -> None:
    room.generate()
    assert room.bar_says() == ["Starting"]
    room.engine.load(0.4, "the U-Net")
    assert room.bar_says() == ["Loading the U-Net"]
    room.engine.step(5, 20, 75.4)
    assert room.bar_says() == ["Step 5 of 20 · 1:15 left"]
    progress = room.canvas.bar.findChild(QProgressBar)
    assert progress is not None
    assert progress.value() / progress.maximum() == pytest.approx(0.25)


def test_a_preview_is_drawn_in_place_and_taken(room: Room) -> None:
    room.document.set_frame(Rect(16, 16, 32, 32))
    steps: list[int] = []
    room.controller.previewed.connect(steps.append)
    room.generate()
    room.engine.preview(3, plain(GREEN, 4))
    assert room.engine.previews_taken == room.engine.waiting
    assert steps == [3]
    assert room.seen(32, 32) == GREEN
    assert room.seen(8, 8) == (255, 255, 255)
    assert (room.pixels() == 255).all()


def test_a_masked_preview_shows_only_inside_the_mask(room: Room) -> None:
    room.document.fill_mask(Rect(0, 0, 32, 64))
    room.generate()
    room.engine.preview(3, plain(GREEN, 8))
    assert room.seen(16, 32) == GREEN
    assert room.seen(48, 32) == (255, 255, 255)


def test_a_preview_of_another_document_is_taken_and_not_drawn(room: Room) -> None:
    room.generate()
    room.canvas.show_document(Document(Size(64, 64)))
    room.controller.leave_document()
    room.engine.preview(3, plain(GREEN, 8))
    assert room.engine.previews_taken == room.engine.waiting
    assert room.seen(32, 32) == (255, 255, 255)


def test_a_stale_id_is_dropped(room: Room) -> None:
    room.generate()
    room.engine.preview(1, plain(GREEN, 8), request_id="long ago")
    room.engine.load(0.9, "nothing", request_id="long ago")
    assert room.seen(32, 32) == (255, 255, 255)
    assert room.bar_says() == ["Starting"]
    assert room.engine.previews_taken == []


# --- the finished picture ---------------------------------------------------------------------


def test_a_finished_picture_waits_in_the_frame(room: Room) -> None:
    room.document.set_frame(Rect(16, 16, 32, 32))
    room.generate()
    room.engine.finish(plain(GREEN, 32))
    assert room.seen(32, 32) == GREEN
    assert (room.pixels() == 255).all()
    assert room.bar_offers() == ["Discard", "Keep"]
    assert room.controller.has_proposal
    assert not room.document.undo_stack.can_undo


def test_keep_is_a_layer_with_exactly_its_pixels_and_one_step(room: Room) -> None:
    room.document.set_frame(Rect(16, 8, 32, 40))
    room.generate()
    result = room.engine.finish()
    room.press("Keep")
    assert np.array_equal(room.pixels(Rect(16, 8, 32, 40)), result.image)
    assert room.layers() == ["Background", "a pear"]
    assert not room.canvas.bar.isVisible()
    assert not room.controller.has_proposal
    room.document.undo()
    assert (room.pixels() == 255).all()
    assert not room.document.undo_stack.can_undo
    room.document.redo()
    assert np.array_equal(room.pixels(Rect(16, 8, 32, 40)), result.image)


def test_undo_while_a_job_runs_does_not_disturb_the_job(room: Room) -> None:
    room.document.fill_mask(Rect(10, 12, 20, 24))
    room.document.place_image(plain(GREEN), WHOLE, "grass")
    room.generate()
    request = room.engine.requests[0]
    assert request.init_image is not None
    assert request.mask_image is not None
    sent = request.init_image.copy(), request.mask_image.copy()
    room.document.undo()
    room.document.undo()
    assert room.document.mask_is_empty
    assert np.array_equal(request.init_image, sent[0])
    assert np.array_equal(request.mask_image, sent[1])
    assert room.engine.waiting == [request.id]
    room.engine.finish()
    assert room.controller.has_proposal
    room.press("Keep")
    assert room.layers() == ["Background", "a pear"]
    room.document.undo()
    assert (room.pixels() == 255).all()


def test_keeping_an_inpainting_leaves_all_else_bit_identical(room: Room) -> None:
    room.canvas.show_document(Document.from_image(noise(5, 64, 64, 3)))
    room.document.fill_mask(Rect(10, 12, 20, 24))
    before = room.pixels().copy()
    room.generate()
    image = inpainted(room.engine.requests[0], GREEN)
    room.engine.finish(image, changed_outside_mask=0)
    assert "0 px changed outside the mask" in room.bar_says()
    room.press("Keep")
    after = room.pixels()
    assert np.array_equal(after, image)
    inside = np.zeros((64, 64), bool)
    inside[12:36, 10:30] = True
    assert (after[inside] == GREEN).all()
    assert np.array_equal(after[~inside], before[~inside])


def test_keeping_what_reaches_over_the_edge_extends_the_canvas(room: Room) -> None:
    room.canvas.show_document(Document.from_image(noise(5, 64, 64, 3)))
    room.document.set_frame(Rect(-16, 0, 64, 64))
    room.generate()
    image = inpainted(room.engine.requests[0], GREEN)
    room.engine.finish(image, changed_outside_mask=0)
    room.press("Keep")
    assert room.document.size == Size(80, 64)
    assert (room.pixels(Rect(0, 0, 16, 64)) == GREEN).all()
    assert np.array_equal(room.pixels(Rect(16, 0, 64, 64)), noise(5, 64, 64, 3))
    room.document.undo()
    assert room.document.size == Size(64, 64)
    assert np.array_equal(room.pixels(), noise(5, 64, 64, 3))
    assert not room.document.undo_stack.can_undo


def test_discard_leaves_the_document_alone(room: Room) -> None:
    room.generate()
    room.engine.finish(plain(GREEN))
    room.press("Discard")
    assert room.seen(32, 32) == (255, 255, 255)
    assert room.layers() == ["Background"]
    assert not room.canvas.bar.isVisible()
    room.controller.keep()
    assert room.layers() == ["Background"]


def test_generating_again_keeps_first(room: Room) -> None:
    room.generate()
    room.engine.finish(plain(GREEN))
    room.sampling.mode = Mode.FROM_CANVAS
    room.generate()
    assert room.layers() == ["Background", "a pear"]
    sent = room.engine.requests[1].init_image
    assert sent is not None
    assert (sent == GREEN).all()


def test_a_long_prompt_makes_a_short_layer_name(room: Room) -> None:
    room.sampling.prompt = "a pear\n" + "on a very long table " * 9
    room.generate()
    room.engine.finish()
    room.controller.keep()
    name = room.layers()[1]
    assert len(name) <= 40
    assert name.startswith("a pear on")


def test_comparing_shows_the_original_while_held(room: Room) -> None:
    room.generate()
    room.engine.finish(plain(GREEN))
    room.canvas.compare_held.emit(True)
    assert room.seen(32, 32) == (255, 255, 255)
    room.canvas.compare_held.emit(False)
    assert room.seen(32, 32) == GREEN


def test_the_divider_goes_with_the_choice(room: Room) -> None:
    room.generate()
    room.engine.finish(plain(GREEN))
    room.canvas.bar.wipe_asked.emit(True)
    assert room.seen(20, 32) == (255, 255, 255)
    assert room.seen(44, 32) == GREEN
    room.press("Keep")
    assert not room.canvas.wipe.is_on
    assert room.seen(20, 32) == GREEN


def test_the_eye_compares_as_well(room: Room) -> None:
    room.generate()
    room.engine.finish(plain(GREEN))
    room.canvas.bar.compare_held.emit(True)
    assert room.seen(32, 32) == (255, 255, 255)
    room.press("Keep")
    room.canvas.bar.compare_held.emit(False)
    assert room.seen(32, 32) == GREEN


def test_it_lands_where_it_was_asked_for(room: Room) -> None:
    room.document.set_frame(Rect(0, 0, 32, 32))
    room.generate()
    room.document.set_frame(Rect(32, 32, 32, 32))
    room.engine.preview(1, plain(GREEN, 4))
    assert room.seen(16, 16) == GREEN
    room.engine.finish(plain(GREEN, 32))
    assert room.seen(48, 48) == (255, 255, 255)
    room.press("Keep")
    assert (room.pixels(Rect(0, 0, 32, 32)) == GREEN).all()
    assert (room.pixels(Rect(32, 0, 32, 64)) == 255).all()


def test_a_stroke_keeps_the_picture_it_is_painted_on(room: Room) -> None:
    room.generate()
    room.engine.finish(plain(GREEN))
    room.canvas.take_tool(PaintingTool("Mask brush", room.canvas._brush, Target.MASK))
    drag(room.canvas, room.canvas.along((20, 32), (44, 32)))
    assert not room.controller.has_proposal
    assert room.layers() == ["Background", "a pear"]
    assert room.seen(32, 32) != GREEN  # the mask's tint is seen on it
    assert room.seen(32, 10) == GREEN
    room.document.undo()
    assert room.document.mask_is_empty
    room.document.undo()
    assert room.layers() == ["Background"]


def test_looking_about_keeps_nothing(room: Room) -> None:
    room.generate()
    room.engine.finish(plain(GREEN))
    room.canvas.take_tool(PanTool())
    drag(room.canvas, room.canvas.along((20, 32), (44, 32)))
    assert room.controller.has_proposal


# --- several pictures -------------------------------------------------------------------------


def test_several_pictures_are_browsed_and_the_one_looked_at_is_kept(room: Room) -> None:
    room.generate(count=3)
    results = [room.engine.finish() for _ in range(3)]
    assert "3 of 3" in room.bar_says()
    room.press("Picture before")
    assert "2 of 3" in room.bar_says()
    room.press("Next picture")
    room.press("Next picture")
    assert "1 of 3" in room.bar_says()
    room.press("Picture before")
    room.press("Picture before")
    assert "2 of 3" in room.bar_says()
    assert room.controller.shown_result is results[1]
    room.press("Keep")
    assert np.array_equal(room.pixels(), results[1].image)
    assert room.layers() == ["Background", "a pear"]


def test_one_picture_has_no_arrows(room: Room) -> None:
    room.generate()
    room.engine.finish()
    assert not any("of" in text for text in room.bar_says())


@pytest.mark.parametrize("end", ["cancelled", "failed"])
def test_when_the_next_one_comes_to_nothing_the_first_is_offered_again(
    room: Room, end: str
) -> None:
    room.generate(count=2)
    room.engine.finish(plain(GREEN))
    room.engine.step(3)
    room.engine.preview(3, plain((9, 9, 9), 8))
    assert room.seen(32, 32) == (9, 9, 9)
    if end == "failed":
        room.engine.fail("It broke.")
    else:
        room.engine.cancelled()
    assert room.seen(32, 32) == GREEN
    assert room.bar_offers() == ["Discard", "Keep"]


# --- coming to nothing ------------------------------------------------------------------------


def test_stop_stops_all_and_clears_the_frame(room: Room) -> None:
    room.generate(count=2)
    room.engine.step(1)
    room.engine.preview(1, plain(GREEN, 8))
    room.press("Stop")
    assert room.engine.stops == 1
    room.engine.cancelled()
    room.engine.cancelled()
    assert room.messages.text == "Stopped."
    assert room.seen(32, 32) == (255, 255, 255)
    assert not room.canvas.bar.isVisible()


def test_stop_without_a_job_asks_nothing_of_the_engine(room: Room) -> None:
    room.controller.stop()
    assert room.engine.stops == 0


def test_a_failure_is_said_and_the_next_job_runs(room: Room) -> None:
    room.generate()
    room.engine.fail("The model folder is broken.", details="Traceback ...")
    assert room.messages.text == "The model folder is broken."
    assert not room.canvas.bar.isVisible()
    room.generate()
    room.engine.finish(plain(GREEN))
    assert room.seen(32, 32) == GREEN


def test_a_failure_without_a_job_is_said(room: Room) -> None:
    room.engine.fail_to_import("torch is missing.")
    assert room.messages.text == "torch is missing."


def test_a_blanked_picture_says_so(room: Room) -> None:
    room.generate()
    room.engine.finish(plain((0, 0, 0)), blanked=True)
    assert "safety checker" in room.messages.text
    assert room.controller.has_proposal


def test_a_picture_that_could_not_be_kept_is_offered_with_the_reason(room: Room) -> None:
    room.generate()
    room.engine.finish(plain(GREEN), message="The disk is full.")
    assert room.messages.text == "The disk is full."
    assert room.controller.has_proposal


# --- the document was closed meanwhile ----------------------------------------------------------


def test_a_closed_documents_picture_is_in_the_gallery_only(room: Room, home: object) -> None:
    kept: list[object] = []
    room.controller.item_kept.connect(kept.append)
    asked = room.document
    room.generate()
    room.canvas.show_document(Document(Size(64, 64)))
    room.controller.leave_document()
    from core.gallery import Gallery

    paths = Paths.find()
    paths.make()
    with Gallery(paths) as gallery:
        item = gallery.keep(a_result())
    room.engine.finish(plain(GREEN), item=item)
    assert kept == [item]
    assert "in the results" in room.messages.text
    assert not room.controller.has_proposal
    assert room.seen(32, 32) == (255, 255, 255)
    assert not asked.undo_stack.can_undo


def test_a_proposal_stays_behind_with_its_document(room: Room) -> None:
    room.generate()
    room.engine.finish(plain(GREEN))
    room.canvas.show_document(Document(Size(64, 64)))
    room.controller.leave_document()
    room.controller.keep()
    assert room.layers() == ["Background"]
    assert room.seen(32, 32) == (255, 255, 255)


def test_an_older_result_can_stand_in_the_frame(room: Room) -> None:
    result = a_result(side=32)
    room.controller.show_result(Rect(8, 8, 32, 32), result)
    assert room.controller.shown_result is result
    room.press("Keep")
    assert np.array_equal(room.pixels(Rect(8, 8, 32, 32)), result.image)
