from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QContextMenuEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu
from pytestqt.qtbot import QtBot

from gui.background import Background
from gui.gallery.model import PAGE, GalleryModel
from gui.gallery.strip import GalleryStrip
from gui.theme import Theme
from tests.helpers.desktop import LEFT, rest
from tests.helpers.fake_gallery import FakeGallery, an_item

SIGNALS = (
    "settings_asked", "show_asked", "enlarge_asked", "again_asked", "copy_asked", "folder_asked",
    "delete_asked",
)  # fmt: skip


class Shown:
    """A strip on the screen, and what it asked for."""

    def __init__(self, theme: Theme) -> None:
        self.model = GalleryModel()
        self.strip = GalleryStrip(theme, self.model)
        self.strip.resize(900, self.strip.height())
        self.strip.show()
        self.asked: list[tuple[str, int]] = []
        for name in SIGNALS:
            getattr(self.strip, name).connect(
                lambda item, name=name: self.asked.append((name, item.seed))
            )

    def centre(self, row: int) -> QPoint:
        return self.strip.view.visualRect(self.model.index(row)).center()

    def texts(self) -> list[str]:
        return [label.text() for label in self.strip.findChildren(QLabel) if label.isVisible()]

    def colour_beside(self, row: int) -> str:
        """The colour of the ring's line, just left of a thumbnail."""
        image = self.strip.view.viewport().grab().toImage()
        box = self.strip.view.visualRect(self.model.index(row))
        return image.pixelColor(box.center() - QPoint(44, 0)).name()


@pytest.fixture
def shown(qtbot: QtBot, theme: Theme) -> Iterator[Shown]:
    shown = Shown(theme)
    qtbot.addWidget(shown.strip)
    qtbot.waitExposed(shown.strip)
    yield shown


@pytest.fixture
def three(shown: Shown) -> Shown:
    for number in (1, 2, 3):
        shown.model.add(an_item(number))
    QApplication.processEvents()
    return shown


def test_an_empty_strip_says_what_to_do(shown: Shown) -> None:
    assert any("Write a prompt and press Ctrl+Enter" in text for text in shown.texts())
    assert not shown.strip.view.isVisible()


def test_the_first_picture_takes_the_words_place_and_is_counted(shown: Shown) -> None:
    shown.model.add(an_item(1))
    assert shown.strip.view.isVisible()
    assert "1" in shown.texts()
    shown.model.remove(an_item(1).id)
    assert not shown.strip.view.isVisible()


def test_there_may_be_more_than_are_listed(
    shown: Shown, background: Background, qtbot: QtBot
) -> None:
    shown.model.show_gallery(FakeGallery(PAGE + 1), background)  # type: ignore[arg-type]
    rest(qtbot, background)
    assert f"{PAGE}+" in shown.texts()
    shown.strip.view.scrollToBottom()
    shown.strip.view.horizontalScrollBar().setValue(10**6)
    qtbot.waitUntil(lambda: shown.model.rowCount() == PAGE + 1)
    rest(qtbot, background)
    assert f"{PAGE + 1}" in shown.texts()
    background.close()


def test_the_newest_is_on_the_left(three: Shown) -> None:
    assert three.centre(0).x() < three.centre(1).x() < three.centre(2).x()
    assert three.centre(0).y() == three.centre(2).y()
    assert three.model.index(0).data(Qt.ItemDataRole.UserRole).seed == 3


def test_a_click_asks_for_the_settings(three: Shown) -> None:
    QTest.mouseClick(three.strip.view.viewport(), LEFT, pos=three.centre(1))
    assert three.asked == [("settings_asked", 2)]


def test_a_double_click_shows_it_in_the_frame(three: Shown) -> None:
    viewport = three.strip.view.viewport()
    QTest.mouseClick(viewport, LEFT, pos=three.centre(2))
    QTest.mouseDClick(viewport, LEFT, pos=three.centre(2))
    assert three.asked[-1] == ("show_asked", 1)


def test_keys_on_the_chosen_one(three: Shown) -> None:
    three.strip.select(an_item(2).id)
    QTest.keyClick(three.strip.view, Qt.Key.Key_Return)
    QTest.keyClick(three.strip.view, Qt.Key.Key_Delete)
    assert three.asked == [("settings_asked", 2), ("delete_asked", 2)]
    QTest.keyClick(three.strip.view, Qt.Key.Key_Right)
    QTest.keyClick(three.strip.view, Qt.Key.Key_Return)
    assert three.asked[-1] == ("settings_asked", 1)


def test_the_context_menu_offers_everything(three: Shown) -> None:
    view = three.strip.view
    at = view.viewport().mapToGlobal(three.centre(1))
    for number, name in enumerate(SIGNALS):
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, three.strip.mapFromGlobal(at), at)
        QApplication.sendEvent(three.strip, event)
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        assert len(menu.actions()) == len(SIGNALS)
        menu.actions()[number].trigger()
        menu.close()
        assert three.asked[-1] == (name, 2)


def test_no_menu_beside_the_pictures(three: Shown) -> None:
    at = three.strip.view.viewport().mapToGlobal(QPoint(800, 40))
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, three.strip.mapFromGlobal(at), at)
    QApplication.sendEvent(three.strip, event)
    assert QApplication.activePopupWidget() is None


def test_the_chosen_one_has_a_ring_in_the_accent_colour(three: Shown, theme: Theme) -> None:
    three.strip.select(an_item(2).id)
    accent = QColor(theme.tokens.accent)
    rings = [QColor(three.colour_beside(row)) for row in range(3)]
    distances = [
        abs(ring.red() - accent.red()) + abs(ring.green() - accent.green()) for ring in rings
    ]
    assert distances[1] < 60
    assert min(distances[0], distances[2]) > 150


def test_selecting_brings_it_into_view(shown: Shown) -> None:
    for number in range(1, 60):
        shown.model.add(an_item(number))
    shown.strip.select(an_item(1).id)
    QApplication.processEvents()
    assert shown.strip.view.viewport().rect().contains(shown.centre(58))
    shown.strip.select("nobody")


def test_a_wide_picture_is_cut_to_its_middle(
    shown: Shown, background: Background, qtbot: QtBot, tmp_path: Path
) -> None:
    image = QImage(400, 100, QImage.Format.Format_RGB32)
    image.fill(QColor("#0000ff"))
    for x in range(100):
        for y in range(100):
            image.setPixelColor(150 + x, y, QColor("#00ff00"))
    image.save(str(an_item(1, tmp_path).thumbnail))
    shown.model.show_gallery(FakeGallery(1, tmp_path), background)  # type: ignore[arg-type]
    rest(qtbot, background)
    shown.strip.view.viewport().grab()  # asks for the thumbnail
    rest(qtbot, background)
    seen = shown.strip.view.viewport().grab().toImage()
    for offset in (-30, 0, 30):
        colour = seen.pixelColor(shown.centre(0) + QPoint(offset, 0))
        assert colour.green() > 200
        assert colour.blue() < 80
    background.close()
