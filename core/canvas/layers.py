"""One sheet of the picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from core.canvas.blend_modes import BlendMode
from core.canvas.blending import premultiplied
from core.canvas.tiles import TILE, TiledSurface, pieces
from core.errors import InvalidRequest
from core.geometry import Rect, Size
from core.request import Pixels


@dataclass(eq=False)
class Layer:
    """A surface with a name; change it through the `Document`, which announces and remembers.

    Attributes:
        name: As the person sees it.
        surface: Four channels, premultiplied RGBA, of the document's size.
        visible: Whether it takes part in the picture.
        opacity: 0 to 1; counted in steps of 1/255.
        blend_mode: What it does to the colours below it.
        locked: Whether its pixels are kept as they are.
    """

    name: str
    surface: TiledSurface
    visible: bool = True
    opacity: float = 1.0
    blend_mode: BlendMode = BlendMode.NORMAL
    locked: bool = False

    @property
    def opacity_8bit(self) -> int:
        """0 to 255: the opacity that is blended with; 0 where the layer is hidden."""
        return round(self.opacity * 255) if self.visible else 0

    def require_unlocked(self) -> None:
        """Refuse to change the pixels of a locked layer.

        Raises:
            InvalidRequest: it is locked.
        """
        if self.locked:
            raise InvalidRequest(f"The layer {self.quoted} is locked. Unlock it to change it.")

    def require_paintable(self) -> None:
        """Refuse what could not be seen or may not be.

        Raises:
            InvalidRequest: the layer is locked or hidden.
        """
        self.require_unlocked()
        if not self.visible:
            raise InvalidRequest(f"The layer {self.quoted} is hidden. Show it to paint on it.")

    def thumbnail(self, side: int) -> Pixels:
        """The whole layer, small: (h, w, 4) premultiplied, the longer side of `side` pixels.

        Reads a few pixels of each tile, so that a large canvas costs no more than a small one.
        """
        size = self.surface.size
        step = 1
        while step < TILE and max(size) > 2 * side * step:
            step *= 2
        few = self._every(step)[: -(-size.height // step), : -(-size.width // step)]
        scale = side / max(size)
        target = (max(1, round(size.width * scale)), max(1, round(size.height * scale)))
        return np.asarray(cv2.resize(few, target, interpolation=cv2.INTER_AREA), np.uint8)

    def _every(self, step: int) -> Pixels:
        """Each `step`-th pixel of all tiles; `step` divides a tile."""
        columns, rows = (-(-length // TILE) for length in self.surface.size)
        side = TILE // step
        few = np.zeros((rows * side, columns * side, 4), np.uint8)
        for (tx, ty), tile in self.surface.tiles.items():
            place = few[ty * side : (ty + 1) * side, tx * side : (tx + 1) * side]
            place[...] = tile[step // 2 :: step, step // 2 :: step]
        return few

    @property
    def quoted(self) -> str:
        """Its name in quotation marks, short enough for a sentence."""
        name = " ".join(self.name.split())
        return f"“{name if len(name) <= 40 else name[:39] + '…'}”"

    @classmethod
    def with_image(
        cls, name: str, size: Size, pixels: Pixels, rect: Rect, mask: Pixels | None = None
    ) -> Layer:
        """A layer of a canvas of `size` with a picture on it.

        Args:
            pixels: uint8 (h, w, 3) or, with straight alpha, (h, w, 4).
            rect: Where it lies; what is outside the canvas is left out.
            mask: uint8 (h, w); where it is 0 the layer stays transparent.
        """
        surface = TiledSurface(4, size)
        for key, in_tile, _ in pieces(rect.intersected(surface.bounds)):
            rows, columns = in_tile
            top, left = key[1] * TILE - rect.y, key[0] * TILE - rect.x
            part = (
                slice(rows.start + top, rows.stop + top),
                slice(columns.start + left, columns.stop + left),
            )
            colours = premultiplied(np.ascontiguousarray(pixels[part]))
            if mask is not None:
                colours[mask[part] == 0] = 0
            if colours.any():
                surface.tile_for_writing(*key)[in_tile] = colours
        return cls(name, surface)
