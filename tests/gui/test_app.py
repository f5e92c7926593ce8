"""The window's program from outside: how it starts, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.settings import Paths, load_settings

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


def start(home: Path, *files: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "main.py", "--home", str(home), *files],
        cwd=ROOT,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_home_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file in the way")
    program = start(tmp_path / "home")
    out, error = program.communicate(timeout=PATIENCE)
    assert program.returncode == 2
    assert out == ""
    assert len(error.splitlines()) == 1
    assert "--home" in error
    assert "Traceback" not in error


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")
def test_a_polite_end_keeps_the_settings_and_frees_the_home(home: Path) -> None:
    paths = Paths.find(home)
    program = start(home)
    try:
        deadline = time.monotonic() + PATIENCE
        while not paths.gallery_file.exists():  # the studio stands
            assert program.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        second = start(home, "missing.png")
        out, error = second.communicate(timeout=PATIENCE)
        assert second.returncode == 0, error
        program.send_signal(signal.SIGTERM)
        out, error = program.communicate(timeout=PATIENCE)
    finally:
        if program.poll() is None:
            program.kill()
    assert program.returncode == 0, error
    assert (out, error.replace("This plugin does not support raise()\n", "")) == ("", "")
    assert load_settings(paths.settings_file).window
    assert not paths.lock_file.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_without_a_display_it_says_so_in_one_sentence(home: Path) -> None:
    seats = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in seats}
    ended = subprocess.run(
        [sys.executable, "main.py", "--home", str(home)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "no display" in ended.stderr
