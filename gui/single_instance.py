"""One window for one home: a second start hands its files to the first and ends."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from PySide6.QtCore import QDeadlineTimer, QLockFile, QObject, QThread, Signal

if TYPE_CHECKING:
    from PySide6.QtNetwork import QLocalServer

WAIT_MS = 2000


class SingleInstance(QObject):
    """The lock of a home, and the door through which later starts speak.

    QtNetwork is imported only where somebody speaks, which is never before the first paint.

    Signals:
        called: Files another start was given; the window should come to the front.
    """

    called = Signal(list)

    def __init__(self, lock_file: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = QLockFile(str(lock_file))
        self._lock.setStaleLockTime(0)
        self._server: QLocalServer | None = None
        self._name = f"sfumato-{crc32(str(lock_file.resolve()).encode()):08x}"

    def acquire(self) -> bool:
        """Become the window of this home; False when another one is."""
        return self._lock.tryLock(0)

    def listen(self) -> None:
        """Open the door to later starts."""
        from PySide6.QtNetwork import QLocalServer

        QLocalServer.removeServer(self._name)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)
        self._server.listen(self._name)

    def call(self, files: Sequence[str]) -> bool:
        """Hand `files` to the window that is open; False when it does not answer."""
        from PySide6.QtNetwork import QLocalSocket

        socket = QLocalSocket()
        patience = QDeadlineTimer(WAIT_MS)
        socket.connectToServer(self._name)
        while not socket.waitForConnected(WAIT_MS):
            if patience.hasExpired():
                return False
            QThread.msleep(50)  # it has the lock but has not opened its door yet
            socket.connectToServer(self._name)
        socket.write(json.dumps([str(Path(file).absolute()) for file in files]).encode())
        sent = socket.waitForBytesWritten(WAIT_MS)
        socket.disconnectFromServer()
        return sent

    def release(self) -> None:
        """Let the next start be the window."""
        if self._server is not None:
            self._server.close()
        self._lock.unlock()

    def _on_connection(self) -> None:
        assert self._server is not None
        socket = self._server.nextPendingConnection()
        socket.readChannelFinished.connect(self._on_message)
        socket.disconnected.connect(socket.deleteLater)

    def _on_message(self) -> None:
        from PySide6.QtNetwork import QLocalSocket

        socket = self.sender()
        assert isinstance(socket, QLocalSocket)
        try:
            files = json.loads(bytes(socket.readAll().data()) or b"[]")
        except ValueError:
            files = []
        if not isinstance(files, list):
            files = []
        self.called.emit([file for file in files if isinstance(file, str)])
