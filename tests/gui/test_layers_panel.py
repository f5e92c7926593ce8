"""The layers panel on a real window: rows, keys, mouse, menu, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QModelIndex, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QContextMenuEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from core.canvas import layering
from core.canvas.blend_modes import BlendMode
from core.canvas.document import Document
from core.canvas.layers import Layer
from core.geometry import Rect, Size
from core.settings import Paths
from gui.background import Background
from gui.documents import DocumentController
from gui.layers import LayerController
from gui.main_window import MainWindow
from gui.panels.dock import ROOM_FOR_BOTH
from gui.panels.layer_list import LayerList
from gui.panels.layer_rows import Part, part_rect, spoken
from gui.panels.layers import MODES
from gui.sampling import Sampling
from gui.selecting import SelectionController
from gui.widgets.number_field import NumberField
from tests.helpers.desktop import drag

LEFT = Qt.MouseButton.LeftButton
NO_KEYS = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier


class Desk:
    """A window whose layers panel belongs to a document of three layers."""

    def __init__(
        self, window: MainWindow, sampling: Sampling, paths: Paths, background: Background
    ) -> None:
        self.window = window
        self.documents = DocumentController(window.canvas, window.messages, sampling, paths, window)
        self.layers = LayerController(window, self.documents)
        generation: Any = QObject(window)  # no picture waits
        self.selecting = SelectionController(window, self.documents, generation, background)
        document = Document(Size(96, 64))
        for name, value in (("middle", 200), ("top", 90)):
            pixels = np.full((40, 40, 3), value, np.uint8)
            document.place_image(pixels, Rect(4, 4, 40, 40), name)
        self.documents.show(document)
        window.dock.choose("layers")
        QApplication.processEvents()

    @property
    def document(self) -> Document:
        return self.documents.document

    @property
    def list(self) -> LayerList:
        return self.window.layers.list

    @property
    def active(self) -> str:
        return self.document.active_layer.name

    @property
    def highlighted(self) -> str:
        """The name of the row that is drawn as chosen; a missing one fails."""
        (row,) = self.list.selectionModel().selectedIndexes()
        return str(row.data())

    @property
    def message(self) -> str:
        return self.window.messages.text

    def names(self) -> list[str]:
        return [layer.name for layer in self.document.layers]

    def layer(self, name: str) -> Layer:
        return next(layer for layer in self.document.layers if layer.name == name)

    def row(self, name: str) -> QRect:
        index = self.list.rows.index(self.list.rows.row_of(self.layer(name)))
        return self.list.visualRect(index)

    def click(self, name: str, part: Part | None = None, keys: Any = NO_KEYS) -> None:
        row = self.row(name)
        at = row.center() if part is None else part_rect(row, part).center()
        QTest.mouseClick(self.list.viewport(), LEFT, keys, at)

    def key(self, key: Qt.Key) -> None:
        QTest.keyClick(self.list, key)

    def do(self, action: str) -> None:
        self.window.actions_by_name[action].trigger()

    def stroke(self, tool: str = "brush") -> None:
        self.window.take_tool(tool)
        view = self.window.canvas.viewport
        points = [QPoint(*map(round, view.to_view(x, 20))) for x in (10, 30)]
        drag(self.window.canvas, points)


@pytest.fixture
def desk(
    window: MainWindow, sampling: Sampling, home: object, background: Background, qtbot: QtBot
) -> Iterator[Desk]:
    paths = Paths.find()
    paths.make()
    yield Desk(window, sampling, paths, background)


# --- what is shown ----------------------------------------------------------------------------


def test_the_topmost_layer_is_the_first_row_and_the_active_one_is_chosen(desk: Desk) -> None:
    rows = desk.list.rows
    assert [rows.data(rows.index(row)) for row in range(3)] == ["top", "middle", "Background"]
    assert desk.list.currentIndex().row() == 0
    layering.set_visible(desk.document, desk.layer("middle"), False)
    desk.document.active_layer = desk.layer("middle")
    assert desk.list.currentIndex().row() == 1
    assert rows.data(rows.index(1), Qt.ItemDataRole.AccessibleTextRole) == "middle, hidden"


def test_a_row_says_what_is_special_about_its_layer(desk: Desk) -> None:
    layer = desk.layer("top")
    assert spoken(layer) == "top"
    layering.set_blend_mode(desk.document, layer, BlendMode.MULTIPLY)
    layering.set_opacity(desk.document, layer, 0.8)
    layering.set_locked(desk.document, layer, True)
    assert spoken(layer) == "top, Multiply · 80 %, locked"


def test_blend_mode_and_opacity_are_those_of_the_active_layer(desk: Desk) -> None:
    mode = desk.window.layers.findChild(QComboBox)
    opacity = desk.window.layers.findChild(NumberField)
    assert mode is not None
    assert opacity is not None
    layering.set_blend_mode(desk.document, desk.layer("middle"), BlendMode.LUMINOSITY)
    layering.set_opacity(desk.document, desk.layer("middle"), 0.25)
    assert (mode.currentText(), opacity.value()) == ("Normal", 100)
    desk.click("middle")
    assert desk.active == "middle"
    assert (mode.currentText(), opacity.value()) == ("Luminosity", 25)


def test_every_mode_of_the_room_can_be_chosen() -> None:
    assert {value for value, _ in MODES} == {mode.value for mode in BlendMode}


# --- keys of the tools, and the menu of a row ---------------------------------------------------


def test_the_keys_of_tools_work_in_the_panel_and_choose_no_layer(desk: Desk) -> None:
    desk.click("top")
    for key, tool in ((Qt.Key.Key_M, "mask"), (Qt.Key.Key_B, "brush"), (Qt.Key.Key_E, "eraser")):
        desk.key(key)
        assert desk.window.actions_by_name[tool].isChecked()
        assert desk.active == "top"


def test_a_layer_chosen_with_the_mouse_leaves_the_keys_to_the_canvas(desk: Desk) -> None:
    desk.window.generation.focus_prompt()
    desk.click("middle")
    assert desk.window.canvas.hasFocus()
    desk.list.setFocus()
    desk.click("middle", Part.EYE)
    assert not desk.layer("middle").visible
    assert desk.window.canvas.hasFocus()
    row = desk.row("top").center()
    QTest.mouseClick(desk.list.viewport(), LEFT, pos=row)
    QTest.mouseDClick(desk.list.viewport(), LEFT, pos=row)
    editor = desk.list.findChild(QLineEdit)
    assert editor is not None
    assert editor.hasFocus()


def test_a_mode_chosen_with_the_mouse_leaves_the_keys_to_the_canvas(desk: Desk) -> None:
    mode = desk.window.layers.findChild(QComboBox)
    assert mode is not None
    desk.window.generation.focus_prompt()
    QTest.mouseClick(mode, LEFT)
    row = mode.view().visualRect(mode.model().index(1, 0)).center()
    QTest.mouseMove(mode.view().viewport(), row)
    QTest.mouseClick(mode.view().viewport(), LEFT, pos=row)
    mode.hidePopup()
    assert desk.window.canvas.hasFocus()


def test_the_lists_own_keys_come_before_those_of_the_tools(desk: Desk) -> None:
    desk.window.take_tool("brush")
    desk.click("top")
    desk.list.setFocus()
    desk.key(Qt.Key.Key_L)
    assert desk.layer("top").locked
    assert desk.window.actions_by_name["brush"].isChecked()


def test_enter_in_a_field_gives_the_keys_back_to_the_canvas(desk: Desk) -> None:
    for panel in (desk.window.layers, desk.window.options):
        field = panel.findChild(NumberField)
        assert field is not None
        field.setFocus()
        QTest.keyClicks(field.lineEdit(), "50")
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert desk.window.canvas.hasFocus()


@pytest.mark.parametrize("reason", list(QContextMenuEvent.Reason)[:2])
def test_a_row_has_a_menu(desk: Desk, reason: QContextMenuEvent.Reason) -> None:
    desk.click("middle")
    at = desk.row("middle").center()
    ask = QContextMenuEvent(reason, at, desk.list.viewport().mapToGlobal(at))
    QApplication.sendEvent(desk.list.viewport(), ask)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    names = {action.objectName() for action in menu.actions()}
    assert {"layer_rename", "layer_merge", "layer_alone", "select_layer"} < names
    menu.close()


def image_at(desk: Desk, name: str) -> QImage:
    rows = desk.list.rows
    index = rows.index(rows.row_of(desk.layer(name)))
    image = rows.data(index, Qt.ItemDataRole.DecorationRole)
    assert isinstance(image, QImage)
    return image


def test_thumbnails_follow_the_paint_when_it_rests(desk: Desk, qtbot: QtBot) -> None:
    assert image_at(desk, "top").pixelColor(5, 5).red() == 90
    assert image_at(desk, "top").size().toTuple() == (64, 43)
    before = image_at(desk, "Background")
    layering.clear_layer(desk.document, desk.layer("top"))
    assert image_at(desk, "top").pixelColor(5, 5).red() == 90  # not at every change
    qtbot.waitUntil(lambda: image_at(desk, "top").pixelColor(5, 5).alpha() == 0)
    assert image_at(desk, "Background") is before


def test_a_large_layers_thumbnail_is_its_picture() -> None:
    document = Document(Size(3000, 1500))
    pixels = np.zeros((1500, 1500, 3), np.uint8)
    layer = document.place_image(pixels, Rect(1500, 0, 1500, 1500), "half")
    small = layer.thumbnail(64)
    assert small.shape == (32, 64, 4)
    assert (small[:, 33:] == (0, 0, 0, 255)).all()
    assert not small[:, :31].any()


# --- what is done -----------------------------------------------------------------------------


def test_choosing_a_row_is_where_the_paint_goes(desk: Desk) -> None:
    desk.click("Background")
    before = desk.layer("Background").surface.read(desk.document.bounds)
    desk.stroke()
    assert desk.document.undo_stack.undo_name == "Brush stroke"
    assert not np.array_equal(desk.layer("Background").surface.read(desk.document.bounds), before)


def test_eye_and_lock_are_clicked_without_choosing_the_row(desk: Desk) -> None:
    desk.click("middle", Part.EYE)
    assert not desk.layer("middle").visible
    desk.click("middle", Part.LOCK)
    assert desk.layer("middle").locked
    assert desk.active == "top"
    desk.document.undo()
    assert not desk.layer("middle").locked


@pytest.mark.parametrize("keys", [ALT, SHIFT])
def test_an_eye_shows_a_layer_alone_and_then_all(desk: Desk, keys: Any) -> None:
    desk.click("middle", Part.EYE, keys)
    assert [layer.visible for layer in desk.document.layers] == [False, True, False]
    assert desk.active == desk.highlighted == "top"
    desk.click("middle", Part.EYE, keys)
    assert all(layer.visible for layer in desk.document.layers)


def test_ctrl_and_a_click_on_a_thumbnail_select_what_the_layer_covers(desk: Desk) -> None:
    desk.click("middle", Part.THUMBNAIL)
    assert desk.document.selection.surface is None
    assert desk.active == "middle", "without Ctrl it chooses the row"
    desk.click("top", Part.THUMBNAIL, CTRL)
    assert desk.active == desk.highlighted == "middle"
    assert selected(desk) == 40 * 40
    desk.click("Background", Part.THUMBNAIL, CTRL | SHIFT)
    assert selected(desk) == 96 * 64
    desk.click("top", Part.THUMBNAIL, CTRL | ALT)
    assert selected(desk) == 96 * 64 - 40 * 40
    for part in (Part.THUMBNAIL, None):
        desk.click("middle", part, CTRL)
        assert desk.active == desk.highlighted == "middle"
    layering.add_layer(desk.document, "empty")
    desk.click("empty", Part.THUMBNAIL, CTRL)
    assert "is empty; there is nothing to select" in desk.message


def selected(desk: Desk) -> int:
    """How many pixels are selected."""
    surface = desk.document.selection.surface
    assert surface is not None
    return int((surface.read(desk.document.bounds) == 255).sum())


def test_a_name_is_typed_in_the_row(desk: Desk) -> None:
    desk.click("top")
    QTest.mouseDClick(desk.list.viewport(), LEFT, pos=desk.row("top").center())
    field = desk.list.findChild(QLineEdit)
    assert field is not None
    assert field.text() == "top"
    QTest.keyClicks(field, "apple")
    QTest.keyClick(field, Qt.Key.Key_Return)
    QApplication.processEvents()  # Qt takes the name over in its own time
    assert desk.names() == ["Background", "middle", "apple"]
    assert desk.document.undo_stack.undo_name == "Rename layer"


def test_the_list_by_keyboard(desk: Desk) -> None:
    desk.list.setFocus()
    desk.key(Qt.Key.Key_Down)
    assert desk.active == "middle"
    desk.key(Qt.Key.Key_Space)
    assert not desk.layer("middle").visible
    desk.key(Qt.Key.Key_L)
    assert desk.layer("middle").locked
    desk.key(Qt.Key.Key_L)
    desk.key(Qt.Key.Key_Delete)
    assert desk.names() == ["Background", "top"]


def dropped(desk: Desk, source: int, before: int) -> list[str]:
    """Drag the row `source` and let it go before the row `before`; -1 is below all."""
    rows = desk.list.rows
    content = rows.mimeData([rows.index(source)])
    move = Qt.DropAction.MoveAction
    rows.dropMimeData(content, move, before, 0, QModelIndex())
    return list(reversed(desk.names()))


@pytest.mark.parametrize(
    ("source", "before", "expected"),
    [
        (0, 2, ["middle", "top", "Background"]),
        (0, -1, ["middle", "Background", "top"]),
        (0, 3, ["middle", "Background", "top"]),
        (2, 0, ["Background", "top", "middle"]),
        (1, 1, ["top", "middle", "Background"]),
        (1, 2, ["top", "middle", "Background"]),
    ],
)
def test_rows_are_dragged(desk: Desk, source: int, before: int, expected: list[str]) -> None:
    assert dropped(desk, source, before) == expected


def test_the_menu_does_it_too(desk: Desk) -> None:
    desk.do("layer_new")
    assert desk.names() == ["Background", "middle", "top", "Layer 4"]
    desk.do("layer_down")
    desk.do("layer_below")
    desk.do("layer_duplicate")
    assert desk.names() == ["Background", "middle", "middle copy", "Layer 4", "top"]
    assert desk.active == "middle copy"
    desk.do("layer_merge")
    desk.do("layer_above")
    desk.do("layer_up")
    assert desk.names() == ["Background", "middle", "top", "Layer 4"]
    desk.do("layer_delete")
    desk.do("layer_flatten")
    assert desk.names() == ["Background"]
    desk.do("layer_clear")
    assert not desk.document.flatten(desk.document.bounds).any()


def test_what_cannot_be_done_is_off(desk: Desk) -> None:
    actions = desk.window.actions_by_name
    assert not actions["layer_up"].isEnabled()
    assert actions["layer_merge"].isEnabled()
    desk.document.active_layer = desk.layer("Background")
    assert actions["layer_up"].isEnabled()
    assert not actions["layer_merge"].isEnabled()
    desk.do("layer_flatten")
    assert not actions["layer_delete"].isEnabled()


def test_the_fields_change_the_active_layer(desk: Desk) -> None:
    mode = desk.window.layers.findChild(QComboBox)
    opacity = desk.window.layers.findChild(NumberField)
    assert mode is not None
    assert opacity is not None
    mode.setFocus()
    QTest.keyClicks(mode, "Mul")
    opacity.setValue(40)
    opacity.setValue(30)
    layer = desk.layer("top")
    assert (layer.blend_mode, layer.opacity) == (BlendMode.MULTIPLY, 0.3)
    desk.document.undo()
    assert (layer.blend_mode, layer.opacity) == (BlendMode.MULTIPLY, 1.0)
    assert opacity.value() == 100


def test_another_document_shows_its_own_layers(desk: Desk) -> None:
    before = desk.document
    desk.documents.show(Document(Size(32, 32)))
    assert desk.list.rows.rowCount() == 1
    layering.add_layer(before)
    assert desk.list.rows.rowCount() == 1


# --- why nothing happens ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (layering.set_locked, "The layer “top” is locked. Unlock it to change it."),
        (layering.set_visible, "The layer “top” is hidden. Show it to paint on it."),
    ],
    ids=["locked", "hidden"],
)
def test_painting_on_a_locked_or_hidden_layer_says_why_not(
    desk: Desk, change: object, why: str
) -> None:
    change(desk.document, desk.layer("top"), change is layering.set_locked)  # type: ignore[operator]
    steps = desk.document.undo_stack.position
    desk.stroke()
    assert desk.message == why
    desk.stroke("eraser")
    assert desk.document.undo_stack.position is steps
    said = [action.text() for action in desk.window.messages.past_menu(desk.window).actions()]
    assert len([line for line in said if why in line]) == 1
    desk.stroke("mask")
    assert desk.document.undo_stack.undo_name == "Mask stroke"


def test_what_a_lock_forbids_is_said(desk: Desk) -> None:
    layering.set_locked(desk.document, desk.layer("top"), True)
    desk.do("layer_delete")
    assert desk.message == "The layer “top” is locked. Unlock it to change it."
    assert len(desk.document.layers) == 3


# --- where it is ------------------------------------------------------------------------------


def test_a_low_window_shows_one_panel_and_a_high_one_both(desk: Desk) -> None:
    window = desk.window
    assert window.layers.isVisible()
    assert not window.generation.isVisible()
    desk.do("prompt")
    assert window.generation.isVisible()
    assert not window.layers.isVisible()
    desk.do("layer_rename")
    assert window.layers.isVisible()
    window.dock.resize(window.dock.width(), ROOM_FOR_BOTH)
    assert window.layers.isVisible()
    assert window.generation.isVisible()
