"""On screens with more pixels 100 % is a device pixel, wherever the canvas lies in the window.

The scale factor is fixed when Qt starts, so each has a program of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json
import numpy as np
from PySide6.QtWidgets import QApplication, QWidget

application = QApplication([])
from core.canvas.document import Document
from core.geometry import Rect
from gui.canvas.tools.painting import BrushSettings
from gui.canvas.view import CanvasView
from gui.images import from_qimage
from gui.theme import Theme

theme = Theme(application)
theme.choose("dark")
window = QWidget()
window.resize(520, 430)
canvas = CanvasView(theme, BrushSettings(), window)
canvas.setGeometry(47, 31, 403, 337)  # at no whole device pixel for most factors
picture = np.random.default_rng(5).integers(0, 256, (120, 160, 3), dtype=np.uint8)
document = Document.from_image(picture)
document.set_frame(Rect(0, 0, 1, 1))
canvas.show_document(document)
window.show()


def is_exact():
    shown, wanted = from_qimage(window.grab().toImage())[..., :3], picture[40:80, 60:100]
    wanted = wanted[:, ::-1] if canvas.viewport.is_mirrored else wanted
    rows, columns = (np.flatnonzero((shown == wanted[0, 0]).all(2).any(axis)) for axis in (1, 0))
    return any(
        np.array_equal(shown[y : y + 40, x : x + 40], wanted) for y in rows for x in columns
    )


facts = {"ratio": canvas.devicePixelRatioF()}
canvas.zoom_to(1.0)
facts["scale"] = canvas.viewport.scale
facts["still"] = is_exact()
canvas.pan(3.3, -1.7)
facts["moved"] = is_exact()
canvas.mirror()
facts["mirrored"] = is_exact()
print(json.dumps(facts))
"""


@pytest.mark.parametrize("factor", ["1", "1.25", "1.5", "2"])
def test_a_picture_pixel_is_a_device_pixel(factor: str) -> None:
    environment = os.environ | {"QT_SCALE_FACTOR": factor, "QT_QPA_PLATFORM": "offscreen"}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    facts = json.loads(run.stdout)
    assert facts.pop("ratio") == float(factor)
    assert facts.pop("scale") == 1.0
    assert facts == dict.fromkeys(facts, True)
    assert len(facts) == 3
