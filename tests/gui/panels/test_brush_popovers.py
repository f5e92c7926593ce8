"""What opens from the option bar: the stroke and the pen, and the brushes to choose from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLineEdit, QListWidget, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from core.canvas.dynamics import Curve, Sensor
from core.canvas.presets import BrushShelf
from gui.brush_settings import BrushSettings, Target
from gui.canvas.tools.painting import PaintingTool
from gui.panels.brush_popover import BrushPopover
from gui.panels.options import OptionsBar
from gui.panels.preset_popover import PresetPopover
from gui.theme import Theme
from gui.widgets.curve_editor import CurveEditor
from gui.widgets.number_field import NumberField
from tests.helpers.desktop import LEFT


@pytest.fixture
def shelf(tmp_path: Path) -> BrushShelf:
    return BrushShelf(tmp_path / "brushes")


@pytest.fixture
def options(
    qtbot: QtBot, brush: BrushSettings, theme: Theme, shelf: BrushShelf
) -> Iterator[OptionsBar]:
    """The bar with the brush in the hand, a shelf behind it."""
    host = QWidget()
    host.resize(900, 200)
    qtbot.addWidget(host)
    options = OptionsBar(brush, [], host)
    options.use_shelf(shelf)
    options.show_tool(PaintingTool("Brush", brush, Target.PAINT))
    host.show()
    yield options


def shown(widget: QWidget, kind: type[QWidget]) -> set[str]:
    return {w.accessibleName() for w in widget.findChildren(kind) if w.isVisibleTo(widget)}


def button(widget: QWidget, text: str) -> QToolButton | QPushButton:
    kinds = [*widget.findChildren(QToolButton), *widget.findChildren(QPushButton)]
    return next(b for b in kinds if b.text() == text)


@pytest.fixture
def popover(options: OptionsBar) -> BrushPopover:
    options.pen_button.click()
    popover = options.findChild(BrushPopover)
    assert popover is not None
    assert popover.isVisible()
    return popover


def field(widget: QWidget, name: str) -> NumberField:
    return next(f for f in widget.findChildren(NumberField) if f.accessibleName() == name)


@pytest.mark.parametrize("name", ["Flow", "Spacing", "Smoothing"])
def test_the_stroke_can_be_set(popover: BrushPopover, brush: BrushSettings, name: str) -> None:
    field(popover, name).setValue(37)
    assert getattr(brush, name.lower()) == pytest.approx(0.37)
    brush.change(**{name.lower(): 0.21})
    assert field(popover, name).value() == pytest.approx(21)


def test_each_property_follows_the_pen_in_its_own_way(
    popover: BrushPopover, brush: BrushSettings
) -> None:
    editor = popover.findChild(CurveEditor)
    assert editor is not None
    assert editor.isEnabled()  # size follows the pressure from the beginning
    button(popover, "Off").click()
    assert not brush.dynamics.size.is_on
    assert not editor.isEnabled()
    button(popover, "Opacity").click()
    button(popover, "Tilt").click()
    assert brush.dynamics.opacity.is_on
    assert brush.dynamics.opacity.sensor is Sensor.TILT
    curve = Curve(((0.0, 0.4), (1.0, 0.9)))
    editor.edited.emit(curve)
    assert brush.dynamics.opacity.curve == curve
    assert brush.dynamics.size.curve != curve
    button(popover, "Size").click()
    assert editor.curve == brush.dynamics.size.curve


def test_only_what_the_tool_uses_is_shown(options: OptionsBar, brush: BrushSettings) -> None:
    options.pen_button.click()
    popover = options.findChild(BrushPopover)
    assert popover is not None
    assert {"Size", "Opacity", "Flow"} <= shown(popover, QToolButton)
    popover.close()
    options.show_tool(PaintingTool("Denoise", brush, Target.MASK, paints_strength=True))
    assert "Strength" in shown(options, NumberField)
    assert "Opacity" not in shown(options, NumberField)
    options.pen_button.click()
    assert {"Size", "Strength"} <= shown(popover, QToolButton)
    assert not {"Opacity", "Flow"} & shown(popover, QToolButton)
    assert "Flow" not in shown(popover, NumberField)
    popover.close()


def test_the_strength_goes_both_ways(options: OptionsBar, brush: BrushSettings) -> None:
    field(options, "Strength").setValue(15)
    assert brush.strength == pytest.approx(0.15)


# --- brushes to choose from -------------------------------------------------------------------


@pytest.fixture
def presets(options: OptionsBar) -> PresetPopover:
    options.preset_button.click()
    presets = options.findChild(PresetPopover)
    assert presets is not None
    return presets


def listed(presets: PresetPopover) -> list[str]:
    names = presets.findChild(QListWidget)
    assert names is not None
    return [names.item(row).text() for row in range(names.count())]


def choose(presets: PresetPopover, name: str) -> None:
    names = presets.findChild(QListWidget)
    assert names is not None
    item = names.item(listed(presets).index(name))
    names.scrollToItem(item)
    QTest.mouseClick(
        names.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, names.visualItemRect(item).center()
    )


def test_each_brush_is_shown_as_a_stroke(qtbot: QtBot, presets: PresetPopover) -> None:
    names = presets.findChild(QListWidget)
    assert names is not None
    items = [names.item(row) for row in range(names.count())]
    qtbot.waitUntil(lambda: not any(item.icon().isNull() for item in items))
    strokes = [item.icon().pixmap(names.iconSize()).toImage() for item in items]
    assert len({bytes(stroke.constBits()) for stroke in strokes}) == len(items)


def test_a_click_takes_a_brush(
    presets: PresetPopover, options: OptionsBar, brush: BrushSettings
) -> None:
    choose(presets, "Chalk")
    assert not presets.isVisible()
    assert brush.tip is not None
    assert (brush.tip.name, brush.preset) == ("chalk", "Chalk")
    assert options.preset_button.text().startswith("Chalk")
    assert brush.colour == (255, 0, 0)


def test_the_brush_as_it_is_can_be_kept_and_deleted(
    presets: PresetPopover, brush: BrushSettings, shelf: BrushShelf
) -> None:
    brush.change(size=99)
    name = presets.findChild(QLineEdit)
    assert name is not None
    QTest.keyClicks(name, "Mine")
    button(presets, "Save").click()
    assert listed(presets)[-1] == "Mine"
    assert shelf.presets()[-1].size == 99
    assert button(presets, "Delete").isVisibleTo(presets)
    button(presets, "Delete").click()
    assert "Mine" not in listed(presets)
    assert (brush.preset, brush.size) == ("", 99), "no name that is gone, and the same brush"
    assert not button(presets, "Delete").isVisibleTo(presets)


def test_the_brushes_open_at_the_pointer_and_stay_on_the_screen(
    presets: PresetPopover, options: OptionsBar
) -> None:
    presets.hide()
    room = options.screen().availableGeometry()
    options.show_presets(room.topLeft() + QPoint(20, 30))
    assert presets.isVisible()
    assert presets.pos() == room.topLeft() + QPoint(20, 30)
    options.show_presets(room.bottomRight())
    assert room.contains(presets.frameGeometry())


def test_a_name_that_cannot_be_is_said(presets: PresetPopover, options: OptionsBar) -> None:
    said: list[str] = []
    options.refused.connect(said.append)
    name = presets.findChild(QLineEdit)
    assert name is not None
    QTest.keyClicks(name, "a/b")
    button(presets, "Save").click()
    assert "cannot be the name" in said[0]


def test_a_tip_from_a_picture(
    qtbot: QtBot, presets: PresetPopover, options: OptionsBar, brush: BrushSettings, tmp_path: Path
) -> None:
    said: list[str] = []
    options.refused.connect(said.append)
    good, bad = tmp_path / "leaf.png", tmp_path / "bad.png"
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(good)
    bad.write_bytes(good.read_bytes()[:40])
    button(presets, "Tip from a picture…").click()
    dialog = options.window().findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit(str(bad))
    assert brush.tip is None
    assert "bad.png" in said[0]
    dialog.fileSelected.emit(str(good))
    assert brush.tip is not None
    assert brush.preset == "leaf"
    dialog.close()


def test_a_brush_whose_tip_is_damaged_is_refused_when_taken(
    presets: PresetPopover, options: OptionsBar, brush: BrushSettings, shelf: BrushShelf
) -> None:
    said: list[str] = []
    options.refused.connect(said.append)
    brush.change(size=44)
    shelf.keep(brush.as_preset("Broken"))
    file = shelf.own / "Broken.json"
    file.write_text(file.read_text().replace('"tip": ""', '"tip": "gone"'))
    presets.fill()
    brush.change(size=10)
    choose(presets, "Broken")
    assert "gone.png" in said[0]
    assert brush.size == 10
