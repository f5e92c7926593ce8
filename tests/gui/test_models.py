from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt
from pytestqt.qtbot import QtBot

from core.checkpoints import Checkpoint
from core.geometry import Size
from gui.background import Background
from gui.models import ModelController, size_presets
from gui.sampling import Sampling
from tests.helpers.desktop import rest
from tests.helpers.model_folders import UNET_WEIGHTS, put, write_model, write_sdxl


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


def come_back(shelf: Shelf, background: Background, qtbot: QtBot) -> list[object]:
    """Another window was in front; what the controller tells then."""
    shelf.told.clear()
    for state in (Qt.ApplicationState.ApplicationInactive, Qt.ApplicationState.ApplicationActive):
        shelf.controller.on_state_changed(state)
    rest(qtbot, background)
    return shelf.told


def test_what_was_downloaded_meanwhile_is_found_when_the_window_comes_back(
    shelf: Shelf, background: Background, qtbot: QtBot, folder: Path
) -> None:
    write_model(folder / "pear")
    assert come_back(shelf, background, qtbot) == []  # nothing was looked for yet
    shelf.controller.look()
    rest(qtbot, background)
    assert come_back(shelf, background, qtbot) == []
    write_model(folder / "apple")
    assert come_back(shelf, background, qtbot) == [(["apple", "pear"], "pear"), "pear"]
    shutil.rmtree(folder / "pear")
    assert come_back(shelf, background, qtbot)[-1] == "apple"
    assert come_back(shelf, background, qtbot) == []


def test_a_replaced_or_mended_part_is_noticed(
    shelf: Shelf,
    background: Background,
    qtbot: QtBot,
    folder: Path,
    expected_log: Callable[[str], None],
) -> None:
    model = write_model(folder / "apple")
    weights = (model / UNET_WEIGHTS).read_bytes()
    (model / UNET_WEIGHTS).unlink()
    expected_log("is left out")
    shelf.controller.look()
    rest(qtbot, background)
    assert shelf.told == ["missing"]
    put(model / UNET_WEIGHTS, weights)
    assert come_back(shelf, background, qtbot)[-1] == "apple"


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
