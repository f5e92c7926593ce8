"""Cycles that hold Qt objects are broken in the window's thread."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from gui.garbage import Garbage


class Knot(QObject):
    """An object in a cycle; `died_in` is told the thread that destroyed it."""

    def __init__(self, died_in: list[int]) -> None:
        super().__init__()
        self.itself = self
        weakref.finalize(self, lambda: died_in.append(threading.get_ident()))


@pytest.fixture
def garbage(qtbot: QtBot) -> Iterator[Garbage]:
    parent = QObject()
    garbage = Garbage(parent)
    garbage.start()
    yield garbage
    garbage.stop()


def allocate() -> None:
    """Enough to make an automatic collector run."""
    kept = [[n] for n in range(200_000)]
    assert len(kept) == 200_000


def test_another_thread_that_allocates_collects_nothing(garbage: Garbage) -> None:
    died_in: list[int] = []
    Knot(died_in)
    thread = threading.Thread(target=allocate)
    thread.start()
    thread.join()

    assert died_in == []


def test_the_window_s_thread_collects(garbage: Garbage) -> None:
    died_in: list[int] = []
    Knot(died_in)
    kept = [[n] for n in range(2 * gc.get_threshold()[0])]
    garbage.collect()

    assert kept
    assert died_in == [threading.get_ident()]


def test_nothing_is_collected_while_it_would_disturb(qtbot: QtBot) -> None:
    parent, died_in, strokes = QObject(), [], [True]
    garbage = Garbage(parent, lambda: bool(strokes))
    Knot(died_in)
    kept = [[n] for n in range(2 * gc.get_threshold()[0])]
    garbage.collect()
    assert kept
    assert died_in == []
    strokes.clear()
    garbage.collect()
    assert died_in == [threading.get_ident()]


def test_the_automatic_collector_is_back_afterwards(qtbot: QtBot) -> None:
    parent = QObject()
    garbage = Garbage(parent)
    gc.enable()
    try:
        garbage.start()
        assert not gc.isenabled()
        garbage.stop()
        assert gc.isenabled()
    finally:
        gc.disable()  # as it is between tests, see conftest
