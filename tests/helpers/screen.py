"""A screen of its own: Xvfb on a free display, openbox, and xdotool for hands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
NEEDED = ("Xvfb", "xdotool", "openbox")
PATIENCE = 120.0  # seconds for what must happen; torch is imported meanwhile


def missing() -> list[str]:
    """Programs that a journey needs and this computer has not."""
    return [name for name in NEEDED if shutil.which(name) is None]


def wait_for(condition: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """The first true value of `condition`, looked for again and again."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {patience:.0f} s in vain for {what}")


class Screen:
    """Mouse and keys of one X display.

    Attributes:
        environment: For programs that shall appear on it.
    """

    def __init__(self, display: str) -> None:
        self.environment = os.environ | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        self.environment.pop("WAYLAND_DISPLAY", None)

    def do(self, *words: object) -> None:
        """One xdotool command that must succeed: a key that is not pressed is not missed at once.

        Raises:
            AssertionError: It failed, or left something out.
        """
        run = self._run(*words)
        assert run.returncode == 0, f"xdotool {words} ended with {run.returncode}: {run.stderr}"
        assert not run.stderr, f"xdotool {words}: {run.stderr}"

    def ask(self, *words: object) -> str:
        """What one xdotool command prints; empty where it fails, as a search without a find.

        Without a window manager it complains, and prints a number of desktops all the same.
        """
        run = self._run(*words)
        return "" if run.returncode or run.stderr else run.stdout

    def _run(self, *words: object) -> subprocess.CompletedProcess[str]:
        command = ["xdotool", *map(str, words)]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60
        )

    def window(self, name: str) -> str:
        """Id of the visible window whose title holds `name`, in front and with the keys."""
        found = wait_for(
            lambda: self.ask("search", "--onlyvisible", "--name", name).split(), f"window {name!r}"
        )
        self._bring_to_front(found[-1])
        return found[-1]

    def _bring_to_front(self, window: str) -> None:
        """Without the X focus it hears letters while the pointer is in it, but no shortcut."""

        def is_in_front() -> bool:
            self._run("windowactivate", window)
            return self.ask("getwindowfocus").strip() == window

        wait_for(is_in_front, f"window {window} to have the keys")

    def place(self, window: str) -> tuple[int, int]:
        """Where the upper left corner of a window's inside is."""
        lines = self.ask("getwindowgeometry", "--shell", window).splitlines()
        values = dict(line.split("=") for line in lines if "=" in line)
        return int(values["X"]), int(values["Y"])

    def click(self, x: float, y: float) -> None:
        self.do("mousemove", "--sync", round(x), round(y), "click", 1)

    def drag(self, points: Sequence[tuple[float, float]]) -> None:
        """Press at the first point, move through the others, release at the last."""
        (x, y), *others = points
        self.do("mousemove", "--sync", round(x), round(y), "mousedown", 1)
        for x, y in others:
            self.do("mousemove", "--sync", round(x), round(y))
        self.do("mouseup", 1)

    def type(self, text: str) -> None:
        self.do("type", "--delay", 15, text)

    def key(self, *names: str) -> None:
        for name in names:
            self.do("key", name)

    def photograph(self, file: Path) -> None:
        """The whole screen, through Qt, which is here anyway."""
        program = (
            "import sys; from PySide6.QtGui import QGuiApplication as A; a = A([]); "
            "sys.exit(not a.primaryScreen().grabWindow(0).save(sys.argv[1]))"
        )
        subprocess.run(
            [sys.executable, "-c", program, str(file)],
            env=self.environment, check=True, timeout=60,
        )  # fmt: skip


@contextmanager
def screen(size: str = "1400x900x24") -> Iterator[Screen]:
    """A new screen with a window manager; without one, keys find no window."""
    reads, writes = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writes), "-screen", "0", size, "-nolisten", "tcp", "-noreset"],
        pass_fds=[writes],
        stderr=subprocess.DEVNULL,
    )
    manager = None
    try:
        os.close(writes)
        shown = Screen(f":{os.read(reads, 16).decode().strip()}")
        manager = subprocess.Popen(
            ["openbox"], env=shown.environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        wait_for(lambda: shown.ask("get_num_desktops").strip(), "the window manager")
        yield shown
    finally:
        os.close(reads)
        for process in (manager, server):
            if process is not None:
                process.terminate()
                process.wait(20)
