"""The view of the strip: one row of thumbnails. Imported when there are some to show.

Its Qt types cost some 20 ms that the window's first paint can do without.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from gui.gallery.model import ITEM_ROLE, GalleryModel
from gui.theme import Theme, pixmap

THUMB = 84
RADIUS = 4
BADGE = 14


def make_film(theme: Theme, model: GalleryModel) -> QListView:
    """A list view of one row that scrolls by pixels."""
    view = QListView()
    view.setAccessibleName("Results")
    view.setModel(model)
    view.setItemDelegate(ThumbnailDelegate(theme, view))
    view.setFlow(QListView.Flow.LeftToRight)
    view.setWrapping(False)
    view.setUniformItemSizes(True)
    view.setMouseTracking(True)
    view.setDragEnabled(True)
    view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    return view


class ThumbnailDelegate(QStyledItemDelegate):
    """A picture with round corners; a ring in the accent colour around the chosen one."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Any) -> QSize:
        """One square, with its margin."""
        return QSize(THUMB + 8, THUMB + 8)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw the thumbnail, or a plain square until it has been read."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        box = QRectF(0, 0, THUMB, THUMB)
        box.moveCenter(QRectF(option.rect).center())
        shape = QPainterPath()
        shape.addRoundedRect(box, RADIUS, RADIUS)
        painter.fillPath(shape, self._theme.colour("field"))
        image = index.data(Qt.ItemDataRole.DecorationRole)
        if isinstance(image, QImage) and not image.isNull():
            painter.setClipPath(shape)
            painter.drawImage(box, image, _middle_square(image))
            painter.setClipping(False)
        item = index.data(ITEM_ROLE)
        if item is not None and item.is_sheet:
            self._draw_badge(painter, box)
        self._draw_ring(painter, box, option.state)
        painter.restore()

    def _draw_badge(self, painter: QPainter, box: QRectF) -> None:
        """Four small squares in the corner: this is a grid's sheet."""
        ground = QRectF(box.right() - BADGE - 10, box.bottom() - BADGE - 10, BADGE + 6, BADGE + 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 170))
        painter.drawRoundedRect(ground, RADIUS, RADIUS)
        drawing = pixmap("layout-grid", "#ffffff", BADGE, ratio=2.0)
        painter.drawPixmap(ground.topLeft() + QPointF(3, 3), drawing)

    def _draw_ring(self, painter: QPainter, box: QRectF, state: QStyle.StateFlag) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(self._theme.colour("accent"), 2))
            painter.drawRoundedRect(box.adjusted(-2, -2, 2, 2), RADIUS + 2, RADIUS + 2)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QPen(QColor(self._theme.colour("line_hover")), 1))
            painter.drawRoundedRect(box.adjusted(-1, -1, 1, 1), RADIUS + 1, RADIUS + 1)


def _middle_square(image: QImage) -> QRectF:
    side = min(image.width(), image.height())
    return QRectF((image.width() - side) / 2, (image.height() - side) / 2, side, side)
