from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from gui.canvas.tools.painting import BrushSettings
from gui.panels.options import OptionsBar
from gui.theme import Theme
from gui.widgets.colour_popover import ColourPopover
from gui.widgets.number_field import NumberField
from gui.widgets.swatch import Swatch, SwatchPair


@pytest.fixture
def options(qtbot: QtBot, brush: BrushSettings, theme: Theme) -> OptionsBar:
    options = OptionsBar(brush, [])
    qtbot.addWidget(options)
    options.show()
    return options


def field(options: OptionsBar, name: str) -> NumberField:
    return next(f for f in options.findChildren(NumberField) if f.accessibleName() == name)


@pytest.mark.parametrize(
    ("name", "attribute", "shown", "value"),
    [
        ("Brush size", "size", 120, 120),
        ("Hardness", "hardness", 35, 0.35),
        ("Opacity", "opacity", 60, 0.6),
    ],
)
def test_a_setting_goes_both_ways(
    options: OptionsBar, brush: BrushSettings, name: str, attribute: str, shown: int, value: float
) -> None:
    brush.change(**{attribute: value})
    assert field(options, name).value() == pytest.approx(shown)
    field(options, name).setValue(shown + 5)
    scale = 1 if attribute == "size" else 100
    assert getattr(brush, attribute) == pytest.approx((shown + 5) / scale)


def test_showing_does_not_round_the_setting(options: OptionsBar, brush: BrushSettings) -> None:
    brush.change(size=12.6, hardness=0.333)
    assert (brush.size, brush.hardness) == (12.6, 0.333)


def write(field: QLineEdit, text: str) -> None:
    """Type it, Enter, and close what the field is in."""
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)
    field.window().close()


def test_the_swatch_shows_the_colour_and_changes_it(
    qtbot: QtBot, brush: BrushSettings, theme: Theme
) -> None:
    swatch = Swatch(brush)
    qtbot.addWidget(swatch)
    swatch.show()
    brush.change(colour=(10, 200, 30))
    assert swatch.grab().toImage().pixelColor(12, 12) == QColor(10, 200, 30)
    QTest.mouseClick(swatch, Qt.MouseButton.LeftButton)
    written = swatch.findChild(ColourPopover).findChild(QLineEdit)
    assert written.text() == "#0ac81e"
    write(written, "#010203")
    assert brush.colour == (1, 2, 3)


def test_the_second_colour_lies_behind_the_first(qtbot: QtBot, brush: BrushSettings) -> None:
    pair = SwatchPair(brush)
    qtbot.addWidget(pair)
    pair.show()
    brush.change(colour=(10, 200, 30), background=(20, 30, 250))
    seen = pair.grab().toImage()
    assert seen.pixelColor(8, 8) == QColor(10, 200, 30)
    assert seen.pixelColor(pair.width() - 5, pair.height() - 5) == QColor(20, 30, 250)
    second = pair.findChildren(Swatch)[0]
    assert "Second colour" in second.accessibleName()
    QTest.mouseClick(second, Qt.MouseButton.LeftButton)
    write(second.findChild(ColourPopover).findChild(QLineEdit), "010203")
    assert (brush.colour, brush.background) == ((10, 200, 30), (1, 2, 3))
