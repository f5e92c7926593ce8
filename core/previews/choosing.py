"""Which preview a denoising step can afford: the best whose cost is at most 2 % of the step.

Steps and previews are timed while a model is used. A preview never changes the picture, so that
what is chosen here may depend on how busy the computer is.
"""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from core.logs import logger
from core.memory import is_out_of_memory
from core.request import Pixels

Tensor = Any
Clock = Callable[[], float]
Draw = Callable[[Tensor], Pixels]
Over = Callable[[Pixels], Pixels]

SHARE = 0.02
# A map may take this many seconds however short the step is: nobody sees it, and a tenth of it is
# what it takes. What a network takes is always measured against the share.
_UNSEEN = 0.004
_REMEMBERED = 3  # measures; the least counts, since all that disturbs one only adds to it
_log = logger("previews")


@dataclass(frozen=True)
class Way:
    """One way to draw latents.

    Attributes:
        name: For the log.
        draw: Gives the first of latents (n, channels, h, w) as a picture, uint8 (H, W, 3).
        shrink: Latents are averaged over squares of that many cells a side before.
        is_network: Whether it is a network's work, and not that of a map.
    """

    name: str
    draw: Draw
    shrink: int = 1
    is_network: bool = False

    def cells(self, cells: int) -> int:
        """How many are left of so many latent cells."""
        return max(1, cells // self.shrink**2)


@dataclass
class Costs:
    """What each way took for a latent cell, kept for as long as a model is in memory."""

    _seconds: dict[str, deque[float]] = field(default_factory=dict)

    def note(self, way: Way, seconds: float, cells: int) -> None:
        """A preview of latents with that many cells took that long; infinity bars the way."""
        kept = self._seconds.setdefault(way.name, deque(maxlen=_REMEMBERED))
        kept.append(seconds / cells)

    def of(self, way: Way, cells: int) -> float | None:
        """Seconds to expect; None before the first measure."""
        kept = self._seconds.get(way.name)
        return min(kept) * cells if kept else None

    def are_sure(self, way: Way) -> bool:
        """Whether it was measured twice: a network's first call sets up much that stays."""
        kept = self._seconds.get(way.name, ())
        return len(kept) > 1 or math.inf in kept


class PreviewChoice:
    """Draws the previews of one run, each in the best way that the step can afford.

    Args:
        ways: From best to cheapest; those of a network first, at least one map last.
        costs: What is known from runs before; learns from this one.
        clock: Seconds that the computer worked, or that passed.
        wait: Returns when the device has done what was asked of it.
        over: What is laid over each picture; its time counts.
    """

    def __init__(
        self,
        ways: Sequence[Way],
        costs: Costs | None = None,
        *,
        clock: Clock = time.perf_counter,
        wait: Callable[[], None] = lambda: None,
        over: Over = lambda image: image,
    ) -> None:
        self._ways = list(ways)
        self._costs = Costs() if costs is None else costs
        self._clock = clock
        self._wait = wait
        self._over = over
        self._resumed: float | None = None
        self._computed = 0.0  # of the step that is being made
        self._steps: deque[float] = deque(maxlen=_REMEMBERED)
        self._since_last = 0

    @property
    def ways(self) -> tuple[str, ...]:
        """The names of the ways, from best to cheapest."""
        return tuple(way.name for way in self._ways)

    @contextmanager
    def between_evaluations(self) -> Iterator[None]:
        """What is done while the context is open is no part of a step."""
        if self._resumed is not None:
            self._wait()
            self._computed += self._clock() - self._resumed
        try:
            yield
        finally:
            self._resumed = self._clock()

    def step_completed(self) -> None:
        """What was computed since the last time was one step."""
        if self._computed > 0:
            self._steps.append(self._computed)
        self._computed = 0.0
        self._since_last += 1

    def draw(self, latents: Tensor) -> list[Pixels]:
        """Previews of the step that was completed last, one for each of `latents`.

        Args:
            latents: Tensor of shape (n, channels, h, w) in sampler space.

        Returns:
            uint8 arrays of shape (H, W, 3); none at all if this step goes without.
        """
        cells = int(latents[:, 0].numel())
        while (way := self._best(cells)) is not None:
            images = self._tried(way, latents, cells)
            if images:
                self._since_last = 0
                return images
        return []

    def by_map(self, latents: Tensor) -> Pixels:
        """A preview of the first of `latents` that costs next to nothing."""
        way = next(way for way in self._ways if not way.is_network)
        return self._over(way.draw(latents))

    def _tried(self, way: Way, latents: Tensor, cells: int) -> list[Pixels]:
        begin = self._clock()
        try:
            images = [self._over(way.draw(latents[n : n + 1])) for n in range(len(latents))]
        except (RuntimeError, MemoryError) as error:
            if not (way.is_network and is_out_of_memory(error)):
                raise
            # The picture goes on: no rung of the memory ladder is climbed for a preview.
            _log.info("no memory for a preview by the %s", way.name)
            self._costs.note(way, math.inf, 1)
            return []
        self._costs.note(way, self._clock() - begin, way.cells(cells))
        return images

    def _best(self, cells: int) -> Way | None:
        for way in self._ways:
            if self._fits(way, cells):
                return way
        cheapest = self._ways[-1]
        cost = self._expected(cheapest, cells) or 0.0
        is_due = self._since_last * self._allowed(cheapest) >= cost
        return cheapest if is_due else None

    def _fits(self, way: Way, cells: int) -> bool:
        if way.is_network and not self._steps:
            return False
        cost = self._expected(way, cells)
        if cost is None:  # to be tried; of a network's sizes the smallest first
            return not way.is_network or way is self._smallest
        is_unsure = way.is_network and not self._costs.are_sure(way)
        may_be_tried = way is self._smallest and is_unsure
        return cost <= self._allowed(way) or (may_be_tried and cost < math.inf)

    def _expected(self, way: Way, cells: int) -> float | None:
        """From its own measures, else from those of the next smaller size of the network."""
        own = self._costs.of(way, way.cells(cells))
        if own is not None or not way.is_network:
            return own
        behind = self._ways[self._ways.index(way) + 1 :]
        nearest = next((one for one in behind if one.is_network), None)
        cost = None if nearest is None else self._expected(nearest, cells)
        if nearest is None or cost is None:
            return None
        return cost * (nearest.shrink / way.shrink) ** 2

    @property
    def _smallest(self) -> Way | None:
        return next((way for way in reversed(self._ways) if way.is_network), None)

    def _allowed(self, way: Way) -> float:
        """Seconds for one preview."""
        share = SHARE * min(self._steps, default=0.0)
        return share if way.is_network else max(share, _UNSEEN)


def clock_for(device: str) -> Clock:
    """The time of this thread's own work where it computes itself, else the time that passes.

    On a CPU other programs then make neither step nor preview longer. Windows counts the work of
    a thread in 16 ms.
    """
    is_own_work = device == "cpu" and sys.platform != "win32"
    return time.thread_time if is_own_work else time.perf_counter


def wait_on(device: str) -> Callable[[], None]:
    """What waits for a device; nothing is to be waited for on the CPU. Never run on a GPU here."""
    import torch

    if device == "cuda" and torch.cuda.is_available():
        return torch.cuda.synchronize
    if device == "mps" and torch.backends.mps.is_available():
        return torch.mps.synchronize
    return lambda: None
