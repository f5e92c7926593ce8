from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from core.checkpoints import Checkpoint, describe
from gui.background import Background
from gui.prompting import PromptController
from gui.sampling import Sampling
from tests.helpers.desktop import PATIENCE_MS, rest

PROMPTS = ("newest", "older", "oldest")


class Counted:
    """A controller, and what it counted."""

    def __init__(self, sampling: Sampling, background: Background) -> None:
        self.owner = QObject()
        self.controller = PromptController(sampling, background, lambda: PROMPTS, self.owner)
        self.told: list[tuple[int, int, str]] = []
        self.controller.counted.connect(lambda *what: self.told.append(what))


@pytest.fixture
def counted(sampling: Sampling, background: Background) -> Iterator[Counted]:
    counted = Counted(sampling, background)
    yield counted
    counted.owner.deleteLater()
    background.close()


@pytest.fixture
def sd15(zoo: Callable[[str], Path]) -> Checkpoint:
    return describe(zoo("sd15"))


def test_the_prompt_is_counted_as_the_model_does(
    counted: Counted, sampling: Sampling, background: Background, sd15: Checkpoint, qtbot: QtBot
) -> None:
    counted.controller.use(sd15)
    rest(qtbot, background)
    assert counted.told == [(0, 75, "")]
    sampling.prompt = "a cat in a castle"
    qtbot.waitUntil(lambda: len(counted.told) == 2, timeout=PATIENCE_MS)
    count, limit, cut = counted.told[1]
    assert count > 0
    assert (limit, cut) == (75, "")
    sampling.prompt = "a cat " * 60 + "in a castle"
    qtbot.waitUntil(lambda: len(counted.told) == 3, timeout=PATIENCE_MS)
    count, limit, cut = counted.told[2]
    assert count > limit
    assert cut.endswith("in a castle")
    assert sampling.prompt.endswith(cut)


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


def test_typing_begins_the_walk_anew(counted: Counted, sampling: Sampling) -> None:
    counted.controller.recall(1)
    counted.controller.recall(1)
    sampling.prompt = "older, but changed"
    counted.controller.recall(1)
    assert sampling.prompt == "newest"
    counted.controller.recall(-1)
    assert sampling.prompt == "older, but changed"
