"""Add-ons from the outside: the command line, the record, the same picture again, the window."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.abilities import AddonKind
from core.addon import Addon
from core.images import read_image, write_image
from core.metadata import read_infotext
from main import main
from tests.helpers.addons import comfy_folder, ip_adapter_folder
from tests.helpers.generations import picture
from tests.helpers.studio import Person, studio_at, write_settings

Zoo = Callable[[str], Path]
Run = Callable[..., tuple[int, list[dict[str, Any]], str]]
pytestmark = pytest.mark.slow


@pytest.fixture
def models(zoo: Zoo, tmp_path: Path) -> Path:
    """A ComfyUI folder: ``diffusers`` with a model, and add-ons beside it."""
    shutil.copytree(zoo("sd15"), tmp_path / "comfy" / "diffusers" / "sd15")
    return ip_adapter_folder(zoo, comfy_folder(zoo, tmp_path / "comfy"))


@pytest.fixture
def run(models: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, list[dict[str, Any]], str]:
        code = main([*arguments, "--json"])
        shown = capsys.readouterr()
        return code, [json.loads(line) for line in shown.out.splitlines()], shown.err

    return run


def test_a_picture_with_everything_on_can_be_made_again(
    run: Run, models: Path, home: Path, tmp_path: Path
) -> None:
    write_settings(home, models / "diffusers")
    write_image(tmp_path / "lines.png", picture())
    code, [made], _ = run(
        *["generate", "a cat, tiny_badhands <lora:tiny_unet:0.5>", "--model", "sd15"],
        *["--lora", "tiny_kohya:0.8", "--vae", "taesd", "--clip-skip", "2", "--freeu"],
        *["--control", f"model=canny,image={tmp_path}/lines.png,preprocessor=canny,weight=0.6"],
        *["--ip-adapter", f"model=ip-adapter_sd15,image={tmp_path}/lines.png,weight=0.5"],
        *["--pag-scale", "2.5"],
        *["--steps", "3", "--width", "64", "--height", "64", "--seed", "5"],
    )
    assert code == 0
    text = read_infotext(Path(made["path"])) or ""
    for said in ("<lora:tiny_kohya:0.8>", "Clip skip: 2", "VAE: taesd", "Lora hashes", "TI hashes"):
        assert said in text
    (tmp_path / "lines.png").unlink()
    assert run("gallery", "reproduce", made["id"])[0] == 0
    code, [plain], _ = run(
        *["generate", "a cat", "--model", "sd15", "--steps", "3", "--seed", "5"],
        *["--width", "64", "--height", "64"],
    )
    assert not np.array_equal(read_image(Path(plain["path"])), read_image(Path(made["path"])))


def test_a_refined_picture_can_be_made_again(run: Run, zoo: Zoo, models: Path, home: Path) -> None:
    for name in ("sdxl-base", "sdxl-refiner"):
        shutil.copytree(zoo(name), models / "diffusers" / name)
    write_settings(home, models / "diffusers")
    code, [made], _ = run(
        *["generate", "a cat", "--model", "sdxl-base", "--refiner", "sdxl-refiner"],
        *["--steps", "5", "--width", "64", "--height", "64", "--seed", "5"],
    )
    assert (code, made["steps"]) == (0, 5)
    text = read_infotext(Path(made["path"])) or ""
    assert "Refiner: sdxl-refiner [" in text
    assert "Refiner switch at: 0.8" in text
    assert run("gallery", "reproduce", made["id"])[0] == 0


def test_a_lora_that_is_not_there_is_one_sentence(run: Run, models: Path, home: Path) -> None:
    write_settings(home, models / "diffusers")
    code, _, error = run("generate", "a cat", "--model", "sd15", "--lora", "ghost")
    assert code == 2
    assert error.startswith("There is no LoRA called “ghost”. Found: tiny_kohya")
    assert "Traceback" not in error


@pytest.fixture
def person(models: Path, home: Path, qapp: QApplication, qtbot: QtBot) -> Iterator[Person]:
    write_settings(home, models / "diffusers", checkpoint="sd15")
    with studio_at(qapp, qtbot) as person:
        person.wait_for_model()
        yield person


def test_the_window_offers_draws_records_and_recalls(person: Person) -> None:
    studio, sampling = person.studio, person.studio.sampling
    plain = read_image(person.generate().path)
    section = person.window.generation.addons
    person.wait_for(lambda: section._choices)
    section.added.emit((AddonKind.LORA, "tiny_kohya"))
    worn = person.generate()
    assert not np.array_equal(read_image(worn.path), plain)
    assert worn.request["addons"][0]["name"] == "tiny_kohya"
    assert len(worn.request["addons"][0]["sha256"]) == 64
    section.removed.emit((AddonKind.LORA, "tiny_kohya"))
    assert np.array_equal(read_image(person.generate().path), plain)
    studio.recall(worn)
    assert sampling.addons == (Addon(AddonKind.LORA, "tiny_kohya"),)
    assert np.array_equal(read_image(person.generate().path), read_image(worn.path))


def test_the_window_follows_pictures_of_its_own_and_recalls_them(person: Person) -> None:
    studio, sampling, section = person.studio, person.studio.sampling, person.window.generation
    first = person.generate()
    sampling.seed = 8
    second = person.generate()
    sampling.seed = 7
    person.wait_for(lambda: section.addons._choices)
    sampling.references = {"ip-adapter_sd15": (str(first.path), str(second.path))}
    section.addons.added.emit((AddonKind.IP_ADAPTER, "ip-adapter_sd15"))
    led = person.generate()
    assert not np.array_equal(read_image(led.path), read_image(first.path))
    references = led.request["references"]
    assert len({reference["image"] for reference in references}) == 2
    assert {len(r["sha256"]) + len(r["encoder_sha256"]) for r in references} == {128}
    section.addons.removed.emit((AddonKind.IP_ADAPTER, "ip-adapter_sd15"))
    assert np.array_equal(read_image(person.generate().path), read_image(first.path))
    studio.recall(led)
    files = sampling.references["ip-adapter_sd15"]
    assert [Path(file).stem for file in files] == [reference["image"] for reference in references]
    assert np.array_equal(read_image(person.generate().path), read_image(led.path))


def test_the_window_follows_a_drawing_of_its_own_and_recalls_it(
    person: Person, tmp_path: Path
) -> None:
    studio, sampling, section = person.studio, person.studio.sampling, person.window.generation
    first = person.generate()
    write_image(tmp_path / "drawing.png", 255 - read_image(first.path))
    person.wait_for(lambda: section.addons._choices)
    key = (AddonKind.CONTROLNET, "canny")
    section.addons.added.emit(key)
    section.addons.edges_chosen.emit(key, False)
    by_canvas = person.generate()
    section.addons.pictures_given.emit(key, [str(tmp_path / "drawing.png")])
    led = person.generate()
    assert not np.array_equal(read_image(led.path), read_image(by_canvas.path))
    (control,) = led.request["controls"]
    assert control["preprocessor"] == "none"
    section.addons.removed.emit(key)
    assert np.array_equal(read_image(person.generate().path), read_image(first.path))
    sampling.leads = {}
    studio.recall(led)
    assert Path(sampling.leads["canny"].picture).stem == control["image"]
    assert np.array_equal(read_image(person.generate().path), read_image(led.path))
