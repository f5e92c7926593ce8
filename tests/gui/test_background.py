from __future__ import annotations

import threading
from collections.abc import Callable

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.background import Background
from tests.helpers.desktop import in_background, rest


def test_calls_run_in_the_named_thread_and_come_back_in_ours(
    background: Background, qtbot: QtBot
) -> None:
    threads: list[str] = []

    def where() -> str:
        return threading.current_thread().name

    async def ask() -> None:
        threads.append(await background.run(where))
        threads.append(where())

    background.start(ask())
    rest(qtbot, background)
    assert threads[0].startswith("sfumato-background")
    assert threads[1] == threading.main_thread().name


def test_calls_keep_their_order(background: Background, qtbot: QtBot) -> None:
    done: list[int] = []

    async def ask(number: int) -> None:
        done.append(await background.run(int, number))

    for number in range(20):
        background.start(ask(number))
    rest(qtbot, background)
    assert done == list(range(20))


def test_a_failure_is_logged_as_a_bug_and_the_next_call_runs(
    background: Background, qtbot: QtBot, expected_log: Callable[[str], None]
) -> None:
    expected_log("background work failed")
    done: list[int] = []

    async def fail() -> None:
        await background.run(int, "no number")

    async def go_on() -> None:
        done.append(await background.run(int, "5"))

    background.start(fail())
    background.start(go_on())
    rest(qtbot, background)
    assert done == [5]


def test_closing_waits_for_what_runs_and_gives_up_what_waits(qapp: QApplication) -> None:
    begun, go = threading.Event(), threading.Event()
    ended: list[str] = []

    def slow() -> None:
        begun.set()
        go.wait(20)
        ended.append("slow")

    with in_background(qapp) as background:

        async def ask() -> None:
            await background.run(slow)
            ended.append("told")

        async def wait_in_line() -> None:
            await background.run(ended.append, "never")

        background.start(ask())
        background.start(wait_in_line())
        while not begun.is_set():
            qapp.processEvents()
        threading.Timer(0.05, go.set).start()
        background.close()
    assert ended == ["slow"]
