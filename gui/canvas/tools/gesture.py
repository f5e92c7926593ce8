"""The seam between the canvas and its tools."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import Qt

from core.geometry import Rect
from gui.canvas.viewport import Viewport

if TYPE_CHECKING:
    from core.canvas.document import Document


@dataclass(frozen=True)
class Pointer:
    """One sample of mouse or pen.

    Attributes:
        x, y: Document position in pixels, fractions included.
        view_x, view_y: Position in the view, device-independent pixels.
        pressure: 0 to 1; a mouse presses with 1.
        is_down: False for the last sample of a gesture.
        erases: The pen's other end.
        modifiers: Keys held.
    """

    x: float
    y: float
    view_x: float
    view_y: float
    pressure: float = 1.0
    is_down: bool = True
    erases: bool = False
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier


Gesture = Generator[None, Pointer, None]
"""Receives each sample at a `yield`, the last with `is_down` False.

Closing the generator before that means the gesture was given up: the tool undoes what it did.
"""


class Canvas(Protocol):
    """What a tool may know of the canvas it is used on.

    Attributes:
        document: What is painted on; there is one while a gesture runs.
        viewport: Where it lies in the view.
        frame_step: Sides of the frame stay whole multiples of this while it is resized.
    """

    document: Document | None
    viewport: Viewport
    frame_step: int

    def move_frame(self, frame: Rect) -> None:
        """Put the generation frame there."""

    def pan(self, dx: float, dy: float) -> None:
        """Move the view by view pixels."""


class Tool(Protocol):
    """One tool.

    Attributes:
        name: Shown to the person.
        cursor: The pointer's shape, or None where the brush outline takes its place.
    """

    name: str
    cursor: Qt.CursorShape | None

    def gesture(self, canvas: Canvas, press: Pointer) -> Gesture:
        """What happens between a press and its release."""
