"""The configurations for single files: as the tool writes them, and of the architectures' sizes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from core.settings import RESOURCES
from tests.helpers.single_files import true_shapes
from tools.single_files.__main__ import main
from tools.single_files.configs import CONFIGS
from tools.single_files.vocabulary import END, START, write_vocabulary

SHIPPED = RESOURCES / "configs"


def contents(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_what_is_shipped_is_what_the_tool_writes(tmp_path: Path) -> None:
    main([str(tmp_path)])
    written, shipped = contents(tmp_path), contents(SHIPPED)
    assert written == {name: text for name, text in shipped.items() if "clip/" not in name}
    assert sum(map(len, shipped.values())) < 2_000_000
    assert b"MIT License" in shipped["clip/LICENSE"]


@pytest.mark.parametrize(
    ("name", "prefix", "numbers"),
    [
        ("sd1", "model.diffusion_model.", 859_520_964),
        ("sd1-inpaint", "model.diffusion_model.", 859_535_364),
        ("sd2", "model.diffusion_model.", 865_910_724),
        ("sdxl", "model.diffusion_model.", 2_567_463_684),
        ("sdxl-refiner", "model.diffusion_model.", 2_259_526_660),
        ("sd1", "first_stage_model.", 83_653_863),
        ("sd1", "cond_stage_model.", 123_060_480),
        ("sd2", "cond_stage_model.", 340_387_840),
        ("sdxl", "conditioner.embedders.1.", 694_659_840),
    ],
)
def test_the_architectures_have_as_many_weights_as_the_published_ones(
    name: str, prefix: str, numbers: int
) -> None:
    total = 0
    for tensor, shape in true_shapes(name).items():
        if tensor.startswith(prefix):
            count = 1
            for side in shape:
                count *= side
            total += count
    assert total == numbers


def test_each_family_differs_from_its_kin_only_where_it_must() -> None:
    def unet(name: str) -> dict[str, object]:
        return dict(CONFIGS[name]["unet"])

    for name in ("sd1", "sd2", "sdxl"):
        assert unet(f"{name}-inpaint") == unet(name) | {"in_channels": 9}
    assert unet("sd2-v") == unet("sd2") | {"sample_size": 96}
    predictions = {name: parts["scheduler"]["prediction_type"] for name, parts in CONFIGS.items()}
    assert {name for name, kind in predictions.items() if kind == "v_prediction"} == {
        name for name in CONFIGS if name.endswith("-v")
    }


def test_a_list_of_merges_becomes_a_vocabulary(tmp_path: Path) -> None:
    merges = [f"a x{n}" for n in range(49152 - 256 - 2)]
    file = tmp_path / "merges.txt.gz"
    file.write_bytes(gzip.compress("\n".join(["a version", *merges, "too many"]).encode()))
    assert write_vocabulary(file, tmp_path / "clip") == 49408
    vocabulary = json.loads((tmp_path / "clip/vocab.json").read_text(encoding="utf-8"))
    assert (vocabulary["!"], vocabulary["!</w>"], vocabulary["ax0"]) == (0, 256, 512)
    assert (vocabulary[START], vocabulary[END]) == (49406, 49407)
    lines = (tmp_path / "clip/merges.txt").read_text(encoding="utf-8").split("\n")
    assert lines[:2] == ["#version: 0.2", "a x0"]
