"""What is cut or copied on the canvas, and where it comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QMimeData, QPointF
from PySide6.QtGui import QGuiApplication, QImage

from core.geometry import Rect, Size
from gui.images import to_qimage

if TYPE_CHECKING:
    from core.request import Pixels

PLACE = "application/x-sfumato-place"
"""Left and top on the canvas, as in ``12,-3``; other programs leave it alone."""


def put_on_clipboard(pixels: Pixels, rect: Rect) -> None:
    """Offer a piece of the picture.

    Args:
        pixels: uint8 (h, w, 4), premultiplied.
        rect: Where it lies on the canvas.
    """
    content = QMimeData()
    content.setImageData(to_qimage(pixels))
    content.setData(PLACE, QByteArray(f"{rect.x},{rect.y}".encode()))
    QGuiApplication.clipboard().setMimeData(content)


def place_of(content: QMimeData, canvas: Size) -> QPointF | None:
    """The middle of where a piece was; None if it has no place, or would not be seen there."""
    image = content.imageData() if content.hasFormat(PLACE) else None
    if not isinstance(image, QImage):
        return None
    written = bytes(content.data(PLACE).data()).decode("ascii", "replace")
    try:
        x, y = map(int, written.split(","))
    except ValueError:  # somebody else's, or damaged
        return None
    rect = Rect(x, y, image.width(), image.height())
    if rect.intersected(Rect.of_size(canvas)).is_empty:
        return None
    return QPointF(x + rect.width / 2, y + rect.height / 2)
