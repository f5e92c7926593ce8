"""The bucket: what looks like the pixel that was touched is filled, beside the window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from core.canvas.commands import TilesChanged
from core.canvas.document import Document
from core.canvas.filling import Colour, lay, paint_target
from core.canvas.flattening import still
from core.canvas.interrupting import Check
from core.canvas.layers import Layer
from core.canvas.selection import shared
from core.canvas.tiles import TiledSurface
from core.canvas.wand import TileOf, alike
from core.canvas.working import same_tiles
from core.errors import InvalidRequest
from core.geometry import Point


@dataclass(frozen=True)
class Pour:
    """What is filled, and with what.

    Attributes:
        start: The pixel that was touched.
        tolerance: 0 to 255; see `core.canvas.wand.alike`.
        contiguous: Whether only what hangs together with it is filled.
        antialias: Whether slanting edges are soft; see `core.canvas.stairs.softened`.
    """

    start: Point
    colour: Colour
    tolerance: float = 32
    contiguous: bool = True
    antialias: bool = False


class FillWork:
    """A layer, or (None) the mask, filled inside the selection; one step.

    It looks at the picture as it is when its turn comes. What is painted on the same surface
    meanwhile is never lost: then it begins again.
    """

    words = "Filling"

    def __init__(
        self, document: Document, layer: Layer | None, pour: Pour, merged: bool = True
    ) -> None:
        """`merged` looks at the whole picture, else at the layer that is active now, alone.

        Raises:
            InvalidRequest: see `paint_target`.
        """
        paint_target(document, layer)
        self._document = document
        self._layer = layer
        self._pour = pour
        self._seen = None if merged else document.active_layer

    def begin(self, check: Check) -> Callable[[], TilesChanged | None]:
        """Share the tiles of all that is looked at.

        Raises:
            InvalidRequest: the layer is locked, hidden or gone by now.
        """
        document, seen = self._document, self._seen
        self._before = shared(self._target())
        tile_of = still(document.layers) if seen is None else shared(seen.surface).tile
        return partial(self._filled, tile_of, self._before, document.selection.surface, check)

    def finish(self, made: TilesChanged | None) -> bool:
        """Put the tiles in, unless one that was there before is another by now.

        Raises:
            InvalidRequest: as for `begin`.
        """
        surface = self._target()
        if surface.size != self._before.size or not same_tiles(surface, self._before):
            return False
        if made is not None:
            self._document.perform(replace(made, surface=surface))
        return True

    def _target(self) -> TiledSurface:
        layer = self._layer
        if layer is not None and layer not in self._document.layers:
            raise InvalidRequest(f"The layer {layer.quoted} is gone. Fill another one.")
        return paint_target(self._document, layer)

    def _filled(
        self, tile_of: TileOf, before: TiledSurface, selected: TiledSurface | None, check: Check
    ) -> TilesChanged | None:
        """The step, with a surface of its own; None where nothing is different."""
        pour = self._pour
        where = tile_of, before.size, pour.start, pour.tolerance
        region = alike(*where, pour.contiguous, pour.antialias, check)
        after = shared(before)
        lay(after, pour.colour, region, selected, check)
        return TilesChanged.since(before.snapshot(), after, "Fill")
