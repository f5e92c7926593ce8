"""How a running generation is held back or ended, from any other thread."""

from __future__ import annotations

import threading
import time

LONGEST_HOLD = 0.03
"""Seconds that `hold` lasts at most, so that a `let_go` that never comes stops nothing."""


class Reins:
    """Pause, go on, end early with a picture, end without one.

    Args:
        stop: Ends it without a picture; whoever sets it without `cancel` must not pause.

    Attributes:
        stop: The same.
    """

    def __init__(self, stop: threading.Event | None = None) -> None:
        self.stop = threading.Event() if stop is None else stop
        self._changed = threading.Condition()
        self._is_paused = False
        self._is_finishing = False
        self._last_step: int | None = None
        self._is_free = threading.Event()
        self._is_free.set()

    @property
    def is_finishing(self) -> bool:
        """Whether the picture is wanted as it is after this step."""
        return self._is_finishing

    def cancel(self) -> None:
        """End it now, without a picture."""
        with self._changed:
            self.stop.set()
            self._changed.notify_all()

    def finish(self) -> None:
        """End it after this step, or the first one, with a picture; a pause ends too."""
        with self._changed:
            self._is_finishing = True
            self._changed.notify_all()

    def pause(self, paused: bool = True) -> None:
        """Let it rest after this step, or go on."""
        with self._changed:
            self._is_paused = paused
            self._changed.notify_all()

    @property
    def is_held(self) -> bool:
        """Whether `give_way` would wait."""
        return not self._is_free.is_set()

    def hold(self) -> None:
        """Begin no further block of the model for a moment: a hand waits for its stroke."""
        self._is_free.clear()

    def let_go(self) -> None:
        """Go on after `hold`; nothing happens if there was none."""
        self._is_free.set()

    def give_way(self) -> None:
        """Wait for as long as it is held, `LONGEST_HOLD` at most; asked before each block.

        A thread that computes takes the interpreter back in each pause between two calls of the
        window's thread, and that one then waits for it a switch interval long, many times a stroke.
        """
        if self.is_held and not self._is_free.wait(LONGEST_HOLD):
            self._is_free.set()

    def rest(self) -> float:
        """Wait for as long as it is paused; the seconds that took."""
        begin = time.perf_counter()
        with self._changed:
            self._changed.wait_for(self._may_go_on)
        return time.perf_counter() - begin

    def ends_after(self, step: int) -> bool:
        """Whether this step is the last; where it was once, it is in a second attempt too."""
        if not self._is_finishing:
            return False
        if self._last_step is None:
            self._last_step = step
        return step >= self._last_step

    def _may_go_on(self) -> bool:
        return not self._is_paused or self._is_finishing or self.stop.is_set()
