"""Plays the README's story in the real window and leaves pictures of it.

python main.py demo [--output DIR]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Qt, Slot

from gui.app import has_display
from gui.app import run as run_window

if TYPE_CHECKING:
    from gui.studio import Studio

PROMPT = "a red apple on a blue background"
MASKED_PROMPT = "a green pear"
SEED = 31
SIZE = (1280, 800)
PATIENCE = 300.0
"""Seconds after which the demo gives up waiting for one picture."""


def run(arguments: Sequence[str], home: Path | None) -> int:
    """Play the story; returns 0 when every picture was made and kept."""
    options = argparse.ArgumentParser(prog="main.py demo", description=__doc__)
    options.add_argument("--output", type=Path, default=Path("out"), metavar="DIR")
    output: Path = options.parse_args(arguments).output
    output.mkdir(parents=True, exist_ok=True)
    if not has_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory(prefix="sfumato-demo-") as elsewhere:
        return run_window((), home or Path(elsewhere), lambda studio: _begin(studio, output))


def _begin(studio: Studio, output: Path) -> None:
    story = Story(studio, output)
    studio.background.start(story.play())


class DemoFailed(Exception):
    """What kept the story from going on, in a sentence."""


class Story(QObject):
    """One person's first minute, with their hands replaced by events."""

    def __init__(self, studio: Studio, output: Path) -> None:
        super().__init__(studio)
        self._studio = studio
        self._output = output
        self._model_chosen = asyncio.Event()
        self._previewed = asyncio.Event()
        self._kept = asyncio.Event()
        self._trouble = ""
        studio.models.missing.connect(self._on_models_missing)
        studio.generation.jobs_changed.connect(self._on_jobs_changed)
        studio.ready.connect(self._on_ready)
        studio.generation.item_kept.connect(self._on_kept)
        studio.generation.previewed.connect(self._on_previewed)

    async def play(self) -> None:
        """The story, then the window closes."""
        self._studio.exit_code = 1
        try:
            await self._play()
            self._studio.exit_code = 0
        except TimeoutError:
            sys.stderr.write("The demo gave up: a picture was not finished in time.\n")
        except DemoFailed as trouble:
            sys.stderr.write(f"The demo gave up: {trouble}\n")
        finally:
            self._studio.closing.excuse()  # a film has nobody to answer
            self._studio.window.close()

    async def _play(self) -> None:
        studio, window = self._studio, self._studio.window
        window.resize(*SIZE)
        await self._wait_for(self._model_chosen)
        self._choose_seed()
        window.generation.type_prompt(PROMPT)
        await self._generate("1-emerging")
        self._save_picture("1-apple")
        studio.generation.keep()
        self._paint_mask()
        self._choose_seed()
        window.generation.type_prompt(MASKED_PROMPT)
        self._screenshot("2-mask")
        await self._generate("2-emerging")
        self._save_picture("2-pear")
        await asyncio.sleep(0.3)
        self._screenshot("window")

    def _choose_seed(self) -> None:
        self._studio.sampling.seed = SEED
        self._studio.sampling.seed_locked = True

    async def _generate(self, name: str) -> None:
        """Ask for a picture, photograph the window on the way, and wait for the end."""
        self._previewed.clear()
        self._kept.clear()
        self._studio.window.actions_by_name["generate"].trigger()
        await self._wait_for(self._previewed)
        self._screenshot(name)
        await self._wait_for(self._kept)
        await asyncio.sleep(0.2)

    async def _wait_for(self, event: asyncio.Event) -> None:
        await asyncio.wait_for(event.wait(), PATIENCE)
        if self._trouble:
            raise DemoFailed(self._trouble)

    def _paint_mask(self) -> None:
        """Strokes over the middle of the picture, by the mouse."""
        from PySide6.QtTest import QTest

        window = self._studio.window
        window.take_tool("mask")
        canvas, document = window.canvas, self._studio.documents.document
        width, height = document.size
        window.brush_settings.change(size=height / 4)
        rows = [round(height * share) for share in (0.32, 0.5, 0.68)]
        for row in rows:
            points = [
                QPoint(*map(round, canvas.viewport.to_view(width * share / 100, row)))
                for share in range(30, 71, 4)
            ]
            QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=points[0])
            for point in points:
                QTest.mouseMove(canvas, point)
            QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=points[-1])

    def _save_picture(self, name: str) -> None:
        result = self._studio.generation.shown_result
        assert result is not None
        from core.images import write_image

        write_image(self._output / f"demo-{name}.png", result.image)

    def _screenshot(self, name: str) -> None:
        self._studio.window.grab().save(str(self._output / f"demo-{name}.png"))

    @Slot()
    def _on_ready(self) -> None:
        self._model_chosen.set()

    @Slot(object)
    def _on_kept(self, item: object) -> None:
        self._kept.set()

    @Slot()
    def _on_models_missing(self) -> None:
        self._give_up("no model was found in resources/models.")

    @Slot(int)
    def _on_jobs_changed(self, count: int) -> None:
        if count == 0 and not self._kept.is_set():
            self._give_up(self._studio.window.messages.text or "a picture was not made.")

    def _give_up(self, trouble: str) -> None:
        self._trouble = trouble
        for event in (self._model_chosen, self._previewed, self._kept):
            event.set()

    @Slot(int)
    def _on_previewed(self, step: int) -> None:
        if step >= self._studio.sampling.num_inference_steps // 2:
            self._previewed.set()
