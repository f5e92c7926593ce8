"""The small bar under the generation frame: progress while a picture emerges, then the choice."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.theme import Theme

GAP = 10
"""View pixels between the frame and the bar."""


class FrameBar(QFrame):
    """Shows one of two faces, or nothing.

    Signals:
        stop_asked: End the running job.
        pause_asked: Let it rest after its step, or go on.
        finish_asked: End it after its step with the picture it has by then.
        keep_asked: Take the picture into the document.
        discard_asked: Put it away; it stays in the gallery.
        compare_held: True while the original should be seen.
        step_asked: +1 for the next of several pictures, -1 for the one before.
        resized: Another face needs another place.
    """

    stop_asked = Signal()
    pause_asked = Signal()
    finish_asked = Signal()
    keep_asked = Signal()
    discard_asked = Signal()
    compare_held = Signal(bool)
    step_asked = Signal(int)
    resized = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("framebar")
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self._theme = theme
        self._faces = QStackedLayout(self)
        self._faces.setSizeConstraint(QStackedLayout.SizeConstraint.SetNoConstraint)
        self._progress_face = self._make_progress_face()
        self._choice_face = self._make_choice_face()
        self._faces.addWidget(self._progress_face)
        self._faces.addWidget(self._choice_face)
        self.hide()

    def show_progress(self, text: str, fraction: float) -> None:
        """Show what is going on and how far it is, 0 to 1."""
        self._status.setText(text)
        self._progress.setValue(round(fraction * 1000))
        self._show(self._progress_face)

    def say(self, text: str) -> None:
        """Put other words to the progress that is shown."""
        self._status.setText(text)

    def show_paused(self, paused: bool) -> None:
        """Let the first button offer to go on, or to pause."""
        tip = "Go on" if paused else "Pause after this step"
        self._pause.setToolTip(tip)
        self._pause.setAccessibleName(tip)
        self._theme.set_icon(self._pause, "play" if paused else "pause")

    def show_choice(self, index: int, count: int, note: str) -> None:
        """Offer to keep or discard picture `index` (from 0) of `count`."""
        self._count.setText(f"{index + 1} of {count}")
        for widget in (self._previous, self._next, self._count):
            widget.setVisible(count > 1)
        self._note.setText(note)
        self._note.setVisible(bool(note))
        self._show(self._choice_face)

    def place_under(self, area: QRectF, room: QRect) -> None:
        """Centre the bar under `area`, as far as that is inside `room`; both in the parent."""
        size = self.sizeHint()
        self.resize(size)
        x = min(area.center().x() - size.width() / 2, room.right() + 1 - size.width())
        y = min(area.bottom() + GAP, room.bottom() + 1 - size.height())
        self.move(round(max(x, room.left())), round(max(y, room.top())))

    def sizeHint(self) -> QSize:
        """As wide as the face that is shown."""
        face = self._progress_face if self._faces.currentIndex() == 0 else self._choice_face
        return face.sizeHint() + QSize(2, 2)

    def _show(self, face: QWidget) -> None:
        self._faces.setCurrentWidget(face)
        if self.isHidden() or self.size() != self.sizeHint():
            self.resize(self.sizeHint())
            self.resized.emit()
        self.show()

    def _make_progress_face(self) -> QWidget:
        face = QWidget()
        column = QVBoxLayout(face)
        column.setContentsMargins(12, 6, 6, 10)
        column.setSpacing(2)
        row = QHBoxLayout()
        self._status = QLabel()
        self._status.setMinimumWidth(200)
        self._pause = self._tool("pause", "Pause after this step")
        self._pause.clicked.connect(self.pause_asked)
        finish = self._tool("square-check", "Keep what there is and stop here")
        finish.clicked.connect(self.finish_asked)
        stop = self._tool("square", "Stop (Esc)")
        stop.clicked.connect(self.stop_asked)
        row.setSpacing(0)
        row.addWidget(self._status, 1)
        row.addSpacing(8)
        for button in (self._pause, finish, stop):
            row.addWidget(button)
        column.addLayout(row)
        self._progress = QProgressBar()
        self._progress.setRange(0, 1000)
        self._progress.setTextVisible(False)
        self._progress.setAccessibleName("Progress")
        bar = QHBoxLayout()
        bar.setContentsMargins(0, 0, 6, 0)
        bar.addWidget(self._progress)
        column.addLayout(bar)
        return face

    def _make_choice_face(self) -> QWidget:
        face = QWidget()
        row = QHBoxLayout(face)
        row.setContentsMargins(6, 6, 6, 6)
        row.setSpacing(4)
        self._previous = self._tool("chevron-left", "Picture before")
        self._count = QLabel()
        self._next = self._tool("chevron-right", "Next picture")
        self._previous.clicked.connect(self._on_previous)
        self._next.clicked.connect(self._on_next)
        self._note = QLabel()
        self._note.setProperty("quiet", True)
        compare = self._tool("eye", "Hold to see the original (C)")
        compare.pressed.connect(self._on_compare_pressed)
        compare.released.connect(self._on_compare_released)
        discard = QPushButton("Discard")
        discard.setToolTip("Put it away; it stays in the gallery (Del)")
        discard.clicked.connect(self.discard_asked)
        keep = QPushButton("Keep")
        keep.setToolTip("Take it into the picture as a layer (Enter)")
        keep.clicked.connect(self.keep_asked)
        for widget in (self._previous, self._count, self._next, self._note, compare, discard, keep):
            row.addWidget(widget)
        return face

    def _tool(self, icon: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        self._theme.set_icon(button, icon)
        return button

    def _on_previous(self) -> None:
        self.step_asked.emit(-1)

    def _on_next(self) -> None:
        self.step_asked.emit(1)

    def _on_compare_pressed(self) -> None:
        self.compare_held.emit(True)

    def _on_compare_released(self) -> None:
        self.compare_held.emit(False)
