"""Another size and hardness of the brush, by a drag across the canvas."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gui.canvas.tools.gesture import Pointer

if TYPE_CHECKING:
    from gui.brush_settings import BrushSettings

STARTS_AFTER = 4.0
"""View pixels that a hand may tremble in a click."""
HARDENS_AFTER = 12.0
"""View pixels up or down that still mean the size alone."""
HARDENS_IN = 160.0
"""View pixels from soft to hard."""


class Sizing:
    """To the right the brush grows, its rim following the pointer; upwards it hardens.

    Attributes:
        place: View position of the press, about which the brush is shown meanwhile.
    """

    def __init__(self, settings: BrushSettings, press: Pointer, zoom: float) -> None:
        """`zoom` is that of the view: view pixels for a document pixel."""
        self._settings = settings
        self._zoom = zoom
        self._before = (settings.size, settings.hardness)
        self._started = False
        self.place = (press.view_x, press.view_y)

    def follow(self, pointer: Pointer) -> bool:
        """The hand is there now; whether this is a drag, and no click any more."""
        across, up = pointer.view_x - self.place[0], self.place[1] - pointer.view_y
        self._started = self._started or math.hypot(across, up) > STARTS_AFTER
        if self._started:
            size, hardness = self._before
            size += 2 * across / self._zoom
            hardness += math.copysign(max(0.0, abs(up) - HARDENS_AFTER), up) / HARDENS_IN
            size = round(size) if size >= 10 else round(size, 1)
            self._settings.change(size=size, hardness=min(max(hardness, 0.0), 1.0))
        return self._started

    def give_up(self) -> None:
        """The brush is as it was."""
        size, hardness = self._before
        self._settings.change(size=size, hardness=hardness)

    @property
    def hardness(self) -> float:
        """Of the brush as it is now, 0 to 1."""
        return self._settings.hardness

    @property
    def figures(self) -> str:
        """What the brush is now, in words."""
        settings = self._settings
        return f"{settings.size:g} px · {settings.hardness * 100:.0f} % hard"
