"""One sheet of the picture."""

from __future__ import annotations

from dataclasses import dataclass

from core.canvas.tiles import TiledSurface


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
