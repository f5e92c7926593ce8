"""The dock's choices for repainting a mask and for two passes."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton, QWidget
from pytestqt.qtbot import QtBot

from core.abilities import InpaintArea, MaskedContent
from gui.panels.ways import InpaintingOptions, PassesOptions
from gui.sampling import Sampling
from gui.widgets.number_field import NumberField

LEFT = Qt.MouseButton.LeftButton


def shown(qtbot: QtBot, widget: QWidget) -> QWidget:
    qtbot.addWidget(widget)
    widget.resize(300, 200)
    widget.show()
    widget.activateWindow()
    qtbot.waitUntil(widget.isActiveWindow)
    return widget


def button(widget: QWidget, name: str) -> QToolButton:
    return next(b for b in widget.findChildren(QToolButton) if b.accessibleName() == name)


def field(widget: QWidget) -> NumberField:
    (found,) = widget.findChildren(NumberField)
    return found


def type_into(number: NumberField, text: str) -> None:
    number.setFocus()
    number.selectAll()
    QTest.keyClicks(number, text)
    QTest.keyClick(number, Qt.Key.Key_Return)


@pytest.mark.parametrize(
    ("name", "attribute", "value", "other"),
    [
        ("Closeup", "inpaint_area", InpaintArea.ONLY_MASKED, InpaintArea.WHOLE_PICTURE),
        ("Whole frame", "inpaint_area", InpaintArea.WHOLE_PICTURE, InpaintArea.ONLY_MASKED),
        ("Fill", "masked_content", MaskedContent.FILL, MaskedContent.ORIGINAL),
        ("Noise", "masked_content", MaskedContent.NOISE, MaskedContent.ORIGINAL),
        ("Picture", "masked_content", MaskedContent.ORIGINAL, MaskedContent.NOISE),
    ],
)
def test_a_choice_goes_both_ways(
    qtbot: QtBot, sampling: Sampling, name: str, attribute: str, value: str, other: str
) -> None:
    options = shown(qtbot, InpaintingOptions(sampling))
    setattr(sampling, attribute, value)
    assert button(options, name).isChecked()
    setattr(sampling, attribute, other)
    assert not button(options, name).isChecked()
    QTest.mouseClick(button(options, name), LEFT)
    assert getattr(sampling, attribute) is value


def test_the_padding_is_there_for_a_closeup_alone(qtbot: QtBot, sampling: Sampling) -> None:
    options = shown(qtbot, InpaintingOptions(sampling))
    assert not field(options).isVisible()
    QTest.mouseClick(button(options, "Closeup"), LEFT)
    assert field(options).isVisible()
    type_into(field(options), "48")
    assert sampling.area_padding == 48
    sampling.area_padding = 8
    assert field(options).value() == 8


def test_the_second_pass_has_a_strength(qtbot: QtBot, sampling: Sampling) -> None:
    options = shown(qtbot, PassesOptions(sampling))
    assert button(options, "One").isChecked()
    assert not field(options).isVisible()
    QTest.mouseClick(button(options, "Two"), LEFT)
    assert sampling.hires
    assert field(options).isVisible()
    type_into(field(options), "0.35")
    assert sampling.hires_strength == pytest.approx(0.35)
    sampling.hires = False
    assert button(options, "One").isChecked()
    assert not field(options).isVisible()


def test_what_a_damaged_file_says_is_left_out(sampling: Sampling) -> None:
    sampling.restore(
        {"inpaint_area": "elsewhere", "masked_content": 3, "area_padding": 10_000, "hires": 1}
    )
    assert sampling.inpaint_area is InpaintArea.WHOLE_PICTURE
    assert sampling.masked_content is MaskedContent.ORIGINAL
    assert (sampling.area_padding, sampling.hires) == (32, False)
