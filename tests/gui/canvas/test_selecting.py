"""Selection, fill and move tools under a hand, and what the canvas shows of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.canvas.selection import everything
from core.canvas.shapes import rectangle
from core.geometry import Rect, Size
from gui.canvas.outlines import edge_of
from gui.canvas.tools.filling import BucketTool, GradientTool
from gui.canvas.tools.gesture import Tool
from gui.canvas.tools.moving import MoveTool
from gui.canvas.tools.painting import BrushSettings, PaintingTool, Target
from gui.canvas.tools.selecting import (
    BoxTool,
    LassoTool,
    PolygonTool,
    SelectionSettings,
    SelectionTarget,
    WandTool,
)
from gui.canvas.viewport import Viewport
from tests.gui.conftest import Easel
from tests.helpers.desktop import LEFT, drag

WHOLE = Rect(0, 0, 64, 64)
NONE = Qt.KeyboardModifier.NoModifier
SHIFT, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier


@pytest.fixture
def settings(qapp: object) -> SelectionSettings:
    return SelectionSettings()


def pull(canvas: Easel, tool: Tool, *points: tuple[float, float], keys: object = NONE) -> None:
    """Drag with a tool while keys are held."""
    canvas.take_tool(tool)
    first, *others = canvas.along(*points)
    QTest.mousePress(canvas, LEFT, keys, first)
    for point in others:
        move(canvas, point, keys)
    QTest.mouseRelease(canvas, LEFT, keys, others[-1])


def move(canvas: Easel, point: QPoint, keys: object = NONE) -> None:
    if keys == NONE:
        QTest.mouseMove(canvas, point)


def selected(canvas: Easel) -> np.ndarray | None:
    surface = canvas.easel.selection.surface
    return None if surface is None else surface.read(WHOLE)


def block(*rects: Rect) -> np.ndarray:
    pixels = np.zeros((64, 64), np.uint8)
    for rect in rects:
        pixels[rect.slices()] = 255
    return pixels


def shown(canvas: Easel) -> np.ndarray:
    return canvas.easel.flatten(WHOLE)


# --- shapes -----------------------------------------------------------------------------------


def test_a_rectangle_is_selected_from_corner_to_corner(
    canvas: Easel, settings: SelectionSettings
) -> None:
    pull(canvas, BoxTool(settings), (50, 40), (30, 30), (10, 20))
    assert np.array_equal(selected(canvas), block(Rect(10, 20, 40, 20)))
    assert canvas.easel.undo_stack.undo_name == "Select rectangle"
    assert canvas.easel.mask_is_empty


def test_a_way_that_is_set_joins_shapes(canvas: Easel, settings: SelectionSettings) -> None:
    tool = BoxTool(settings)
    pull(canvas, tool, (0, 0), (5, 5), (20, 20))
    settings.change(how="add")
    pull(canvas, tool, (40, 40), (45, 45), (60, 60))
    assert np.array_equal(selected(canvas), block(Rect(0, 0, 20, 20), Rect(40, 40, 20, 20)))
    settings.change(how="subtract")
    pull(canvas, tool, (10, 0), (15, 5), (20, 20))
    assert np.array_equal(selected(canvas), block(Rect(0, 0, 10, 20), Rect(40, 40, 20, 20)))
    settings.change(how="intersect")
    pull(canvas, tool, (0, 0), (5, 5), (30, 10))
    assert np.array_equal(selected(canvas), block(Rect(0, 0, 10, 10)))


@pytest.mark.parametrize(
    ("keys", "how"),
    [(NONE, "replace"), (SHIFT, "add"), (ALT, "subtract"), (SHIFT | ALT, "intersect")],
)
def test_keys_say_how_shapes_join(
    settings: SelectionSettings, keys: Qt.KeyboardModifier, how: str
) -> None:
    assert settings.how_with(keys) == how


def test_a_click_takes_the_selection_away(canvas: Easel, settings: SelectionSettings) -> None:
    for tool in (BoxTool(settings), LassoTool(settings)):
        canvas.easel.selection.select(everything(Size(64, 64)), "All")
        canvas.take_tool(tool)
        QTest.mouseClick(canvas, LEFT, pos=canvas.at(30, 30))
        assert selected(canvas) is None
        assert canvas.easel.undo_stack.undo_name == "Deselect"


def test_giving_up_leaves_what_was_selected(canvas: Easel, settings: SelectionSettings) -> None:
    for tool in (BoxTool(settings), BoxTool(settings, is_round=True), LassoTool(settings)):
        canvas.take_tool(tool)
        QTest.mousePress(canvas, LEFT, pos=canvas.at(10, 10))
        QTest.mouseMove(canvas, canvas.at(40, 30))
        QTest.mouseMove(canvas, canvas.at(40, 50))
        QApplication.processEvents()
        assert tool.sketch(canvas) is not None
        assert canvas.end_gesture()
        assert tool.sketch(canvas) is None
        QTest.mouseRelease(canvas, LEFT, pos=canvas.at(40, 50))
        assert selected(canvas) is None
        assert not canvas.easel.undo_stack.can_undo


def test_a_lasso_selects_what_it_goes_round(canvas: Easel, settings: SelectionSettings) -> None:
    pull(canvas, LassoTool(settings), (10, 10), (50, 10), (50, 50), (10, 50))
    found = selected(canvas)
    assert found is not None
    assert (found[12:48, 12:48] == 255).all()
    assert not found[:8].any()


def test_the_mask_is_drawn_in_the_same_ways(canvas: Easel, settings: SelectionSettings) -> None:
    settings.change(target=SelectionTarget.MASK)
    tool = BoxTool(settings)
    pull(canvas, tool, (0, 0), (5, 5), (20, 20))
    settings.change(how="add")
    pull(canvas, tool, (40, 40), (45, 45), (60, 60))
    expected = block(Rect(0, 0, 20, 20), Rect(40, 40, 20, 20))
    assert np.array_equal(canvas.easel.mask_pixels(WHOLE), expected)
    assert selected(canvas) is None
    assert canvas.easel.undo_stack.undo_name == "Mask rectangle"


def test_a_mask_is_drawn_inside_the_selection_only(
    canvas: Easel, settings: SelectionSettings
) -> None:
    canvas.easel.selection.select(rectangle(Rect(0, 0, 30, 64), Size(64, 64)), "Select")
    settings.change(target=SelectionTarget.MASK)
    pull(canvas, BoxTool(settings), (10, 10), (30, 30), (50, 50))
    assert np.array_equal(canvas.easel.mask_pixels(WHOLE), block(Rect(10, 10, 20, 40)))


# --- the polygon ------------------------------------------------------------------------------


def corner(canvas: Easel, x: float, y: float) -> None:
    QTest.mouseClick(canvas, LEFT, pos=canvas.at(x, y))


@pytest.mark.parametrize("ends", ["enter", "double click", "beginning", "another tool"])
def test_a_polygon_goes_from_click_to_click(
    canvas: Easel, settings: SelectionSettings, ends: str
) -> None:
    canvas.take_tool(PolygonTool(settings))
    for x, y in ((10, 10), (50, 10), (50, 50), (10, 50)):
        corner(canvas, x, y)
        QTest.mouseMove(canvas, canvas.at(x - 3, y + 1))
    assert canvas.in_gesture
    assert selected(canvas) is None
    if ends == "enter":
        assert canvas.confirm_gesture()
    elif ends == "double click":
        QTest.mouseDClick(canvas, LEFT, pos=canvas.at(10, 50))
        QTest.mouseRelease(canvas, LEFT, pos=canvas.at(10, 50))
    elif ends == "beginning":
        corner(canvas, 10, 10)
    else:
        canvas.take_tool(BoxTool(settings))
    assert not canvas.in_gesture
    found = selected(canvas)
    assert found is not None
    assert (found[12:48, 12:48] == 255).all()
    assert not found[:, 52:].any()


def test_a_polygon_is_given_up(canvas: Easel, settings: SelectionSettings) -> None:
    canvas.take_tool(PolygonTool(settings))
    for x, y in ((10, 10), (50, 10), (50, 50)):
        corner(canvas, x, y)
    assert canvas.end_gesture()
    assert not canvas.in_gesture
    assert selected(canvas) is None


def test_the_view_moves_while_a_polygon_waits(canvas: Easel, settings: SelectionSettings) -> None:
    canvas.take_tool(PolygonTool(settings))
    corner(canvas, 10, 10)
    corner(canvas, 50, 10)
    before = canvas.viewport
    middle = Qt.MouseButton.MiddleButton
    start = canvas.at(20, 20)
    QTest.mousePress(canvas, middle, pos=start)
    QTest.mouseMove(canvas, start + QPoint(10, 5))
    QTest.mouseRelease(canvas, middle, pos=start + QPoint(10, 5))
    assert canvas.viewport == before.panned(10, 5)
    corner(canvas, 50, 50)
    assert canvas.confirm_gesture()
    found = selected(canvas)
    assert found is not None
    assert found[20, 45] == 255
    assert found[45, 20] == 0


# --- wand, bucket, gradient -------------------------------------------------------------------


def test_the_wand_takes_what_looks_alike(
    canvas: Easel, settings: SelectionSettings, brush: BrushSettings
) -> None:
    drag_stroke(canvas, brush)
    settings.change(antialias=False)
    canvas.take_tool(WandTool(settings))
    corner(canvas, 30, 20)
    found = selected(canvas)
    assert found is not None
    assert np.array_equal(found == 255, (np.abs(shown(canvas)[..., 1].astype(int)) <= 32))


def drag_stroke(canvas: Easel, brush: BrushSettings) -> None:
    """A red line from left to right."""
    canvas.take_tool(PaintingTool("Brush", brush, Target.PAINT))
    drag(canvas, canvas.along((2, 20), (30, 20), (62, 20)))


def test_a_click_beside_the_picture_is_refused_in_words(
    canvas: Easel, settings: SelectionSettings, brush: BrushSettings
) -> None:
    words: list[str] = []
    canvas.refused.connect(words.append)
    for tool in (WandTool(settings), BucketTool(brush, settings)):
        canvas.take_tool(tool)
        corner(canvas, -5, 20)
    assert words == ["There is no pixel there. Click inside the picture."] * 2
    assert not canvas.in_gesture
    assert not canvas.easel.undo_stack.can_undo


def test_the_bucket_fills_with_the_brushs_colour(
    canvas: Easel, settings: SelectionSettings, brush: BrushSettings
) -> None:
    canvas.easel.selection.select(rectangle(Rect(0, 0, 32, 64), Size(64, 64)), "Select")
    canvas.take_tool(BucketTool(brush, settings))
    corner(canvas, 50, 50)
    assert (shown(canvas)[:, :32] == (255, 0, 0, 255)).all()
    assert (shown(canvas)[:, 32:] == 255).all()
    settings.change(fills_mask=True)
    corner(canvas, 50, 50)
    assert np.array_equal(canvas.easel.mask_pixels(WHOLE), np.zeros((64, 64), np.uint8))
    corner(canvas, 10, 50)
    assert np.array_equal(canvas.easel.mask_pixels(WHOLE), block(Rect(0, 0, 32, 64)))


def test_a_gradient_goes_along_the_drag(
    canvas: Easel, settings: SelectionSettings, brush: BrushSettings
) -> None:
    settings.change(fills_mask=True)
    pull(canvas, GradientTool(brush, settings), (0, 30), (30, 30), (64, 30))
    row = canvas.easel.mask_pixels(WHOLE)[10].astype(int)
    assert row[0] >= 250
    assert row[63] <= 5
    assert (np.diff(row) <= 0).all()
    canvas.easel.undo()
    assert canvas.easel.mask_is_empty


def test_a_gradient_can_end_in_the_second_colour(
    canvas: Easel, settings: SelectionSettings, brush: BrushSettings
) -> None:
    brush.change(colour=(255, 0, 0), background=(0, 0, 255))
    settings.change(into_background=True)
    pull(canvas, GradientTool(brush, settings), (10, 30), (30, 30), (54, 30))
    row = shown(canvas)[10].astype(int)
    assert np.abs(row[2] - (255, 0, 0, 255)).max() <= 1
    assert np.abs(row[62] - (0, 0, 255, 255)).max() <= 1
    assert np.abs(row[:, 0] + row[:, 2] - 255).max() <= 1
    canvas.easel.undo()
    settings.change(fills_mask=True)
    pull(canvas, GradientTool(brush, settings), (10, 30), (30, 30), (54, 30))
    assert (shown(canvas) == 255).all()
    assert not canvas.easel.mask_is_empty


def test_the_wand_makes_soft_edges_unless_it_is_told_otherwise(
    canvas: Easel, settings: SelectionSettings, brush: BrushSettings
) -> None:
    canvas.take_tool(PaintingTool("Brush", brush, Target.PAINT))
    brush.change(size=30)
    drag(canvas, canvas.along((32, 32), (33, 32)))
    canvas.take_tool(WandTool(settings))
    levels = {}
    for antialias in (True, False):
        settings.change(antialias=antialias)
        corner(canvas, 32, 32)
        found = selected(canvas)
        assert found is not None
        levels[antialias] = len(np.unique(found))
    assert SelectionSettings().antialias
    assert levels[False] == 2
    assert levels[True] > 4


def test_a_tolerance_is_kept_within_what_makes_sense(settings: SelectionSettings) -> None:
    for given, kept in ((float("nan"), 0.0), (-3.0, 0.0), (900.0, 255.0), (7.5, 7.5)):
        settings.change(tolerance=given)
        assert settings.tolerance == kept


# --- moving -----------------------------------------------------------------------------------


@pytest.fixture
def box(canvas: Easel) -> Rect:
    """Blue pixels on a layer of their own, and the Move tool in the hand."""
    rect = Rect(10, 10, 20, 16)
    canvas.easel.place_image(np.full((16, 20, 3), (0, 0, 255), np.uint8), rect, "box")
    canvas.take_tool(MoveTool())
    return rect


def blue(canvas: Easel) -> np.ndarray:
    return (shown(canvas) == (0, 0, 255, 255)).all(axis=2)


def test_moving_and_scaling_are_one_step_after_enter(canvas: Easel, box: Rect) -> None:
    drag(canvas, canvas.along((20, 18), (25, 20), (30, 28)))
    assert canvas.in_gesture
    assert np.array_equal(blue(canvas), block(box.translated(10, 10)) > 0)
    drag(canvas, canvas.along((40, 36), (45, 40), (50, 46)))
    assert np.array_equal(blue(canvas), block(Rect(20, 20, 30, 26)) > 0)
    assert canvas.easel.undo_stack.undo_name == "Place picture"
    assert canvas.confirm_gesture()
    assert canvas.easel.undo_stack.undo_name == "Transform"
    canvas.easel.undo()
    assert np.array_equal(blue(canvas), block(box) > 0)


def test_escape_puts_everything_back(canvas: Easel, box: Rect) -> None:
    drag(canvas, canvas.along((20, 18), (25, 20), (30, 28)))
    assert canvas.end_gesture()
    assert np.array_equal(blue(canvas), block(box) > 0)
    assert canvas.easel.undo_stack.undo_name == "Place picture"


def test_undo_ends_the_gesture_that_waits(canvas: Easel, box: Rect) -> None:
    drag(canvas, canvas.along((20, 18), (25, 20), (30, 28)))
    canvas.easel.undo()
    assert np.array_equal(blue(canvas), block(box) > 0)
    QTest.mouseMove(canvas, canvas.at(5, 5))
    QApplication.processEvents()
    assert not canvas.in_gesture


@pytest.mark.usefixtures("box")
def test_another_tool_carries_the_move_out(canvas: Easel, settings: SelectionSettings) -> None:
    drag(canvas, canvas.along((20, 18), (25, 20), (30, 28)))
    canvas.take_tool(BoxTool(settings))
    assert canvas.easel.undo_stack.undo_name == "Move"


def test_grips_lie_around_what_is_on_the_layer(canvas: Easel, box: Rect) -> None:
    tool = canvas.tool
    assert isinstance(tool, MoveTool)
    sketch = tool.sketch(canvas)
    assert sketch is not None
    assert (box.x, box.y) in sketch.grips
    assert (box.right, box.bottom) in sketch.grips
    canvas.easel.undo()
    assert tool.sketch(canvas) is not None  # the background is full
    canvas.easel.active_layer.visible = False
    assert tool.sketch(canvas) is None


def test_a_locked_layer_stays(canvas: Easel, box: Rect) -> None:
    words: list[str] = []
    canvas.refused.connect(words.append)
    canvas.easel.active_layer.locked = True
    drag(canvas, canvas.along((20, 18), (25, 20), (30, 28)))
    assert np.array_equal(blue(canvas), block(box) > 0)
    assert len(words) == 1
    assert "locked" in words[0]


# --- what is seen -----------------------------------------------------------------------------


def edge(rect: Rect, viewport: Viewport, ratio: float = 1.0) -> np.ndarray:
    """Whether each pixel of a view of 200 x 200 belongs to the edge of a rectangle of 1000."""
    size = QSize(round(200 * ratio), round(200 * ratio))
    device = replace(viewport, ratio=ratio).on_device()
    image = edge_of(rectangle(rect, Size(1000, 1000)), device, size, ratio)
    side = image.width()
    pixels = np.frombuffer(image.constBits(), np.uint32).reshape(side, side)
    assert set(np.unique(pixels)) <= {0, 0xFF000000, 0xFFFFFFFF}
    return pixels > 0


@pytest.mark.parametrize("zoom", [0.1, 0.37, 1.0, 8.0])
@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_the_edge_is_one_pixel_thin_at_every_zoom(zoom: float, ratio: float) -> None:
    middle = round(50 / zoom)
    rect = Rect.between(400, 400, 400 + 2 * middle, 400 + 2 * middle)
    viewport = Viewport(zoom, 50 - 400 * zoom, 50 - 400 * zoom)
    found = edge(rect, viewport, ratio)
    assert found[round(100 * ratio)].sum() == 2
    assert found[:, round(100 * ratio)].sum() == 2
    assert found[round(100 * ratio), round(50 * ratio)]


def test_no_edge_runs_where_the_view_ends() -> None:
    assert not edge(Rect(0, 0, 1000, 1000), Viewport(1.0, -400, -400)).any()
    assert edge(Rect(0, 0, 1000, 1000), Viewport(1.0, 20, 20))[20:, 20].all()


def test_the_edge_is_painted_and_goes_with_the_selection(canvas: Easel) -> None:
    def looks() -> np.ndarray:
        image = canvas.grab().toImage().convertToFormat(image_format())
        return np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1).copy()

    plain = looks()
    canvas.easel.selection.select(rectangle(Rect(20, 20, 20, 20), Size(64, 64)), "Select")
    with_edge = looks()
    at = canvas.at(20, 20)
    changed = plain != with_edge
    assert changed[at.y() + 20 : at.y() + 40, at.x()].any()
    assert changed.sum() < 700
    canvas.easel.selection.deselect()
    assert np.array_equal(looks(), plain)


def image_format() -> object:
    from PySide6.QtGui import QImage

    return QImage.Format.Format_RGB32
