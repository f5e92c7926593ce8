"""Small sheets that ask for a number, a name or a size, and never stand in the way of a job."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.geometry import Size
from gui.widgets.number_field import NumberField

MOST_SIDE = 16_384


class Sheet(QDialog):
    """Content above, two buttons at its foot; Enter is the first of them, Esc closes."""

    def __init__(self, window: QWidget, title: str, content: QLayout) -> None:
        super().__init__(window)
        self.setWindowTitle(title)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(16)
        column.addLayout(content)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        cancel = QPushButton("Cancel")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self.button = QPushButton("Apply")
        self.button.setDefault(True)
        self.button.clicked.connect(self.accept)
        row.addWidget(cancel)
        row.addWidget(self.button)
        column.addLayout(row)
        column.setSizeConstraint(QLayout.SizeConstraint.SetFixedSize)

    def bring(self) -> None:
        """Show it in front, without keeping anything else from going on."""
        self.show()
        self.raise_()
        self.activateWindow()


class AmountSheet(Sheet):
    """Asks how many pixels.

    Signals:
        asked: What is to be done, as `ask` was told, and by how many pixels.
    """

    asked = Signal(str, int)

    def __init__(self, window: QWidget, most: int) -> None:
        self._amount = NumberField("Pixels", 1, most, 1, 0)
        self._amount.setSuffix(" px")
        self._amount.setFixedWidth(96)
        self._label = QLabel()
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self._label)
        row.addStretch(1)
        row.addWidget(self._amount)
        self._what = ""
        self._amounts: dict[str, int] = {}
        super().__init__(window, "", row)
        self.setMinimumWidth(240)
        self.accepted.connect(self._on_accepted)

    def ask(self, what: str, title: str) -> None:
        """Ask for it; the number that was given for the same thing last is offered."""
        self._what = what
        self.setWindowTitle(title)
        self._label.setText(f"{title} by")
        self._amount.show_value(self._amounts.get(what, 8))
        self.bring()
        self._amount.setFocus(Qt.FocusReason.PopupFocusReason)
        self._amount.selectAll()

    @Slot()
    def _on_accepted(self) -> None:
        self._amount.interpretText()
        self._amounts[self._what] = round(self._amount.value())
        self.asked.emit(self._what, self._amounts[self._what])


class NameSheet(Sheet):
    """Asks for a name.

    Signals:
        asked: The name.
    """

    asked = Signal(str)

    def __init__(self, window: QWidget, title: str, label: str, verb: str) -> None:
        self._name = QLineEdit()
        self._name.setAccessibleName(label)
        self._name.setMinimumWidth(260)
        column = QVBoxLayout()
        column.setSpacing(6)
        column.addWidget(QLabel(label))
        column.addWidget(self._name)
        super().__init__(window, title, column)
        self.button.setText(verb)
        self.accepted.connect(self._on_accepted)

    def ask(self, proposal: str) -> None:
        """Ask, with a name to begin with."""
        self._name.setText(proposal)
        self.bring()
        self._name.setFocus(Qt.FocusReason.PopupFocusReason)
        self._name.selectAll()

    @Slot()
    def _on_accepted(self) -> None:
        self.asked.emit(self._name.text())


class NewSheet(Sheet):
    """Asks how large a new picture is to be.

    Signals:
        asked: Width and height.
    """

    asked = Signal(int, int)

    def __init__(self, window: QWidget) -> None:
        self._sides = (_side("Width"), _side("Height"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnMinimumWidth(0, 136)  # or its title would not fit
        for line, field in enumerate(self._sides):
            grid.addWidget(QLabel(field.accessibleName()), line, 0)
            grid.addWidget(field, line, 1)
        super().__init__(window, "New picture", grid)
        self.button.setText("Create")
        self.accepted.connect(self._on_accepted)

    def ask(self, size: Size) -> None:
        """Ask, with a size to begin with."""
        for field, length in zip(self._sides, size, strict=True):
            field.show_value(length)
        self.bring()
        self._sides[0].setFocus(Qt.FocusReason.PopupFocusReason)
        self._sides[0].selectAll()

    @Slot()
    def _on_accepted(self) -> None:
        for field in self._sides:
            field.interpretText()
        self.asked.emit(*(round(field.value()) for field in self._sides))


class CanvasSizeSheet(Sheet):
    """Asks for the canvas's size, and where the picture stays.

    Signals:
        asked: Width, height, and the anchor, each 0, 0.5 or 1 across and down.
    """

    asked = Signal(int, int, float, float)

    def __init__(self, window: QWidget) -> None:
        self._width = _side("Width")
        self._height = _side("Height")
        self._anchors = QButtonGroup()
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        for line, (name, field) in enumerate((("Width", self._width), ("Height", self._height))):
            grid.addWidget(QLabel(name), line, 0)
            grid.addWidget(field, line, 1)
        grid.addWidget(QLabel("The picture stays"), 2, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self._make_anchors(), 2, 1, Qt.AlignmentFlag.AlignLeft)
        super().__init__(window, "Canvas size", grid)
        self._anchors.setParent(self)
        self.accepted.connect(self._on_accepted)

    def ask(self, size: Size) -> None:
        """Ask, beginning with the size that the canvas has."""
        self._width.show_value(size.width)
        self._height.show_value(size.height)
        self._anchors.button(4).setChecked(True)
        self.bring()
        self._width.setFocus(Qt.FocusReason.PopupFocusReason)
        self._width.selectAll()

    def _make_anchors(self) -> QFrame:
        frame = QFrame()
        frame.setObjectName("segmented")
        grid = QGridLayout(frame)
        grid.setContentsMargins(2, 2, 2, 2)
        grid.setSpacing(2)
        for number in range(9):
            column, row = number % 3, number // 3
            button = QToolButton()
            button.setCheckable(True)
            button.setFixedSize(28, 28)
            button.setText("\N{BULLET}")
            name = f"{('top', 'middle', 'bottom')[row]} {('left', 'centre', 'right')[column]}"
            button.setAccessibleName(name)
            button.setToolTip(name.capitalize())
            self._anchors.addButton(button, number)
            grid.addWidget(button, row, column)
        return frame

    @Slot()
    def _on_accepted(self) -> None:
        for field in (self._width, self._height):
            field.interpretText()
        row, column = divmod(self._anchors.checkedId(), 3)
        size = round(self._width.value()), round(self._height.value())
        self.asked.emit(*size, column / 2, row / 2)


def _side(name: str) -> NumberField:
    field = NumberField(name, 1, MOST_SIDE, 1, 0)
    field.setSuffix(" px")
    field.setFixedWidth(108)
    return field
