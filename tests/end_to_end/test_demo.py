"""`main.py demo`: the README's story in the real window, without a screen."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.images import read_image
from core.settings import RESOURCES, Paths
from tests.helpers.studio import write_settings

ROOT = Path(__file__).resolve().parents[2]
STARTER = RESOURCES / "models" / "starter"
PICTURES = ("1-emerging", "1-apple", "2-mask", "2-emerging", "2-pear", "window")


@pytest.mark.slow
def test_the_demo_leaves_its_pictures(
    tmp_path: Path, home: Path, zoo: Callable[[str], Path]
) -> None:
    if not (STARTER / "model_index.json").exists():
        write_settings(home, zoo("starter-layout"))
    out = tmp_path / "out"
    command = [sys.executable, "main.py", "--home", str(home), "demo", "--output", str(out)]
    run = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    log = Paths.find(home).log_file
    story = run.stderr + (log.read_text() if log.exists() else "")
    assert run.returncode == 0, story
    assert "Traceback" not in story
    assert "pending" not in story
    assert sorted(file.name for file in out.iterdir()) == sorted(
        f"demo-{name}.png" for name in PICTURES
    )
    assert read_image(out / "demo-window.png").shape[:2] == (800, 1280)
    apple, pear = (read_image(out / f"demo-{name}.png") for name in ("1-apple", "2-pear"))
    assert apple.shape == pear.shape
    changed = (apple != pear).any(axis=2)
    assert 0.02 < changed.mean() < 0.9  # only the mask
    assert not changed[0].any()
    assert not np.array_equal(apple, pear)
    assert len(list(Paths.find(home).pictures.rglob("*.png"))) == 2
