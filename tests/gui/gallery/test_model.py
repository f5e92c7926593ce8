from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from core.gallery import Gallery
from core.settings import Paths
from gui.background import Background
from gui.gallery.model import ITEM_ROLE, PAGE, GalleryModel
from tests.helpers.desktop import PATIENCE_MS, rest
from tests.helpers.fake_gallery import FakeGallery, an_item
from tests.helpers.results import a_result

NOWHERE = QModelIndex()
THUMBNAIL = Qt.ItemDataRole.DecorationRole


@pytest.fixture
def model(background: Background) -> Iterator[GalleryModel]:
    model = GalleryModel()
    yield model
    background.close()


@pytest.fixture
def rules(model: GalleryModel) -> QAbstractItemModelTester:
    """Qt's own tester, which warns when a model breaks the rules; it asks for all data."""
    mode = QAbstractItemModelTester.FailureReportingMode.Warning
    return QAbstractItemModelTester(model, mode)


def listed(model: GalleryModel) -> list[int]:
    return [model.index(row).data(ITEM_ROLE).seed for row in range(model.rowCount())]


def show(model: GalleryModel, gallery: object, background: Background, qtbot: QtBot) -> None:
    model.show_gallery(gallery, background)  # type: ignore[arg-type]
    rest(qtbot, background)


@pytest.mark.usefixtures("rules")
def test_an_empty_gallery(model: GalleryModel, background: Background, qtbot: QtBot) -> None:
    show(model, FakeGallery(0), background, qtbot)
    assert model.rowCount() == 0
    assert not model.canFetchMore(NOWHERE)


def test_newest_first_and_older_pages_when_asked(
    model: GalleryModel, background: Background, qtbot: QtBot
) -> None:
    gallery = FakeGallery(2 * PAGE + 5)
    show(model, gallery, background, qtbot)
    assert listed(model) == list(range(2 * PAGE + 5, PAGE + 5, -1))
    for _ in range(2):
        assert model.canFetchMore(NOWHERE)
        model.fetchMore(NOWHERE)
        assert not model.canFetchMore(NOWHERE)  # one question at a time
        rest(qtbot, background)
    assert listed(model) == list(range(2 * PAGE + 5, 0, -1))
    assert not model.canFetchMore(NOWHERE)
    assert len(gallery.pages) == 3


def test_a_last_page_that_is_exactly_full(
    model: GalleryModel, background: Background, qtbot: QtBot
) -> None:
    show(model, FakeGallery(PAGE), background, qtbot)
    model.fetchMore(NOWHERE)
    rest(qtbot, background)
    assert model.rowCount() == PAGE
    assert not model.canFetchMore(NOWHERE)


@pytest.mark.usefixtures("rules")
def test_a_new_item_comes_in_front_and_can_go(
    model: GalleryModel, background: Background, qtbot: QtBot
) -> None:
    show(model, FakeGallery(3), background, qtbot)
    model.add(an_item(9))
    assert listed(model) == [9, 3, 2, 1]
    assert model.row_of(an_item(2).id) == 2
    model.remove(an_item(2).id)
    model.remove("nobody")
    assert listed(model) == [9, 3, 1]
    assert model.row_of(an_item(2).id) is None


def test_a_picture_finished_before_the_first_page_came_is_not_lost(
    model: GalleryModel, background: Background, qtbot: QtBot
) -> None:
    gallery = FakeGallery(3)
    gallery.gate.clear()
    model.show_gallery(gallery, background)  # type: ignore[arg-type]
    qtbot.waitUntil(lambda: bool(gallery.pages), timeout=PATIENCE_MS)
    model.add(an_item(4))
    gallery.gate.set()
    rest(qtbot, background)
    assert listed(model) == [4, 3, 2, 1]


def test_a_picture_that_is_on_the_first_page_already_is_listed_once(
    model: GalleryModel, background: Background, qtbot: QtBot
) -> None:
    model.add(an_item(3))
    show(model, FakeGallery(3), background, qtbot)
    assert listed(model) == [3, 2, 1]


def test_thumbnails_arrive_later(
    model: GalleryModel, background: Background, qtbot: QtBot, tmp_path: Path
) -> None:
    picture = QImage(300, 150, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.red)
    assert picture.save(str(an_item(1, tmp_path).thumbnail))
    show(model, FakeGallery(1, tmp_path), background, qtbot)
    rows: list[int] = []
    model.dataChanged.connect(lambda first, last, roles: rows.append(first.row()))
    model.add(an_item(2))  # the row moves while the file is read
    assert model.index(1).data(THUMBNAIL) is None
    rest(qtbot, background)
    assert rows == [1]
    image = model.index(1).data(THUMBNAIL)
    assert (image.width(), image.height()) == (model.thumbnail_side, model.thumbnail_side // 2)
    assert image.pixelColor(5, 5).red() > 240


def test_a_thumbnail_is_read_once(
    model: GalleryModel, background: Background, qtbot: QtBot, tmp_path: Path
) -> None:
    show(model, FakeGallery(1, tmp_path), background, qtbot)
    arrived: list[int] = []
    model.dataChanged.connect(lambda first, last, roles: arrived.append(first.row()))
    for _ in range(3):
        model.index(0).data(THUMBNAIL)
    rest(qtbot, background)
    model.index(0).data(THUMBNAIL)
    rest(qtbot, background)
    assert arrived == [0]


def test_a_removed_items_thumbnail_disturbs_nobody(
    model: GalleryModel, background: Background, qtbot: QtBot
) -> None:
    show(model, FakeGallery(2), background, qtbot)
    model.index(0).data(THUMBNAIL)
    model.remove(an_item(2).id)
    rest(qtbot, background)
    assert listed(model) == [1]


def test_a_lost_thumbnail_is_made_again(
    model: GalleryModel, background: Background, qtbot: QtBot
) -> None:
    paths = Paths.find()
    paths.make()
    with Gallery(paths) as gallery:
        item = gallery.keep(a_result())
        item.thumbnail.unlink()
        show(model, gallery, background, qtbot)
        model.index(0).data(THUMBNAIL)
        rest(qtbot, background)
        assert not model.index(0).data(THUMBNAIL).isNull()
        assert item.thumbnail.exists()


def test_what_is_said_and_dragged(
    model: GalleryModel, background: Background, qtbot: QtBot, tmp_path: Path
) -> None:
    model.add(an_item(7, tmp_path, "<i>a pear</i> & <lora:x:1>"))
    index = model.index(0)
    spoken = index.data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken.startswith("<i>a pear</i> & <lora:x:1>")
    assert "seed 7" in spoken
    assert "64 × 64" in spoken
    tip = index.data(Qt.ItemDataRole.ToolTipRole)
    assert "&lt;i&gt;a pear&lt;/i&gt; &amp; &lt;lora:x:1&gt;" in tip
    assert model.flags(index) & Qt.ItemFlag.ItemIsDragEnabled
    (url,) = model.mimeData([index]).urls()
    assert url.toLocalFile() == str(tmp_path / "item00000007.png")
