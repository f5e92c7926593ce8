"""A window that shows what arrives from a pen, for whoever wonders why it does not press."""

from __future__ import annotations

import math
from collections import deque

from PySide6.QtCore import QEvent, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QGuiApplication,
    QInputDevice,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPointerEvent,
    QPointingDevice,
    QTabletEvent,
)
from PySide6.QtWidgets import QDialog, QFormLayout, QLabel, QVBoxLayout, QWidget

RATE_OVER = 1000
"""Milliseconds over which events are counted."""
LONGEST = 4000
"""Samples that the pad remembers."""
_KINDS = {
    QPointingDevice.PointerType.Pen: "Pen tip",
    QPointingDevice.PointerType.Eraser: "Other end (eraser)",
    QPointingDevice.PointerType.Cursor: "Puck",
    QPointingDevice.PointerType.Finger: "Finger",
    QPointingDevice.PointerType.Generic: "Mouse",
}
_BUTTONS = (
    (Qt.MouseButton.LeftButton, "tip"),
    (Qt.MouseButton.RightButton, "button 1"),
    (Qt.MouseButton.MiddleButton, "button 2"),
)


class PenTest(QDialog):
    """A pad to scribble on, and the readings of every event beside it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Pen test")
        self.resize(460, 480)
        self._labels = {name: QLabel("–") for name in READINGS}
        self._pad = Pad()
        self._pad.arrived.connect(self._on_arrived)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(4)
        for name, label in self._labels.items():
            label.setAccessibleName(name)
            title = QLabel(name)
            title.setProperty("quiet", True)
            form.addRow(title, label)
        hint = QLabel("Scribble with the pen, then turn it round. More in docs/pen.md.")
        hint.setObjectName("hint")
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(12)
        column.addWidget(hint)
        column.addWidget(self._pad, 1)
        column.addLayout(form)
        self._times: deque[int] = deque()
        self._hardest = 0.0
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(RATE_OVER)
        self._idle.timeout.connect(self._on_idle)
        self._labels["System"].setText(QGuiApplication.platformName())

    def _on_arrived(self, event: QPointerEvent) -> None:
        for name, text in self._readings(event).items():
            self._labels[name].setText(text)
        self._idle.start()

    def _readings(self, event: QPointerEvent) -> dict[str, str]:
        pressure, tilt = _pressure(event), "–"
        if isinstance(event, QTabletEvent):
            tilt = f"{event.xTilt():.0f}° across, {event.yTilt():.0f}° along"
        self._hardest = max(self._hardest, pressure)
        held = [name for button, name in _BUTTONS if _buttons(event) & button]
        knows = event.device().capabilities() & QInputDevice.Capability.Pressure
        return {
            "Device": _readable(event.device().name()) or "without a name",
            "Pointer": _KINDS.get(event.pointerType(), "unknown"),
            "Pressure": f"{pressure:.3f}, at most {self._hardest:.3f}" if knows else "not reported",
            "Tilt": tilt,
            "Pressed": ", ".join(held) or "nothing",
            "Events": f"{self._rate(event.timestamp())} a second",
        }

    def _rate(self, now: int) -> int:
        """Events within the last second, this one included."""
        self._times.append(now)
        while now - self._times[0] >= RATE_OVER:
            self._times.popleft()
        return len(self._times)

    def _on_idle(self) -> None:
        self._times.clear()
        self._labels["Events"].setText("none just now")


def _readable(name: str) -> str:
    """Without the end of C's string, which X11's names bring along, and its like."""
    return "".join(filter(str.isprintable, name)).strip()


READINGS = ("System", "Device", "Pointer", "Pressure", "Tilt", "Pressed", "Events")


class Pad(QWidget):
    """Draws a line as wide as the pressure says; red where the other end is used.

    Signals:
        arrived: An event of pen or mouse.
    """

    arrived = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Pad")
        self.setTabletTracking(True)
        self.setMouseTracking(True)
        self._lines: deque[tuple[QPointF, QPointF, float, bool]] = deque(maxlen=LONGEST)
        self._last: QPointF | None = None

    def tabletEvent(self, event: QTabletEvent) -> None:
        """The pen; accepted, so that no mouse event doubles it."""
        event.accept()
        self._take(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The mouse, or a pen that the system shows as one."""
        self._take(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """As for the press."""
        self._take(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """As for the press."""
        self._take(event)

    def _take(self, event: QTabletEvent | QMouseEvent) -> None:
        at, pressure = event.position(), _pressure(event)
        is_down = bool(event.buttons() & Qt.MouseButton.LeftButton)
        if is_down and self._last is not None and math.isfinite(pressure):
            erases = event.pointerType() is QPointingDevice.PointerType.Eraser
            self._lines.append((self._last, at, pressure, erases))
            self.update()
        self._last = at if is_down else None
        self.arrived.emit(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The pad and what was scribbled."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.color(QPalette.ColorRole.Base))
        painter.drawRoundedRect(self.rect(), 6, 6)
        for start, end, pressure, erases in self._lines:
            colour = QColor("#e5605e") if erases else palette.color(QPalette.ColorRole.Link)
            width = 1 + 15 * min(max(pressure, 0.0), 1.0)
            cap = Qt.PenCapStyle.RoundCap
            painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, cap))
            painter.drawLine(start, end)


def _pressure(event: QPointerEvent) -> float:
    if isinstance(event, QTabletEvent):
        return event.pressure()
    return 1.0 if event.type() != QEvent.Type.MouseButtonRelease and _buttons(event) else 0.0


def _buttons(event: QPointerEvent) -> Qt.MouseButton:
    assert isinstance(event, QTabletEvent | QMouseEvent)
    return event.buttons()
