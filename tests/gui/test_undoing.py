"""Undo and redo in the menu, and the memory that they may take."""

from __future__ import annotations

import pytest

from core.canvas.brush import Brush
from core.canvas.document import Document
from core.canvas.strokes import StrokeTarget
from core.geometry import Size
from core.settings import LEAST_UNDO, Paths, Settings, load_settings, save_settings
from gui.documents import DocumentController
from gui.main_window import MainWindow
from gui.sampling import Sampling
from gui.undoing import UndoController


@pytest.fixture
def documents(window: MainWindow, sampling: Sampling, home: object) -> DocumentController:
    return DocumentController(window.canvas, window.messages, sampling, Paths.find(), window)


def paint(document: Document, x: float = 30) -> None:
    stroke = document.begin_stroke(Brush(size=8), StrokeTarget.PAINT)
    stroke.move_to(x, 20)
    stroke.finish()


def words(window: MainWindow) -> list[tuple[str, bool]]:
    actions = [window.actions_by_name[name] for name in ("undo", "redo")]
    return [(action.text(), action.isEnabled()) for action in actions]


def test_the_menu_says_what_would_be_undone(
    window: MainWindow, documents: DocumentController
) -> None:
    UndoController(window, documents, 512)
    documents.show(Document(Size(64, 48)))
    assert words(window) == [("Undo", False), ("Redo", False)]
    paint(documents.document)
    assert words(window) == [("Undo Brush stroke", True), ("Redo", False)]
    window.actions_by_name["undo"].trigger()
    assert words(window) == [("Undo", False), ("Redo Brush stroke", True)]
    window.actions_by_name["redo"].trigger()
    assert words(window) == [("Undo Brush stroke", True), ("Redo", False)]
    documents.show(Document(Size(64, 48)))
    assert words(window) == [("Undo", False), ("Redo", False)]


def test_a_stroke_given_up_does_not_enter(
    window: MainWindow, documents: DocumentController
) -> None:
    UndoController(window, documents, 512)
    documents.show(Document(Size(64, 48)))
    stroke = documents.document.begin_stroke(Brush(size=8), StrokeTarget.PAINT)
    stroke.move_to(20, 20)
    window.actions_by_name["undo"].setEnabled(True)
    window.actions_by_name["undo"].trigger()
    assert words(window) == [("Undo", True), ("Redo", False)]
    assert not documents.document.undo_stack.can_undo
    assert not documents.document.undo_stack.can_redo


@pytest.mark.parametrize(("given", "limit"), [(100, 100), (0, LEAST_UNDO), (-5, 16)])
def test_memory_is_limited_as_the_settings_say(
    window: MainWindow, documents: DocumentController, given: int, limit: int
) -> None:
    UndoController(window, documents, given)
    documents.show(Document(Size(64, 48)))
    assert documents.document.undo_stack.limit_bytes == limit * 2**20


def test_the_oldest_strokes_are_forgotten_beyond_it(
    window: MainWindow, documents: DocumentController
) -> None:
    UndoController(window, documents, LEAST_UNDO)
    documents.show(Document(Size(2048, 2048)))
    document = documents.document
    for number in range(100):  # each touches another tile of 256 kB
        paint(document, 30 + 256 * (number % 8))
    stack = document.undo_stack
    assert stack.bytes_used <= LEAST_UNDO * 2**20
    steps = 0
    while stack.can_undo:
        document.undo()
        steps += 1
    assert steps == LEAST_UNDO * 4


def test_the_figure_is_kept(home: object) -> None:
    file = Paths.find().settings_file
    save_settings(Settings(undo_megabytes=2048), file)
    assert load_settings(file).undo_megabytes == 2048
