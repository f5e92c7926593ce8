"""Small pictures side by side in the shape of one: a batch while it emerges in its frame."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from core.request import Pixels
from core.result import PreviewFrame
from gui.images import seen_through, to_qimage

SIDE = 768
"""Pixels of the sheet's longer side; the pictures on it are previews."""
GAP = 1 / 64
"""Of the sheet's width, between two pictures and around them."""


def preview_image(frame: PreviewFrame, mask: Pixels | None, ground: QColor) -> QImage:
    """A preview as it stands in its frame: of a batch all pictures, on a ground of that colour.

    Args:
        mask: uint8 (h, w); one picture alone is seen only where it is not 0. None shows all of it.
    """
    images = [to_qimage(each) for each in (frame.image, *frame.others)]
    if len(images) > 1:
        return contact_sheet(images, ground)
    return images[0] if mask is None else seen_through(images[0], mask)


def contact_sheet(images: Sequence[QImage], ground: QColor) -> QImage:
    """Pictures of one size on a ground, row by row, in the shape of each of them.

    Rows that are not full stand in the middle, and so do all rows where there are few.
    """
    across = math.ceil(math.sqrt(len(images)))
    width, height = images[0].width(), images[0].height()
    scale = SIDE / max(width, height)
    sheet = QImage(round(width * scale), round(height * scale), QImage.Format.Format_RGB32)
    sheet.fill(ground)
    painter = QPainter(sheet)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    for image, place in zip(images, _places(len(images), across, sheet), strict=True):
        fitted = image.scaled(
            place.size().toSize(),
            Qt.AspectRatioMode.IgnoreAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        painter.drawImage(place.topLeft(), fitted)
    painter.end()
    return sheet


def _places(count: int, across: int, sheet: QImage) -> list[QRectF]:
    gap = sheet.width() * GAP
    width = (sheet.width() - gap * (across + 1)) / across
    height = (sheet.height() - gap * (across + 1)) / across
    down = -(-count // across)
    top = (sheet.height() - down * height - (down - 1) * gap) / 2
    places = []
    for number in range(count):
        line, column = divmod(number, across)
        in_line = min(across, count - line * across)
        left = (sheet.width() - in_line * width - (in_line - 1) * gap) / 2
        x, y = left + column * (width + gap), top + line * (height + gap)
        places.append(QRectF(round(x), round(y), round(width), round(height)))
    return places
