"""How a running generation is held back or ended, from any other thread."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

LONGEST_HOLD = 0.03
"""Seconds that `hold` lasts at most, so that a `let_go` that never comes stops nothing."""
LONGEST_CALM = 1.5
"""The like where a run also waits for calm: as long as nearly all strokes take. A block that is
begun in a stroke meets two or three reports of the pen; once in 300 of them nobody feels it."""
CALM = 0.015
"""Seconds after which a hand that was seen to move is at rest: two or three reports of a pen."""
_LOOK_AGAIN = 0.003


class Reins:
    """Pause, go on, end early with a picture, end without one.

    Args:
        stop: Ends it without a picture; whoever sets it without `cancel` must not pause.
        clock: Seconds that pass.
        sleep: Lets so many of them pass.

    Attributes:
        stop: The same.
    """

    def __init__(
        self,
        stop: threading.Event | None = None,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.stop = threading.Event() if stop is None else stop
        self._clock, self._sleep = clock, sleep
        self._changed = threading.Condition()
        self._is_paused = False
        self._is_finishing = False
        self._last_step: int | None = None
        self._held_at: float | None = None
        self._moved_at = -math.inf

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
        return self._held_at is not None

    def hold(self) -> None:
        """Begin no further block of the model for a moment: a hand waits for its stroke."""
        self._held_at = self._clock()

    def let_go(self) -> None:
        """Go on after `hold`; nothing happens if there was none."""
        if self._held_at is not None:
            self._moved_at = self._clock()
        self._held_at = None

    def give_way(self, calm: float = 0.0) -> None:
        """Wait for as long as it is held; asked before each block.

        A thread that computes takes the interpreter back in each pause between two calls of the
        window's thread, and that one then waits for it a switch interval long, many times a stroke.

        Args:
            calm: Seconds since it was let go last for which to wait too, `LONGEST_CALM` in all:
                where the model computes on the cores that the window needs, a block that is begun
                between two reports of the pen meets the second one.
        """
        longest = LONGEST_CALM if calm else LONGEST_HOLD
        end = self._clock() + longest
        while self._is_in_the_way(calm) and not self.stop.is_set():
            if self._clock() >= end:
                self._held_at = None
                return
            self._sleep(max(calm, _LOOK_AGAIN))  # waking up takes the interpreter for a moment

    def _is_in_the_way(self, calm: float) -> bool:
        return self.is_held or self._clock() - self._moved_at < calm

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
