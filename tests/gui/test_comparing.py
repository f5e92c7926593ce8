"""Two results of the strip in one window."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QItemSelectionModel, QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QToolButton
from pytestqt.qtbot import QtBot

from core.gallery import GalleryItem
from core.images import write_image
from gui.background import Background
from gui.comparing import CHOOSE_TWO, ComparisonController, differences
from gui.main_window import MainWindow
from gui.panels.picture_windows import PictureWindow
from tests.helpers.desktop import LEFT, rest
from tests.helpers.fake_gallery import an_item

CTRL = Qt.KeyboardModifier.ControlModifier


def kept(number: int, folder: Path, side: int = 40, height: int = 40) -> GalleryItem:
    """An item with a picture, whose request has a number of steps too."""
    item = an_item(number, folder, "a cat")
    write_image(item.path, np.full((height, side, 3), 60 * number, np.uint8))
    record = item.record | {"request": item.request | {"num_inference_steps": 10}}
    return replace(item, record_text=json.dumps(record))


@pytest.fixture
def strip(window: MainWindow, background: Background, tmp_path: Path) -> MainWindow:
    """A window with three results; the newest is on the left."""
    ComparisonController(window, background)
    for number in (1, 2, 3):
        window.gallery_model.add(kept(number, tmp_path))
    QApplication.processEvents()
    return window


def click(window: MainWindow, row: int, keys: Qt.KeyboardModifier) -> QPoint:
    view = window.strip.view
    at = view.visualRect(window.gallery_model.index(row)).center()
    QTest.mouseClick(view.viewport(), LEFT, keys, at)
    return view.viewport().mapToGlobal(at)


def opened(window: MainWindow, qtbot: QtBot, background: Background) -> PictureWindow:
    rest(qtbot, background)
    (found,) = window.findChildren(PictureWindow)
    return found


def words(found: PictureWindow) -> str:
    return "\n".join(label.text() for label in found.findChildren(QLabel))


def test_two_are_marked_and_compared_from_their_menu(
    strip: MainWindow, qtbot: QtBot, background: Background
) -> None:
    asked: list[int] = []
    strip.strip.settings_asked.connect(lambda item: asked.append(item.seed))
    click(strip, 0, Qt.KeyboardModifier.NoModifier)
    at = click(strip, 2, CTRL)
    assert asked == [3]  # the second click only marks
    place = strip.strip.mapFromGlobal(at)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, at)
    QApplication.sendEvent(strip.strip, event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    (compare,) = menu.actions()
    compare.trigger()
    menu.close()
    found = opened(strip, qtbot, background)
    assert "Seed: 1 | 3" in words(found)
    colour = found.view.grab().toImage().pixelColor
    middle = found.view.rect().center()
    assert colour(middle - QPoint(10, 0)).red() == 60
    assert colour(middle + QPoint(10, 0)).red() == 180
    found.close()


def test_the_menu_compares_what_is_marked(
    strip: MainWindow, qtbot: QtBot, background: Background
) -> None:
    strip.actions_by_name["compare_results"].trigger()
    assert strip.messages.text == CHOOSE_TWO
    select = QItemSelectionModel.SelectionFlag.Select
    for row in (0, 1):
        strip.strip.view.selectionModel().select(strip.gallery_model.index(row), select)
    strip.actions_by_name["compare_results"].trigger()
    found = opened(strip, qtbot, background)
    beside = next(b for b in found.findChildren(QToolButton) if "Side" in b.accessibleName())
    QTest.mouseClick(beside, LEFT)
    assert found.view.is_beside
    QTest.keyClick(found.view, Qt.Key.Key_S)
    assert not beside.isChecked()
    found.close()


def test_pictures_of_other_shapes_stand_side_by_side(
    strip: MainWindow, qtbot: QtBot, background: Background, tmp_path: Path
) -> None:
    strip.strip.compare_asked.emit(kept(1, tmp_path), kept(4, tmp_path, 80, 40))
    found = opened(strip, qtbot, background)
    assert found.view.is_beside
    found.close()


def test_a_picture_that_is_gone_is_told(
    strip: MainWindow, qtbot: QtBot, background: Background, tmp_path: Path
) -> None:
    strip.strip.compare_asked.emit(kept(1, tmp_path), an_item(9, tmp_path))
    rest(qtbot, background)
    assert "item00000009" in strip.messages.text
    assert strip.findChildren(PictureWindow) == []


def test_differences_are_named_and_long_ones_shortened() -> None:
    then = {"seed": 1, "size": [64, 64], "prompt": "a cat", "strength": None, "id": "x"}
    now = {"seed": 1, "size": [64, 96], "prompt": "a dog " * 40, "strength": 0.5, "id": "y"}
    told = differences(then, now)
    assert [name for name, _, _ in told] == ["strength", "size", "prompt"]
    assert told[0][1:] == ("–", "0.5")
    assert told[1][1:] == ("64 × 64", "64 × 96")
    assert len(told[2][2]) == 60
    assert differences(then, then) == []
