"""Grids in the window: asked for in a dialog, made behind other pictures, shown as one sheet."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from core.checkpoints import Checkpoint
from core.engine import Cancelled, Failed, Finished
from core.errors import InvalidRequest, KnownError
from core.gallery.sheets import GridSheet, Place, fitted, most_side, sheet
from core.geometry import Size
from core.images import read_image, without_alpha
from core.inference.grids import cells_of, settings_for
from core.logs import logger
from core.request import GenerationRequest, Pixels
from gui.background import Background
from gui.canvas.asking import request_for
from gui.generation import GenerationController
from gui.jobs import Errand
from gui.main_window import MainWindow
from gui.models import ModelController
from gui.pacing import pace_of
from gui.results import ResultController
from gui.sampling import Sampling

if TYPE_CHECKING:
    from core.gallery import Gallery, GalleryItem
    from gui.panels.grid import Axes, GridDialog

_log = logger("grids")


@dataclass(eq=False)
class RunningGrid:
    """A grid that is being made.

    Attributes:
        left: Pictures that have not ended.
        items: What the gallery keeps of it, by place.
        loose: Pictures that it could not keep.
        is_composed: Whether its sheet is there.
    """

    base: GenerationRequest
    axes: Axes
    left: int
    items: dict[Place, GalleryItem] = field(default_factory=dict)
    loose: dict[Place, Pixels] = field(default_factory=dict)
    is_composed: bool = False

    @property
    def size(self) -> int:
        """How many pictures it was to have."""
        z, y, x = (len(axis.values) for axis in self.axes)
        return z * y * x

    @property
    def made(self) -> int:
        """How many there are."""
        return len(self.items) + len(self.loose)

    @property
    def varied(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Names and labels of what differs, of columns, rows and sections."""
        return tuple(
            (axis.name, tuple(label.removeprefix(f"{axis.name} ") for label in axis.labels))
            for axis in reversed(self.axes)
            if axis.field
        )


class GridController(QObject):
    """From the dialog to the sheet.

    A grid that was stopped, or left by the closed window, keeps its pictures; its sheet has holes.
    """

    def __init__(
        self,
        window: MainWindow,
        sampling: Sampling,
        generation: GenerationController,
        models: ModelController,
        results: ResultController,
        background: Background,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._sampling = sampling
        self._generation = generation
        self._models = models
        self._results = results
        self._background = background
        self._dialog: GridDialog | None = None
        self._running: list[RunningGrid] = []
        window.actions_by_name["grid"].triggered.connect(self.ask)

    @Slot()
    def ask(self) -> None:
        """Open the dialog, with the settings that mean something now."""
        try:
            base = self._base()
        except KnownError as error:
            self._window.messages.warn(str(error))
            return
        if base is None:
            self._window.messages.tell("A grid can be made as soon as a model is there.")
            return
        if self._dialog is None:
            from gui.panels.grid import GridDialog

            self._dialog = GridDialog(self._window, self._window.theme)
            self._dialog.asked.connect(self.start)
        assert self._generation.checkpoint is not None  # or there were no base
        abilities = self._generation.checkpoint.abilities
        settings = settings_for(base, abilities, list(self._models.models))
        self._dialog.ask(settings, lambda axes: self._seconds(base, axes))

    @Slot(object)
    def start(self, axes: Axes) -> None:
        """Put every picture of the grid into the queue, behind what waits there."""
        own, wildcards = self._generation.checkpoint, self._generation.wildcards
        try:
            base = self._base()
            if base is None or own is None:
                return
            cells = cells_of(base, own, axes, self._model, wildcards)
        except KnownError as error:
            if self._dialog is not None:
                self._dialog.refuse(str(error))
            return
        grid = RunningGrid(base, axes, len(cells))
        self._running.append(grid)
        self._generation.run_errands(
            [(cell.request, Errand(partial(self._on_ended, grid, cell.place))) for cell in cells]
        )
        count = "1 picture waits" if len(cells) == 1 else f"{len(cells)} pictures wait"
        self._window.messages.tell(f"{count} for the grid. Its sheet follows the last one.")

    def close(self) -> None:
        """Make sheets of what there is of grids that are not finished.

        To be called after the background was closed, which might be making one. The pictures that
        are still to come wait on the shelf as all others do.
        """
        for grid in self._running:
            if grid.made and not grid.is_composed:
                try:
                    _composed(self._results.gallery, grid)
                except KnownError as error:
                    _log.info("the sheet of an unfinished grid is not kept: %s", error)
        self._running.clear()

    def _model(self, name: str) -> Checkpoint:
        found = self._models.models.get(name)
        if found is None:
            raise InvalidRequest(f"There is no model “{name}”. Choose from the list.")
        return found

    def _base(self) -> GenerationRequest | None:
        document, checkpoint = self._window.canvas.document, self._generation.checkpoint
        if document is None or checkpoint is None:
            return None
        self._window.canvas.end_gesture()
        return request_for(document, self._sampling, checkpoint)

    def _on_ended(
        self, grid: RunningGrid, place: Place, event: Finished | Cancelled | Failed
    ) -> None:
        grid.left -= 1
        if isinstance(event, Finished):
            if event.item is not None:
                grid.items[place] = event.item
            else:
                grid.loose[place] = event.result.image
        if grid.left == 0 and grid in self._running:
            if grid.made:
                self._background.start(self._finish(grid))
            else:
                self._running.remove(grid)

    async def _finish(self, grid: RunningGrid) -> None:
        try:
            image, item = await self._background.run(_composed, self._results.gallery, grid)
        except KnownError as error:
            self._window.messages.warn(f"The grid’s sheet was not kept. {error}")
            self._running.remove(grid)
            return
        self._running.remove(grid)
        if item is not None:
            self._results.add(item)
        words = f"The grid of {grid.size} pictures is finished."
        if grid.made < grid.size:
            words = (
                f"{grid.made} of the grid’s {grid.size} pictures were made; the sheet has holes."
            )
        title = " × ".join(name for name, _ in grid.varied)
        self._window.messages.ask(
            words, {"Look at it": lambda: self._results.look_at(image, title, words)}
        )

    def _seconds(self, base: GenerationRequest, axes: Axes) -> float | None:
        """How long the grid takes, from the newest results of the same models."""
        work: dict[str, int] = {}
        try:
            for places in product(*(range(len(axis.values)) for axis in axes)):
                request = base
                for axis, place in zip(axes, places, strict=True):
                    request = axis.put(request, place)
                work[request.checkpoint] = work.get(request.checkpoint, 0) + _work(request)
        except KnownError:
            return None  # the start will say what is wrong
        paces = {name: pace_of(self._window.gallery_model, name) for name in work}
        if any(pace is None for pace in paces.values()):
            return None
        return sum((paces[name] or 0.0) * amount for name, amount in work.items())


def _work(request: GenerationRequest) -> int:
    """Pixels that are denoised, once for each step."""
    if request.first_pass_size is not None:
        first = request.num_inference_steps * request.first_pass_size.area
        return first + request.hires_steps * request.size.area
    return request.steps_to_run * request.size.area


def _composed(gallery: Gallery | None, grid: RunningGrid) -> tuple[Pixels, GalleryItem | None]:
    """The sheet, and where it is kept; in the background's thread.

    Raises:
        KnownError: it cannot be kept, or no picture of it can be read any more.
    """
    z, y, x = (axis.labels for axis in grid.axes)
    sizes = [item.size for item in grid.items.values()]
    sizes += [Size(p.shape[1], p.shape[0]) for p in grid.loose.values()]
    largest = Size(max(size.width for size in sizes), max(size.height for size in sizes))
    side = most_side(largest, len(x), len(y) * len(z))
    pictures = {place: fitted(pixels, side) for place, pixels in grid.loose.items()}
    failed: KnownError | None = None
    for place, item in grid.items.items():
        try:
            pictures[place] = fitted(without_alpha(read_image(item.path)), side)
        except KnownError as error:  # deleted meanwhile
            failed = error
    if not pictures and failed is not None:
        raise failed
    image = sheet(pictures, x, y, z)
    if gallery is None:
        return image, None
    grid.is_composed = True  # or nearly so: a second attempt would fail in the same way
    base = replace(grid.base, id=uuid.uuid4().hex)
    ids = {place: item.id for place, item in sorted(grid.items.items())}
    return image, gallery.keep_sheet(GridSheet(image, base, grid.varied, ids))
