from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QMenuBar, QToolButton
from pytestqt.qtbot import QtBot

from gui.actions import MENUS
from gui.main_window import MainWindow
from gui.panels.header import Header, StatusDot
from gui.theme import Theme


@pytest.fixture
def header(qtbot: QtBot, theme: Theme) -> Header:
    header = Header(theme, QMenuBar())
    qtbot.addWidget(header)
    header.resize(1200, header.height())
    header.show()
    return header


@pytest.fixture
def chosen(header: Header) -> list[str]:
    names: list[str] = []
    header.model_chosen.connect(names.append)
    return names


def texts(header: Header) -> list[str]:
    return [label.text() for label in header.findChildren(QLabel)]


def model(header: Header) -> QComboBox:
    box = header.findChild(QComboBox)
    assert box is not None
    return box


def test_what_is_open_and_whether_it_is_saved(header: Header) -> None:
    header.show_document("<b>a</b>.ora", "64 × 48", True)
    assert {"<b>a</b>.ora •", "64 × 48"} <= set(texts(header))
    header.show_document("<b>a</b>.ora", "64 × 48", False)
    assert "<b>a</b>.ora" in texts(header)


def test_what_is_open_stands_still_in_the_middle(header: Header) -> None:
    header.show_document("a.ora", "64 × 48", False)
    header.show_zoom(1.0)
    label = next(each for each in header.findChildren(QLabel) if each.text() == "64 × 48")

    def place() -> int:
        return label.mapTo(header, label.rect().topLeft()).x()

    QApplication.processEvents()
    before = place()
    assert abs(before + label.width() / 2 - header.width() / 2) < 60
    header.show_state("drawing · 3 waiting", "accent")
    header.show_models(["a longer name"], "a longer name")
    QApplication.processEvents()
    assert place() == before


def test_long_names_keep_the_window_narrow(header: Header) -> None:
    header.show_document("a very long name " * 20, "64 × 48", True)
    header.show_models(["a-very-long-name-" * 20], "")
    assert header.minimumSizeHint().width() < 960
    assert "very-long" in model(header).toolTip()


def test_the_zoom_in_percent(header: Header) -> None:
    header.show_zoom(0.333)
    assert "33 %" in texts(header)


def test_offering_models_chooses_none(header: Header, chosen: list[str]) -> None:
    header.show_models(["apple", "pear"], "pear")
    header.show_model("apple")
    assert model(header).currentText() == "apple"
    header.show_model("nobody")
    assert model(header).currentText() == "apple"
    assert chosen == []


def test_a_person_chooses_a_model(header: Header, chosen: list[str]) -> None:
    header.show_models(["apple", "pear"], "apple")
    model(header).setCurrentText("pear")
    assert chosen == ["pear"]


def test_the_engines_state_has_words_and_a_colour(header: Header, theme: Theme) -> None:
    header.show_state("drawing", "accent")
    button = header.findChild(QToolButton, "state")
    assert button is not None
    assert button.text() == "drawing"
    dot = header.findChild(StatusDot)
    assert dot is not None
    assert dot.grab().toImage().pixelColor(4, 4) == theme.colour("accent")


def test_the_engines_state_leads_to_the_queue(header: Header, qtbot: QtBot) -> None:
    button = header.findChild(QToolButton, "state")
    assert button is not None
    with qtbot.waitSignal(header.queue_asked):
        button.click()
    corner = header.mapFromGlobal(header.queue_corner)
    assert corner.y() >= header.height()
    assert corner.x() == button.geometry().right() + 1


def test_every_menu_can_be_reached_in_the_narrowest_window(
    window: MainWindow, qapp: QApplication
) -> None:
    window.header.show_models(["a model with quite a long name indeed"], "")
    window.header.show_document("a picture with quite a long name.ora", "8192 × 8192", True)
    window.header.show_state("drawing · 3 waiting", "accent")
    window.resize(window.minimumSize())
    qapp.processEvents()
    bar = window.findChild(QMenuBar)
    places = [bar.actionGeometry(action) for action in bar.actions()]
    assert len(places) == len(MENUS)
    assert all(bar.rect().contains(place) for place in places)
    assert window.width() == window.minimumSize().width()
    right = window.header.help_button.geometry().right()
    assert right <= window.header.width()
