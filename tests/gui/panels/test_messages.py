from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from gui.panels.messages import REMEMBERED, MessageStrip
from gui.theme import Theme

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def strip(qtbot: QtBot, theme: Theme) -> Iterator[MessageStrip]:
    box = QWidget()
    qtbot.addWidget(box)
    box.resize(600, 100)
    strip = MessageStrip(theme, box)
    box.show()
    yield strip


def timer(strip: MessageStrip) -> QTimer:
    found = strip.findChild(QTimer)
    assert found is not None
    return found


def offers(strip: MessageStrip) -> list[QPushButton]:
    return [button for button in strip.findChildren(QPushButton) if button.isVisible()]


def past(strip: MessageStrip) -> list[str]:
    return [action.text()[7:] for action in strip.past_menu(strip).actions()]


def test_nothing_is_said_at_first(strip: MessageStrip) -> None:
    assert strip.text == ""
    assert not strip.isVisible()


def test_good_news_goes_by_itself_and_bad_news_stays(strip: MessageStrip) -> None:
    strip.tell("Saved.")
    assert strip.text == "Saved."
    assert timer(strip).isActive()
    strip.warn("The disk is full.")
    assert not timer(strip).isActive()
    strip.tell("Saved.")
    timer(strip).timeout.emit()
    assert strip.text == ""


def test_it_is_closed_by_its_button(strip: MessageStrip) -> None:
    strip.warn("The disk is full.")
    (close,) = strip.findChildren(QToolButton)
    QTest.mouseClick(close, LEFT)
    assert strip.text == ""


def test_an_offer_is_taken_once(strip: MessageStrip) -> None:
    taken: list[int] = []
    strip.tell("Moved to the trash.", "Bring it back", lambda: taken.append(1))
    (offer,) = offers(strip)
    assert offer.text() == "Bring it back"
    QTest.mouseClick(offer, LEFT)
    assert taken == [1]
    assert strip.text == ""
    strip.tell("Saved.")
    assert not offer.isVisible()


def test_an_offer_may_say_something_itself(strip: MessageStrip) -> None:
    strip.tell("Closed.", "Open it again", lambda: strip.tell("Opened."))
    (offer,) = offers(strip)
    offer.click()
    assert strip.text == "Opened."


def test_a_question_stays_until_one_of_its_answers_is_given(strip: MessageStrip) -> None:
    given: list[str] = []
    answers = {word: lambda word=word: given.append(word) for word in ("Start", "Forget")}
    for word in answers:
        strip.ask("Three were waiting.", answers)
        assert not timer(strip).isActive()
        button = next(button for button in offers(strip) if button.text() == word)
        QTest.mouseClick(button, LEFT)
        assert strip.text == ""
    assert given == ["Start", "Forget"]


def test_bad_news_may_offer_something_too(strip: MessageStrip) -> None:
    taken: list[int] = []
    strip.warn("It needs 9 GB.", "Try anyway", lambda: taken.append(1))
    assert not timer(strip).isActive()
    QTest.mouseClick(offers(strip)[0], LEFT)
    assert taken == [1]


def test_a_short_message_takes_one_line(strip: MessageStrip) -> None:
    strip.tell("Saved.")
    short = strip.height()
    strip.ask("Three were waiting.", {"Start": lambda: None, "Forget": lambda: None})
    assert strip.height() < 2 * short


def test_what_was_said_can_be_read_again_newest_first(strip: MessageStrip) -> None:
    assert [a.text() for a in strip.past_menu(strip).actions()] == ["No messages yet"]
    for number in range(REMEMBERED + 5):
        strip.tell(f"message {number}")
    assert past(strip)[:2] == [f"message {REMEMBERED + 4}", f"message {REMEMBERED + 3}"]
    assert len(past(strip)) == REMEMBERED


def test_it_never_takes_the_focus(strip: MessageStrip, qtbot: QtBot) -> None:
    window = strip.window()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    before = window.focusWidget()
    strip.warn("The disk is full.")
    assert window.focusWidget() is before


def test_text_is_text(strip: MessageStrip) -> None:
    strip.warn("<b>x</b> & “<img src=a>”")
    assert strip.text == "<b>x</b> & “<img src=a>”"
    label = next(label for label in strip.findChildren(QWidget) if label.accessibleName())
    assert label.property("textFormat") == Qt.TextFormat.PlainText
