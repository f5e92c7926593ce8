"""One sheet of the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.canvas.blending import premultiplied
from core.canvas.tiles import TILE, TiledSurface, pieces
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
    """

    name: str
    surface: TiledSurface
    visible: bool = True
    opacity: float = 1.0

    @property
    def opacity_8bit(self) -> int:
        """0 to 255: the opacity that is blended with; 0 where the layer is hidden."""
        return round(self.opacity * 255) if self.visible else 0

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
