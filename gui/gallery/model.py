"""Gallery items as a list for Qt's views, with thumbnails that arrive later."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QMimeData,
    QModelIndex,
    QObject,
    QSize,
    Qt,
    QUrl,
    Signal,
)
from PySide6.QtGui import QImage, QImageReader

from core.errors import KnownError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.gallery import Gallery, GalleryItem
    from gui.background import Background

Index = QModelIndex
PAGE = 200
THUMBNAILS_KEPT = 400
ITEM_ROLE = Qt.ItemDataRole.UserRole


class GalleryModel(QAbstractListModel):
    """Newest first; older pages are fetched when the view reaches the end.

    Signals:
        failed: Why a page could not be read, in words for the person.
    """

    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background: Background | None = None
        self._gallery: Gallery | None = None
        self._items: list[GalleryItem] = []
        self._has_more = False
        self._fetching = False
        self._thumbnails: OrderedDict[str, QImage] = OrderedDict()
        self._wanted: set[str] = set()
        self.thumbnail_side = 160

    def show_gallery(self, gallery: Gallery, background: Background) -> None:
        """List what this gallery holds; files are read in `background`."""
        self._gallery = gallery
        self._background = background
        self.reload()

    def reload(self) -> None:
        """List the newest page again."""
        if self._background is not None:
            self._background.start(self._load_first_page())

    def add(self, item: GalleryItem) -> None:
        """Put a new item in front."""
        self.beginInsertRows(QModelIndex(), 0, 0)
        self._items.insert(0, item)
        self.endInsertRows()

    def remove(self, item_id: str) -> None:
        """Take an item off the list."""
        row = self.row_of(item_id)
        if row is not None:
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._items[row]
            self.endRemoveRows()

    def row_of(self, item_id: str) -> int | None:
        """Where an item stands, or None."""
        return next((row for row, item in enumerate(self._items) if item.id == item_id), None)

    def item(self, index: Index) -> GalleryItem | None:
        """The item at `index`."""
        return self._items[index.row()] if index.isValid() else None

    # --- Qt's interface --------------------------------------------------------------------

    def rowCount(self, parent: Any = QModelIndex()) -> int:  # noqa: B008
        """How many items are listed."""
        return 0 if parent.isValid() else len(self._items)

    def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The item, its thumbnail, or its description."""
        item = self.item(index)
        if item is None:
            return None
        if role == ITEM_ROLE:
            return item
        if role == Qt.ItemDataRole.DecorationRole:
            return self._thumbnail(item)
        about = f"{item.prompt}\n{item.checkpoint} · seed {item.seed} · {item.size}"
        if item.is_sheet:
            about = f"Grid: {' × '.join(item.varied)}\n{item.prompt}\n{item.checkpoint}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return about
        if role == Qt.ItemDataRole.ToolTipRole:  # a prompt may look like markup
            return f"<p>{escape(about).replace(chr(10), '<br>')}</p>"
        return None

    def flags(self, index: Any) -> Qt.ItemFlag:
        """Items can be chosen and dragged out."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsDragEnabled if index.isValid() else flags

    def mimeData(self, indexes: Sequence[Any]) -> QMimeData:
        """The files of the items that are dragged."""
        content = QMimeData()
        items = [item for index in indexes if (item := self.item(index))]
        content.setUrls([QUrl.fromLocalFile(str(item.path)) for item in items])
        return content

    def canFetchMore(self, parent: Any) -> bool:
        """Whether older items are not listed yet."""
        return self._has_more and not self._fetching and not parent.isValid()

    def fetchMore(self, parent: Any) -> None:
        """List the next page."""
        if self._background is not None:
            self._fetching = True
            self._background.start(self._load_next_page())

    # --- loading ---------------------------------------------------------------------------

    async def _load_first_page(self) -> None:
        known = {item.id for item in self._items}
        items = await self._page(None)
        known.update(item.id for item in items)
        meanwhile = [item for item in self._items if item.id not in known]
        self.beginResetModel()
        self._items = [*meanwhile, *items]
        self._has_more = len(items) == PAGE
        self.endResetModel()

    async def _load_next_page(self) -> None:
        items = await self._page(self._items[-1].id if self._items else None)
        self._fetching = False
        self._has_more = len(items) == PAGE
        if items:
            end = len(self._items)
            self.beginInsertRows(QModelIndex(), end, end + len(items) - 1)
            self._items.extend(items)
            self.endInsertRows()

    async def _page(self, before: str | None) -> list[GalleryItem]:
        assert self._gallery is not None
        assert self._background is not None
        try:
            return await self._background.run(self._gallery.items, PAGE, before)
        except KnownError as error:
            self.failed.emit(str(error))
            return []

    def _thumbnail(self, item: GalleryItem) -> QImage | None:
        image = self._thumbnails.get(item.id)
        if image is not None:
            self._thumbnails.move_to_end(item.id)
        elif self._background is not None and item.id not in self._wanted:
            self._wanted.add(item.id)
            self._background.start(self._load_thumbnail(item))
        return image

    async def _load_thumbnail(self, item: GalleryItem) -> None:
        assert self._gallery is not None
        assert self._background is not None
        image = await self._background.run(_thumbnail_of, self._gallery, item, self.thumbnail_side)
        self._wanted.discard(item.id)
        self._thumbnails[item.id] = image
        while len(self._thumbnails) > THUMBNAILS_KEPT:
            self._thumbnails.popitem(last=False)
        row = self.row_of(item.id)
        if row is not None:
            index = self.index(row)
            self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])


def _thumbnail_of(gallery: Gallery, item: GalleryItem, side: int) -> QImage:
    """The thumbnail, made again where it was lost; a null image if that fails too."""
    image = _read(str(item.thumbnail), side)
    if image.isNull():
        with suppress(KnownError):  # the picture itself is gone
            image = _read(str(gallery.thumbnail(item.id)), side)
    return image


def _read(path: str, side: int) -> QImage:
    """The picture in `path`, at most `side` pixels; a null image if it cannot be read."""
    reader = QImageReader(path)
    size = reader.size()
    if size.isValid():
        reader.setScaledSize(size.scaled(QSize(side, side), Qt.AspectRatioMode.KeepAspectRatio))
    return reader.read()
