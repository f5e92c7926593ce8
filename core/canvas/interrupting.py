"""Long work on a canvas that somebody may end early."""

from __future__ import annotations

import threading
from collections.abc import Callable

Check = Callable[[], None]
"""What long work calls again and again, from any thread; raises `Interrupted` where it shall end.
"""


class Interrupted(Exception):
    """The person asked to stop. Control flow, not an error: nothing has been changed."""


class Interruption:
    """One wish to stop, made in one thread and found in others."""

    def __init__(self) -> None:
        self._wish = threading.Event()

    @property
    def is_wished(self) -> bool:
        """Whether the work shall end."""
        return self._wish.is_set()

    def wish(self) -> None:
        """Let the work end at its next check."""
        self._wish.set()

    def check(self) -> None:
        """Go on, or raise.

        Raises:
            Interrupted: the work shall end.
        """
        if self._wish.is_set():
            raise Interrupted


def never() -> None:
    """A check that lets work go on to its end."""
