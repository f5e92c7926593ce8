"""The row of the frame's bar in which a finished picture is gone through step by step."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from gui.theme import Theme
from gui.widgets.step_scrubber import StepScrubber


class TimelineRow(QWidget):
    """Shows nothing until it is given steps.

    Signals:
        step_chosen: This step should be seen.
        branch_asked: The next picture shall go on from the step that is seen.
        left: The keys shall go to the canvas again.
    """

    step_chosen = Signal(int)
    branch_asked = Signal()
    left = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._total = 0
        self._scrubber = StepScrubber("Step of this picture")
        self._scrubber.setToolTip(
            "What the model expected at each step (arrow keys; Enter goes back to the canvas)"
        )
        self._scrubber.left.connect(self.left)
        self._scrubber.valueChanged.connect(self._on_moved)
        self._label = QLabel()
        self._label.setProperty("quiet", True)
        branch = QToolButton()
        branch.setText(" Branch from here")  # room between the icon and it
        branch.setAccessibleName("Branch from here")
        branch.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        branch.setProperty("tip", "Let the next picture go on from this step")
        branch.setProperty("keys_of", "branch")
        branch.setToolTip("Let the next picture go on from this step")
        branch.clicked.connect(self.branch_asked)
        theme.set_icon(branch, "git-branch")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._scrubber, 1)
        row.addWidget(self._label)
        row.addWidget(branch)
        self.hide()

    @property
    def step(self) -> int:
        """The step that is seen."""
        return self._scrubber.value()

    @property
    def has_steps(self) -> bool:
        """Whether there is something to go through."""
        return not self.isHidden()

    @property
    def may_branch(self) -> bool:
        """Whether something is left to do behind the step that is seen."""
        return self.has_steps and self.step < self._total

    def show_steps(self, first: int, last: int, total: int, step: int) -> None:
        """Offer the steps from `first` to `last`, of a run of `total`; `step` is seen."""
        self._total = total
        with QSignalBlocker(self._scrubber):
            self._scrubber.setRange(first, last)
            self._scrubber.setValue(step)
        widest = self._label.fontMetrics().horizontalAdvance(_words(total, total))
        self._label.setFixedWidth(widest + 2)
        self._label.setText(_words(step, total))
        self.show()

    def show_no_steps(self) -> None:
        """There is nothing to go through."""
        if self._scrubber.hasFocus():
            self.left.emit()
        self.hide()

    def take_focus(self) -> None:
        """Let the arrow keys go through the steps."""
        self._scrubber.setFocus()

    @Slot(int)
    def _on_moved(self, step: int) -> None:
        self._label.setText(_words(step, self._total))
        self.step_chosen.emit(step)


def _words(step: int, total: int) -> str:
    return f"step {step} of {total}"
