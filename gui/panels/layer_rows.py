"""How one row of the list of layers is drawn, and which part of it is under the pointer."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QBrush, QImage, QMouseEvent, QPainter, QPainterPath, QPalette
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from gui.canvas.painter import checkerboard
from gui.theme import ICON_SIZE, Theme, pixmap

if TYPE_CHECKING:
    from core.canvas.layers import Layer

Index = QModelIndex | QPersistentModelIndex
HEIGHT, THUMB, BUTTON = 44, 32, 32
RADIUS = 4
FAINT = 0.45
"""Opacity of what is off or hidden."""


class Part(Enum):
    """What a click on a row can mean besides choosing it; on the thumbnail, one with Ctrl."""

    EYE = auto()
    LOCK = auto()
    THUMBNAIL = auto()


class LayerRows(QStyledItemDelegate):
    """Eye, thumbnail, name with what is special about it, lock.

    Signals:
        part_clicked: Row, which part of it, and the keys that were held.
    """

    part_clicked = Signal(int, object, object)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._checkerboard = checkerboard()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """A row."""
        return QSize(160, HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw a row; a hidden layer's is faint."""
        layer = index.data(Qt.ItemDataRole.UserRole)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        self._draw_ground(painter, option, hovered)
        eye, lock = part_rect(option.rect, Part.EYE), part_rect(option.rect, Part.LOCK)
        self._draw_icon(painter, eye, "eye" if layer.visible else "eye-off", layer.visible)
        if layer.locked or hovered:
            self._draw_icon(painter, lock, "lock" if layer.locked else "lock-open", layer.locked)
        painter.setOpacity(1.0 if layer.visible else FAINT)
        self._draw_thumbnail(painter, option.rect, index.data(Qt.ItemDataRole.DecorationRole))
        self._draw_words(painter, option, layer)
        painter.restore()

    def _draw_ground(self, painter: QPainter, option: QStyleOptionViewItem, hovered: bool) -> None:
        box = QRectF(option.rect).adjusted(4, 1, -4, -1)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(self._theme.colour("selection"))
        elif hovered:
            painter.setBrush(self._theme.colour("field"))
        else:
            painter.setBrush(Qt.BrushStyle.NoBrush)
        focused = option.state & QStyle.StateFlag.State_HasFocus
        painter.setPen(self._theme.colour("accent") if focused else Qt.PenStyle.NoPen)
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS + 2, RADIUS + 2)

    def _draw_icon(self, painter: QPainter, rect: QRect, name: str, strong: bool) -> None:
        colour = self._theme.tokens.text if strong else self._theme.tokens.text2
        drawing = pixmap(name, colour, ratio=painter.device().devicePixelRatioF())
        box = QRect(0, 0, ICON_SIZE, ICON_SIZE)
        box.moveCenter(rect.center())
        painter.drawPixmap(box, drawing)

    def _draw_thumbnail(self, painter: QPainter, row: QRect, image: QImage | None) -> None:
        if image is None:
            return
        box = QRectF(part_rect(row, Part.THUMBNAIL))
        size = image.size().scaled(THUMB, THUMB, Qt.AspectRatioMode.KeepAspectRatio)
        picture = QRectF(0, 0, max(2, size.width()), max(2, size.height()))
        picture.moveCenter(box.center())
        shape = QPainterPath()
        shape.addRoundedRect(picture, RADIUS / 2, RADIUS / 2)
        painter.setPen(self._theme.colour("line_hover"))
        painter.setBrush(QBrush(self._checkerboard))
        painter.drawPath(shape)
        painter.setClipPath(shape)
        painter.drawImage(picture, image)
        painter.setClipping(False)

    def _draw_words(self, painter: QPainter, option: QStyleOptionViewItem, layer: Layer) -> None:
        box = name_rect(option.rect)
        special = details(layer)
        metrics = option.fontMetrics
        name = metrics.elidedText(
            " ".join(layer.name.split()), Qt.TextElideMode.ElideRight, box.width()
        )
        first = box if not special else box.adjusted(0, 0, 0, -metrics.height() + 2)
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        painter.drawText(first, Qt.AlignmentFlag.AlignVCenter, name)
        if special:
            painter.setPen(self._theme.colour("text2"))
            second = box.adjusted(0, metrics.height() - 2, 0, 0)
            painter.drawText(second, Qt.AlignmentFlag.AlignVCenter, special)

    def editorEvent(
        self,
        event: QEvent,
        model: QAbstractItemModel,
        option: QStyleOptionViewItem,
        index: Index,
    ) -> bool:
        """A press on a part is no choice of the row, and two of them no wish to rename."""
        presses = (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick)
        if event.type() not in (*presses, QEvent.Type.MouseButtonRelease):
            return False
        assert isinstance(event, QMouseEvent)
        part = part_at(option.rect, event.position().toPoint())
        if part is None or event.button() != Qt.MouseButton.LeftButton:
            return False
        keys = event.modifiers()
        if part is Part.THUMBNAIL and not keys & Qt.KeyboardModifier.ControlModifier:
            return False
        if event.type() in presses:
            self.part_clicked.emit(index.row(), part, keys)
        return True

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: Index
    ) -> None:
        """The field for the name lies where the name is."""
        box = name_rect(option.rect)
        editor.setGeometry(box.left() - 8, box.center().y() - 14, box.width() + 8, 30)


def part_rect(row: QRect, part: Part) -> QRect:
    """Where a part lies in a row."""
    if part is Part.THUMBNAIL:
        return QRect(row.left() + 8 + BUTTON, row.center().y() - THUMB // 2 + 1, THUMB, THUMB)
    left = row.left() + 6 if part is Part.EYE else row.right() - 6 - BUTTON
    return QRect(left, row.top(), BUTTON, row.height())


def part_at(row: QRect, point: QPoint) -> Part | None:
    """Which part is at that point; None for the name."""
    return next((part for part in Part if part_rect(row, part).contains(point)), None)


def name_rect(row: QRect) -> QRect:
    """Where the words lie."""
    return row.adjusted(8 + BUTTON + THUMB + 10, 4, -BUTTON - 8, -4)


def spoken(layer: Layer) -> str:
    """A row in words."""
    words = [layer.name, details(layer)]
    words += ["hidden"] * (not layer.visible) + ["locked"] * layer.locked
    return ", ".join(word for word in words if word)


def details(layer: Layer) -> str:
    """What is special about how a layer is blended; empty for a normal, opaque one."""
    words = [] if layer.blend_mode == "normal" else [layer.blend_mode.capitalize()]
    if layer.opacity < 1:
        words.append(f"{round(layer.opacity * 100)} %")
    return " · ".join(words)
