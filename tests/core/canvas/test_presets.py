"""The shelf of brushes."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.canvas.dynamics import NATURAL
from core.canvas.presets import OURS, BrushPreset, BrushShelf
from core.errors import InvalidRequest, StorageFailed, UnreadableImage
from core.geometry import Size

PICTURE = Size(132, 34)


@pytest.fixture
def shelf(tmp_path: Path) -> BrushShelf:
    return BrushShelf(tmp_path / "brushes")


def test_every_brush_of_ours_paints_a_stroke_of_its_own(shelf: BrushShelf) -> None:
    presets = shelf.presets()
    assert len(presets) == len(list(OURS.glob("*.json"))) >= 6
    pictures = [shelf.picture(preset, PICTURE) for preset in presets]
    for picture in pictures:
        assert picture.shape == (34, 132)
        assert picture.max() > 60
        assert not picture[:, 0].any()
    assert len({picture.tobytes() for picture in pictures}) == len(presets)


def test_our_files_are_small() -> None:
    assert all(file.stat().st_size < 20_000 for file in OURS.iterdir())


def test_what_is_kept_is_there_again_and_can_go(shelf: BrushShelf) -> None:
    preset = BrushPreset("Mine", 12.5, 0.3, 0.9, 0.5, 0.2, 0.4, NATURAL, "chalk", turns=True)
    assert not shelf.is_own(preset)
    shelf.keep(preset)
    assert BrushShelf(shelf.own).presets()[-1] == preset
    assert shelf.is_own(preset)
    shelf.keep(replace(preset, size=40.0))
    assert [p.size for p in shelf.presets() if p.name == "Mine"] == [40.0]
    shelf.remove(preset)
    assert preset.name not in {p.name for p in shelf.presets()}


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 50, "end.", "nul\0", "a:b"])
def test_a_name_that_is_no_files_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match="name"):
        BrushPreset(name)


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", "{", '{"name": 3}', '{"name": "x", "size": "wide"}', '{"name": "x", "size": 0}',
        '{"name": "x", "dynamics": {"size": 1}}', '{"name": "x", "smoothing": 2}',
        '{"name": "x", "size": 1e999}', '{"name": "../x"}', '{"name": "x", "tip": "../../tip"}',
        '{"name": "x", "size": 1' + "0" * 400 + "}", "[" * 100_000, '{"name": "x\\udcff"}',
        '{"name": "x", "dynamics": {"size": {"curve": {"points": [[0, 0], [1, 1' + "0" * 400
        + ']]}, "sensor": "pressure", "is_on": true}}}',
    ],
)  # fmt: skip
def test_a_damaged_preset_is_left_out(shelf: BrushShelf, content: str) -> None:
    shelf.own.mkdir()
    (shelf.own / "broken.json").write_text(content)
    assert all(not shelf.is_own(preset) for preset in shelf.presets())


def test_what_a_later_version_adds_does_not_harm(shelf: BrushShelf) -> None:
    shelf.own.mkdir()
    record = BrushPreset("Later").to_dict() | {"schema": 9, "smell": "turpentine"}
    (shelf.own / "Later.json").write_text(json.dumps(record))
    assert shelf.presets()[-1] == BrushPreset("Later")


def test_a_picture_becomes_a_tip(shelf: BrushShelf, tmp_path: Path) -> None:
    file = tmp_path / "leaf.png"
    Image.fromarray(np.eye(32, dtype=np.uint8) * 255 ^ 255).save(file)
    preset = shelf.add_tip(file, BrushPreset("any", 50.0))
    file.unlink()
    assert (preset.name, preset.tip, preset.size) == ("leaf", "leaf", 50.0)
    tip = BrushShelf(shelf.own).tip("leaf")
    assert tip is not None
    assert np.array_equal(tip.pixels, np.eye(32, dtype=np.uint8) * 255)
    assert shelf.tip("leaf") is shelf.tip("leaf")


def test_a_damaged_picture_leaves_nothing_behind(shelf: BrushShelf, tmp_path: Path) -> None:
    file = tmp_path / "leaf.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with pytest.raises(UnreadableImage, match="leaf"):
        shelf.add_tip(file, BrushPreset("any"))
    assert not shelf.own.exists()


def test_a_preset_whose_tip_is_gone_says_so(shelf: BrushShelf) -> None:
    with pytest.raises(UnreadableImage, match=r"gone\.png"):
        shelf.tip("gone")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "brushes").write_text("in the way")
    with pytest.raises(StorageFailed, match="brushes"):
        BrushShelf(tmp_path / "brushes").keep(BrushPreset("Mine"))


def test_a_full_disk_leaves_the_tip_that_was_there(
    shelf: BrushShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "leaf.png"
    Image.fromarray(np.eye(32, dtype=np.uint8) * 255 ^ 255).save(file)
    shelf.add_tip(file, BrushPreset("any"))
    before = (shelf.own / "leaf.png").read_bytes()
    Image.fromarray(np.eye(48, dtype=np.uint8) * 255 ^ 255).save(file)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFailed, match="No space left"):
        shelf.add_tip(file, BrushPreset("any"))
    assert (shelf.own / "leaf.png").read_bytes() == before
    assert sorted(each.name for each in shelf.own.iterdir()) == ["leaf.json", "leaf.png"]
