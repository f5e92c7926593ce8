"""The dialog of a grid: up to three settings, the values they take, and what that comes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.errors import InvalidRequest
from core.inference.axes import Axis
from core.inference.grids import Setting, count_of
from core.inference.value_lists import split
from gui.pacing import spoken
from gui.theme import Theme
from gui.widgets.check_list import CheckList
from gui.widgets.form import label, mark

WIDTH = 560
NAMES = ("Columns", "Rows", "Sections")
NOTHING = "—"
HINT = (
    "Values stand one after another: 1, 2, 3. Ranges: 1-9, or 10-30 (+5) in steps, or 0-1 [5] for "
    "five of them. Where values have commas in them, write | between them."
)
Axes = tuple[Axis, Axis, Axis]
"""Of sections, rows and columns, as `core.inference.grids.cells_of` takes them."""


class GridDialog(QDialog):
    """Stays open beside the work; what cannot be is said while it is typed.

    Signals:
        asked: The axes, when they are to be made.
    """

    asked = Signal(object)

    def __init__(self, window: QWidget, theme: Theme) -> None:
        super().__init__(window)
        self.setWindowTitle("Grid")
        self.setFixedWidth(WIDTH)
        self._seconds: Callable[[Axes], float | None] = lambda axes: None
        self._axes: Axes | None = None
        self._rows = [_AxisRow(name, theme, self) for name in NAMES]
        form = QGridLayout()
        form.setHorizontalSpacing(8)
        form.setVerticalSpacing(8)
        form.setColumnMinimumWidth(0, 64)
        form.setColumnStretch(2, 1)
        for line, row in enumerate(self._rows):
            row.add_to(form, line)
            row.changed.connect(self._read)
        hint = label(HINT, quiet=True)
        hint.setWordWrap(True)
        self._sum = QLabel()
        self._sum.setWordWrap(True)
        self._sum.setTextFormat(Qt.TextFormat.PlainText)
        self._sum.setAccessibleName("What it comes to")
        # Two lines of room from the start, so that a sentence moves nothing.
        self._sum.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        column.addLayout(form)
        column.addWidget(hint)
        column.addLayout(self._make_foot())

    def ask(self, settings: Sequence[Setting], seconds: Callable[[Axes], float | None]) -> None:
        """Offer these settings; what was written before is kept where it still fits.

        Args:
            seconds: How long such a grid takes, if that is known.
        """
        self._seconds = seconds
        for row in self._rows:
            row.offer(settings)
        self._read()
        self.show()
        self.raise_()
        self.activateWindow()
        self._rows[0].take_focus()

    def refuse(self, sentence: str) -> None:
        """Say why it cannot be made like that."""
        self._say(sentence, is_wrong=True)
        self.show()

    def _make_foot(self) -> QHBoxLayout:
        cancel = QPushButton("Cancel")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self._start = QPushButton("Make the grid")
        self._start.setObjectName("primary")
        self._start.setDefault(True)
        self._start.clicked.connect(self._on_start)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self._sum, 1)
        foot.addWidget(cancel, 0, Qt.AlignmentFlag.AlignVCenter)
        foot.addWidget(self._start, 0, Qt.AlignmentFlag.AlignVCenter)
        return foot

    @Slot()
    def _read(self) -> None:
        """Look at what is written, and say what it comes to."""
        self._axes = None
        self._start.setEnabled(False)
        try:
            columns, rows, sections = (row.axis() for row in self._rows)
            count = count_of((columns, rows, sections))
        except InvalidRequest as error:
            self._say(str(error), is_wrong=True)
            return
        if not any(axis.field for axis in (columns, rows, sections)):
            self._say("Choose what the columns show.")
            return
        self._axes = sections, rows, columns
        self._start.setEnabled(True)
        self._say(self._sum_of(self._axes, count))

    def _sum_of(self, axes: Axes, count: int) -> str:
        lengths = [len(axis.values) for axis in reversed(axes) if axis.field]
        product = " × ".join(map(str, lengths))
        pictures = "1 picture" if count == 1 else f"{count} pictures"
        words = f"{product} = {pictures}" if len(lengths) > 1 else pictures
        seconds = self._seconds(axes)
        return words if seconds is None else f"{words}, about {spoken(seconds)}"

    def _say(self, words: str, *, is_wrong: bool = False) -> None:
        self._sum.setText(words)
        mark(self._sum, "warning", is_wrong)

    @Slot()
    def _on_start(self) -> None:
        if self._axes is not None:
            self.accept()
            self.asked.emit(self._axes)


class _AxisRow(QWidget):
    """One line: which setting, and its values.

    Signals:
        changed: Something else is chosen or written.
    """

    changed = Signal()

    def __init__(self, name: str, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.hide()  # a holder only: its parts stand in the dialog's grid
        self._name = name
        self._settings: dict[str, Setting] = {}
        self._written: dict[str, str] = {}
        self._setting = QComboBox()
        self._setting.setAccessibleName(f"{name}: setting")
        self._setting.setFixedWidth(172)
        self._setting.setMaxVisibleItems(20)
        self._setting.currentIndexChanged.connect(self._on_setting_chosen)
        self._values = QLineEdit()
        self._values.setAccessibleName(f"{name}: values")
        self._values.setClearButtonEnabled(True)
        self._values.textEdited.connect(self._on_edited)
        self._values.textChanged.connect(self.changed)
        self._choose = QToolButton()
        self._choose.setToolTip("Choose from the list")
        self._choose.setAccessibleName(f"{name}: choose values")
        theme.set_icon(self._choose, "chevron-down")
        self._choose.clicked.connect(self._on_choose)
        self._list = CheckList(f"{name}: values", self)
        self._list.ticked.connect(self._on_ticked)

    def add_to(self, form: QGridLayout, line: int) -> None:
        """Stand on that line."""
        form.addWidget(label(self._name), line, 0)
        form.addWidget(self._setting, line, 1)
        values = QHBoxLayout()
        values.setSpacing(4)
        values.addWidget(self._values, 1)
        values.addWidget(self._choose)
        form.addLayout(values, line, 2)

    def take_focus(self) -> None:
        """Let the person go on here."""
        self._setting.setFocus(Qt.FocusReason.PopupFocusReason)

    def offer(self, settings: Sequence[Setting]) -> None:
        """Offer these; stay at what is chosen if it is among them."""
        chosen = self._setting.currentData()
        self._settings = {setting.key: setting for setting in settings}
        self._setting.blockSignals(True)
        self._setting.clear()
        self._setting.addItem(NOTHING, "")
        for setting in settings:
            self._setting.addItem(setting.title, setting.key)
        self._setting.setCurrentIndex(max(0, self._setting.findData(chosen)))
        self._setting.blockSignals(False)
        self._on_setting_chosen()

    def axis(self) -> Axis:
        """What is written, as an axis.

        Raises:
            InvalidRequest: it cannot be read.
        """
        setting = self._settings.get(self._setting.currentData())
        if setting is None:
            return Axis.of(None)
        if not self._values.text().strip():
            raise InvalidRequest(f"{self._name}: write values for “{setting.title}”.")
        return Axis.reading(setting.key, setting.title, self._values.text())

    @Slot()
    def _on_setting_chosen(self) -> None:
        setting = self._settings.get(self._setting.currentData())
        self._values.setEnabled(setting is not None)
        self._values.setPlaceholderText("" if setting is None else setting.example)
        self._choose.setVisible(setting is not None and bool(setting.choices))
        written = "" if setting is None else self._written.get(setting.key, "")
        if written != self._values.text():
            self._values.setText(written)
            self._values.setCursorPosition(0)
        else:
            self.changed.emit()

    @Slot(str)
    def _on_edited(self, text: str) -> None:
        self._written[self._setting.currentData()] = text

    @Slot()
    def _on_choose(self) -> None:
        setting = self._settings[self._setting.currentData()]
        self._list.offer(setting.choices, split(self._values.text()))
        self._list.open_below(self._choose)

    @Slot(list)
    def _on_ticked(self, names: list[str]) -> None:
        text = " | ".join(names) if any("," in name for name in names) else ", ".join(names)
        self._written[self._setting.currentData()] = text
        self._values.setText(text)
        self._values.setCursorPosition(0)
