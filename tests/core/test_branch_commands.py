"""Branches from the command line: made, told in the record, and made again by it alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.commands import run
from core.images import read_image
from core.settings import Paths

Zoo = Callable[[str], Path]
MADE = ["--width", "32", "--height", "32", "--steps", "5", "--seed", "3", "--scheduler", "Euler a"]


@pytest.fixture(autouse=True)
def models(zoo: Zoo, home: Path) -> None:
    """The home's settings name the zoo's folder, so that a record's model is found."""
    file = Paths.find(home).settings_file
    file.parent.mkdir(parents=True)
    folders = [str(zoo("sd15").parent)]
    file.write_text(json.dumps({"schema": 1, "model_folders": folders}))


def told(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    """What a command that succeeds prints as JSON."""
    assert run([*words, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_branch_is_made_told_and_made_again(zoo: Zoo, capsys: pytest.CaptureFixture[str]) -> None:
    [parent] = told(capsys, "generate", "a cat", "--model", str(zoo("sd15")), *MADE)
    reuse = ["gallery", "reuse", parent["id"][:8], "--from-step", "2"]
    [same] = told(capsys, *reuse)
    assert np.array_equal(read_image(Path(same["path"])), read_image(Path(parent["path"])))
    first, second = told(capsys, *reuse, "--prompt", "a red apple", "--seed", "9", "--count", "2")
    pictures = [read_image(Path(one["path"])) for one in (parent, first, second)]
    assert not np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[1], pictures[2])

    with Image.open(first["path"]) as made:
        parameters = made.info["parameters"]
    assert f"Branch of: {parent['id']}, Branch step: 2" in parameters
    [shown] = told(capsys, "gallery", "show", first["id"])
    assert shown["record"]["request"]["branch"]["parent"]["prompt"] == "a cat"
    assert shown["record"]["request"]["parent_ids"] == [parent["id"]]
    [again] = told(capsys, "gallery", "reproduce", first["id"])
    assert again["identical"]


def test_a_step_that_is_none_is_refused(zoo: Zoo, capsys: pytest.CaptureFixture[str]) -> None:
    [parent] = told(capsys, "generate", "a cat", "--model", str(zoo("sd15")), *MADE)
    assert run(["gallery", "reuse", parent["id"], "--from-step", "5"]) == 2
    assert "Choose one from 1 to 4" in capsys.readouterr().err
