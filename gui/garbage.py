"""Python's cyclic garbage is collected in the window's thread only.

Left alone, the collector runs in whichever thread allocates next, so also in the inference thread;
a dialog that hangs in a cycle would then be destroyed there, which Qt forbids: its timers cannot be
stopped from another thread, and the process may die.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 1000


class Garbage(QObject):
    """Collects when the collector's own thresholds say so, looked at once a second.

    Args:
        would_disturb: Whether a pause of some ten milliseconds would be seen now, as in a stroke.
    """

    def __init__(self, parent: QObject, would_disturb: Callable[[], bool] = lambda: False) -> None:
        super().__init__(parent)
        self._would_disturb = would_disturb
        self._was_on = False
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self.collect)

    def start(self) -> None:
        """Take over from the automatic collector."""
        self._was_on = gc.isenabled()
        gc.disable()
        self._timer.start()

    def stop(self) -> None:
        """Hand back to it, if it was on."""
        self._timer.stop()
        if self._was_on:
            gc.enable()

    def collect(self) -> None:
        """Collect the generations whose counts are over their thresholds, youngest first."""
        if self._would_disturb():
            return
        for generation, (count, threshold) in enumerate(
            zip(gc.get_count(), gc.get_threshold(), strict=True)
        ):
            if count <= threshold:
                return
            gc.collect(generation)
