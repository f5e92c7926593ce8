from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from core.canvas.dynamics import MOST_POINTS, Curve
from gui.theme import Theme
from gui.widgets.curve_editor import MARGIN, CurveEditor
from tests.helpers.desktop import LEFT, drag


@pytest.fixture
def editor(qtbot: QtBot, theme: Theme) -> CurveEditor:
    editor = CurveEditor("Curve")
    qtbot.addWidget(editor)
    editor.resize(200 + 2 * MARGIN, 104)
    editor.show()
    qtbot.waitExposed(editor)
    return editor


def at(editor: CurveEditor, x: float, y: float) -> QPoint:
    height = editor.height() - 2 * MARGIN
    return QPoint(round(MARGIN + 200 * x), round(MARGIN + (1 - y) * height))


def test_a_click_makes_a_point_and_a_drag_moves_it(editor: CurveEditor) -> None:
    told: list[Curve] = []
    editor.edited.connect(told.append)
    drag(editor, [at(editor, 0.5, 0.5), at(editor, 0.4, 0.8)])
    assert told[-1] == editor.curve
    (_, middle, _) = editor.curve.points
    assert middle == pytest.approx((0.4, 0.8), abs=0.02)


def test_the_ends_move_only_up_and_down(editor: CurveEditor) -> None:
    drag(editor, [at(editor, 0, 0), at(editor, 0.5, 0.6)])
    assert editor.curve.points[0] == (0.0, pytest.approx(0.6, abs=0.02))
    drag(editor, [at(editor, 1, 1), at(editor, 3, -2)])
    assert editor.curve.points[-1] == (1.0, 0.0)


def test_a_point_stays_between_its_neighbours(editor: CurveEditor) -> None:
    editor.show_curve(Curve(((0.0, 0.0), (0.3, 0.3), (0.6, 0.6), (1.0, 1.0))))
    drag(editor, [at(editor, 0.3, 0.3), at(editor, 0.9, 0.3)])
    xs = [x for x, _ in editor.curve.points]
    assert xs == sorted(set(xs))
    assert 0.55 < xs[1] < 0.6


def test_a_double_click_takes_a_point_away_but_not_an_end(editor: CurveEditor) -> None:
    editor.show_curve(Curve(((0.0, 0.0), (0.5, 0.9), (1.0, 1.0))))
    QTest.mouseDClick(editor, LEFT, pos=at(editor, 0.5, 0.9))
    QTest.mouseDClick(editor, LEFT, pos=at(editor, 0, 0))
    assert editor.curve == Curve()


def test_the_keys_do_it_too(editor: CurveEditor) -> None:
    editor.show_curve(Curve(((0.0, 0.0), (0.5, 0.5), (1.0, 1.0))))
    editor.setFocus()
    for key in (*[Qt.Key.Key_Up] * 10, *[Qt.Key.Key_Left] * 5):
        QTest.keyClick(editor, key)
    assert editor.curve.points[1] == pytest.approx((0.4, 0.7))
    for key in (Qt.Key.Key_PageUp, *[Qt.Key.Key_Down] * 5):
        QTest.keyClick(editor, key)
    assert editor.curve.points[2] == pytest.approx((1.0, 0.9))
    QTest.keyClick(editor, Qt.Key.Key_Delete)
    assert len(editor.curve.points) == 3  # an end stays
    QTest.keyClick(editor, Qt.Key.Key_PageDown)
    QTest.keyClick(editor, Qt.Key.Key_Delete)
    assert len(editor.curve.points) == 2


def test_there_are_never_too_many_points(editor: CurveEditor) -> None:
    for step in range(1, 40):
        QTest.mouseClick(editor, LEFT, pos=at(editor, step / 40, 0.5))
    assert len(editor.curve.points) == MOST_POINTS


def test_showing_tells_nobody(editor: CurveEditor) -> None:
    told: list[Curve] = []
    editor.edited.connect(told.append)
    editor.show_curve(Curve(((0.0, 0.5), (1.0, 0.5))))
    assert not told
    assert editor.curve.points == ((0.0, 0.5), (1.0, 0.5))


def test_the_curve_is_drawn_where_its_points_are(editor: CurveEditor) -> None:
    editor.show_curve(Curve(((0.0, 0.9), (1.0, 0.9))))
    image = editor.grab().toImage()
    here, elsewhere = at(editor, 0.37, 0.9), at(editor, 0.37, 0.3)
    assert image.pixelColor(here) != image.pixelColor(elsewhere)


def test_the_grid_is_seen_on_both_sides_of_a_bent_curve(editor: CurveEditor) -> None:
    straight = editor.grab().toImage()
    editor.show_curve(Curve(((0.0, 0.0), (0.4, 0.9), (1.0, 1.0))))
    bent = editor.grab().toImage()
    for x, y in ((0.25, 0.35), (0.5, 0.6), (0.5, 0.3), (0.25, 0.9)):
        assert bent.pixelColor(at(editor, x, y)) == straight.pixelColor(at(editor, x, y))
