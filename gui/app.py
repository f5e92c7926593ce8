"""The composition root: paints the window first, then brings in everything heavy."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication

from core import logs
from core.errors import StorageFailed
from core.settings import RESOURCES, Paths, load_settings
from gui.main_window import MainWindow
from gui.sampling import Sampling
from gui.single_instance import SingleInstance
from gui.theme import Theme

if TYPE_CHECKING:
    from gui.studio import Studio

SWITCH_INTERVAL = 0.001
"""Seconds. The window waits this long at most for the interpreter while a thread computes; with
Python's default of 5 ms strokes lag behind the pen."""


def run(
    files: Sequence[Path] = (),
    home: Path | None = None,
    after_start: Callable[[Studio], None] | None = None,
) -> int:
    """Show the window until it is closed.

    Args:
        files: Pictures or projects to open.
        home: Where everything is kept; None for the desktop's own folders.
        after_start: Called once the studio stands; the demo drives it from there.

    Returns:
        The process's exit code.
    """
    if not has_display():
        return _tell("There is no display here. Try “main.py demo” or “main.py generate”.", 2)
    sys.setswitchinterval(SWITCH_INTERVAL)
    paths = Paths.find(home)
    try:
        paths.make()
    except StorageFailed as error:
        return _tell(str(error), 2)
    application = make_application()
    instance = SingleInstance(paths.lock_file)
    if not instance.acquire():
        return _hand_over(instance, files)
    return _live(application, instance, paths, files, after_start)


def has_display() -> bool:
    """Whether a window can be shown; Qt itself would end the process without a useful word."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return sys.platform != "linux" or any(os.environ.get(name) for name in names)


def make_application() -> QApplication:
    """The one QApplication, named as the desktop knows it."""
    QGuiApplication.setDesktopFileName("org.sfumato.Sfumato")
    application = QApplication(sys.argv[:1])
    # On X11 Qt joins moves that wait while the window is busy, and strokes lose their corners.
    application.setAttribute(Qt.ApplicationAttribute.AA_CompressHighFrequencyEvents, False)
    application.setApplicationName("sfumato")
    application.setApplicationDisplayName("Sfumato")
    return application


def _live(
    application: QApplication,
    instance: SingleInstance,
    paths: Paths,
    files: Sequence[Path],
    after_start: Callable[[Studio], None] | None,
) -> int:
    settings = load_settings(paths.settings_file)
    theme, sampling = Theme(application), Sampling()
    window = MainWindow(theme, sampling)
    theme.choose(settings.theme)
    if not window.restore(settings.window):
        window.resize(1280, 800)
    window.show()
    application.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)

    # From here on the window is on the screen, and the heavy imports may begin.
    import qasync

    application.setWindowIcon(QIcon(str(RESOURCES / "icons" / "sfumato.svg")))
    logs.set_up(paths.log_file)
    instance.listen()
    from gui.background import Background
    from gui.garbage import Garbage
    from gui.studio import Studio

    garbage = Garbage(application, lambda: window.canvas.in_gesture)
    garbage.start()
    loop = qasync.QEventLoop(application)
    background = Background(loop)
    studio = Studio(window, sampling, background, paths)
    instance.called.connect(studio.on_called)
    _quit_on_signals(application, studio.closing.excuse)
    studio.start([str(file) for file in files])
    if after_start is not None:
        after_start(studio)
    with loop:
        loop.run_forever()
        studio.close()
        loop.run_until_complete(background.finish())
    garbage.stop()
    instance.release()
    return studio.exit_code


def _hand_over(instance: SingleInstance, files: Sequence[Path]) -> int:
    if instance.call([str(file) for file in files]):
        return _tell("Sfumato is open already; its window takes it from here.", 0)
    return _tell("Sfumato is open already but does not answer. Close it first.", 2)


def _tell(text: str, exit_code: int) -> int:
    """Say it to the terminal, if there is one: no window can say it."""
    if sys.stderr is not None:
        sys.stderr.write(f"{text}\n")
    return exit_code


def _quit_on_signals(application: QApplication, excuse: Callable[[], None]) -> None:
    """Ctrl+C in the terminal closes the window; nobody is asked, and everything comes back.

    Python looks at signals only between byte codes, so a timer gives it the chance.
    """

    def quit_softly() -> None:
        excuse()
        application.closeAllWindows()

    def on_signal(*_: object) -> None:
        # Between any two byte codes, so also in a paint event: a window that is closed in there
        # has nothing left to paint on.
        QTimer.singleShot(0, quit_softly)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    timer = QTimer(application)
    timer.timeout.connect(_nothing)
    timer.start(300)


def _nothing() -> None:
    """Run a byte code."""
