"""The only place where image arrays become QImages and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

if TYPE_CHECKING:
    from core.request import Pixels


def to_qimage(pixels: Pixels) -> QImage:
    """A QImage of its own bytes.

    Args:
        pixels: uint8, of shape (H, W) grey, (H, W, 3) RGB or (H, W, 4) premultiplied RGBA.
    """
    return view_of(pixels).copy()


def view_of(pixels: Pixels) -> QImage:
    """A QImage on the array's own memory: keep the array alive as long as the image is used.

    Args:
        pixels: as for `to_qimage`, each row contiguous.
    """
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    layout = {
        1: QImage.Format.Format_Grayscale8,
        3: QImage.Format.Format_RGB888,
        4: QImage.Format.Format_RGBA8888_Premultiplied,
    }[channels]
    if not pixels.flags.c_contiguous:
        pixels = pixels.copy()
        return QImage(pixels.data, width, height, width * channels, layout).copy()
    return QImage(pixels.data, width, height, pixels.strides[0], layout)


def from_qimage(image: QImage) -> Pixels:
    """uint8 array of shape (H, W, 4), straight alpha, of its own memory."""
    import numpy as np

    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return rows[:, : image.width() * 4].reshape(image.height(), image.width(), 4).copy()


def seen_through(image: QImage, mask: Pixels) -> QImage:
    """`image` scaled to the mask's size and transparent where the mask is 0.

    Args:
        mask: uint8 of shape (H, W); anything but 0 shows the image.
    """
    height, width = mask.shape
    scaled = image.scaled(
        width,
        height,
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    ).convertToFormat(QImage.Format.Format_RGB32)
    scaled.setAlphaChannel(to_qimage((mask > 0).astype(mask.dtype) * 255))
    return scaled
