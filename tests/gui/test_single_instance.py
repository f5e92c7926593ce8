from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtNetwork import QLocalSocket
from pytestqt.qtbot import QtBot

from gui.single_instance import SingleInstance
from tests.helpers.desktop import PATIENCE_MS

ROOT = Path(__file__).resolve().parents[2]
SECOND = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from gui.single_instance import SingleInstance
application = QCoreApplication([])
second = SingleInstance(Path(sys.argv[1]))
assert not second.acquire()
sys.exit(0 if second.call(sys.argv[2:]) else 3)
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "window.lock"


@pytest.fixture
def first(qtbot: QtBot, lock: Path) -> Iterator[SingleInstance]:
    first = SingleInstance(lock)
    assert first.acquire()
    first.listen()
    yield first
    first.release()
    first.deleteLater()


def second_start(lock: Path, *files: str, folder: Path = ROOT) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", SECOND, str(lock), *files],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )


def test_a_second_start_hands_its_files_over(
    first: SingleInstance, lock: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    called: list[list[str]] = []
    first.called.connect(called.append)
    names = ["a picture.png", "/elsewhere/🍎.ora"]
    second = second_start(lock, *names, folder=tmp_path)
    qtbot.waitUntil(lambda: bool(called), timeout=PATIENCE_MS)
    assert second.wait(20) == 0
    assert called == [[str(tmp_path / "a picture.png"), "/elsewhere/🍎.ora"]]


def test_a_second_start_without_files_calls_too(
    first: SingleInstance, lock: Path, qtbot: QtBot
) -> None:
    called: list[list[str]] = []
    first.called.connect(called.append)
    second = second_start(lock)
    qtbot.waitUntil(lambda: bool(called), timeout=PATIENCE_MS)
    assert second.wait(20) == 0
    assert called == [[]]


def test_released_is_released(first: SingleInstance, lock: Path) -> None:
    other = SingleInstance(lock)
    assert not other.acquire()
    first.release()
    assert other.acquire()
    other.release()


def test_nobody_answers_when_nobody_is_there(qtbot: QtBot, lock: Path) -> None:
    assert not SingleInstance(lock).call(["a.png"])


def test_another_home_is_another_window(
    first: SingleInstance, tmp_path: Path, qtbot: QtBot
) -> None:
    other = SingleInstance(tmp_path / "other.lock")
    assert other.acquire()
    other.release()


@pytest.mark.parametrize("message", [b"not json", b"5", b'{"a": 1}', b"[1, null]", b"\xff\xfe"])
def test_a_strange_message_opens_nothing(
    first: SingleInstance, qtbot: QtBot, message: bytes
) -> None:
    called: list[list[str]] = []
    first.called.connect(called.append)
    socket = QLocalSocket()
    socket.connectToServer(first._name)
    assert socket.waitForConnected(5000)
    socket.write(message)
    socket.waitForBytesWritten(5000)
    socket.disconnectFromServer()
    qtbot.waitUntil(lambda: bool(called), timeout=PATIENCE_MS)
    assert called == [[]]
