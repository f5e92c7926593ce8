"""The small parts that forms are made of: labels, rows, separators."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QWidget

from gui.widgets.number_field import NumberField

LABEL_WIDTH = 76


def label(text: str, *, quiet: bool = False, section: bool = False) -> QLabel:
    """A label: quiet in the second colour of text, section in bold."""
    made = QLabel(text)
    if section:
        made.setObjectName("section")
    made.setProperty("quiet", quiet)
    return made


def row(*widgets: QWidget | None, spacing: int = 8) -> QHBoxLayout:
    """Widgets side by side, number fields wide; None is a stretch."""
    made = QHBoxLayout()
    made.setSpacing(spacing)
    made.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        if widget is None:
            made.addStretch(1)
        else:
            made.addWidget(widget, 1 if isinstance(widget, NumberField) else 0)
    return made


def grid(parent: QWidget | None = None) -> QGridLayout:
    """Labels on the left, all equally wide, and controls on the right."""
    made = QGridLayout(parent)
    made.setContentsMargins(0, 0, 0, 0)
    made.setHorizontalSpacing(8)
    made.setVerticalSpacing(8)
    made.setColumnMinimumWidth(0, LABEL_WIDTH)
    made.setColumnStretch(1, 1)
    return made


def separator() -> QFrame:
    """A line across."""
    line = QFrame()
    line.setObjectName("separator")
    line.setFixedHeight(1)
    return line


def mark(widget: QWidget, name: str, on: bool) -> None:
    """Set a property that the style sheet asks for."""
    widget.setProperty(name, on)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
