"""Our OpenRaster files as Krita renders them: every blend mode, whole and half opaque."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.canvas import Document
from core.canvas.blend_modes import BlendMode
from core.canvas.layering import set_blend_mode, set_opacity
from core.geometry import Rect
from core.projects import save_project

NEEDED = ("krita", "xvfb-run")
MISSING = [name for name in NEEDED if shutil.which(name) is None]
CELL = 64
OPACITIES = (1.0, 128 / 255)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]


def pixels(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Noise; the left half of every cell is opaque."""
    noise = rng.integers(0, 256, (height, width, 4)).astype(np.uint8)
    noise[:, np.arange(width) % CELL < CELL // 2, 3] = 255
    return noise


@pytest.fixture(scope="module")
def sheet() -> Document:
    """One cell for each mode, one row for each opacity, all over the same noise."""
    rng = np.random.default_rng(5)
    modes = list(BlendMode)
    document = Document.from_image(pixels(rng, CELL * len(modes), CELL * len(OPACITIES)))
    for column, mode in enumerate(modes):
        for row, opacity in enumerate(OPACITIES):
            place = Rect(column * CELL, row * CELL, CELL, CELL)
            layer = document.place_image(pixels(rng, CELL, CELL), place, f"{mode} {opacity:.2f}")
            set_blend_mode(document, layer, mode)
            set_opacity(document, layer, opacity)
    return document


@pytest.fixture(scope="module")
def shown_by_krita(sheet: Document, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """Krita's own export of the saved project: premultiplied."""
    folder: Path = tmp_path_factory.mktemp("krita")
    save_project(sheet, folder / "sheet.ora", {})
    command = ["xvfb-run", "-a", "krita", "--export", "--export-filename"]
    run = subprocess.run(
        [*command, str(folder / "sheet.png"), str(folder / "sheet.ora")],
        env=os.environ | {"HOME": str(folder), "QT_QPA_PLATFORM": "xcb"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (folder / "sheet.png").exists(), run.stderr
    with Image.open(folder / "sheet.png") as picture:
        straight = np.asarray(picture.convert("RGBA")).astype(float)
    colours = np.rint(straight[..., :3] * straight[..., 3:] / 255)
    return np.concatenate((colours, straight[..., 3:]), axis=-1)


@pytest.mark.parametrize("mode", BlendMode)
@pytest.mark.parametrize("row", range(len(OPACITIES)))
def test_krita_sees_what_we_see(
    sheet: Document, shown_by_krita: np.ndarray, mode: BlendMode, row: int
) -> None:
    """Within 1 of 255 where all is opaque.

    Krita rounds straight colours, we round premultiplied ones: where something is see-through a
    few pixels in a thousand are 2 apart.
    """
    cell = Rect(list(BlendMode).index(mode) * CELL, row * CELL, CELL, CELL)
    apart = np.abs(sheet.flatten(cell) - shown_by_krita[cell.slices()])
    assert apart[:, : CELL // 2].max() <= 1
    assert apart.max() <= 2
    assert (apart > 1).any(axis=-1).mean() < 0.02
