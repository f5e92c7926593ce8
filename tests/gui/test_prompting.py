from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from core.checkpoints import Checkpoint, describe
from gui.background import Background
from gui.prompting import NO_WEIGHTS, PromptController, PromptFit, as_written
from gui.sampling import Sampling
from tests.helpers.desktop import PATIENCE_MS, rest

WILDCARDS = {"pet": ["cat " * 9, "dog " * 9]}
PROMPTS = ("newest", "older", "oldest")


class Counted:
    """A controller, and what it counted."""

    def __init__(self, sampling: Sampling, background: Background) -> None:
        self.owner = QObject()
        self.controller = PromptController(
            sampling, background, lambda: PROMPTS, WILDCARDS, self.owner
        )
        self.told: list[PromptFit] = []
        self.controller.counted.connect(self.told.append)


@pytest.fixture
def counted(sampling: Sampling, background: Background) -> Iterator[Counted]:
    counted = Counted(sampling, background)
    yield counted
    counted.owner.deleteLater()
    background.close()


@pytest.fixture
def sd15(zoo: Callable[[str], Path]) -> Checkpoint:
    return describe(zoo("sd15"))


@pytest.fixture
def told(
    counted: Counted, sampling: Sampling, background: Background, qtbot: QtBot
) -> Callable[[Checkpoint, str], PromptFit]:
    """What is told when a model reads a prompt."""

    def read(checkpoint: Checkpoint, prompt: str) -> PromptFit:
        counted.controller.use(checkpoint)
        rest(qtbot, background)
        before = len(counted.told)
        sampling.prompt = prompt
        qtbot.waitUntil(lambda: len(counted.told) > before, timeout=PATIENCE_MS)
        return counted.told[-1]

    return read


Told = Callable[[Checkpoint, str], PromptFit]


def without_weights(checkpoint: Checkpoint) -> Checkpoint:
    return replace(checkpoint, abilities=replace(checkpoint.abilities, reads_weights=False))


def test_the_prompt_is_counted_as_the_model_does(told: Told, sd15: Checkpoint) -> None:
    assert told(sd15, "a (cat:1.3) in a castle") == told(sd15, "a cat in a castle")


def test_a_long_prompt_gets_room_and_breaks_where_the_model_reads_anew(
    told: Told, sd15: Checkpoint
) -> None:
    prompt = "a cat " * 60 + "in a castle"
    fit = told(sd15, prompt)
    assert 75 < fit.count <= fit.limit == 150
    assert (fit.cut, fit.cut_at, fit.note) == ("", None, "")
    (place,) = fit.breaks
    assert told(sd15, prompt[:place]).count == 75


def test_a_model_that_reads_on_for_nobody_cuts_and_says_so(told: Told, sd15: Checkpoint) -> None:
    prompt = "a (cat) " * 60 + "in a castle"
    fit = told(without_weights(sd15), prompt)
    assert fit.count > fit.limit == 75
    assert fit.breaks == ()
    assert fit.cut_at is not None
    assert prompt[fit.cut_at :] == fit.cut
    assert fit.cut.endswith("in a castle")
    assert fit.note == NO_WEIGHTS


def test_nothing_is_said_of_weights_where_there_are_none(told: Told, sd15: Checkpoint) -> None:
    assert told(without_weights(sd15), r"a cat \(red\)").note == ""


def test_alternatives_are_counted_as_they_would_be_drawn_now(
    told: Told, sd15: Checkpoint, sampling: Sampling
) -> None:
    fit = told(sd15, "a {red|blue} __pet__")
    assert fit.is_drawn
    assert fit.count == told(sd15, "a red " + "cat " * 9).count
    assert not told(sd15, "a __nobody__ yet").is_drawn  # a name that is being typed


def test_fast_typing_is_counted_once(
    counted: Counted, sampling: Sampling, background: Background, sd15: Checkpoint, qtbot: QtBot
) -> None:
    counted.controller.use(sd15)
    rest(qtbot, background)
    for end in range(1, 10):
        sampling.prompt = "a cat in a castle"[:end]
    qtbot.waitUntil(lambda: len(counted.told) == 2, timeout=PATIENCE_MS)
    qtbot.wait(200)
    assert len(counted.told) == 2


def test_a_broken_tokenizer_counts_nothing_and_says_nothing(
    counted: Counted,
    sampling: Sampling,
    background: Background,
    sd15: Checkpoint,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    counted.controller.use(replace(sd15, path=tmp_path))
    sampling.prompt = "a pear"
    rest(qtbot, background)
    qtbot.wait(200)
    assert counted.told == []


def test_earlier_prompts_are_walked_through_and_the_draft_comes_back(
    counted: Counted, sampling: Sampling
) -> None:
    sampling.prompt = "a draft"
    seen = []
    for direction in (1, 1, 1, 1, -1, -1, -1, -1):
        counted.controller.recall(direction)
        seen.append(sampling.prompt)
    assert seen == [
        "newest", "older", "oldest", "oldest", "older", "newest", "a draft", "a draft",
    ]  # fmt: skip


def test_a_record_gives_back_what_was_typed() -> None:
    record = {"prompt": "a red cat", "written_prompt": "a {red|blue} cat", "scheduler": "Euler a"}
    assert as_written(record)["prompt"] == "a {red|blue} cat"
    assert as_written(record)["scheduler"] == "Euler a"
    plain = {"prompt": "a cat", "written_prompt": "", "scheduler": "Restart Karras"}
    assert as_written(plain)["prompt"] == "a cat"
    assert "scheduler" not in as_written(plain)


def test_typing_begins_the_walk_anew(counted: Counted, sampling: Sampling) -> None:
    counted.controller.recall(1)
    counted.controller.recall(1)
    sampling.prompt = "older, but changed"
    counted.controller.recall(1)
    assert sampling.prompt == "newest"
    counted.controller.recall(-1)
    assert sampling.prompt == "older, but changed"
