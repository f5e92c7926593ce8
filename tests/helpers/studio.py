"""The real studio with the real engine on a tiny model, as `gui.app` puts it together."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.gallery import GalleryItem
from core.settings import Paths
from gui.background import Background
from gui.main_window import MainWindow
from gui.sampling import Sampling
from gui.studio import Studio
from gui.theme import Theme
from tests.helpers.desktop import asyncio_in_qt, drag
from tests.helpers.guard_qt import finish_deletions

PATIENCE_MS = 120_000  # torch is imported meanwhile, on a machine that may be busy
SMALL: dict[str, Any] = {
    "prompt": "a cat in a castle",
    "width": 64,
    "height": 64,
    "num_inference_steps": 4,
    "seed": 7,
    "seed_locked": True,
}


def write_settings(home: Path, *models: Path, **sampling: Any) -> None:
    """Settings of a home in which these model folders are known, and the dock is set to SMALL."""
    file = Paths.find(home).settings_file
    file.parent.mkdir(parents=True, exist_ok=True)
    settings = {
        "schema": 1,
        "model_folders": [str(folder) for folder in models],
        "sampling": {"checkpoint": models[0].name} | SMALL | sampling if models else sampling,
    }
    file.write_text(json.dumps(settings), encoding="utf-8")


class Person(QObject):
    """Sits at a studio: works its window and sees what comes of it."""

    def __init__(self, studio: Studio, qtbot: QtBot) -> None:
        super().__init__()
        self.studio, self.window = studio, studio.window
        self._qtbot = qtbot
        self.items: list[GalleryItem] = []
        self.steps: list[int] = []
        studio.generation.item_kept.connect(self.items.append)
        studio.generation.previewed.connect(self.steps.append)

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Let the window live until `condition` holds."""
        self._qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE_MS)

    def wait_for_model(self) -> None:
        """Wait until a model is chosen and the strip has been filled."""
        self.wait_for(lambda: self.studio.generation.checkpoint is not None)
        self.wait_for(lambda: not self.studio.background._tasks)

    def do(self, action: str) -> None:
        """Choose an action of the window by its name."""
        self.window.actions_by_name[action].trigger()

    def generate(self) -> GalleryItem:
        """Press Generate and wait for the picture."""
        before = len(self.items)
        self.do("generate")
        assert self.studio.generation.is_busy, self.window.messages.text
        self.wait_for(lambda: len(self.items) > before and not self.studio.generation.is_busy)
        return self.items[-1]

    def paint(self, tool: str, *points: tuple[float, float]) -> None:
        """Draw a line with a tool, by the mouse, through these document positions."""
        self.window.take_tool(tool)
        viewport = self.window.canvas.viewport
        drag(
            self.window.canvas, [QPoint(*map(round, viewport.to_view(*point))) for point in points]
        )


@contextmanager
def studio_at(application: QApplication, qtbot: QtBot, *files: Path) -> Iterator[Person]:
    """A studio on the home in the environment; afterwards its window is closed, and it with it."""
    paths = Paths.find()
    paths.make()
    theme = Theme(application)
    theme.choose("dark")
    window = MainWindow(theme, sampling := Sampling())
    window.resize(1280, 800)
    window.show()
    try:
        with asyncio_in_qt(application) as loop:
            background = Background(loop)
            studio = Studio(window, sampling, background, paths)
            try:
                studio.start([str(file) for file in files])
                yield Person(studio, qtbot)
            finally:
                studio.closing.excuse()  # as where the desktop ends its session
                window.close()
                studio.close()
    finally:
        window.deleteLater()
        theme.deleteLater()
        finish_deletions()
        gc.collect()  # here, not in the next engine's thread: Qt's objects belong to this one
