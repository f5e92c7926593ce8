"""Work that takes seconds: the window lives meanwhile, and nothing that is painted gets lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from core.canvas.document import Document
from core.canvas.edges import grown
from core.canvas.interrupting import Check
from core.canvas.tiles import TiledSurface
from core.canvas.working import MaskWork, SelectionWork
from core.errors import InvalidRequest
from core.geometry import Rect, Size
from core.settings import Paths
from gui.background import Background
from gui.documents import DocumentController
from gui.long_edits import LongEdits
from gui.main_window import MainWindow
from gui.sampling import Sampling
from gui.studio import Studio
from gui.undoing import UndoController
from tests.helpers.desktop import drag, in_background, rest

WHOLE = Rect(0, 0, 128, 96)
BOX = Rect(40, 30, 20, 10)
WORDS = "Growing the mask"


class Slow:
    """Grows by five pixels, as soon as it may.

    Attributes:
        begun: How often it was started.
    """

    def __init__(self) -> None:
        self.begun = 0
        self._may = threading.Event()

    def __call__(self, surface: TiledSurface, check: Check) -> TiledSurface:
        self.begun += 1
        while not self._may.wait(0.002):
            check()
        return grown(surface, 5, check)

    def wait_for_begin(self, qtbot: QtBot, times: int = 1) -> None:
        qtbot.waitUntil(lambda: self.begun == times)

    def let_go(self) -> None:
        self._may.set()

    def hold(self) -> None:
        self._may.clear()


@pytest.fixture
def slow() -> Iterator[Slow]:
    slow = Slow()
    yield slow
    slow.let_go()


@pytest.fixture
def documents(window: MainWindow, sampling: Sampling, home: Path) -> DocumentController:
    paths = Paths.find(home)
    return DocumentController(window.canvas, window.messages, sampling, paths, window)


@pytest.fixture
def edits(documents: DocumentController, window: MainWindow, background: Background) -> LongEdits:
    return LongEdits(documents, window.messages, background)


@pytest.fixture
def document(window: MainWindow) -> Document:
    """White, a box of it masked."""
    document = window.canvas.document
    assert document is not None
    document.fill_mask(BOX)
    return document


def growing(document: Document, slow: Slow) -> MaskWork:
    return MaskWork(document, WORDS, "Grow mask", slow)


def mask(document: Document) -> np.ndarray:
    return document.mask_pixels(WHOLE)


def places(window: MainWindow, *points: tuple[float, float]) -> list[QPoint]:
    viewport = window.canvas.viewport
    return [QPoint(*map(round, viewport.to_view(*point))) for point in points]


def test_the_window_lives_and_a_stroke_is_painted_meanwhile(
    window: MainWindow,
    document: Document,
    edits: LongEdits,
    slow: Slow,
    background: Background,
    qtbot: QtBot,
) -> None:
    ticks: list[int] = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(len(ticks)))
    timer.start(1)
    edits.start(growing(document, slow))
    slow.wait_for_begin(qtbot)
    window.take_tool("brush")
    drag(window.canvas, places(window, (10, 80), (60, 80), (110, 80)))
    qtbot.waitUntil(lambda: len(ticks) >= 10)
    timer.stop()
    assert edits.is_running
    assert document.undo_stack.undo_name != "Grow mask"
    slow.let_go()
    rest(qtbot, background)
    assert mask(document)[35, 36] == 255
    assert document.undo_stack.undo_name == "Grow mask"
    document.undo()
    assert np.count_nonzero(mask(document)) == BOX.size.area
    painted = document.flatten(WHOLE)[80, 60]
    assert not (painted == 255).all()
    document.undo()
    assert (document.flatten(WHOLE) == 255).all()


def test_what_is_masked_meanwhile_is_grown_too(
    document: Document, edits: LongEdits, slow: Slow, background: Background, qtbot: QtBot
) -> None:
    edits.start(growing(document, slow))
    slow.wait_for_begin(qtbot)
    document.fill_mask(Rect(90, 60, 10, 10))
    slow.let_go()
    rest(qtbot, background)
    assert slow.begun == 2
    assert mask(document)[65, 86] == 255
    assert mask(document)[35, 36] == 255
    document.undo()
    assert mask(document)[65, 95] == 255
    assert mask(document)[65, 86] == 0


def test_a_stroke_that_is_being_drawn_is_not_cut_short(
    window: MainWindow,
    document: Document,
    edits: LongEdits,
    slow: Slow,
    background: Background,
    qtbot: QtBot,
) -> None:
    window.take_tool("brush")
    start, middle, end = places(window, (10, 80), (60, 80), (110, 80))
    QTest.mousePress(window.canvas, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(window.canvas, middle)
    assert document.has_open_change
    made = threading.Event()

    def at_once(surface: TiledSurface, check: Check) -> TiledSurface:
        made.set()
        return slow(surface, check)

    slow.let_go()
    edits.start(MaskWork(document, WORDS, "Grow mask", at_once))
    qtbot.waitUntil(lambda: made.is_set() and not background._stops)
    assert document.has_open_change
    QTest.mouseMove(window.canvas, end)
    QTest.mouseRelease(window.canvas, Qt.MouseButton.LeftButton, pos=end)
    rest(qtbot, background)
    assert document.undo_stack.undo_name == "Grow mask"
    assert not (document.flatten(WHOLE)[80, 105] == 255).all()
    document.undo()
    document.undo()
    assert (document.flatten(WHOLE) == 255).all()


def test_it_is_said_and_can_be_cancelled(
    window: MainWindow,
    document: Document,
    edits: LongEdits,
    slow: Slow,
    background: Background,
    qtbot: QtBot,
) -> None:
    steps = document.undo_stack.position
    edits.start(growing(document, slow))
    qtbot.waitUntil(lambda: window.messages.text == "Growing the mask…")
    (cancel,) = (b for b in window.messages.findChildren(QPushButton) if b.text() == "Cancel")
    QTest.mouseClick(cancel, Qt.MouseButton.LeftButton)
    assert not edits.is_running
    rest(qtbot, background)
    assert window.messages.text == ""
    assert document.undo_stack.position is steps
    assert np.count_nonzero(mask(document)) == BOX.size.area
    slow.let_go()
    edits.start(growing(document, slow))
    rest(qtbot, background)
    assert document.undo_stack.undo_name == "Grow mask"


def test_what_is_said_goes_when_it_is_done(
    window: MainWindow,
    document: Document,
    edits: LongEdits,
    slow: Slow,
    background: Background,
    qtbot: QtBot,
) -> None:
    edits.start(growing(document, slow))
    qtbot.waitUntil(lambda: window.messages.text == "Growing the mask…")
    slow.let_go()
    rest(qtbot, background)
    assert window.messages.text == ""
    edits.start(growing(document, slow))
    window.messages.tell("Copied.")
    rest(qtbot, background)
    assert window.messages.text == "Copied."


def test_undo_takes_back_what_is_not_done_yet_and_nothing_else(
    window: MainWindow,
    documents: DocumentController,
    document: Document,
    edits: LongEdits,
    slow: Slow,
    background: Background,
    qtbot: QtBot,
) -> None:
    undo = UndoController(window, documents, 100)
    undo.instead = edits.cancel
    edits.start(growing(document, slow))
    slow.wait_for_begin(qtbot)
    window.actions_by_name["undo"].trigger()
    rest(qtbot, background)
    assert np.count_nonzero(mask(document)) == BOX.size.area
    window.actions_by_name["undo"].trigger()
    assert document.mask_is_empty
    edits.start(growing(document, slow))
    slow.wait_for_begin(qtbot, 2)
    window.actions_by_name["redo"].trigger()
    slow.let_go()
    rest(qtbot, background)
    assert mask(document)[35, 36] == 255
    window.actions_by_name["undo"].trigger()
    assert np.count_nonzero(mask(document)) == BOX.size.area


def test_one_comes_after_the_other_and_a_refusal_stops_none(
    window: MainWindow,
    document: Document,
    edits: LongEdits,
    slow: Slow,
    background: Background,
    qtbot: QtBot,
) -> None:
    def refuse(_surface: TiledSurface, _check: Check) -> TiledSurface:
        raise InvalidRequest("That cannot be done. Do something else.")

    edits.start(growing(document, slow))
    edits.start(MaskWork(document, WORDS, "Refuse", refuse))
    edits.start(MaskWork(document, WORDS, "Grow again", slow))
    slow.let_go()
    rest(qtbot, background)
    assert window.messages.text == "That cannot be done. Do something else."
    assert document.undo_stack.undo_name == "Grow again"
    assert mask(document)[35, 31] == 255
    document.undo()
    assert mask(document)[35, 36] == 255
    assert mask(document)[35, 31] == 0
    assert not edits.is_running


def test_what_needs_the_mask_comes_when_it_is_done(
    document: Document, edits: LongEdits, slow: Slow, background: Background, qtbot: QtBot
) -> None:
    seen: list[int] = []

    def generate() -> None:
        seen.append(int(mask(document)[35, 36]))

    assert not edits.then(generate)
    edits.start(growing(document, slow))
    assert edits.then(generate)
    assert seen == []
    slow.let_go()
    rest(qtbot, background)
    assert seen == [255]
    slow.hold()
    edits.start(growing(document, slow))
    assert edits.then(generate)
    edits.cancel()
    rest(qtbot, background)
    assert seen == [255]


def test_what_takes_a_moment_waits_for_its_turn(
    document: Document, edits: LongEdits, slow: Slow, background: Background, qtbot: QtBot
) -> None:
    edits.in_turn(document.invert_mask)
    assert mask(document)[35, 45] == 0
    edits.in_turn(document.invert_mask)
    edits.start(growing(document, slow))
    edits.in_turn(document.invert_mask)
    slow.let_go()
    rest(qtbot, background)
    assert slow.begun == 1
    assert document.undo_stack.undo_name == "Invert mask"
    assert mask(document)[35, 36] == 0
    assert mask(document)[35, 30] == 255
    document.undo()
    assert document.undo_stack.undo_name == "Grow mask"


def test_another_document_gets_nothing_of_it(
    documents: DocumentController,
    document: Document,
    edits: LongEdits,
    slow: Slow,
    background: Background,
    qtbot: QtBot,
) -> None:
    document.selection.select(document.mask, "Select mask")
    steps = document.undo_stack.position
    edits.start(SelectionWork(document, WORDS, "Grow selection", slow))
    slow.wait_for_begin(qtbot)
    documents.show(other := Document(Size(128, 96)))
    slow.let_go()
    rest(qtbot, background)
    assert document.undo_stack.position is steps
    assert not other.undo_stack.can_undo


def test_a_window_that_closes_meanwhile_leaves_no_thread(
    qapp: QApplication,
    window: MainWindow,
    documents: DocumentController,
    document: Document,
    slow: Slow,
    qtbot: QtBot,
) -> None:
    with in_background(qapp) as background:
        edits = LongEdits(documents, window.messages, background)
        edits.start(growing(document, slow))
        slow.wait_for_begin(qtbot)
        window.close()
    assert not any("sfumato" in thread.name for thread in threading.enumerate())
    assert np.count_nonzero(mask(document)) == BOX.size.area
    assert not edits.is_running


def test_a_bug_is_logged_and_the_next_work_is_done(
    document: Document,
    edits: LongEdits,
    slow: Slow,
    background: Background,
    qtbot: QtBot,
    expected_log: Callable[[str], None],
) -> None:
    expected_log("background work failed")

    def broken(_surface: TiledSurface, _check: Check) -> TiledSurface:
        raise ZeroDivisionError

    edits.start(MaskWork(document, WORDS, "Break", broken))
    rest(qtbot, background)
    slow.let_go()
    edits.start(growing(document, slow))
    rest(qtbot, background)
    assert document.undo_stack.undo_name == "Grow mask"


def test_the_studio_generates_with_the_mask_as_it_will_be(
    window: MainWindow,
    sampling: Sampling,
    slow: Slow,
    background: Background,
    home: Path,
    qtbot: QtBot,
) -> None:
    studio = Studio(window, sampling, background, Paths.find(home))
    studio.documents.show(document := Document(Size(128, 96)))
    document.fill_mask(BOX)
    sampling.prompt = "a cat"
    edits = studio.selecting.edits
    edits.start(growing(document, slow))
    slow.wait_for_begin(qtbot)
    window.actions_by_name["generate"].trigger()
    assert window.messages.text == "Growing the mask… The picture is started then."
    assert not studio.settings.prompts
    slow.let_go()
    rest(qtbot, background)
    assert studio.settings.prompts == ("a cat",)
    slow.hold()
    edits.start(growing(document, slow))
    slow.wait_for_begin(qtbot, 2)
    window.actions_by_name["undo"].trigger()
    assert not edits.is_running
    assert document.undo_stack.undo_name == "Grow mask"
    window.close()
    studio.close()
