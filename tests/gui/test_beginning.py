"""A new picture is as large as the person says."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.canvas.document import Document
from core.geometry import Rect, Size
from core.settings import Paths
from gui.beginning import Beginning
from gui.documents import DocumentController
from gui.main_window import MainWindow
from gui.panels.sheets import NewSheet
from gui.sampling import Sampling
from gui.widgets.number_field import NumberField


@pytest.fixture
def documents(window: MainWindow, sampling: Sampling, home: Path) -> DocumentController:
    documents = DocumentController(
        window.canvas, window.messages, sampling, Paths.find(home), window
    )
    documents.show(Document(Size(40, 30)))
    Beginning(window, documents)
    return documents


def ask(window: MainWindow) -> NewSheet:
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    QApplication.processEvents()
    sheet = window.findChild(NewSheet)
    assert sheet is not None
    assert sheet.isVisible()
    assert not sheet.isModal()
    return sheet


def write(sheet: NewSheet, *sides: int) -> None:
    for field, side in zip(sheet.findChildren(NumberField), sides, strict=True):
        field.selectAll()
        QTest.keyClicks(field, str(side))
    QTest.mouseClick(sheet.button, Qt.MouseButton.LeftButton)


def test_it_has_the_size_that_was_asked_for(
    window: MainWindow, documents: DocumentController
) -> None:
    sheet = ask(window)
    assert [field.value() for field in sheet.findChildren(NumberField)] == [40, 30]
    write(sheet, 300, 200)
    assert documents.document.size == Size(300, 200)
    assert (documents.document.flatten(Rect(0, 0, 300, 200)) == 255).all()
    assert not documents.is_modified
    assert not documents.is_pristine  # other settings do not make it another size


def test_one_that_is_too_large_is_refused_in_words(
    window: MainWindow, documents: DocumentController
) -> None:
    before = documents.document
    write(ask(window), 16384, 16384)
    assert documents.document is before
    assert "too large for a canvas" in window.messages.text


def test_esc_leaves_everything_as_it_is(window: MainWindow, documents: DocumentController) -> None:
    before = documents.document
    QTest.keyClick(ask(window), Qt.Key.Key_Escape)
    assert documents.document is before
