"""What is cut or copied comes back where it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QObject, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.canvas.document import Document
from core.canvas.shapes import rectangle
from core.geometry import Rect, Size
from core.settings import Paths
from gui.background import Background
from gui.clipboard import PLACE, place_of
from gui.documents import DocumentController
from gui.images import to_qimage
from gui.main_window import MainWindow
from gui.sampling import Sampling
from gui.selecting import NOTHING_SELECTED, SelectionController
from tests.helpers.results import noise

SIZE = Size(128, 96)
BOX = Rect(20, 30, 31, 21)
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def document(
    window: MainWindow, sampling: Sampling, home: Path, background: Background, qtbot: QtBot
) -> Iterator[Document]:
    """Noise, part of which is selected; Ctrl and a letter do what the Edit menu says."""
    documents = DocumentController(
        window.canvas, window.messages, sampling, Paths.find(home), window
    )
    SelectionController(window, documents, QObject(window), background)  # type: ignore[arg-type]
    window.actions_by_name["paste"].triggered.connect(documents.paste)
    document = Document.from_image(noise(1, *reversed(SIZE), 3))
    documents.show(document, is_blank=False)
    document.selection.select(rectangle(BOX, SIZE), "Select")
    window.canvas.setFocus()
    yield document
    QGuiApplication.clipboard().clear()


def press(window: MainWindow, key: Qt.Key) -> None:
    QTest.keyClick(window.canvas, key, CTRL)
    QApplication.processEvents()


def test_a_piece_is_cut_out_in_one_step_and_pasted_where_it_was(
    window: MainWindow, document: Document
) -> None:
    before = document.flatten(document.bounds)
    press(window, Qt.Key.Key_X)
    assert document.undo_stack.undo_name == "Cut"
    assert not document.flatten(BOX).any()
    press(window, Qt.Key.Key_V)
    assert [layer.name for layer in document.layers] == ["Background", "Pasted"]
    assert np.array_equal(document.flatten(document.bounds), before)
    document.undo()
    document.undo()
    assert np.array_equal(document.flatten(document.bounds), before)


def test_a_copy_changes_nothing(window: MainWindow, document: Document) -> None:
    position = document.undo_stack.position
    press(window, Qt.Key.Key_C)
    assert document.undo_stack.position is position
    press(window, Qt.Key.Key_V)
    above = document.layers[1].surface
    assert np.array_equal(above.read(BOX), document.layers[0].surface.read(BOX))
    assert not above.read(Rect(0, 0, 20, 96)).any()


def test_nothing_is_cut_where_nothing_is_selected(window: MainWindow, document: Document) -> None:
    document.selection.deselect()
    press(window, Qt.Key.Key_X)
    assert NOTHING_SELECTED in window.messages.text
    assert document.flatten(BOX)[..., 3].all()


def test_what_would_not_be_seen_there_is_pasted_in_the_middle() -> None:
    content = QMimeData()
    content.setImageData(to_qimage(noise(2, 10, 20, 3)))
    for written, place in (
        (b"-19,5", QPointF(-9, 10)),
        (b"-20,5", None),
        (b"128,0", None),
        (b"12", None),
        (b"a,b", None),
        (b"\xff,1", None),
    ):
        content.setData(PLACE, written)
        assert place_of(content, SIZE) == place
