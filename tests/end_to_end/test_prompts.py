"""Weights and alternatives from the command line and the window to the record, and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.metadata import read_infotext, read_record
from core.settings import Paths
from main import main
from tests.helpers.studio import studio_at, write_settings

Zoo = Callable[[str], Path]
pytestmark = pytest.mark.slow
WRITTEN = "a ({red|blue}:1.3) __pet__, " + "long, " * 80


@pytest.fixture
def wildcards(home: Path) -> Path:
    folder = Paths.find(home).wildcards
    folder.mkdir(parents=True)
    (folder / "pet.txt").write_text("cat\ndog\nhen\n")
    return folder


@pytest.mark.usefixtures("wildcards")
def test_each_picture_of_the_command_line_draws_its_own(
    zoo: Zoo, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    options = ["--model", str(zoo("sd15")), "--steps", "2", "--seed", "1", "--count", "4"]
    output = ["--json", "--output", str(tmp_path), "--scheduler", "DPM++ 2M SDE Karras"]
    assert main(["generate", WRITTEN, *options, *output]) == 0
    files = [Path(json.loads(line)["path"]) for line in capsys.readouterr().out.splitlines()]
    records = [(read_record(file) or {})["request"] for file in files]
    assert {record["written_prompt"] for record in records} == {WRITTEN}
    assert len({record["prompt"] for record in records}) > 1
    assert all("{" not in record["prompt"] for record in records)
    text = read_infotext(files[0]) or ""
    assert text.startswith(records[0]["prompt"].strip())
    assert "Sampler: DPM++ 2M SDE, Schedule type: Karras" in text


@pytest.mark.usefixtures("wildcards")
def test_a_wildcard_that_is_not_there_is_refused_in_one_sentence(
    zoo: Zoo, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", "a __nobody__", "--model", str(zoo("sd15"))]) != 0
    assert "nobody.txt" in capsys.readouterr().err


def test_the_names_of_schedulers_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--list-schedulers"]) == 0
    names = capsys.readouterr().out.splitlines()
    assert names[0] == "Euler"
    assert {"DPM++ 2M Karras", "UniPC", "LCM"} <= set(names)


def test_a_result_brings_back_what_was_typed(
    qapp: QApplication, qtbot: QtBot, home: Path, zoo: Zoo, wildcards: Path
) -> None:
    write_settings(home, zoo("sd15"))
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        sampling = person.studio.sampling
        sampling.prompt = "a {red|blue} __pet__"
        item = person.generate()
        assert item.prompt.split()[2] in wildcards.joinpath("pet.txt").read_text().split()
        person.do("discard")
        sampling.prompt = "something else"
        person.studio.recall(item)
        assert sampling.prompt == "a {red|blue} __pet__"
        assert person.generate().prompt == item.prompt  # the same seed draws the same
