from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from core.checkpoints import Checkpoint
from core.geometry import Size
from gui.background import Background
from gui.models import ModelController, size_presets
from gui.sampling import Sampling
from tests.helpers.desktop import rest
from tests.helpers.model_folders import write_model, write_sdxl


class Shelf:
    """A controller looking into one folder, and what it told."""

    def __init__(self, sampling: Sampling, background: Background, folder: Path) -> None:
        self.owner = QObject()
        self.controller = ModelController(sampling, background, [folder], self.owner)
        self.told: list[object] = []
        self.controller.found.connect(lambda names, name: self.told.append((names, name)))
        self.controller.chosen.connect(lambda model: self.told.append(model.name))
        self.controller.missing.connect(lambda: self.told.append("missing"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def shelf(sampling: Sampling, background: Background, folder: Path) -> Iterator[Shelf]:
    shelf = Shelf(sampling, background, folder)
    yield shelf
    background.close()


def test_no_model_anywhere(shelf: Shelf, background: Background, qtbot: QtBot) -> None:
    shelf.controller.look()
    rest(qtbot, background)
    assert shelf.told == ["missing"]


def test_models_are_found_and_the_first_is_chosen(
    shelf: Shelf, background: Background, qtbot: QtBot, folder: Path, sampling: Sampling
) -> None:
    for name in ("apple", "pear"):
        write_model(folder / name)
    shelf.controller.look()
    rest(qtbot, background)
    assert shelf.told == [(["apple", "pear"], "apple"), "apple"]
    assert sampling.checkpoint == "apple"


def test_the_model_of_the_last_session_is_chosen_again(
    shelf: Shelf, background: Background, qtbot: QtBot, folder: Path, sampling: Sampling
) -> None:
    for name in ("apple", "pear"):
        write_model(folder / name)
    sampling.checkpoint = "pear"
    shelf.controller.look()
    rest(qtbot, background)
    assert shelf.told[-1] == "pear"


def test_an_unknown_name_changes_nothing(
    shelf: Shelf, background: Background, qtbot: QtBot, folder: Path, sampling: Sampling
) -> None:
    write_model(folder / "apple")
    shelf.controller.look()
    rest(qtbot, background)
    shelf.controller.choose("nobody")
    assert sampling.checkpoint == "apple"
    assert len(shelf.told) == 2


def test_a_scheduler_the_model_has_not_gives_way(
    shelf: Shelf, background: Background, qtbot: QtBot, folder: Path, sampling: Sampling
) -> None:
    write_model(folder / "apple")
    sampling.scheduler = "Slow"
    shelf.controller.look()
    rest(qtbot, background)
    assert sampling.scheduler != "Slow"
    sampling.scheduler = "DDIM"
    shelf.controller.choose("apple")
    assert sampling.scheduler == "DDIM"


def test_another_folder_is_looked_through_from_now_on(
    shelf: Shelf, background: Background, qtbot: QtBot, tmp_path: Path, folder: Path
) -> None:
    write_model(folder / "apple")
    write_model(tmp_path / "more" / "pear")
    shelf.controller.add_folder(tmp_path / "more")
    shelf.controller.add_folder(tmp_path / "more")
    rest(qtbot, background)
    assert shelf.controller.folders == [folder, tmp_path / "more"]
    assert shelf.told[-2] == (["apple", "pear"], "apple")


def test_sizes_to_offer(checkpoint: Checkpoint, zoo: Callable[[str], Path]) -> None:
    presets = size_presets(checkpoint, Size(300, 200))
    assert presets[0][1:] == (64, 64)
    assert ("Whole canvas", 300, 200) in presets
    assert {(96, 64), (64, 96), (128, 128)} <= {preset[1:] for preset in presets}
    small = replace(checkpoint, abilities=replace(checkpoint.abilities, max_size=100))
    assert (128, 128) not in {preset[1:] for preset in size_presets(small, Size(64, 64))}


def test_numbers_that_were_the_last_models_own_become_the_next_ones(
    shelf: Shelf, background: Background, qtbot: QtBot, folder: Path, sampling: Sampling
) -> None:
    write_model(folder / "one")
    write_sdxl(folder / "two")
    shelf.controller.look()
    rest(qtbot, background)
    sampling.guidance_scale = 9.0  # by hand; the steps are as the first model has them
    shelf.controller.choose("two")
    assert (sampling.num_inference_steps, sampling.guidance_scale) == (30, 9.0)
