"""A batch while it emerges: every picture of it in the shape of the frame."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage

from core.request import Pixels
from core.result import PreviewFrame
from gui.canvas.contact_sheet import SIDE, contact_sheet, preview_image
from gui.images import to_qimage

GROUND = QColor("#1d1d20")
COLOURS = ((250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0), (0, 250, 250), (250, 0, 250))


def plain(number: int, width: int = 64, height: int = 64) -> Pixels:
    return np.full((height, width, 3), COLOURS[number], np.uint8)


def colour_at(sheet: QImage, x: float, y: float) -> QColor:
    return sheet.pixelColor(round(x * sheet.width()), round(y * sheet.height()))


def sheet_of(count: int, **size: int) -> QImage:
    return contact_sheet([to_qimage(plain(number, **size)) for number in range(count)], GROUND)


@pytest.mark.parametrize(
    ("count", "places"),
    [
        (2, [(0.25, 0.5), (0.75, 0.5)]),
        (3, [(0.25, 0.25), (0.75, 0.25), (0.5, 0.75)]),
        (4, [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)]),
        (5, [(0.17, 0.33), (0.5, 0.33), (0.83, 0.33), (0.33, 0.66), (0.66, 0.66)]),
    ],
)
def test_pictures_stand_row_by_row_and_in_the_middle(
    count: int, places: list[tuple[float, float]]
) -> None:
    sheet = sheet_of(count)
    for number, place in enumerate(places):
        assert colour_at(sheet, *place) == QColor(*COLOURS[number])
    assert colour_at(sheet, 0.001, 0.001) == GROUND


def test_two_leave_the_ground_above_and_below() -> None:
    sheet = sheet_of(2)
    assert colour_at(sheet, 0.25, 0.1) == colour_at(sheet, 0.75, 0.9) == GROUND


def test_sheet_has_the_shape_of_its_pictures() -> None:
    sheet = sheet_of(4, width=96, height=64)
    assert (sheet.width(), sheet.height()) == (SIDE, SIDE * 64 // 96)


def test_one_picture_is_seen_through_the_mask_and_several_are_not() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[:, 32:] = 255
    alone = preview_image(PreviewFrame("a", 1, plain(0)), mask, GROUND)
    assert alone.pixelColor(10, 10).alpha() == 0
    assert alone.pixelColor(50, 10) == QColor(*COLOURS[0])
    both = preview_image(PreviewFrame("a", 1, plain(0), (plain(1),)), mask, GROUND)
    assert not both.hasAlphaChannel()
    assert preview_image(PreviewFrame("a", 1, plain(0)), None, GROUND).width() == 64
