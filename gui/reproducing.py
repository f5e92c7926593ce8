"""A kept picture made again from its record, and what is different, if anything is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Slot

from core.engine import Cancelled, Failed, Finished
from core.errors import KnownError
from core.gallery.comparison import Comparison
from core.images import read_image, without_alpha
from core.metadata import recorded_facts
from core.request import GenerationRequest, Pixels
from core.result import GenerationResult
from gui.background import Background
from gui.generation import GenerationController
from gui.images import to_qimage
from gui.jobs import Errand
from gui.main_window import MainWindow
from gui.results import ResultController

if TYPE_CHECKING:
    from core.gallery import Gallery, GalleryItem

NAMES = ("Kept", "Made again")
MOST_FACTS_SAID = 3


class ReproductionController(QObject):
    """Makes it behind everything that waits, keeps nothing of it, and says what came out."""

    def __init__(
        self,
        window: MainWindow,
        generation: GenerationController,
        results: ResultController,
        background: Background,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._generation = generation
        self._results = results
        self._background = background
        window.strip.again_asked.connect(self.start)

    @Slot(object)
    def start(self, item: GalleryItem) -> None:
        """Make this item again."""
        if self._results.gallery is None or self._generation.checkpoint is None:
            self._window.messages.tell("It can be made again as soon as a model is there.")
            return
        self._background.start(self._start(self._results.gallery, item))

    async def _start(self, gallery: Gallery, item: GalleryItem) -> None:
        try:
            request, kept = await self._background.run(_recalled, gallery, item)
        except KnownError as error:
            self._window.messages.warn(str(error))
            return
        then = item.record.get("facts", {})
        self._window.messages.tell("It is made again from its record, to be compared.")
        errand = Errand(partial(self._on_ended, item, kept), then=then)
        self._generation.run_errands([(request, errand)])

    def _on_ended(
        self, item: GalleryItem, kept: Pixels, event: Finished | Cancelled | Failed
    ) -> None:
        if isinstance(event, Finished):
            then = item.record.get("facts", {})
            self._background.start(self._compare(kept, event.result, then))

    async def _compare(self, kept: Pixels, result: GenerationResult, then: dict[str, Any]) -> None:
        now = recorded_facts(result)
        found = await self._background.run(Comparison.of, kept, result.image, then, now)
        verdict, *facts = found.sentences()
        said = facts if len(facts) <= MOST_FACTS_SAID else [*facts[:MOST_FACTS_SAID], "…"]
        words = verdict if found.is_identical else " ".join([verdict, "; ".join(said)])
        self._window.messages.ask(
            words, {"Look at both": lambda: self._look(kept, result.image, verdict, facts)}
        )

    def _look(self, kept: Pixels, again: Pixels, verdict: str, facts: list[str]) -> None:
        from gui.panels.picture_windows import PictureWindow

        window = PictureWindow(self._window, self._window.theme, "Kept and made again")
        window.compare(to_qimage(kept), to_qimage(again), NAMES, verdict, facts)


def _recalled(gallery: Gallery, item: GalleryItem) -> tuple[GenerationRequest, Pixels]:
    """Request and picture, read in the background's thread.

    Raises:
        KnownError: the picture or its record is gone or damaged.
    """
    return gallery.request(item.id), without_alpha(read_image(item.path))
