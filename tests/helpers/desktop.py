"""Hands for window tests: mouse, pen and keys on a widget, and an asyncio loop inside Qt."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import qasync
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import (
    QInputDevice,
    QPointingDevice,
    QPointingDeviceUniqueId,
    QTabletEvent,
    QWheelEvent,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from gui.background import Background

LEFT = Qt.MouseButton.LeftButton
PATIENCE_MS = 20_000  # for what must happen; the machine may be busy


@contextmanager
def asyncio_in_qt(application: QApplication) -> Iterator[asyncio.AbstractEventLoop]:
    """A loop whose callbacks run wherever Qt's events do: also while pytest-qt waits."""
    loop = qasync.QEventLoop(application)
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        # A cancelled task hears of it at its next step.
        while waiting := asyncio.all_tasks(loop):
            loop.run_until_complete(asyncio.wait(waiting))
        asyncio.set_event_loop(None)
        loop.close()
        application.processEvents()  # the loop's last timers


@contextmanager
def in_background(application: QApplication) -> Iterator[Background]:
    """A `Background` that is closed afterwards and leaves no task behind."""
    with asyncio_in_qt(application) as loop:
        background = Background(loop)
        try:
            yield background
        finally:
            background.close()


def rest(qtbot: QtBot, background: Background) -> None:
    """Wait until nothing is under way in the background."""
    qtbot.waitUntil(lambda: not background._tasks, timeout=PATIENCE_MS)


def drag(widget: QWidget, points: Sequence[QPoint], button: Qt.MouseButton = LEFT) -> None:
    """Press at the first point, move through the others, release at the last."""
    QTest.mousePress(widget, button, pos=points[0])
    for point in points[1:]:
        QTest.mouseMove(widget, point)
    QTest.mouseRelease(widget, button, pos=points[-1])


def wheel(
    widget: QWidget,
    at: QPoint,
    notches: float,
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> bool:
    """Turn the wheel, away from the hand for +1; returns whether the widget took it."""
    event = QWheelEvent(
        QPointF(at),
        QPointF(widget.mapToGlobal(at)),
        QPoint(),
        QPoint(0, round(120 * notches)),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QCoreApplication.sendEvent(widget, event)
    return event.isAccepted()


class Pen:
    """A pen with pressure whose events go straight to a widget."""

    def __init__(self, widget: QWidget, eraser: bool = False, name: str = "a pen") -> None:
        """Hold the pen, or its other end, over `widget`."""
        capability = QInputDevice.Capability
        kind = QPointingDevice.PointerType.Eraser if eraser else QPointingDevice.PointerType.Pen
        self._widget = widget
        self._device = QPointingDevice(
            name,
            4242 + eraser,
            QInputDevice.DeviceType.Stylus,
            kind,
            capability.Position
            | capability.Pressure
            | capability.Hover
            | capability.XTilt
            | capability.YTilt,
            1,
            3,
            "",
            QPointingDeviceUniqueId.fromNumericId(99),
        )

    def draw(self, points: Sequence[QPoint], pressures: Sequence[float]) -> list[bool]:
        """Press, move and release; returns which events the widget accepted."""
        kinds = [QEvent.Type.TabletMove] * len(points)
        kinds[0], kinds[-1] = QEvent.Type.TabletPress, QEvent.Type.TabletRelease
        return [self.send(*step) for step in zip(kinds, points, pressures, strict=True)]

    def send(
        self,
        kind: QEvent.Type,
        at: QPoint | QPointF,
        pressure: float,
        button: Qt.MouseButton = LEFT,
        tilt: tuple[float, float] = (0.0, 0.0),
        held: Qt.MouseButton = Qt.MouseButton.NoButton,
        keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> bool:
        """One event; returns whether the widget accepted it.

        Args:
            button: What is pressed, or held while moving, or released.
            tilt: Degrees across and along.
            held: Buttons that are down besides.
            keys: Held on the keyboard.
        """
        moved, released = kind is QEvent.Type.TabletMove, kind is QEvent.Type.TabletRelease
        at = QPointF(at)
        event = QTabletEvent(
            kind,
            self._device,
            at,
            self._widget.mapToGlobal(at),
            pressure,
            *tilt,
            0.0,
            0.0,
            0.0,
            keys,
            Qt.MouseButton.NoButton if moved else button,
            held if released else held | button,
        )
        QCoreApplication.sendEvent(self._widget, event)
        return event.isAccepted()
