"""The pen on the canvas: pressure, tilt, its other end, the button on its side, Shift."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from core.canvas.document import Document
from core.canvas.dynamics import BrushDynamics, Response, Sensor
from core.geometry import Rect, Size
from gui.brush_settings import BrushSettings, Target
from gui.canvas.pointing import leaning
from gui.canvas.tools.gesture import Pointer
from gui.canvas.tools.painting import PaintingTool, StrokeEnd
from gui.canvas.tools.selecting import BoxTool, LassoTool, SelectionSettings
from gui.canvas.viewport import Viewport
from tests.gui.conftest import Easel
from tests.helpers.desktop import LEFT, Pen, drag

PRESS, MOVE, RELEASE = (
    QEvent.Type.TabletPress,
    QEvent.Type.TabletMove,
    QEvent.Type.TabletRelease,
)
SIDE_BUTTON = Qt.MouseButton.RightButton
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def pen(canvas: Easel, brush: BrushSettings) -> Pen:
    """A pen over a canvas with the brush in the hand."""
    canvas.take_tool(PaintingTool("Brush", brush, Target.PAINT))
    return Pen(canvas)


def painted(canvas: Easel) -> np.ndarray:
    """How much paint each pixel has, 0 to 1: red takes away the white paper's green."""
    return 1 - canvas.easel.flatten(canvas.easel.bounds)[..., 1] / 255


def width_at(canvas: Easel, x: int) -> float:
    return float(painted(canvas)[:, x].sum())


def test_pressing_harder_paints_wider(canvas: Easel, pen: Pen, brush: BrushSettings) -> None:
    brush.change(size=16)
    pen.draw(canvas.along((10, 30), (30, 30), (50, 30), (60, 30)), [0.1, 0.5, 0.9, 0.0])
    assert width_at(canvas, 12) < width_at(canvas, 30) < width_at(canvas, 48)
    assert width_at(canvas, 30) == pytest.approx(8.4, abs=1)


def test_a_mouse_paints_at_the_full_size(canvas: Easel, pen: Pen, brush: BrushSettings) -> None:
    brush.change(size=16)
    drag(canvas, canvas.along((10, 30), (30, 30), (50, 30)))
    assert width_at(canvas, 30) == pytest.approx(16, abs=0.5)


def test_tilt_reaches_the_brush(canvas: Easel, pen: Pen, brush: BrushSettings) -> None:
    lean = BrushDynamics(opacity=Response(sensor=Sensor.TILT, is_on=True))
    brush.change(dynamics=lean)
    points = canvas.along((10, 30), (30, 30), (50, 30))
    for kind, at in zip((PRESS, MOVE, RELEASE), points, strict=True):
        pen.send(kind, at, 1.0, tilt=(30.0, 0.0))
    assert painted(canvas)[30, 20] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("across", "along", "share"),
    [(0, 0, 0.0), (30, 0, 0.5), (0, -30, 0.5), (60, 0, 1.0), (90, 90, 1.0), (45, 45, 0.9122)],
)
def test_leaning_is_the_angle_from_upright(across: float, along: float, share: float) -> None:
    assert leaning(across, along) == pytest.approx(share, abs=1e-3)


def test_a_fast_stroke_of_the_pen_is_round(canvas: Easel, pen: Pen, brush: BrushSettings) -> None:
    brush.change(size=2, dynamics=BrushDynamics())
    angles = np.linspace(0, 2 * math.pi, 13).tolist()
    places = [(32 + 24 * math.cos(a), 32 + 24 * math.sin(a)) for a in angles]
    points = [QPointF(*canvas.viewport.to_view(*place)) for place in places]
    for kind, at in zip([PRESS, *[MOVE] * 11, RELEASE], points, strict=True):
        pen.send(kind, at, 1.0)
    pen.send(MOVE, points[0], 0.0)
    y, x = np.nonzero(painted(canvas) > 0.5)
    radii = np.hypot(x + 0.5 - 32, y + 0.5 - 32)
    on_the_way = radii[np.arctan2(y - 32, x - 32) < 0]
    assert np.abs(on_the_way - 24).max() < 1.6


def test_every_event_of_the_pen_counts() -> None:
    for attribute in (Qt.ApplicationAttribute.AA_CompressTabletEvents,):
        assert not QCoreApplication.testAttribute(attribute)


def test_the_button_on_the_pens_side_paints_nothing(canvas: Easel, pen: Pen) -> None:
    points = canvas.along((10, 20), (20, 20), (40, 20))
    for kind, at in zip((PRESS, MOVE, RELEASE), points, strict=True):
        assert pen.send(kind, at, 0.0, button=SIDE_BUTTON)
    assert not canvas.in_gesture
    assert not painted(canvas).any()


def test_the_button_on_the_pens_side_opens_the_menu(canvas: Easel, pen: Pen) -> None:
    asked: list[QPoint] = []
    canvas.menu_asked.connect(asked.append)
    at, elsewhere = canvas.along((10, 20), (40, 20))
    pen.send(PRESS, at, 0.0, button=SIDE_BUTTON)
    pen.send(RELEASE, at, 0.0, button=SIDE_BUTTON)
    assert asked == [canvas.mapToGlobal(at)]
    pen.send(PRESS, at, 1.0)
    pen.send(PRESS, elsewhere, 1.0, button=SIDE_BUTTON, held=LEFT)
    assert len(asked) == 1, "not during a stroke"
    pen.send(RELEASE, elsewhere, 0.0)


def test_the_other_one_moves_the_view(canvas: Easel, pen: Pen) -> None:
    middle, before = Qt.MouseButton.MiddleButton, canvas.viewport
    start, end, later = canvas.along((10, 20), (40, 30), (50, 50))
    pen.send(PRESS, start, 0.0, button=middle)
    pen.send(MOVE, end, 0.0, button=middle)
    pen.send(RELEASE, end, 0.0, button=middle)
    moved = before.panned(end.x() - start.x(), end.y() - start.y())
    assert canvas.viewport == moved
    assert not canvas.in_gesture
    pen.send(MOVE, later, 0.0, button=Qt.MouseButton.NoButton)
    assert canvas.viewport == moved
    assert not painted(canvas).any()


def test_the_button_does_not_disturb_a_stroke(canvas: Easel, pen: Pen) -> None:
    a, b, c, d = canvas.along((10, 20), (20, 20), (30, 20), (40, 20))
    pen.send(PRESS, a, 1.0)
    pen.send(PRESS, b, 1.0, button=SIDE_BUTTON, held=LEFT)
    pen.send(RELEASE, c, 1.0, button=SIDE_BUTTON, held=LEFT)
    assert canvas.in_gesture
    pen.send(MOVE, d, 1.0)
    pen.send(RELEASE, d, 0.0)
    assert not canvas.in_gesture
    assert painted(canvas)[20, 10:40].min() > 0.99
    canvas.easel.undo()
    assert not painted(canvas).any()


def test_lifting_the_tip_ends_the_stroke_while_the_button_is_held(canvas: Easel, pen: Pen) -> None:
    a, b, c = canvas.along((10, 20), (30, 20), (30, 50))
    pen.send(PRESS, a, 1.0, held=SIDE_BUTTON)
    pen.send(MOVE, b, 1.0, held=SIDE_BUTTON)
    pen.send(RELEASE, b, 0.0, held=SIDE_BUTTON)
    assert not canvas.in_gesture
    pen.send(MOVE, c, 0.0, button=SIDE_BUTTON)
    assert not painted(canvas)[40].any()


def test_a_pen_that_hovers_does_not_end_the_mouses_gesture(canvas: Easel, pen: Pen) -> None:
    a, b, c = canvas.along((10, 20), (30, 20), (50, 20))
    QTest.mousePress(canvas, LEFT, pos=a)
    pen.send(MOVE, c, 0.0, button=Qt.MouseButton.NoButton)
    assert canvas.in_gesture
    QTest.mouseRelease(canvas, LEFT, pos=b)
    assert not canvas.in_gesture


@pytest.mark.parametrize("pressure", [math.nan, math.inf, -math.inf])
def test_a_pressure_that_is_none_does_not_stop_the_stroke(
    canvas: Easel, pen: Pen, pressure: float
) -> None:
    points = canvas.along((10, 20), (20, 20), (30, 20), (40, 20))
    pen.draw(points, [0.8, pressure, 0.8, 0.0])
    assert painted(canvas)[20, 10:30].any()
    assert canvas.easel.undo_stack.can_undo


# --- straight lines ---------------------------------------------------------------------------


@pytest.mark.parametrize("tool", [None, BoxTool, LassoTool])
@pytest.mark.parametrize("x", [2e6, -2e9, 1e300, math.inf, math.nan])
def test_a_place_beyond_every_screen_begins_nothing_and_spoils_nothing(
    canvas: Easel, pen: Pen, tool: type[BoxTool | LassoTool] | None, x: float
) -> None:
    if tool is not None:
        canvas.take_tool(tool(SelectionSettings()))
    pen.send(PRESS, QPointF(x, 200.0), 1.0)
    pen.send(RELEASE, QPointF(x, 200.0), 0.0)
    assert not canvas.easel.undo_stack.can_undo
    pen.send(PRESS, canvas.at(10, 10), 1.0)
    pen.send(MOVE, QPointF(100.0, x), 1.0)
    pen.send(MOVE, canvas.at(50, 10), 1.0)
    pen.send(MOVE, canvas.at(50, 50), 1.0)
    pen.send(RELEASE, QPointF(x, x), 0.0)
    assert canvas.easel.undo_stack.can_undo
    canvas.grab()
    document = canvas.easel
    document.undo()
    assert not document.undo_stack.can_undo


def test_shift_and_a_click_draw_a_straight_line_from_the_last_stroke(
    canvas: Easel, pen: Pen
) -> None:
    QTest.mouseClick(canvas, LEFT, pos=canvas.at(10, 10))
    QTest.mouseClick(canvas, LEFT, SHIFT, canvas.at(50, 50))
    diagonal = painted(canvas).diagonal()
    assert diagonal[10:50].min() > 0.99
    QTest.mouseClick(canvas, LEFT, SHIFT, canvas.at(50, 10))
    assert painted(canvas)[10:50, 50].min() > 0.99
    canvas.easel.undo()
    assert not painted(canvas)[20:35, 50].any()
    assert painted(canvas).diagonal()[10:50].min() > 0.99


def test_a_line_begins_where_the_last_stroke_ended_that_was_not_undone(
    canvas: Easel, pen: Pen
) -> None:
    QTest.mouseClick(canvas, LEFT, pos=canvas.at(10, 10))
    QTest.mouseClick(canvas, LEFT, SHIFT, canvas.at(50, 50))
    canvas.easel.undo()
    QTest.mouseClick(canvas, LEFT, SHIFT, canvas.at(50, 10))
    assert painted(canvas)[10, 12:50].min() > 0.99
    assert not painted(canvas)[20:, :].any()
    canvas.easel.undo()
    canvas.easel.redo()
    QTest.mouseClick(canvas, LEFT, SHIFT, canvas.at(50, 50))
    assert painted(canvas)[12:50, 50].min() > 0.99
    while canvas.easel.undo_stack.can_undo:
        canvas.easel.undo()
    QTest.mouseClick(canvas, LEFT, SHIFT, canvas.at(30, 30))
    assert painted(canvas).sum() == pytest.approx(math.pi * 16, rel=0.1)


def test_a_pens_straight_line_is_whole(canvas: Easel, pen: Pen, brush: BrushSettings) -> None:
    pen.draw(canvas.along((10, 30), (12, 30)), [0.5, 0.0])
    pen.send(PRESS, canvas.at(50, 30), 0.01, keys=SHIFT)
    pen.send(RELEASE, canvas.at(50, 30), 0.0, keys=SHIFT)
    assert width_at(canvas, 30) == pytest.approx(brush.size, abs=0.5)


def test_the_first_click_with_shift_is_a_dot(canvas: Easel, pen: Pen) -> None:
    QTest.mouseClick(canvas, LEFT, SHIFT, canvas.at(50, 50))
    assert painted(canvas).sum() == pytest.approx(math.pi * 16, rel=0.1)


def test_a_line_begins_where_any_tool_ended_and_only_in_this_picture(
    canvas: Easel, brush: BrushSettings
) -> None:
    end = StrokeEnd()
    canvas.take_tool(PaintingTool("Mask brush", brush, Target.MASK, end=end))
    QTest.mouseClick(canvas, LEFT, pos=canvas.at(10, 10))
    canvas.take_tool(PaintingTool("Brush", brush, Target.PAINT, end=end))
    QTest.mouseClick(canvas, LEFT, SHIFT, canvas.at(10, 50))
    assert painted(canvas)[12:50, 10].min() > 0.99
    canvas.show_document(Document(Size(64, 64)))
    QTest.mouseClick(canvas, LEFT, SHIFT, canvas.at(50, 50))
    assert not painted(canvas)[:, 30].any()


def test_a_line_begins_at_the_same_place_on_a_canvas_that_has_grown(
    canvas: Easel, pen: Pen
) -> None:
    QTest.mouseClick(canvas, LEFT, pos=canvas.at(10, 10))
    canvas.easel.resize_to_include(Rect(-20, 0, 64, 64))
    QTest.mouseClick(canvas, LEFT, SHIFT, canvas.at(30, 50))
    assert painted(canvas)[12:50, 30].min() > 0.99


# --- the denoise brush ------------------------------------------------------------------------


@pytest.fixture
def denoise(canvas: Easel, brush: BrushSettings) -> PaintingTool:
    tool = PaintingTool("Denoise brush", brush, Target.MASK, paints_strength=True)
    canvas.take_tool(tool)
    return tool


def mask_row(canvas: Easel, y: int) -> np.ndarray:
    return canvas.easel.mask_pixels(canvas.easel.bounds)[y].astype(int)


@pytest.mark.usefixtures("denoise")
def test_a_mouse_paints_the_strength(canvas: Easel, brush: BrushSettings) -> None:
    brush.change(strength=0.4, opacity=0.1, flow=0.2)
    drag(canvas, canvas.along((10, 20), (30, 20), (50, 20)))
    assert set(mask_row(canvas, 20)[10:50].tolist()) == {102}
    brush.change(strength=0.0)
    drag(canvas, canvas.along((10, 20), (30, 20), (50, 20)))
    assert not mask_row(canvas, 20)[10:50].any()


@pytest.mark.usefixtures("denoise")
def test_a_pen_paints_the_strength_it_is_pressed_with(canvas: Easel, brush: BrushSettings) -> None:
    brush.change(strength=1.0, size=30)
    Pen(canvas).draw(
        canvas.along((5, 20), (15, 20), (40, 20), (60, 20), (60, 20)), [0.2, 0.2, 0.9, 0.9, 0]
    )
    row = mask_row(canvas, 20)
    assert row[8] == pytest.approx(51, abs=2)
    assert row[56] == pytest.approx(230, abs=2)


@pytest.mark.usefixtures("denoise")
def test_the_other_end_takes_strength_away(canvas: Easel, brush: BrushSettings) -> None:
    canvas.easel.fill_mask(Rect(0, 0, 64, 64))
    brush.change(strength=0.7)
    Pen(canvas, eraser=True).draw(canvas.along((5, 20), (60, 20), (60, 20)), [1.0, 1.0, 0.0])
    assert not mask_row(canvas, 20)[10:50].any()


@pytest.mark.usefixtures("denoise")
def test_the_strength_under_the_pointer_is_shown(
    qtbot: QtBot, canvas: Easel, brush: BrushSettings
) -> None:
    at = canvas.at(20, 20)
    area = canvas.rect().translated(at.x() + 14, at.y() - 12)
    area.setSize(area.size().boundedTo(area.size() / 6))

    def label() -> bytes:
        QTest.mouseMove(canvas, canvas.at(5, 60))
        QTest.mouseMove(canvas, at)
        image = canvas.grab(area).toImage().convertToFormat(canvas.grab().toImage().format())
        return bytes(image.constBits())

    empty = label()
    brush.change(strength=0.35)
    QTest.mouseClick(canvas, LEFT, pos=at)
    some = label()
    canvas.easel.fill_mask(Rect(0, 0, 64, 64))
    assert len({empty, some, label()}) == 3


def test_only_the_denoise_brush_shows_numbers(canvas: Easel, brush: BrushSettings) -> None:
    from gui.canvas.hover import strength_at

    canvas.easel.fill_mask(Rect(0, 0, 32, 64))
    assert strength_at(canvas.easel, 31.9, 5) == "100 %"
    assert strength_at(canvas.easel, 32.0, 5) == "0 %"
    assert strength_at(canvas.easel, -0.1, 5) == ""
    assert not PaintingTool("Mask brush", brush, Target.MASK).paints_strength


# --- the same gesture without a window --------------------------------------------------------


class Nowhere:
    """A canvas that nobody sees."""

    def __init__(self) -> None:
        self.document: Document | None = Document(Size(200, 200))
        self.viewport = Viewport()
        self.frame_step = 8


def played(events: list[Pointer], brush: BrushSettings) -> np.ndarray:
    """The picture after recorded events."""
    canvas = Nowhere()
    tool = PaintingTool("Brush", brush, Target.PAINT)
    gesture = tool.gesture(canvas, events[0])  # type: ignore[arg-type]  # it needs no signals
    next(gesture)
    for event in events[1:-1]:
        gesture.send(event)
    with pytest.raises(StopIteration):
        gesture.send(events[-1])
    assert canvas.document is not None
    return canvas.document.flatten(canvas.document.bounds)


def test_recorded_events_give_the_same_pixels_every_time() -> None:
    rng = np.random.default_rng(7)
    events = [
        Pointer(x, y, x, y, pressure=p, tilt=t, is_down=i < 39)
        for i, (x, y, p, t) in enumerate(
            rng.uniform((0, 0, 0, 0), (200, 200, 1, 1), (40, 4)).tolist()
        )
    ]
    brush = BrushSettings()
    brush.change(size=30, flow=0.6, smoothing=0.2)
    first, second = played(events, brush), played(events, brush)
    assert np.array_equal(first, second)
    assert (first[..., 1] < 200).mean() > 0.05
