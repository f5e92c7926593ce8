"""The first minute of a person, on a real screen with a real mouse; the files are the witnesses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from core.gallery import Gallery, GalleryItem
from core.images import read_image, write_image
from core.projects import load_project
from core.settings import Paths, load_settings
from tests.helpers.results import noise
from tests.helpers.screen import Screen, missing, screen, wait_for
from tests.helpers.studio import write_settings

ROOT = Path(__file__).resolve().parents[2]
SIDE = 256
pytestmark = [
    pytest.mark.journey,
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=f"not installed: {', '.join(missing())}"),
]


class Program:
    """`main.py` as a person starts it, on a screen.

    The window's layout is measured, not known: `canvas` gives screen positions of the picture.
    """

    def __init__(self, screen: Screen, home: Path) -> None:
        self.screen, self.home = screen, home
        self.paths = Paths.find(home)
        self.process = subprocess.Popen(
            [sys.executable, "main.py", "--home", str(home)],
            cwd=ROOT,
            env=screen.environment | {"PYTHONFAULTHANDLER": "1"},  # `last_words` asks it
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.window = screen.window("Sfumato")

    def wait_until_ready(self) -> None:
        """Until the model has been loaded ahead: its preview map is written then."""
        maps = self.paths.preview_maps
        wait_for(lambda: maps.is_dir() and any(maps.iterdir()), "the model")

    def pictures(self) -> list[Path]:
        """The finished pictures, oldest first."""
        found = [f for f in self.paths.pictures.glob("*/*.png") if not f.name.startswith(".")]
        return sorted(found, key=lambda file: file.stat().st_mtime_ns)

    def wait_for_pictures(self, count: int) -> list[Path]:
        def there() -> list[Path]:
            assert self.process.poll() is None, self.said()
            return self.pictures() if len(self.pictures()) >= count else []

        return wait_for(there, f"{count} pictures")

    def close(self) -> None:
        """As the window manager's button would; returns when the program has ended."""
        self.screen.key("alt+F4")
        self.process.wait(120)
        assert self.process.returncode == 0, self.said()
        assert self.said() == ""

    def end(self) -> None:
        """As the desktop does at its own end: nobody is there to answer a question."""
        self.process.terminate()
        self.process.wait(120)
        assert self.process.returncode == 0, self.said()
        assert self.said() == ""

    def last_words(self) -> str:
        """Ends it by force: what had the keys, its log, and where each of its threads stood."""
        with_keys = self.screen.ask("getwindowfocus", "getwindowname").strip()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGABRT)
        log = self.paths.log_file
        lines = log.read_text(encoding="utf-8").splitlines()[-40:] if log.exists() else []
        return "\n".join((f"The keys went to: {with_keys!r}", *lines, self.said()))

    def said(self) -> str:
        """What it said on the terminal; waits until it has ended."""
        if not hasattr(self, "_said"):
            self._said = self.process.communicate(timeout=60)[0]
        return self._said


@pytest.fixture
def desk() -> Iterator[Screen]:
    with screen() as shown:
        yield shown


@contextmanager
def running(shown: Screen, home: Path) -> Iterator[Program]:
    """The program; ended by force if the test fails before it closed it."""
    program = Program(shown, home)
    try:
        yield program
    except BaseException as error:
        shown.photograph(home / "failed.png")
        error.add_note(program.last_words())
        raise
    finally:
        if program.process.poll() is None:
            program.process.kill()
            program.process.wait(20)


def items(home: Path) -> list[GalleryItem]:
    """Everything in the gallery, newest first."""
    with Gallery(Paths.find(home)) as gallery:
        return gallery.items()


@pytest.mark.timeout(600)
def test_the_first_minute(
    desk: Screen, home: Path, zoo: Callable[[str], Path], tmp_path: Path
) -> None:
    write_settings(
        home, zoo("starter-layout"), prompt="", width=SIDE, height=SIDE, seed=31, seed_locked=True
    )
    with running(desk, home) as program:
        left, top = desk.place(program.window)
        desk.type("a red apple, [on] b e x")  # the prompt has the focus from the start
        program.wait_until_ready()
        desk.key("ctrl+Return")
        program.wait_for_pictures(1)

        # The middle of the canvas: 46 px of tools, 44 + 44 of bars, 324 of dock, 112 of results.
        x, y = left + (46 + 1280 - 324) / 2, top + (88 + 800 - 112) / 2
        desk.key("F6")  # from the prompt's region on to the next; then by the mouse to the canvas
        desk.click(left + 46 + 60, y)  # far beside the picture: the brush paints nothing there
        desk.key("m")
        desk.drag([(x - 60, y - 20), (x - 30, y - 20), (x, y - 20), (x + 40, y - 10)])
        desk.photograph(tmp_path / "masked.png")
        desk.key("alt+a", "ctrl+a")
        desk.type("a green pear")
        desk.key("ctrl+Return")
        program.wait_for_pictures(2)
        desk.photograph(tmp_path / "screen.png")

        # The newest result is on the left of the strip; the older one stands beside it.
        strip = top + 800 - 112 / 2
        first_thumb = left + 160
        desk.click(first_thumb + 92, strip)
        desk.photograph(tmp_path / "recalled.png")
        program.end()

    second, first = items(home)
    assert (first.prompt, second.prompt) == ("a red apple, [on] b e x", "a green pear")
    assert (first.kind, second.kind) == ("text-to-image", "inpainting")
    assert_only_the_mask_changed(home, first, second)
    settings = load_settings(Paths.find(home).settings_file)
    assert settings.sampling["prompt"] == first.prompt
    assert settings.prompts[:2] == (second.prompt, first.prompt)
    assert settings.window

    with running(desk, home) as program:
        wait_for(lambda: "*" in desk.ask("getwindowname", program.window), "the last session")
        desk.photograph(tmp_path / "again.png")
        desk.key("alt+F4")
        desk.window("Unsaved changes")
        desk.photograph(tmp_path / "unsaved.png")
        desk.key("Escape")
        wait_for(lambda: not desk.ask("search", "--onlyvisible", "--name", "Unsaved"), "an answer")
        assert program.process.poll() is None
        program.end()
    document = load_project(Paths.find(home).data / "session.ora").document
    picture = document.flatten(document.bounds)[..., :3]
    assert np.array_equal(picture, read_image(second.path))
    assert not document.mask_is_empty


def assert_only_the_mask_changed(home: Path, first: GalleryItem, second: GalleryItem) -> None:
    """Outside the mask that was sent, the second picture is the first one, bit by bit."""
    inputs = Paths.find(home).inputs
    (mask_file,) = inputs.rglob(f"*{second.request['mask_image']}*")
    mask = read_image(mask_file)
    mask = mask if mask.ndim == 2 else mask[..., 0]
    before, after = read_image(first.path), read_image(second.path)
    assert before.shape == after.shape == (SIDE, SIDE, 3)
    changed = (before != after).any(axis=2)
    assert not changed[mask == 0].any()
    assert changed[mask > 0].mean() > 0.5
    assert 0.005 < (mask > 0).mean() < 0.5
    assert second.changed_outside_mask == 0


@pytest.mark.timeout(300)
def test_a_second_start_hands_its_file_over(
    desk: Screen, home: Path, zoo: Callable[[str], Path], tmp_path: Path
) -> None:
    write_settings(home, zoo("starter-layout"))
    write_image(tmp_path / "photo.png", noise(1, 40, 56, 3))
    with running(desk, home) as program:
        second = subprocess.run(
            [sys.executable, "main.py", "--home", str(home), str(tmp_path / "photo.png")],
            cwd=ROOT,
            env=desk.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert second.returncode == 0, second.stderr
        assert "open already" in second.stderr
        wait_for(lambda: "photo" in desk.ask("getwindowname", program.window), "the picture")
        program.close()
    record = json.loads(Paths.find(home).settings_file.read_text())
    assert record["schema"] == 1
