"""The PSD file as a stranger reads it: Pillow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PsdImagePlugin

from core.canvas import Document
from core.canvas.blend_modes import BlendMode
from core.canvas.layering import set_blend_mode, set_locked, set_opacity, set_visible
from core.errors import StorageFailed
from core.geometry import Rect, Size
from core.projects.pixels import straight
from core.projects.psd import BLEND_KEYS, export_psd


def layered() -> Document:
    """Paper, a photo-like layer, noise that hangs over the edge, and an empty one."""
    document = Document(Size(301, 200))
    y, x = np.mgrid[0:150, 0:180]
    smooth = np.dstack((x, y, (x + y) // 2)).astype(np.uint8)
    document.place_image(smooth, Rect(20, 30, 180, 150), "Smooth · Verlauf")
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 256, (120, 140, 4), np.uint8)
    document.place_image(noise, Rect(220, -20, 140, 120), "noise")
    document.place_image(np.zeros((9, 9, 4), np.uint8), Rect(5, 5, 9, 9), "")
    set_blend_mode(document, document.layers[1], BlendMode.MULTIPLY)
    set_opacity(document, document.layers[1], 0.6)
    set_visible(document, document.layers[2], False)
    set_locked(document, document.layers[2], True)
    return document


def opened(document: Document, file: Path) -> PsdImagePlugin.PsdImageFile:
    export_psd(document, file)
    psd = Image.open(file)
    assert isinstance(psd, PsdImagePlugin.PsdImageFile)
    return psd


def test_the_picture_without_its_layers(tmp_path: Path) -> None:
    document = layered()
    with opened(document, tmp_path / "a.psd") as psd:
        assert (psd.mode, psd.size) == ("RGBA", (301, 200))
        assert np.array_equal(np.array(psd), straight(document.flatten(document.bounds)))


def test_every_layer_with_name_place_and_pixels(tmp_path: Path) -> None:
    document = layered()
    with opened(document, tmp_path / "a.psd") as psd:
        assert [layer[0] for layer in psd.layers] == ["Background", "Smooth ? Verlauf", "noise", ""]
        assert [layer[2] for layer in psd.layers[:3]] == [
            (0, 0, 301, 200),
            (20, 30, 200, 180),
            (220, 0, 301, 100),
        ]
        for number in (2, 1, 0):  # Pillow takes the first one for the whole picture at first
            psd.seek(number + 1)
            box = Rect.between(*psd.layers[number][2])
            pixels = np.array(psd)[box.slices()]  # in the whole picture's place
            assert np.array_equal(pixels, straight(document.layers[number].surface.read(box)))


def test_what_pillow_does_not_tell_stands_where_the_specification_says(tmp_path: Path) -> None:
    export_psd(layered(), tmp_path / "a.psd")
    content = (tmp_path / "a.psd").read_bytes()
    marks = [content.index(b"8BIM" + key) for key in (b"norm", b"mul ")]
    assert content[marks[0] + 8] == 255
    assert content[marks[1] + 8] == 153  # 0.6
    hidden = content.index(b"8BIMnorm", marks[1])
    assert [content[mark + 10] for mark in (*marks, hidden)] == [0, 0, 2]
    assert "Smooth · Verlauf".encode("utf-16-be") in content
    assert content.count(b"8BIMlspf\0\0\0\4\x80\0\0\0") == 1
    assert set(BLEND_KEYS) == set(BlendMode)
    assert all(len(key) == 4 for key in BLEND_KEYS.values())


@pytest.mark.parametrize("width", [1, 2, 3, 127, 128, 129, 257, 300])
def test_rows_of_every_kind_survive_packing(tmp_path: Path, width: int) -> None:
    rng = np.random.default_rng(width)
    rows = [
        np.full(width, 7),
        rng.integers(0, 256, width),
        rng.integers(0, 2, width) * 255,
        np.repeat(rng.integers(0, 256, width), 3)[:width],
        np.r_[np.full(width // 2, 9), rng.integers(0, 256, width - width // 2)],
        np.r_[rng.integers(0, 256, width - width // 2), np.full(width // 2, 9)],
    ]
    pixels = np.repeat(np.array(rows, np.uint8)[..., np.newaxis], 3, axis=2)
    with opened(Document.from_image(pixels), tmp_path / "a.psd") as psd:
        assert np.array_equal(np.array(psd)[..., :3], pixels)


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageFailed, match="could not be written"):
        export_psd(Document(Size(4, 4)), tmp_path / "file" / "a.psd")
