"""Fails a test that leaves a QThread or a QTimer running, or that Qt warns about while it ends.

pytest-qt fails a test on Qt's warnings too, but stops to listen when the test's body is done: what
widgets and threads say while they are taken down is heard here.
"""

from __future__ import annotations

import traceback
import weakref
from collections.abc import Generator, Iterator
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QMessageLogContext,
    QObject,
    QThread,
    QTimer,
    QtMsgType,
    qInstallMessageHandler,
)

WAIT_MS = 2000  # a thread that has been told to end may still be on its way
SERIOUS = (QtMsgType.QtWarningMsg, QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg)

Starts = list[tuple["weakref.ref[QObject]", str]]


def is_running(thing: QObject) -> bool:
    """Whether a timer ticks or a thread runs; a deleted one does neither."""
    if not shiboken6.isValid(thing):
        return False
    if isinstance(thing, QThread):
        return thing.isRunning() and not thing.wait(WAIT_MS)
    return isinstance(thing, QTimer) and thing.isActive()


def finish_deletions() -> None:
    """Let Qt carry out every deleteLater; outside an event loop it would put them off."""
    if QCoreApplication.instance() is not None:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()


def _children() -> list[QObject]:
    """Timers and threads that belong to the application or to a window.

    A start by a signal, as in ``signal.connect(timer.start)``, does not pass through Python.
    """
    application = QCoreApplication.instance()
    if application is None:
        return []
    windows = getattr(application, "topLevelWidgets", list)()
    owners = [application, *windows]
    return [c for owner in owners for kind in (QTimer, QThread) for c in owner.findChildren(kind)]


def _record_starts(monkeypatch: pytest.MonkeyPatch, starts: Starts) -> None:
    for kind in (QThread, QTimer):
        monkeypatch.setattr(kind, "start", _recording(kind.start, starts))


def _recording(start: Any, starts: Starts) -> Any:
    def recorded(self: QObject, *args: Any) -> Any:
        starts.append((weakref.ref(self), "".join(traceback.format_stack(limit=4)[:-1])))
        return start(self, *args)

    recorded.__name__ = "start"  # so that `connect` goes on finding Qt's own slot of this name
    return recorded


@pytest.fixture(autouse=True)
def _running_watch() -> Iterator[None]:
    starts: Starts = []
    before = [thing for thing in _children() if is_running_now(thing)]
    with pytest.MonkeyPatch.context() as monkeypatch:
        _record_starts(monkeypatch, starts)
        yield
    finish_deletions()
    leaked = {id(thing): (thing, where) for thing, where in _alive(starts) if is_running(thing)}
    for thing in _children():
        if thing not in before and id(thing) not in leaked and is_running(thing):
            leaked[id(thing)] = (thing, f"  a child of {thing.parent()}\n")
    if leaked:
        reports = [f"{thing} started at\n{where}" for thing, where in leaked.values()]
        stop_all([thing for thing, _ in leaked.values()])
        pytest.fail("still running:\n" + "\n".join(reports), pytrace=False)


def is_running_now(thing: QObject) -> bool:
    """As `is_running`, without waiting for a thread to end."""
    return thing.isRunning() if isinstance(thing, QThread) else thing.isActive()


def stop_all(things: list[QObject]) -> None:
    """Stop what was leaked, as far as it can be, so that the next test is not blamed."""
    for thing in things:
        if isinstance(thing, QTimer):
            thing.stop()
        elif isinstance(thing, QThread):
            thing.quit()


def _alive(starts: Starts) -> list[tuple[QObject, str]]:
    return [(thing, where) for ref, where in starts if (thing := ref()) is not None]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Hear what Qt says while fixtures and widgets are taken down."""
    heard: list[str] = []

    def hear(kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
        if kind in SERIOUS:
            heard.append(message)

    previous = qInstallMessageHandler(hear)
    try:
        result = yield
        finish_deletions()
    finally:
        qInstallMessageHandler(previous)
    if heard:
        pytest.fail("Qt warned while the test ended:\n" + "\n".join(heard), pytrace=False)
    return result
