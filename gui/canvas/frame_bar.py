"""The small bar under the generation frame: progress while a picture emerges, then the choice."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractButton,
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

from gui.canvas.timeline_row import TimelineRow
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
        wipe_asked: Compare with a divider, or no longer.
        step_asked: +1 for the next of several pictures, -1 for the one before.
        resized: Another face needs another place.
    """

    stop_asked = Signal()
    pause_asked = Signal()
    finish_asked = Signal()
    keep_asked = Signal()
    discard_asked = Signal()
    compare_held = Signal(bool)
    wipe_asked = Signal(bool)
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

    def show_wiping(self, on: bool) -> None:
        """Show whether the divider stands over the picture."""
        self._wipe.setChecked(on)

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

    def event(self, event: QEvent) -> bool:
        """Grow and shrink with what is in a face, also when a part of it comes later."""
        handled = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest and not self.isHidden():
            self._fit(was_hidden=False)
        return handled

    def _show(self, face: QWidget) -> None:
        was_hidden = self.isHidden()
        self._faces.setCurrentWidget(face)
        self.show()
        self._fit(was_hidden)

    def _fit(self, was_hidden: bool) -> None:
        """Take another place where one is needed: while it was hidden the frame may have moved."""
        if was_hidden or self.size() != self.sizeHint():
            self.resize(self.sizeHint())
            self.resized.emit()

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
        column = QVBoxLayout(face)
        column.setContentsMargins(6, 6, 6, 6)
        column.setSpacing(2)
        self.timeline = TimelineRow(self._theme)
        column.addWidget(self.timeline)
        row = QHBoxLayout()
        column.addLayout(row)
        row.setSpacing(4)
        self._previous = self._tool("chevron-left", "Picture before")
        self._count = QLabel()
        self._next = self._tool("chevron-right", "Next picture")
        self._previous.clicked.connect(self._on_previous)
        self._next.clicked.connect(self._on_next)
        self._note = QLabel()
        self._note.setProperty("quiet", True)
        compare = self._tool("eye", "Hold to see the original", "compare")
        compare.pressed.connect(self._on_compare_pressed)
        compare.released.connect(self._on_compare_released)
        self._wipe = self._tool("square-split-horizontal", "Compare with a divider", "wipe")
        self._wipe.setCheckable(True)
        self._wipe.clicked.connect(self.wipe_asked)
        discard = QPushButton("Discard")
        _say(discard, "Put it away; it stays in the gallery", "discard")
        discard.clicked.connect(self.discard_asked)
        keep = QPushButton("Keep")
        _say(keep, "Take it into the picture as a layer", "keep")
        keep.clicked.connect(self.keep_asked)
        looking = (self._previous, self._count, self._next, self._note, compare, self._wipe)
        for widget in looking:
            row.addWidget(widget)
        row.addStretch(1)
        for button in (discard, keep):
            row.addWidget(button)
        return face

    def _tool(self, icon: str, tip: str, action: str = "") -> QToolButton:
        button = QToolButton()
        _say(button, tip, action)
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


def _say(button: QAbstractButton, tip: str, action: str) -> None:
    """Give it a tip, to which the keymap adds the keys of an action."""
    button.setToolTip(tip)
    button.setProperty("tip", tip)
    button.setProperty("keys_of", action)
