"""Tips from pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.canvas.brush import Brush
from core.canvas.document import Document
from core.canvas.strokes import StrokeTarget
from core.canvas.tips import Tip, read_tip
from core.errors import UnreadableImage
from core.geometry import Size


def save(file: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels).save(file)
    return file


def square(side: int = 64) -> Tip:
    return Tip("square", np.full((side, side), 255, np.uint8))


def test_what_is_dark_covers(tmp_path: Path) -> None:
    grey = np.full((20, 30), 255, np.uint8)
    grey[5:10, 4:9] = 0
    tip = read_tip(save(tmp_path / "dark.png", grey))
    assert tip.name == "dark"
    assert tip.pixels.shape == (30, 30)  # in the middle of a square
    assert tip.pixels.sum() == 255 * 25
    assert tip.pixels[12, 5] == 255


def test_what_is_opaque_covers_where_the_picture_has_holes(tmp_path: Path) -> None:
    pixels = np.full((16, 16, 4), 255, np.uint8)
    pixels[..., 3] = np.arange(16) * 17
    tip = read_tip(save(tmp_path / "holes.png", pixels))
    assert np.array_equal(tip.pixels, pixels[..., 3])


@pytest.mark.parametrize("damage", ["missing", "cut", "text", "flipped"])
def test_a_damaged_file_is_refused_in_a_sentence(tmp_path: Path, damage: str) -> None:
    file = save(tmp_path / "tip.png", np.zeros((32, 32), np.uint8))
    content = file.read_bytes()
    match damage:
        case "missing":
            file.unlink()
        case "cut":
            file.write_bytes(content[: len(content) // 2])
        case "text":
            file.write_text("not a picture")
        case "flipped":
            file.write_bytes(content[:20] + bytes([content[20] ^ 0xFF]) + content[21:])
    with pytest.raises(UnreadableImage, match=r"tip\.png"):
        read_tip(file)


def test_a_blank_or_huge_picture_is_no_tip(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="blank"):
        read_tip(save(tmp_path / "white.png", np.full((8, 8), 255, np.uint8)))
    with pytest.raises(UnreadableImage, match="too large"):
        read_tip(save(tmp_path / "wide.png", np.zeros((4, 2049), np.uint8)))


@pytest.mark.parametrize("size", [1.0, 3.0, 10.0, 33.3, 64.0, 200.0, 1000.0])
@pytest.mark.parametrize("offset", [(0.0, 0.0), (0.25, 0.75)])
def test_a_stamp_has_the_asked_size_and_place(size: float, offset: tuple[float, float]) -> None:
    tip = square()
    stamp = tip.stamp(size, *offset).astype(float) / 255
    assert stamp.shape == (tip.side(size), tip.side(size))
    assert stamp.sum() == pytest.approx(size**2, rel=0.06, abs=0.7)
    places = np.arange(stamp.shape[0]) + 0.5 - stamp.shape[0] // 2
    near = max(0.05, size / 4000)
    assert (stamp.sum(axis=0) @ places) / stamp.sum() == pytest.approx(offset[0], abs=near)
    assert (stamp.sum(axis=1) @ places) / stamp.sum() == pytest.approx(offset[1], abs=near)


def test_a_turned_tip_fits_into_its_stamp() -> None:
    tip = Tip("square", np.full((64, 64), 255, np.uint8), turns=True)
    for turn in range(32):
        stamp = tip.stamp(40, 0.5, 0.5, turn).astype(float) / 255
        assert stamp.sum() == pytest.approx(1600, rel=0.03)


def test_a_stroke_with_a_tip_is_made_of_it() -> None:
    rng = np.random.default_rng(0)
    pixels = np.zeros((32, 32), np.uint8)
    pixels[::8] = 255  # bristles, one above the other
    document = Document(Size(200, 64))
    stroke = document.begin_stroke(
        Brush(size=32, spacing=0.05, tip=Tip("comb", pixels)), StrokeTarget.MASK
    )
    stroke.move_to(30, 32)
    stroke.move_to(170, 32 + float(rng.uniform(0, 1e-6)))
    stroke.finish()
    column = document.mask_pixels(document.bounds)[:, 100]
    assert np.flatnonzero(np.diff((column > 100).astype(int)) == 1).size == 4


def test_a_turning_tip_gives_the_same_stroke_every_time() -> None:
    pixels = np.zeros((32, 32), np.uint8)
    pixels[:8, :8] = 255
    brush = Brush(size=40, spacing=0.3, tip=Tip("corner", pixels, turns=True))
    masks = []
    for _ in range(2):
        document = Document(Size(200, 200))
        stroke = document.begin_stroke(brush, StrokeTarget.MASK)
        for x in (40.0, 90.0, 160.0):
            stroke.move_to(x, 100)
        stroke.finish()
        masks.append(document.mask_pixels(document.bounds))
    assert np.array_equal(*masks)
    assert masks[0][:90].any()
    assert masks[0][110:].any()
