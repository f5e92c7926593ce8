"""The panel of what is made and what waits: its rows, their buttons, and what it offers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget
from pytestqt.qtbot import QtBot

from gui.panels.queue import Entry, QueuePanel
from gui.theme import Theme

LONG = "a lighthouse in fog at dawn, long exposure, soft light over the sea, gulls"
ENTRIES = (
    Entry("a", "a pear", "Step 2 of 20 · 64 × 64 · seed 1", is_running=True),
    Entry("b", LONG, "64 × 64 · seed 2"),
    Entry("c", "an apple", "64 × 64 · seed 3"),
)


@pytest.fixture
def panel(qtbot: QtBot, theme: Theme) -> Iterator[QueuePanel]:
    window = QWidget()
    qtbot.addWidget(window)
    panel = QueuePanel(theme, window)
    panel.show_entries(ENTRIES)
    panel.open_at(QPoint(600, 100))
    yield panel
    panel.close()


def labels(panel: QueuePanel) -> list[str]:
    return [label.text() for label in panel.findChildren(QLabel) if label.isVisible()]


def press(panel: QueuePanel, tip: str, which: int = 0) -> None:
    found = [b for b in panel.findChildren(QAbstractButton) if b.isVisible() and b.toolTip() == tip]
    found.sort(key=lambda button: button.mapToGlobal(QPoint(0, 0)).y())
    found[which].click()


def tips(panel: QueuePanel) -> list[str]:
    return [b.toolTip() for b in panel.findChildren(QAbstractButton) if b.isVisible()]


def test_prompts_and_facts_in_order_and_long_ones_cut(panel: QueuePanel) -> None:
    said = labels(panel)
    assert said[0] == "Queue"
    assert {"a pear", "an apple", ENTRIES[1].facts} <= set(said)
    cut = next(text for text in said if text.startswith("a lighthouse"))
    assert cut.endswith("…")


def test_only_what_waits_behind_another_can_rise(panel: QueuePanel, qtbot: QtBot) -> None:
    assert tips(panel).count("One place sooner") == 1
    with qtbot.waitSignal(panel.up_asked) as asked:
        press(panel, "One place sooner")
    assert asked.args == ["c"]


def test_each_can_be_taken_out_and_the_running_one_stopped(panel: QueuePanel, qtbot: QtBot) -> None:
    for tip, which, name in (
        ("Stop it", 0, "a"),
        ("Take it out of the queue", 0, "b"),
        ("Take it out of the queue", 1, "c"),
    ):
        with qtbot.waitSignal(panel.cancel_asked) as asked:
            press(panel, tip, which)
        assert asked.args == [name]


def test_all_can_be_cancelled_or_paused(panel: QueuePanel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(panel.cancel_all_asked):
        press(panel, "Stop the running picture and forget the others")
    with qtbot.waitSignal(panel.pause_asked):
        press(panel, "Pause after this step")
    panel.show_paused(True)
    with qtbot.waitSignal(panel.pause_asked):
        press(panel, "Go on")


def test_rows_follow_the_queue(panel: QueuePanel) -> None:
    panel.show_entries((ENTRIES[2], ENTRIES[1]))
    assert "a pear" not in labels(panel)
    panel.grab()  # lays out
    tops = {
        label.text()[:8]: label.mapToGlobal(QPoint(0, 0)).y()
        for label in panel.findChildren(QLabel)
        if label.isVisible()
    }
    assert tops["an apple"] < tops["a lighth"]


def test_facts_change_in_place(panel: QueuePanel) -> None:
    panel.show_facts("a", "Step 3 of 20")
    panel.show_facts("gone", "nothing")
    assert "Step 3 of 20" in labels(panel)


def test_empty_it_says_what_it_is_for_and_offers_nothing(panel: QueuePanel) -> None:
    panel.show_entries(())
    assert any("Nothing waits" in text for text in labels(panel))
    assert tips(panel) == []


def test_it_hangs_by_its_right_corner(panel: QueuePanel) -> None:
    corner = panel.geometry().topRight() - QPoint(599, 100)
    assert corner.manhattanLength() <= 4  # the offscreen plugin draws a frame
