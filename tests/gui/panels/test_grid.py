"""The dialog of a grid: what is offered, what is read, and what is said meanwhile."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from core.inference.grids import Setting
from gui.pacing import spoken
from gui.panels.grid import Axes, GridDialog
from gui.theme import Theme

SETTINGS = (
    Setting("steps", "Steps", "10, 20"),
    Setting("guidance", "Guidance", "3, 7.5"),
    Setting("scheduler", "Scheduler", "Euler, DDIM", ("Euler", "Euler a", "DDIM")),
)


class Asked:
    """The dialog, worked as a person does."""

    def __init__(self, holder: QWidget, theme: Theme) -> None:
        self.holder = holder
        self.dialog = dialog = GridDialog(holder, theme)
        self.axes: list[Axes] = []
        dialog.asked.connect(self.axes.append)
        dialog.ask(SETTINGS, lambda axes: 90.0)

    def choose(self, row: str, title: str, values: str = "") -> None:
        box = self._named(QComboBox, f"{row}: setting")
        box.setCurrentIndex(box.findText(title))
        if values:
            field = self._named(QLineEdit, f"{row}: values")
            field.clear()
            field.insert(values)

    def tick(self, row: str, *names: str) -> None:
        self._named(QToolButton, f"{row}: choose values").click()
        box = next(
            found
            for found in self.dialog.findChildren(QListWidget)
            if found.accessibleName() == f"{row}: values"
        )
        for number in range(box.count()):
            item = box.item(number)
            is_on = item.text() in names
            item.setCheckState(Qt.CheckState.Checked if is_on else Qt.CheckState.Unchecked)
        box.window().hide()

    def values(self, row: str) -> str:
        return str(self._named(QLineEdit, f"{row}: values").text())

    @property
    def says(self) -> str:
        return str(self._named(QLabel, "What it comes to").text())

    @property
    def button(self) -> QPushButton:
        buttons = self.dialog.findChildren(QPushButton)
        return next(button for button in buttons if button.text() == "Make the grid")

    def _named(self, kind: type, name: str):  # type: ignore[no-untyped-def]
        found = self.dialog.findChildren(kind)
        return next(widget for widget in found if widget.accessibleName() == name)


@pytest.fixture
def asked(qtbot: QtBot, theme: Theme) -> Asked:
    holder = QWidget()
    qtbot.addWidget(holder)
    holder.show()
    return Asked(holder, theme)


def test_nothing_can_be_made_before_something_is_chosen(asked: Asked) -> None:
    assert not asked.button.isEnabled()
    assert asked.says == "Choose what the columns show."


def test_it_says_what_the_values_come_to_and_hands_the_axes_over(asked: Asked) -> None:
    asked.choose("Columns", "Steps", "10-30 (+10)")
    assert asked.says == "3 pictures, about 2 min"
    asked.choose("Rows", "Guidance", "3, 7.5")
    assert asked.says == "3 × 2 = 6 pictures, about 2 min"
    asked.button.click()
    (axes,) = asked.axes
    assert [axis.values for axis in axes] == [(None,), (3.0, 7.5), (10, 20, 30)]
    assert [axis.name for axis in axes] == ["", "Guidance", "Steps"]
    assert not asked.dialog.isVisible()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ("10, ten", "“ten” is no value for Steps"),
        ("1-500", "more than 400"),
        ("10,", "names no values"),
        ("  ", "write values for “Steps”"),
    ],
)
def test_what_cannot_be_read_is_said_while_it_is_typed(
    asked: Asked, values: str, sentence: str
) -> None:
    asked.choose("Columns", "Steps", values)
    assert sentence in asked.says
    assert not asked.button.isEnabled()


def test_one_setting_twice_is_refused(asked: Asked) -> None:
    asked.choose("Columns", "Steps", "1, 2")
    asked.choose("Rows", "Steps", "3, 4")
    assert "Two axes are the same setting" in asked.says


def test_schedulers_are_ticked_in_a_list(asked: Asked) -> None:
    asked.choose("Rows", "Scheduler", "Euler")
    asked.tick("Rows", "Euler", "DDIM")
    assert asked.values("Rows") == "Euler, DDIM"
    assert asked.says.startswith("2 pictures")
    chooser = asked._named(QToolButton, "Columns: choose values")
    asked.choose("Columns", "Steps", "1")
    assert not chooser.isVisible()


def test_what_was_written_comes_back_with_its_setting(asked: Asked) -> None:
    field = asked._named(QLineEdit, "Columns: values")
    asked.choose("Columns", "Steps")
    field.setFocus()
    field.insert("5, 6")
    field.textEdited.emit(field.text())
    asked.choose("Columns", "Guidance")
    assert asked.values("Columns") == ""
    asked.choose("Columns", "Steps")
    assert asked.values("Columns") == "5, 6"
    asked.dialog.ask(SETTINGS[:1], lambda axes: None)
    assert asked.says == "2 pictures"


def test_lengths_of_time_in_words() -> None:
    assert [spoken(s) for s in (0.2, 59, 61, 3599, 7200)] == [
        "1 s", "59 s", "1 min", "60 min", "2.0 h",
    ]  # fmt: skip
