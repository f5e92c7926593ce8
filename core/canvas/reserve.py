"""Memory that the system has handed over beforehand.

Fresh memory is given page by page when it is first written to: 64 pages for a tile, and measured
3 to 16 µs for each where the machine is a virtual one. A broad stroke over paper that was never
touched would spend most of its time waiting for memory, so another thread touches some before.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping

import numpy as np

from core.request import Pixels


class Reserve:
    """Arrays of a few shapes that may be taken; `open` keeps them coming until `close`.

    While it is closed it hands out what the system gives, as `numpy.empty` does. Taking is for any
    thread.
    """

    def __init__(self, shapes: Mapping[int, tuple[int, ...]], kept: int) -> None:
        """Begin closed.

        Args:
            shapes: Of uint8 arrays, by the name under which they are taken.
            kept: How many of each lie ready while it is open.
        """
        self._shapes = dict(shapes)
        self._ready: dict[int, deque[Pixels]] = {name: deque() for name in shapes}
        self._kept = kept
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_full(self) -> bool:
        """Whether as much lies ready as is to be kept."""
        return all(len(arrays) >= self._kept for arrays in self._ready.values())

    def take(self, name: int) -> Pixels:
        """An array of that shape, of any content; it is the caller's."""
        ready = self._ready[name]
        if self._thread is not None:
            self._wanted.set()
        try:
            return ready.popleft()
        except IndexError:
            return np.empty(self._shapes[name], np.uint8)

    def open(self) -> None:
        """Begin to keep arrays ready, in a thread of its own."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._refill, name="reserve", daemon=True)
            self._wanted.set()
            self._thread.start()

    def close(self) -> None:
        """End the thread, and give the memory back."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._wanted.set()
            thread.join()
        for arrays in self._ready.values():
            arrays.clear()

    def _refill(self) -> None:
        while self._thread is not None:
            self._wanted.wait()
            self._wanted.clear()
            for name, arrays in self._ready.items():
                while len(arrays) < self._kept and self._thread is not None:
                    arrays.append(_touched(self._shapes[name]))


def _touched(shape: tuple[int, ...]) -> Pixels:
    """An array whose every page has been written to; numpy lets other threads run meanwhile."""
    array = np.empty(shape, np.uint8)
    array[...] = 1  # rather than 0, so that who forgets to write into it is found out
    return array
