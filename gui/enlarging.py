"""A picture made larger tile by tile: asked for in a dialog, made behind everything that waits."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from core.checkpoints import Checkpoint
from core.engine import Cancelled, Failed, Finished
from core.errors import KnownError
from core.geometry import Rect, Size
from core.images import read_image, without_alpha
from core.inference.tiles import enlarging, plan_for
from core.request import GenerationRequest, Pixels
from gui.background import Background
from gui.generation import GenerationController
from gui.jobs import Errand
from gui.main_window import MainWindow
from gui.models import ModelController
from gui.pacing import pace_of, spoken
from gui.results import ResultController

if TYPE_CHECKING:
    from core.gallery import Gallery, GalleryItem
    from gui.panels.enlarge import EnlargeDialog, Enlargement

NO_PICTURE = "Make a picture, or choose one of the results below, to enlarge it."
NO_MODEL = (
    "The chosen model cannot enlarge pictures in tiles. Choose one of Stable Diffusion 1, 2 or XL."
)


@dataclass(frozen=True, eq=False)
class Original:
    """The picture that is to be enlarged, and how it was made.

    Attributes:
        place: Where on the canvas its growing is shown.
    """

    request: GenerationRequest
    pixels: Pixels
    checkpoint: Checkpoint
    place: Rect
    parent_ids: tuple[str, ...] = ()

    def asked(self, asked: Enlargement) -> GenerationRequest:
        """The request for that.

        Raises:
            InvalidRequest: it cannot be, in words.
        """
        base = replace(
            self.request,
            id=uuid.uuid4().hex,
            checkpoint=self.checkpoint.name,
            prompt=asked.prompt,
            written_prompt="",
            written_negative_prompt="",
            controls=(),
            parent_ids=self.parent_ids,
        )
        return enlarging(
            base,
            self.pixels,
            asked.scale,
            self.checkpoint.abilities,
            strength=asked.strength,
            tile=asked.tile,
            overlap=asked.overlap,
        )


class EnlargingController(QObject):
    """For the picture that stands in the frame, or a result of the strip."""

    def __init__(
        self,
        window: MainWindow,
        generation: GenerationController,
        models: ModelController,
        results: ResultController,
        background: Background,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._generation = generation
        self._models = models
        self._results = results
        self._background = background
        self._dialog: EnlargeDialog | None = None
        self._original: Original | None = None
        window.actions_by_name["enlarge"].triggered.connect(self.ask)
        window.strip.enlarge_asked.connect(self.ask_for)

    @Slot()
    def ask(self) -> None:
        """Ask about the picture in the frame, else about the chosen result."""
        result, item = self._generation.shown_result, self._window.strip.chosen
        if result is not None:
            self._ask(result.request, result.image, ())
        elif item is not None and not item.is_sheet:
            self.ask_for(item)
        else:
            self._window.messages.tell(NO_PICTURE)

    @Slot(object)
    def ask_for(self, item: GalleryItem) -> None:
        """Ask about this result."""
        if self._results.gallery is not None:
            self._background.start(self._ask_for(self._results.gallery, item))

    async def _ask_for(self, gallery: Gallery, item: GalleryItem) -> None:
        try:
            request, pixels = await self._background.run(_read, gallery, item)
        except KnownError as error:
            self._window.messages.warn(str(error))
            return
        self._ask(request, pixels, (item.id,))

    def _ask(self, request: GenerationRequest, pixels: Pixels, parent_ids: tuple[str, ...]) -> None:
        document, checkpoint = self._window.canvas.document, self._model_for(request)
        if document is None or checkpoint is None:
            self._window.messages.warn(NO_MODEL)
            return
        if request.scheduler not in checkpoint.abilities.schedulers:
            request = replace(request, scheduler=checkpoint.abilities.schedulers[0])
        frame = document.frame
        place = Rect(frame.x, frame.y, pixels.shape[1], pixels.shape[0])
        self._original = Original(request, pixels, checkpoint, place, parent_ids)
        if self._dialog is None:
            from gui.panels.enlarge import EnlargeDialog

            self._dialog = EnlargeDialog(self._window)
            self._dialog.asked.connect(self.start)
        self._dialog.ask(request.prompt, checkpoint.abilities.native_size, self._says)

    def _model_for(self, request: GenerationRequest) -> Checkpoint | None:
        """Its own model, else the chosen one; None where neither knows tiles."""
        for model in (self._models.models.get(request.checkpoint), self._generation.checkpoint):
            if model is not None and model.abilities.takes_tiles:
                return model
        return None

    def _says(self, asked: Enlargement) -> str:
        """What it comes to, in a line.

        Raises:
            InvalidRequest: it cannot be, in words.
        """
        assert self._original is not None
        request = self._original.asked(asked)
        plan = plan_for(request, self._original.checkpoint.abilities.size_multiple)
        before = Size(self._original.pixels.shape[1], self._original.pixels.shape[0])
        tiles = "1 tile" if plan.count == 1 else f"{plan.count} tiles"
        words = f"{before} becomes {request.size}, in {tiles}"
        pace = pace_of(self._window.gallery_model, request.checkpoint)
        if pace is None:
            return f"{words}."
        seconds = pace * plan.count * request.steps_to_run * plan.tile.area
        return f"{words}, about {spoken(seconds)}."

    @Slot(object)
    def start(self, asked: Enlargement) -> None:
        """Put it into the queue."""
        assert self._original is not None
        try:
            request = self._original.asked(asked)
        except KnownError as error:
            self._window.messages.warn(str(error))
            return
        errand = Errand(self._on_ended, self._original.place)
        self._generation.run_errands([(request, errand)])

    def _on_ended(self, event: Finished | Cancelled | Failed) -> None:
        if not isinstance(event, Finished) or event.message:
            return
        item, size = event.item, event.result.request.size
        if item is not None:
            self._window.messages.ask(
                f"The picture is {size} now. It is in the results below.",
                {"Show it": lambda: self._window.strip.show_asked.emit(item)},
            )


def _read(gallery: Gallery, item: GalleryItem) -> tuple[GenerationRequest, Pixels]:
    """Request and picture, in the background's thread.

    Raises:
        KnownError: the picture or its record is gone or damaged.
    """
    return gallery.request(item.id), without_alpha(read_image(item.path))
