"""An event calls who listens, in order, and keeps nobody alive."""

from __future__ import annotations

import gc

from core.observable import Event


class Listener:
    """Writes down what it hears."""

    def __init__(self, journal: list[object] | None = None) -> None:
        self.heard = [] if journal is None else journal

    def on_change(self, value: object) -> None:
        self.heard.append(value)


def test_listeners_are_called_in_the_order_they_connected() -> None:
    event: Event[[object]] = Event()
    journal: list[object] = []

    class Doubling(Listener):
        def on_change(self, value: object) -> None:
            self.heard.append((value, value))

    first, second = Listener(journal), Doubling(journal)
    event.connect(first.on_change)
    event.connect(second.on_change)
    event.emit(1)
    assert journal == [1, (1, 1)]


def test_keyword_arguments_arrive() -> None:
    event: Event[[object]] = Event()
    listener = Listener()
    event.connect(listener.on_change)
    event.emit(value=3)
    assert listener.heard == [3]


def test_a_listener_is_not_kept_alive() -> None:
    event: Event[[object]] = Event()
    journal: list[object] = []
    listener = Listener(journal)
    event.connect(listener.on_change)
    del listener
    gc.collect()
    event.emit(1)
    assert journal == []


def test_a_function_can_listen() -> None:
    event: Event[[object]] = Event()
    heard: list[object] = []

    def listen(value: object) -> None:
        heard.append(value)

    event.connect(listen)
    event.emit("stroke")
    assert heard == ["stroke"]


def test_disconnecting_ends_it_and_twice_is_harmless() -> None:
    event: Event[[object]] = Event()
    stays, leaves = Listener(), Listener()
    event.connect(stays.on_change)
    event.connect(leaves.on_change)
    event.disconnect(leaves.on_change)
    event.disconnect(leaves.on_change)
    event.emit(1)
    assert (stays.heard, leaves.heard) == ([1], [])


def test_a_listener_may_leave_while_it_is_called() -> None:
    event: Event[[object]] = Event()
    after = Listener()

    class Once(Listener):
        def on_change(self, value: object) -> None:
            super().on_change(value)
            event.disconnect(self.on_change)

    once = Once()
    event.connect(once.on_change)
    event.connect(after.on_change)
    event.emit(1)
    event.emit(2)
    assert (once.heard, after.heard) == ([1], [1, 2])


def test_a_listener_that_dies_while_others_are_called_is_passed_over() -> None:
    event: Event[[object]] = Event()
    journal: list[object] = []
    others: list[Listener] = [Listener(journal)]

    class Killer(Listener):
        def on_change(self, value: object) -> None:
            others.clear()

    killer = Killer()
    event.connect(killer.on_change)
    event.connect(others[0].on_change)
    event.emit(1)
    assert journal == []
