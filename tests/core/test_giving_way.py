"""A run lets a hand go first: between two blocks of the model, and never for long."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.checkpoints import describe
from core.engine.queue import Job, JobQueue
from core.inference import Reins, generate
from core.inference.reins import CALM, LONGEST_CALM
from tests.helpers.generations import Diary, a_request, make, new_cache

Zoo = Callable[[str], Path]


class Counting(Reins):
    """Reins that count how often a run asks whether it should give way."""

    asked = 0

    def give_way(self, calm: float = 0.0) -> None:
        self.asked += 1
        super().give_way(calm)


def test_a_run_asks_many_times_in_a_step_and_the_picture_is_the_same(zoo: Zoo) -> None:
    reins, request, diary = Counting(), a_request(), Diary()
    reins.hold()  # nobody lets go: it goes on by itself
    result = generate(request, describe(zoo("sd15")), new_cache(), diary, reins.stop, reins)
    assert reins.asked > 5 * len(diary.steps)
    assert np.array_equal(result.image, make(request, zoo("sd15")).image)


def test_who_is_held_goes_on_when_let_go_and_in_the_end_by_itself() -> None:
    reins = Reins()
    assert not reins.is_held
    reins.hold()
    assert reins.is_held
    reins.let_go()
    assert not reins.is_held
    reins.hold()
    reins.give_way()
    assert not reins.is_held


class Hours:
    """A clock on which time passes only where somebody sleeps."""

    now = 0.0

    def pass_by(self, seconds: float) -> None:
        self.now += seconds

    def reins(self) -> Reins:
        return Reins(clock=lambda: self.now, sleep=self.pass_by)


def test_where_it_waits_for_calm_it_goes_on_once_the_hand_rests() -> None:
    hours = Hours()
    reins = hours.reins()
    reins.give_way(calm=CALM)
    assert hours.now == 0  # no hand has moved yet
    reins.hold()
    reins.let_go()
    reins.give_way()
    assert hours.now == 0
    reins.give_way(calm=CALM)
    assert CALM <= hours.now < 2 * CALM
    rested = hours.now
    reins.give_way(calm=CALM)
    assert hours.now == rested


def test_a_hand_that_never_rests_gets_half_a_second_before_each_block() -> None:
    hours = Hours()
    reins = hours.reins()
    for _ in range(3):
        begin = hours.now
        reins.hold()
        reins.give_way(calm=CALM)
        assert LONGEST_CALM <= hours.now - begin < LONGEST_CALM + CALM


def test_who_is_to_stop_waits_for_no_hand() -> None:
    hours = Hours()
    reins = hours.reins()
    reins.hold()
    reins.cancel()
    reins.give_way(calm=CALM)
    assert hours.now == 0


def test_only_the_running_job_is_held() -> None:
    queue = JobQueue(lambda change: None)
    queue.hold(True)  # nothing runs
    running, waiting = Job("starter"), Job("starter")
    queue.put(running)
    queue.put(waiting)
    assert queue.take() is running
    assert not running.reins.is_held
    queue.hold(True)
    assert (running.reins.is_held, waiting.reins.is_held) == (True, False)
    queue.hold(False)
    assert not running.reins.is_held
