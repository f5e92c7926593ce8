"""The picture as it stands on the screen, without the lines that run over it."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QPoint, QRect, QRectF, QSize
from PySide6.QtGui import QImage, QPainter, QRegion

from gui.canvas.painter import parts_of


class ShownPicture:
    """Kept in device pixels, so that a brush's outline may move over it at no cost.

    Where nothing of the picture has changed it is copied as it is; where something has, that part
    is drawn again first. A brush's outline crosses many tiles, and under it most of them are as
    they were.
    """

    def __init__(self) -> None:
        self._image = QImage()
        self._ratio = 1.0
        self._stale = QRegion()

    def spoil(self, region: QRegion) -> None:
        """What lies there, in view pixels, is to be drawn again when it is next shown."""
        self._stale += region

    def spoil_all(self) -> None:
        """Everything is to be drawn again."""
        self._image = QImage()

    def renew(self, view: QSize, ratio: float, draw: Callable[[QPainter, QRect], None]) -> None:
        """Draw what is stale.

        Args:
            view: Size in view pixels.
            ratio: Device pixels for a view pixel.
            draw: Fills a rectangle of device pixels, to which the painter is clipped.
        """
        size = QSize(math.ceil(view.width() * ratio), math.ceil(view.height() * ratio))
        if self._image.size() != size or self._ratio != ratio:
            self._image, self._ratio = QImage(size, QImage.Format.Format_RGB32), ratio
            self._stale = QRegion(QRect(QPoint(), view))
        if self._stale.isEmpty():
            return
        painter = QPainter(self._image)
        for part in parts_of(self._stale):
            area = _on_device(part, ratio).intersected(self._image.rect())
            painter.setClipRect(area)
            draw(painter, area)
        painter.end()
        self._stale = QRegion()

    def show(self, painter: QPainter, area: QRect, origin: tuple[int, int]) -> None:
        """Copy what lies in an area of the painter's device.

        Args:
            origin: Where the view begins on that device.
        """
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        painter.drawImage(area.topLeft(), self._image, area.translated(-origin[0], -origin[1]))
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)


def _on_device(part: QRect, ratio: float) -> QRect:
    return QRectF(
        part.x() * ratio, part.y() * ratio, part.width() * ratio, part.height() * ratio
    ).toAlignedRect()
