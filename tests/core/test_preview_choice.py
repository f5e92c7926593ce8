"""Each step is previewed in the best way that costs at most 2 % of it; by a clock of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from core.previews import PreviewChoice
from core.previews.choosing import SHARE, Costs, Way
from core.request import Pixels

LATENTS = torch.zeros(1, 4, 64, 64)
FULL, HALF, MAP, FACTORS = range(4)


class Studio:
    """A clock that only work moves on: steps and previews take what they were said to take.

    Args:
        step: Seconds of a step.
        costs: Seconds of each way for 64 × 64 latents: full, half, map, factors.
    """

    def __init__(self, step: float, costs: Sequence[float], known: Costs | None = None) -> None:
        self.now = 0.0
        self.step = step
        self.costs = list(costs)
        self.drawn: list[int] = []
        self.full: set[int] = set()  # ways for which there is no memory
        ways = [
            Way("full", self._way(FULL), 1, is_network=True),
            Way("half", self._way(HALF), 2, is_network=True),
            Way("map", self._way(MAP)),
            Way("factors", self._way(FACTORS)),
        ]
        self.choice = PreviewChoice(ways, known, clock=lambda: self.now)

    def _way(self, number: int) -> Any:
        def draw(latents: torch.Tensor) -> Pixels:
            if number in self.full:
                raise torch.OutOfMemoryError("CUDA out of memory")
            self.now += self.costs[number] * latents[0, 0].numel() / 4096
            self.drawn.append(number)
            return np.zeros((1, 1, 3), np.uint8)

        return draw

    def run(self, steps: int, latents: torch.Tensor = LATENTS, pause: float = 0.0) -> list[int]:
        """Which way each step was drawn in; -1 for one that goes without."""
        seen = []
        for _ in range(steps):
            self.now += self.step
            with self.choice.between_evaluations():
                self.choice.step_completed()
                self.drawn.clear()
                images = self.choice.draw(latents)
                seen.append(self.drawn[-1] if images else -1)
                self.now += pause
        return seen


def test_on_a_fast_device_the_best_way_is_reached_within_a_few_steps() -> None:
    studio = Studio(1.0, [0.016, 0.004, 0.0003, 0.0001])
    assert studio.run(6) == [MAP, HALF, FULL, FULL, FULL, FULL]


def test_what_is_known_from_one_run_counts_in_the_next() -> None:
    known = Costs()
    Studio(1.0, [0.016, 0.004, 0.0003, 0.0001], known).run(6)
    again = Studio(1.0, [0.016, 0.004, 0.0003, 0.0001], known)
    assert again.run(3) == [MAP, FULL, FULL]  # of the first step nothing is known


def test_too_dear_a_network_is_tried_twice_and_the_map_goes_on() -> None:
    """Twice, since a network's first call sets up much that later ones find."""
    studio = Studio(1.0, [0.16, 0.04, 0.0003, 0.0001])
    assert studio.run(8) == [MAP, HALF, HALF, MAP, MAP, MAP, MAP, MAP]


def test_a_slow_first_call_is_forgiven() -> None:
    studio = Studio(1.0, [0.02, 0.5, 0.0003, 0.0001])
    assert studio.run(2) == [MAP, HALF]
    studio.costs[HALF] = 0.005
    assert studio.run(4) == [HALF, FULL, FULL, FULL]


def test_half_the_size_where_the_whole_costs_too_much() -> None:
    assert set(Studio(1.0, [0.06, 0.015, 0.0003, 0.0001]).run(12)[1:]) == {HALF}


def test_larger_latents_are_foreseen_to_cost_more() -> None:
    known = Costs()
    Studio(1.0, [0.016, 0.004, 0.0003, 0.0001], known).run(6)
    large = Studio(1.0, [0.016, 0.004, 0.0003, 0.0001], known)
    assert large.run(4, torch.zeros(1, 4, 128, 128)) == [MAP, HALF, HALF, HALF]


def test_a_batch_is_drawn_picture_by_picture_and_costs_so_much_more() -> None:
    studio = Studio(1.0, [0.016, 0.004, 0.0003, 0.0001])
    studio.run(2)
    assert len(studio.choice.draw(torch.zeros(4, 4, 64, 64))) == 4
    assert studio.run(1, torch.zeros(4, 4, 64, 64)) == [HALF]


def test_a_map_is_drawn_after_every_step_however_short() -> None:
    assert Studio(0.01, [0.16, 0.04, 0.0030, 0.0001]).run(9).count(MAP) == 7


def test_the_cheapest_map_of_those_that_fit() -> None:
    assert Studio(0.1, [9.0, 9.0, 0.0500, 0.0001]).run(6) == [MAP, HALF, HALF] + [FACTORS] * 3


def test_only_every_nth_step_where_even_that_is_too_dear() -> None:
    studio = Studio(0.1, [9.0, 9.0, 0.050, 0.016])
    assert studio.run(4)[3:] == [FACTORS]
    assert studio.run(8) == [-1, -1, -1, FACTORS] * 2  # 0.016 s of 4 × 0.1 s, but for the 4 ms


def test_pauses_and_previews_are_no_part_of_a_step() -> None:
    studio = Studio(1.0, [0.06, 0.015, 0.0003, 0.0001])
    assert set(studio.run(12, pause=100.0)[1:]) == {HALF}


def test_no_memory_for_a_preview_is_the_networks_last_and_not_the_pictures() -> None:
    studio = Studio(1.0, [0.016, 0.004, 0.0003, 0.0001])
    studio.full = {FULL}
    assert studio.run(6) == [MAP, HALF, HALF, HALF, HALF, HALF]
    studio.full = {FULL, HALF}
    assert studio.run(3) == [MAP, MAP, MAP]


def test_what_goes_wrong_otherwise_is_not_hidden() -> None:
    def broken(latents: Any) -> Pixels:
        raise RuntimeError("shape mismatch")

    choice = PreviewChoice([Way("map", broken)])
    with pytest.raises(RuntimeError, match="shape"):
        choice.draw(LATENTS)


@pytest.mark.parametrize("step", [0.3, 1.0, 15.0])
@pytest.mark.parametrize("full", [0.001, 0.01, 0.1, 1.0, 10.0])
def test_a_long_run_spends_at_most_a_fiftieth_on_previews(step: float, full: float) -> None:
    studio = Studio(step, [full, full / 4, 0.0003, 0.0001])
    studio.run(4)  # the trials
    begin = studio.now
    studio.run(100)
    spent = studio.now - begin - 100 * step
    assert spent <= SHARE * 100 * step
