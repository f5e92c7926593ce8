"""Three programs from the documentation of diffusers, and the same three from our command line.

Both name the real repositories; behind the names is a hub cache of tiny models. See
`tests.helpers.mission` for the programs and for what stands in for GPU, network and xformers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.geometry import Size
from core.images import read_image, read_mask, write_image
from core.metadata import read_record
from core.request import Pixels
from main import main
from tests.helpers.generations import picture, round_mask
from tests.helpers.mission import ASTRONAUT, LANDSCAPE, NEGATIVE

ROOT = Path(__file__).resolve().parents[2]
SIDE = 64
MODELS = (
    "sd15",
    "kandinsky-2-2-prior",
    "kandinsky-2-2-decoder",
    "kandinsky-2-2-decoder-inpaint",
)
DECODER = "kandinsky-community/kandinsky-2-2-decoder"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]  # importing torch may take minutes


@pytest.fixture(scope="module")
def hub(zoo: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub cache that holds tiny models under the real names."""
    from tools.tiny_zoo.hub_cache import write_hub_cache

    folders = [zoo(name) for name in MODELS]
    cache = folders[0].parent / "hub"  # beside the models: its files are hard links
    if not cache.exists():
        write_hub_cache(folders[0].parent, cache)
    return cache


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a picture and a mask."""
    folder = tmp_path_factory.mktemp("mission")
    write_image(folder / "init.png", picture(Size(SIDE, SIDE)))
    write_image(folder / "mask.png", round_mask(Size(SIDE, SIDE)))
    return folder


# ------------------------------------------------------------------------- with diffusers


@pytest.fixture(scope="module")
def made(hub: Path, pictures: Path) -> Callable[[str], Pixels]:
    """What the programs made; they run once, in a process that is theirs to change."""
    environment = {**os.environ, "HF_HUB_CACHE": str(hub), "HF_HUB_OFFLINE": "1"}
    run = subprocess.run(
        [sys.executable, "-m", "tests.helpers.mission", str(pictures)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return lambda name: read_image(pictures / f"{name}.png")


def test_a_seeded_generator_makes_the_same_picture_twice(made: Callable[[str], Pixels]) -> None:
    first = made("text_to_image")
    assert first.shape == (SIDE, SIDE, 3)
    assert first.std() > 0
    assert np.array_equal(first, made("again"))


@pytest.mark.parametrize(("name", "columns"), [("image_to_image", 2), ("inpainting", 3)])
def test_the_grids_show_what_went_in_and_what_came_out(
    made: Callable[[str], Pixels], pictures: Path, name: str, columns: int
) -> None:
    grid = made(name)
    assert grid.shape == (SIDE, columns * SIDE, 3)
    assert np.array_equal(grid[:, :SIDE], picture(Size(SIDE, SIDE)))
    result = grid[:, -SIDE:]
    assert result.std() > 0
    assert not np.array_equal(result, grid[:, :SIDE])
    if columns == 3:
        assert np.array_equal(grid[:, SIDE : 2 * SIDE, 0], round_mask(Size(SIDE, SIDE)))


# ------------------------------------------------------------------------- with Sfumato


@pytest.fixture
def generate(
    hub: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., dict[str, Any]]:
    """`main.py generate` in this process, which has torch already; what it tells in JSON."""
    monkeypatch.setenv("HF_HUB_CACHE", str(hub))
    short = ["--steps", "4", "--width", str(SIDE), "--json", "--output", str(tmp_path / "out.png")]

    def run(*arguments: str) -> dict[str, Any]:
        code = main(["generate", *arguments, *short])
        shown = capsys.readouterr()
        assert code == 0, shown.err
        told: dict[str, Any] = json.loads(shown.out)
        return told

    return run


def test_text_to_image_by_name_and_seed(generate: Callable[..., dict[str, Any]]) -> None:
    model = "runwayml/stable-diffusion-v1-5"
    asked = (ASTRONAUT, "--model", model, "--seed", "31")
    told = generate(*asked)
    assert (told["kind"], told["model"], told["seed"]) == ("text-to-image", model, 31)
    first = read_image(Path(told["path"]))
    generate(*asked)
    assert np.array_equal(read_image(Path(told["path"])), first)


def test_image_to_image_with_kandinsky(
    generate: Callable[..., dict[str, Any]], pictures: Path
) -> None:
    asked = ("--model", DECODER, "--init-image", str(pictures / "init.png"), "--grid")
    told = generate(ASTRONAUT, *asked)
    assert (told["kind"], told["model"]) == ("image-to-image", DECODER)
    result = read_image(Path(told["path"]))
    grid = read_image(Path(told["grid"]))
    assert np.array_equal(grid[:, :SIDE], picture(Size(SIDE, SIDE)))
    assert np.array_equal(grid[:, -SIDE:], result)
    assert not np.array_equal(result, picture(Size(SIDE, SIDE)))


def test_inpainting_with_kandinsky(generate: Callable[..., dict[str, Any]], pictures: Path) -> None:
    told = generate(
        LANDSCAPE,
        *("--negative-prompt", NEGATIVE, "--model", f"{DECODER}-inpaint", "--grid"),
        *("--init-image", f"{pictures}/init.png", "--mask-image", f"{pictures}/mask.png"),
    )
    assert (told["kind"], told["strength"]) == ("inpainting", 1.0)
    assert told["changed_outside_mask"] == 0
    result = read_image(Path(told["path"]))
    inside = read_mask(pictures / "mask.png") > 0
    assert (result != picture(Size(SIDE, SIDE)))[inside].any()
    assert not (result != picture(Size(SIDE, SIDE)))[~inside].any()
    grid = read_image(Path(told["grid"]))
    gap = (grid.shape[1] - 3 * SIDE) // 2
    columns = [grid[:, start : start + SIDE] for start in (0, SIDE + gap, 2 * (SIDE + gap))]
    assert np.array_equal(columns[0], picture(Size(SIDE, SIDE)))
    assert np.array_equal(columns[1][..., 0], round_mask(Size(SIDE, SIDE)))
    assert np.array_equal(columns[2], result)
    request = read_record(Path(told["path"]))["request"]
    assert request["negative_prompt"] == NEGATIVE
