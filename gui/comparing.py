"""Two results of the strip beside each other, with what was different when they were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Slot

from core.errors import KnownError
from core.images import read_image, without_alpha
from gui.background import Background
from gui.images import to_qimage
from gui.main_window import MainWindow

if TYPE_CHECKING:
    from core.gallery import GalleryItem
    from core.request import Pixels

CHOOSE_TWO = "Choose two results to compare: click one, then the other with Ctrl held."
ALIKE = "Both were asked for in the same way."
FACTS = {
    "seed": "seed",
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
    "strength": "strength",
    "scheduler": "scheduler",
    "checkpoint": "model",
    "size": "size",
    "prompt": "prompt",
    "negative_prompt": "negative prompt",
}
"""What is said of a request where two differ, the shortest words first."""
MOST_LETTERS = 60


class ComparisonController(QObject):
    """Opens the window in which two results are compared."""

    def __init__(self, window: MainWindow, background: Background) -> None:
        super().__init__(window)
        self._window = window
        self._background = background
        window.strip.compare_asked.connect(self.compare)
        window.actions_by_name["compare_results"].triggered.connect(self._on_asked)

    @Slot()
    def _on_asked(self) -> None:
        pair = self._window.strip.pair
        if pair is None:
            self._window.messages.tell(CHOOSE_TWO)
        else:
            self.compare(*pair)

    @Slot(object, object)
    def compare(self, older: GalleryItem, newer: GalleryItem) -> None:
        """Show both, as soon as they are read."""
        self._background.start(self._compare(older, newer))

    async def _compare(self, older: GalleryItem, newer: GalleryItem) -> None:
        try:
            then, now = await self._background.run(_pictures, older, newer)
        except KnownError as error:
            self._window.messages.warn(str(error))
            return
        from gui.panels.picture_windows import PictureWindow

        told = differences(older.request, newer.request)
        names = (_name(told, 1, "Older"), _name(told, 2, "Newer"))
        lines = [f"{name.capitalize()}: {before} | {after}" for name, before, after in told]
        window = PictureWindow(self._window, self._window.theme, "Two results")
        words = "What is different:" if told else ALIKE
        window.compare(to_qimage(then), to_qimage(now), names, words, lines)


def differences(then: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What two requests, as JSON data, do not have in common: (name, then, now)."""
    return [
        (name, _said(then.get(key)), _said(now.get(key)))
        for key, name in FACTS.items()
        if then.get(key) != now.get(key)
    ]


def _said(value: object) -> str:
    if isinstance(value, list | tuple):
        return " × ".join(map(str, value))
    text = " ".join(str("–" if value in (None, "") else value).split())
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"


def _name(told: list[tuple[str, str, str]], which: int, otherwise: str) -> str:
    """What tells one from the other, if it is short."""
    if told and "prompt" not in told[0][0]:
        return f"{told[0][0].capitalize()} {told[0][which]}"
    return otherwise


def _pictures(older: GalleryItem, newer: GalleryItem) -> tuple[Pixels, Pixels]:
    """Both pictures, read in the background's thread.

    Raises:
        KnownError: one of them is gone or damaged.
    """
    return without_alpha(read_image(older.path)), without_alpha(read_image(newer.path))
