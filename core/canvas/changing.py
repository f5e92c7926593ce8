"""What is still being done to a document: a stroke or a transformation that has not ended yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from core.canvas.tiles import TiledSurface
from core.canvas.undo import Command
from core.geometry import Rect


class OpenChange(Protocol):
    """Something begun that a document finishes before it does anything else."""

    def finish(self) -> None:
        """End it; what it did becomes one step."""

    def cancel(self) -> Rect:
        """As if it had never been; returns what changed back."""


Change = TypeVar("Change", bound=OpenChange)
Painted = Callable[[TiledSurface, Rect], None]
"""Hears of every rectangle of a surface that has changed."""
Closed = Callable[[Command | None], None]
"""Hears of the end, and of the command that takes it back if something is different."""
