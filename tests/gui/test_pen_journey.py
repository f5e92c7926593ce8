"""A painter with a pen, in the whole window: presets, pressure, the other end, a line, the mask."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.canvas.document import Document
from core.canvas.presets import BrushShelf
from core.geometry import Size
from gui.main_window import MainWindow
from gui.panels.pen_test import PenTest
from tests.helpers.desktop import Pen
from tests.helpers.studio import studio_at

PRESS, MOVE, RELEASE = (
    QEvent.Type.TabletPress,
    QEvent.Type.TabletMove,
    QEvent.Type.TabletRelease,
)


def swing(window: MainWindow, pen: Pen, y: float, hardest: float = 1.0) -> None:
    """A wave from left to right, pressed hardest in the middle."""
    count = 40
    for i in range(count):
        share = i / (count - 1)
        place = 40 + 220 * share, y + 8 * math.sin(6 * share)
        at = QPointF(*window.canvas.viewport.to_view(*place))
        kind = PRESS if i == 0 else RELEASE if i == count - 1 else MOVE
        pen.send(kind, at, hardest * math.sin(math.pi * share), tilt=(20.0, 10.0))


def paint_of(document: Document) -> np.ndarray:
    return 255 - document.flatten(document.bounds)[..., 1].astype(int)


def test_a_painter_with_a_pen(window: MainWindow, tmp_path: Path) -> None:
    document = Document(Size(300, 200))
    window.canvas.show_document(document)
    shelf = BrushShelf(tmp_path / "brushes")
    window.options.use_shelf(shelf)
    pen, other_end = Pen(window.canvas), Pen(window.canvas, eraser=True)

    # Every brush on the shelf paints a line that is heaviest where it was pressed hardest.
    for preset in shelf.presets():
        window.brush_settings.take(preset, shelf.tip(preset.tip, preset.turns))
        before = paint_of(document)
        swing(window, pen, 60)
        added = paint_of(document) - before
        assert added[:, 120:180].sum() > 1.3 * added[:, 40:100].sum() > 0, preset.name
        document.undo()
        assert np.array_equal(paint_of(document), before)

    # The other end takes it away again, a line at a time.
    window.brush_settings.take(shelf.presets()[0], None)
    swing(window, pen, 60)
    assert document.undo_stack.undo_name == "Brush stroke"
    window.brush_settings.change(size=90)
    swing(window, other_end, 60)
    assert document.undo_stack.undo_name == "Eraser stroke"
    assert document.flatten(document.bounds)[60, 150, 3] == 0

    # The denoise brush paints strength by pressure, and the mask is what the next picture gets.
    window.take_tool("denoise")
    window.brush_settings.change(strength=0.8, size=30)
    swing(window, pen, 150)
    mask = document.mask_pixels(document.bounds)
    assert mask[:, 145:155].max() >= 200 > mask[:, 60].max() > 0
    assert document.undo_stack.undo_name == "Mask stroke"

    # Shift and a touch: a straight line from where the last stroke ended.
    window.take_tool("brush")
    window.brush_settings.change(size=8, hardness=1.0)
    shift = Qt.KeyboardModifier.ShiftModifier
    for y, keys in ((20, Qt.KeyboardModifier.NoModifier), (190, shift)):
        at = QPointF(*window.canvas.viewport.to_view(280, y))
        pen.send(PRESS, at, 1.0, keys=keys)
        pen.send(RELEASE, at, 0.0, keys=keys)
    assert paint_of(document)[22:188, 280].min() > 100


def test_the_brush_is_the_same_at_the_next_start(
    home: Path, qapp: QApplication, qtbot: QtBot
) -> None:
    with studio_at(qapp, qtbot) as person:
        shelf = BrushShelf(person.studio.paths.brushes)
        chalk = next(preset for preset in shelf.presets() if preset.tip == "chalk")
        person.window.brush_settings.take(chalk, shelf.tip("chalk", turns=True))
        person.window.brush_settings.change(size=61, strength=0.25)
        file = person.studio.paths.settings_file
    assert json.loads(file.read_text())["brush"]["size"] == 61
    with studio_at(qapp, qtbot) as person:
        brush = person.window.brush_settings
        assert (brush.size, brush.strength, brush.preset) == (61, 0.25, chalk.name)
        assert brush.tip is not None
        assert brush.dynamics == chalk.dynamics
        person.do("pen_test")
        test = person.window.findChild(PenTest)
        assert test is not None
        assert not test.isModal()
        test.close()
