from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage

from gui.images import from_qimage, seen_through, to_qimage, view_of
from tests.helpers.results import noise


@pytest.mark.parametrize("size", [(5, 7), (1, 1), (64, 33)])
@pytest.mark.parametrize("channels", [None, 3, 4])
def test_pixels_survive_the_way_to_qt_and_back(size: tuple[int, int], channels: int | None) -> None:
    pixels = noise(1, *size) if channels is None else noise(1, *size, channels)
    if channels == 4:
        pixels[..., 3] = 255
    back = from_qimage(to_qimage(pixels))
    expected = pixels[..., None].repeat(3, 2) if channels is None else pixels[..., :3]
    assert np.array_equal(back[..., :3], expected)
    assert (back[..., 3] == 255).all()


def test_an_image_has_its_own_bytes() -> None:
    pixels = np.zeros((2, 2, 3), np.uint8)
    image = to_qimage(pixels)
    pixels[:] = 255
    assert image.pixelColor(0, 0) == QColor("black")


def test_a_view_shares_the_arrays_bytes() -> None:
    pixels = np.zeros((2, 3, 4), np.uint8)
    image = view_of(pixels)
    pixels[:] = 255
    assert image.pixelColor(2, 1) == QColor("white")


def test_a_part_of_an_array_is_shown_rightly() -> None:
    whole = noise(2, 20, 20, 3)
    assert np.array_equal(from_qimage(view_of(whole[3:9, 4:11]))[..., :3], whole[3:9, 4:11])


def test_every_format_of_qt_comes_in() -> None:
    image = QImage(3, 2, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(QColor(200, 100, 50, 128))
    pixels = from_qimage(image)
    assert pixels.shape == (2, 3, 4)
    assert np.allclose(pixels[0, 0].astype(int), (200, 100, 50, 128), atol=2)


def test_seen_through_a_mask() -> None:
    mask = np.zeros((8, 8), np.uint8)
    mask[:, 4:] = 255
    mask[:, 6:] = 128
    shown = seen_through(to_qimage(np.full((2, 2, 3), 200, np.uint8)), mask)
    assert (shown.width(), shown.height()) == (8, 8)
    assert [shown.pixelColor(x, 3).alpha() for x in (0, 4, 7)] == [0, 255, 255]
    assert shown.pixelColor(4, 3).red() == 200
