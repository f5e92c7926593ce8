"""The Select and Mask menus, Enter and Del, and the small sheets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QLineEdit, QMenu, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from core.canvas.document import Document
from core.canvas.selection import from_pixels
from core.canvas.shapes import rectangle
from core.canvas.tiles import TiledSurface
from core.geometry import Rect, Size
from core.settings import Paths
from gui.background import Background
from gui.documents import DocumentController
from gui.main_window import MainWindow
from gui.panels.sheets import AmountSheet, CanvasSizeSheet, NameSheet
from gui.panels.tools import ToolGroup
from gui.sampling import Sampling
from gui.selecting import NOTHING_MASKED, NOTHING_SELECTED, SelectionController
from tests.helpers.desktop import rest

SIZE = Size(128, 96)
WHOLE = Rect(0, 0, *SIZE)
BOX = Rect(20, 30, 40, 20)
BOX_PIXELS = np.ones((20, 40, 4), np.uint8)


class Waiting(QObject):
    """The generation as far as Enter and Del know it."""

    def __init__(self) -> None:
        super().__init__()
        self.has_proposal = False
        self.done: list[str] = []

    def keep(self) -> None:
        self.done.append("keep")

    def discard(self) -> None:
        self.done.append("discard")


@pytest.fixture
def waiting(qapp: object) -> Waiting:
    return Waiting()


@pytest.fixture
def controller(
    window: MainWindow,
    sampling: Sampling,
    waiting: Waiting,
    home: Path,
    background: Background,
) -> SelectionController:
    """The menus, joined with a white document."""
    paths = Paths.find(home)
    documents = DocumentController(window.canvas, window.messages, sampling, paths, window)
    return SelectionController(window, documents, waiting, background)  # type: ignore[arg-type]


@pytest.fixture
def document(window: MainWindow) -> Document:
    assert window.canvas.document is not None
    return window.canvas.document


def do(window: MainWindow, *names: str) -> None:
    for name in names:
        window.actions_by_name[name].trigger()


def selected(document: Document) -> np.ndarray:
    assert document.selection.surface is not None
    return document.selection.surface.read(WHOLE)


def select(document: Document, rect: Rect = BOX) -> None:
    document.selection.select(rectangle(rect, SIZE), "Select")


def mask(document: Document) -> np.ndarray:
    return document.mask_pixels(WHOLE)


def amount(window: MainWindow, pixels: int) -> None:
    """Type a number into the sheet and press Enter."""
    sheet = window.findChild(AmountSheet)
    assert sheet is not None
    assert not sheet.isModal()
    QTest.keyClicks(sheet.findChild(QLineEdit), str(pixels))
    QTest.keyClick(sheet.findChild(QLineEdit), Qt.Key.Key_Return)
    if sheet.isVisible():
        QTest.mouseClick(sheet.button, Qt.MouseButton.LeftButton)
    assert not sheet.isVisible()


def test_undo_and_the_keys_that_clear_take_back_a_corner_first(
    window: MainWindow, document: Document, controller: SelectionController
) -> None:
    select(document)
    window.take_tool("polygon")
    view = window.canvas.viewport
    for x, y in ((40, 35), (50, 35), (50, 45), (45, 48)):
        at = QPoint(*map(round, view.to_view(x, y)))
        QTest.mouseClick(window.canvas, Qt.MouseButton.LeftButton, pos=at)
    before = document.flatten(WHOLE).copy()
    assert controller.take_back()
    do(window, "clear")
    controller.discard_or_clear()
    assert window.canvas.in_gesture
    do(window, "clear")
    assert not window.canvas.in_gesture
    assert np.array_equal(document.flatten(WHOLE), before)
    assert not controller.take_back()
    do(window, "clear")
    assert not np.array_equal(document.flatten(WHOLE), before)


def test_the_right_button_offers_what_belongs_to_the_tool(window: MainWindow) -> None:
    at = window.canvas.mapToGlobal(QPoint(30, 30))
    window.take_tool("lasso")
    window.canvas.menu_asked.emit(at)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert window.actions_by_name["deselect"] in menu.actions()
    menu.close()
    window.take_tool("hand")
    window.canvas.menu_asked.emit(at)
    assert QApplication.activePopupWidget() is None


@pytest.mark.usefixtures("controller")
def test_everything_nothing_and_the_rest_are_selected(
    window: MainWindow, document: Document
) -> None:
    do(window, "select_all")
    assert (selected(document) == 255).all()
    do(window, "deselect")
    assert document.selection.surface is None
    do(window, "reselect")
    assert (selected(document) == 255).all()
    select(document)
    do(window, "select_invert")
    assert (selected(document) == 255).sum() == SIZE.area - BOX.size.area


@pytest.mark.usefixtures("controller")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("select_invert", NOTHING_SELECTED),
        ("select_grow", NOTHING_SELECTED),
        ("mask_grow", NOTHING_MASKED),
        ("mask_holes", NOTHING_MASKED),
        ("keep_mask", NOTHING_MASKED),
        ("select_mask", NOTHING_MASKED),
        ("mask_selection", NOTHING_SELECTED),
        ("reselect", "There is no earlier selection to bring back."),
        ("crop", "Nothing is selected. Draw a selection around what to keep."),
    ],
)
def test_what_cannot_be_done_is_said(
    window: MainWindow, document: Document, name: str, words: str
) -> None:
    do(window, name)
    assert window.messages.text == words
    assert not document.undo_stack.can_undo


@pytest.mark.usefixtures("controller")
def test_edges_are_moved_by_as_many_pixels_as_are_typed(
    window: MainWindow, document: Document, background: Background, qtbot: QtBot
) -> None:
    select(document)
    do(window, "select_grow")
    amount(window, 5)
    rest(qtbot, background)
    assert document.undo_stack.undo_name == "Grow selection"
    assert selected(document)[40, 15] == 255
    assert selected(document)[40, 14] == 0
    do(window, "mask_selection", "mask_shrink")
    amount(window, 3)
    rest(qtbot, background)
    assert document.undo_stack.undo_name == "Shrink mask"
    assert mask(document)[40, 18] == 255
    assert mask(document)[40, 17] == 0


@pytest.mark.usefixtures("controller")
def test_holes_of_mask_and_selection_are_filled(
    window: MainWindow, document: Document, background: Background, qtbot: QtBot
) -> None:
    ring = np.zeros((96, 128), np.uint8)
    ring[20:80, 20:80] = 255
    ring[40:50, 40:50] = 0
    document.selection.select(from_pixels(ring, WHOLE, SIZE), "Ring")
    do(window, "mask_selection", "mask_holes", "select_holes")
    rest(qtbot, background)
    for pixels in (mask(document), selected(document)):
        assert (pixels[20:80, 20:80] == 255).all()


@pytest.mark.usefixtures("controller")
def test_a_mask_is_kept_listed_and_taken_again(window: MainWindow, document: Document) -> None:
    document.fill_mask(BOX)
    do(window, "keep_mask")
    sheet = window.findChild(NameSheet)
    assert sheet is not None
    field = sheet.findChild(QLineEdit)
    assert field is not None
    assert field.text() == "Mask 1"
    QTest.keyClicks(field, "The sky")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert window.messages.text == "“The sky” is kept with the picture."
    document.clear_mask()
    kept = window.actions_by_name["kept_masks"].menu()
    assert isinstance(kept, QMenu)
    kept.aboutToShow.emit()
    (entry,) = kept.actions()
    assert entry.text() == "The sky"
    uses = entry.menu()
    assert isinstance(uses, QMenu)
    uses.actions()[0].trigger()
    assert np.count_nonzero(mask(document)) == BOX.size.area
    uses.actions()[-1].trigger()
    assert not document.kept_masks


def test_del_puts_a_new_picture_away_before_it_clears(
    controller: SelectionController, waiting: Waiting, document: Document
) -> None:
    select(document)
    waiting.has_proposal = True
    controller.discard_or_clear()
    assert waiting.done == ["discard"]
    assert document.undo_stack.undo_name != "Clear"
    waiting.has_proposal = False
    controller.discard_or_clear()
    assert document.undo_stack.undo_name == "Clear"
    assert not document.flatten(BOX).any()
    assert (document.flatten(Rect(0, 0, 128, 30)) == 255).all()


@pytest.mark.usefixtures("controller")
def test_nothing_is_cleared_where_nothing_is_selected(
    window: MainWindow, document: Document
) -> None:
    do(window, "clear")
    assert window.messages.text.startswith(NOTHING_SELECTED)
    assert (document.flatten(WHOLE) == 255).all()


@pytest.mark.usefixtures("controller")
def test_filling_goes_where_the_tool_in_the_hand_paints(
    window: MainWindow, document: Document
) -> None:
    select(document)
    window.brush_settings.change(colour=(1, 2, 3))
    window.take_tool("brush")
    do(window, "fill")
    assert (document.flatten(BOX)[..., :3] == (1, 2, 3)).all()
    window.take_tool("mask")
    do(window, "fill")
    assert np.count_nonzero(mask(document)) == BOX.size.area


def test_enter_carries_out_what_waits_before_it_keeps(
    controller: SelectionController, waiting: Waiting, window: MainWindow, document: Document
) -> None:
    window.take_tool("polygon")
    canvas = window.canvas
    for x, y in ((10, 10), (60, 10), (60, 60)):
        at = canvas.mapFrom(canvas, canvas.rect().topLeft())
        left, top = canvas.viewport.to_view(x, y)
        at.setX(round(left))
        at.setY(round(top))
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=at)
    controller.confirm_or_keep()
    assert document.undo_stack.undo_name == "Select polygon"
    assert waiting.done == []
    controller.confirm_or_keep()
    assert waiting.done == ["keep"]


@pytest.mark.usefixtures("controller")
def test_the_canvas_gets_the_size_that_is_asked_for(window: MainWindow, document: Document) -> None:
    do(window, "canvas_size")
    sheet = window.findChild(CanvasSizeSheet)
    assert sheet is not None
    assert not sheet.isModal()
    width, height = sheet.findChildren(QLineEdit)[:2]
    QTest.keyClicks(width, "200")
    height.selectAll()
    QTest.keyClicks(height, "100")
    corner = next(b for b in sheet.findChildren(QToolButton) if b.accessibleName() == "top left")
    corner.click()
    sheet.button.click()
    assert document.size == Size(200, 100)
    assert (document.flatten(WHOLE) == 255).all()
    document.undo()
    assert document.size == SIZE


@pytest.mark.usefixtures("controller")
def test_cancel_changes_nothing(window: MainWindow, document: Document) -> None:
    do(window, "canvas_size")
    sheet = window.findChild(CanvasSizeSheet)
    assert sheet is not None
    QTest.keyClicks(sheet.findChildren(QLineEdit)[0], "999")
    next(b for b in sheet.findChildren(QPushButton) if b.text() == "Cancel").click()
    assert document.size == SIZE
    assert not sheet.isVisible()


# --- the column and the bar -------------------------------------------------------------------


def test_tools_of_one_group_share_a_button(window: MainWindow) -> None:
    select_group, fill_group = window.tool_column.findChildren(ToolGroup)
    assert [a.text() for a in select_group.menu().actions()] == [
        "Rectangle", "Ellipse", "Lasso", "Polygon", "Magic wand",
    ]  # fmt: skip
    assert select_group.accessibleName() == "Rectangle"
    window.actions_by_name["wand"].trigger()
    assert select_group.accessibleName() == "Magic wand"
    assert select_group.isChecked()
    window.actions_by_name["brush"].trigger()
    assert select_group.accessibleName() == "Magic wand"
    assert not select_group.isChecked()
    assert fill_group.accessibleName() == "Fill"


def test_the_down_key_offers_the_other_tools(window: MainWindow) -> None:
    group = window.tool_column.findChildren(ToolGroup)[0]
    QTest.keyClick(group, Qt.Key.Key_Down)
    assert group.menu().isVisible()
    group.menu().close()


@pytest.mark.parametrize("theme_name", ["dark", "light"])
def test_nothing_is_cut_off_at_1280_by_800(window: MainWindow, theme_name: str) -> None:
    window.theme.choose(theme_name)
    for name in ("rectangle", "polygon", "wand", "bucket", "gradient", "move"):
        window.take_tool(name)
        QTest.qWait(0)
        assert (window.width(), window.height()) == (1280, 800)
        for area in (window.options, window.tool_column):
            for button in area.findChildren(QToolButton):
                if button.isVisible():
                    corner = button.mapTo(area, button.rect().bottomRight())
                    assert area.rect().contains(corner), f"{name}: {button.accessibleName()}"


def test_the_bar_shows_what_the_tool_looks_at(window: MainWindow) -> None:
    def shown() -> set[str]:
        buttons = window.options.findChildren(QToolButton)
        return {button.accessibleName() for button in buttons if button.isVisible()}

    window.take_tool("lasso")
    assert {"Selection", "Mask", "New", "Add", "Subtract", "Intersect"} <= shown()
    assert "Picture" not in shown()
    window.take_tool("wand")
    assert {"Selection", "Mask", "Picture", "Layer", "Add"} <= shown()
    window.take_tool("bucket")
    assert {"Layer", "Mask", "Picture"} <= shown()
    assert "Add" not in shown()
    window.take_tool("brush")
    assert not {"Selection", "Add", "Picture"} & shown()


def test_the_bar_sets_what_the_tools_use(window: MainWindow) -> None:
    window.take_tool("wand")
    settings = window.selection_settings
    for name in ("Mask", "Subtract", "Layer"):
        next(
            button
            for button in window.options.findChildren(QToolButton)
            if button.isVisible() and button.accessibleName() == name
        ).click()
    assert (settings.target, settings.how, settings.merged) == ("mask", "subtract", False)


def test_the_bucket_fills_beside_the_window(
    controller: SelectionController,
    window: MainWindow,
    document: Document,
    background: Background,
    qtbot: QtBot,
) -> None:
    select(document)
    window.brush_settings.change(colour=(1, 2, 3))
    window.selection_settings.change(antialias=False)
    window.take_tool("bucket")
    place = QPoint(*map(round, window.canvas.viewport.to_view(30, 40)))
    QTest.mouseClick(window.canvas, Qt.MouseButton.LeftButton, pos=place)
    assert controller.edits.is_running
    assert controller.edits.cancel()
    rest(qtbot, background)
    assert (document.flatten(WHOLE) == 255).all()
    QTest.mouseClick(window.canvas, Qt.MouseButton.LeftButton, pos=place)
    window.brush_settings.change(colour=(4, 5, 6))
    window.selection_settings.change(fills_mask=True)
    QTest.mouseClick(window.canvas, Qt.MouseButton.LeftButton, pos=place)
    rest(qtbot, background)
    assert (document.flatten(BOX) == (1, 2, 3, 255)).all()
    assert np.array_equal(mask(document), selected(document))
    document.undo()
    assert document.mask_is_empty
    document.undo()
    assert (document.flatten(WHOLE) == 255).all()


@pytest.mark.parametrize("merged", [True, False])
def test_the_wand_waits_for_the_bucket_and_sees_what_it_filled(
    merged: bool,
    controller: SelectionController,
    window: MainWindow,
    document: Document,
    background: Background,
    qtbot: QtBot,
) -> None:
    select(document)
    window.brush_settings.change(colour=(1, 2, 3))
    window.selection_settings.change(antialias=False, merged=merged)
    place = QPoint(*map(round, window.canvas.viewport.to_view(30, 40)))
    window.take_tool("bucket")
    QTest.mouseClick(window.canvas, Qt.MouseButton.LeftButton, pos=place)
    controller.edits.in_turn(document.selection.deselect)
    assert controller.edits.is_running
    window.take_tool("wand")
    QTest.mouseClick(window.canvas, Qt.MouseButton.LeftButton, pos=place)
    rest(qtbot, background)
    expected = np.zeros((SIZE.height, SIZE.width), np.uint8)
    expected[BOX.slices()] = 255
    assert document.undo_stack.undo_name == "Select magic wand"
    assert np.array_equal(selected(document), expected)


@pytest.mark.usefixtures("controller")
def test_x_and_d_are_keys_of_the_canvas(window: MainWindow) -> None:
    settings = window.brush_settings
    settings.change(colour=(1, 2, 3), background=(4, 5, 6))
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, Qt.Key.Key_X)
    assert (settings.colour, settings.background) == ((4, 5, 6), (1, 2, 3))
    QTest.keyClick(window.canvas, Qt.Key.Key_D)
    assert (settings.colour, settings.background) == ((0, 0, 0), (255, 255, 255))


@pytest.mark.usefixtures("controller")
def test_the_bar_offers_what_gradient_and_wand_can_be_told(window: MainWindow) -> None:
    settings = window.selection_settings
    window.take_tool("gradient")
    second = next(b for b in window.options.findChildren(QToolButton) if "second" in b.text())
    soft = next(b for b in window.options.findChildren(QCheckBox) if b.text() == "Soft edges")
    assert second.isVisible()
    assert not soft.isVisible()
    second.click()
    assert settings.into_background
    settings.change(fills_mask=True)  # a mask has no second colour
    assert not second.isVisible()
    window.take_tool("wand")
    assert not second.isVisible()
    assert soft.isVisible()
    assert soft.isChecked()
    soft.click()
    assert not settings.antialias


@pytest.mark.usefixtures("controller")
def test_the_wand_takes_the_picture_that_was_clicked(
    window: MainWindow, document: Document, background: Background, qtbot: QtBot
) -> None:
    layer = document.active_layer
    document.edit_surface("Box", layer.surface, lambda surface: surface.write(BOX, 0 * BOX_PIXELS))
    window.take_tool("wand")
    at = QPoint(*map(round, window.canvas.viewport.to_view(40, 40)))
    QTest.mouseClick(window.canvas, Qt.MouseButton.LeftButton, pos=at)
    document.edit_surface("Clear", layer.surface, TiledSurface.clear)
    rest(qtbot, background)
    assert document.undo_stack.undo_name == "Select magic wand"
    assert np.count_nonzero(selected(document)) == BOX.size.area


@pytest.mark.usefixtures("controller")
def test_steps_come_in_the_order_they_were_asked_for(
    window: MainWindow, document: Document, background: Background, qtbot: QtBot
) -> None:
    select(document)
    do(window, "select_grow")
    amount(window, 5)
    do(window, "select_invert", "mask_selection", "select_invert", "clear_mask")
    rest(qtbot, background)
    document.undo()
    assert mask(document)[40, 14] == 255
    assert mask(document)[40, 15] == 0
    names = []
    while document.undo_stack.can_undo:
        names.append(document.undo_stack.undo_name)
        document.undo()
    assert names == [
        "Invert selection", "Mask from selection", "Invert selection", "Grow selection", "Select",
    ]  # fmt: skip
