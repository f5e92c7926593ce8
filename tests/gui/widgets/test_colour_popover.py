"""A colour is chosen by eye, in figures, or among those painted with last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from core.canvas.document import Document
from core.canvas.presets import BrushShelf
from core.geometry import Size
from gui.brush_settings import MOST_RECENT, BrushSettings
from gui.canvas.tools.filling import BucketTool
from gui.canvas.tools.painting import PaintingTool, Target
from gui.canvas.tools.selecting import SelectionSettings
from gui.theme import Theme
from gui.widgets.colour_field import KNOB, ColourChip, HueBar, ShadeSquare
from gui.widgets.colour_popover import SQUARE, WIDTH, ColourPopover
from gui.widgets.number_field import NumberField
from tests.gui.conftest import Easel
from tests.helpers.desktop import LEFT


@pytest.fixture
def popover(qtbot: QtBot, theme: Theme, brush: BrushSettings) -> Iterator[ColourPopover]:
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.show()
    popover = ColourPopover(brush, "colour", "Colour of the brush", parent)
    popover.show()
    yield popover
    popover.close()
    assert popover.parent() is parent


def part(popover: ColourPopover, name: str) -> NumberField:
    return next(f for f in popover.findChildren(NumberField) if f.accessibleName() == name)


def test_the_square_goes_from_white_to_the_hue_and_down_to_black(
    popover: ColourPopover, brush: BrushSettings
) -> None:
    square = popover.findChild(ShadeSquare)
    for place, colour in (
        (QPoint(KNOB, KNOB), (255, 255, 255)),
        (QPoint(KNOB + WIDTH, KNOB), (255, 0, 0)),
        (QPoint(0, 900), (0, 0, 0)),
        (QPoint(900, -5), (255, 0, 0)),
        (QPoint(KNOB + WIDTH, KNOB + (SQUARE - 2 * KNOB) // 2), (128, 0, 0)),
    ):
        QTest.mousePress(square, LEFT, pos=place)
        QTest.mouseRelease(square, LEFT, pos=place)
        assert brush.colour == colour


def test_a_hue_can_be_chosen_while_the_colour_is_black(
    popover: ColourPopover, brush: BrushSettings
) -> None:
    brush.change(colour=(0, 0, 0))
    bar, square = popover.findChild(HueBar), popover.findChild(ShadeSquare)
    QTest.mouseClick(bar, LEFT, pos=QPoint(KNOB + WIDTH // 3, 8))
    assert brush.colour == (0, 0, 0)
    QTest.mouseClick(square, LEFT, pos=QPoint(900, 0))
    red, green, blue = brush.colour
    assert (red < 5, green, blue < 5) == (True, 255, True)


def test_the_arrow_keys_choose_too(popover: ColourPopover, brush: BrushSettings) -> None:
    square = popover.findChild(ShadeSquare)
    QTest.keyClick(square, Qt.Key.Key_Left)
    assert brush.colour == (255, 5, 5)
    QTest.keyClick(square, Qt.Key.Key_Down)
    assert brush.colour == (250, 5, 5)


def test_figures_are_shown_and_taken(popover: ColourPopover, brush: BrushSettings) -> None:
    brush.change(colour=(10, 20, 30))
    assert [part(popover, name).value() for name in ("Red", "Green", "Blue")] == [10, 20, 30]
    part(popover, "Green").setValue(200)
    assert brush.colour == (10, 200, 30)
    assert popover.findChild(QLineEdit).text() == "#0ac81e"


@pytest.mark.parametrize("nonsense", ["", "#12", "red", "#0a0b0c0d", "zzz"])
def test_what_is_no_colour_changes_nothing(
    popover: ColourPopover, brush: BrushSettings, nonsense: str
) -> None:
    written = popover.findChild(QLineEdit)
    written.setText("")
    QTest.keyClicks(written, nonsense)
    QTest.keyClick(written, Qt.Key.Key_Return)
    assert brush.colour == (255, 0, 0)
    assert written.text() == "#ff0000"


def test_what_was_painted_with_is_offered_again(
    popover: ColourPopover, brush: BrushSettings, canvas: Easel
) -> None:
    assert not popover.findChildren(ColourChip)
    for tool, colour in (
        (PaintingTool("Brush", brush, Target.PAINT), (0, 0, 255)),
        (BucketTool(brush, SelectionSettings(canvas)), (0, 255, 0)),
        (PaintingTool("Brush", brush, Target.PAINT), (0, 0, 255)),
        (PaintingTool("Eraser", brush, None), (1, 1, 1)),
        (PaintingTool("Mask brush", brush, Target.MASK), (2, 2, 2)),
    ):
        brush.change(colour=colour)
        canvas.take_tool(tool)
        QTest.mouseClick(canvas, LEFT, pos=canvas.at(30, 30))
    chips = popover.findChildren(ColourChip)
    assert [chip.colour for chip in chips] == [(0, 0, 255), (0, 255, 0)]
    chips[1].click()
    assert brush.colour == (0, 255, 0)


def test_a_bucket_of_mask_remembers_no_colour(canvas: Easel, brush: BrushSettings) -> None:
    settings = SelectionSettings(canvas)
    settings.fills_mask = True
    canvas.show_document(Document(Size(64, 64)))
    canvas.take_tool(BucketTool(brush, settings))
    QTest.mouseClick(canvas, LEFT, pos=canvas.at(30, 30))
    assert brush.recent == ()


def test_recent_colours_outlast_the_program(brush: BrushSettings, tmp_path: Path) -> None:
    for number in range(MOST_RECENT + 3):
        brush.change(colour=(number, 0, 0))
        brush.remember_colour()
    assert [red for red, *_ in brush.recent] == [*range(MOST_RECENT + 2, 2, -1)]
    again = BrushSettings()
    again.restore(brush.to_dict(), BrushShelf(tmp_path))
    assert again.recent == brush.recent


@pytest.mark.parametrize("wrong", [3, [4], ["red"], [[1, 2]], [[1, 2, 999]], None])
def test_a_record_of_no_colours_is_left_out(
    brush: BrushSettings, tmp_path: Path, wrong: object
) -> None:
    brush.restore(brush.to_dict() | {"recent": wrong}, BrushShelf(tmp_path))
    assert brush.recent == ()
