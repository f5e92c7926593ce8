"""The seam between the canvas and its tools."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from PySide6.QtCore import Qt, SignalInstance

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
        tilt: How far the pen leans, 0 upright to 1 flat.
        is_down: False for the last sample of a gesture.
        erases: The pen's other end.
        modifiers: Keys held.
        clicks: 1 where this is a press, 2 where it is the second of a double click.
        confirms: The person says that a gesture that goes on is to be carried out now.
        nudge: By how many document pixels an arrow key moves what the tool is about, across and
            down; such a sample is no press.
        earlier: Moves that came before this one and are heard of with it; a gesture to which only
            the last place matters leaves them alone.
    """

    x: float
    y: float
    view_x: float
    view_y: float
    pressure: float = 1.0
    is_down: bool = True
    erases: bool = False
    tilt: float = 0.0
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
    clicks: int = 0
    confirms: bool = False
    nudge: tuple[int, int] | None = None
    earlier: tuple[Pointer, ...] = ()

    @property
    def way(self) -> tuple[Pointer, ...]:
        """All of them in order, this one last."""
        return (*self.earlier, self)


Gesture = Generator[None, Pointer, None]
"""Receives each sample at a `yield`, the last with `is_down` False.

One that does not end with the release goes on: it hears of the pointer in the air, of further
presses, and of `confirms`. Closing the generator means the gesture was given up: the tool undoes
what it did.
"""


@dataclass(frozen=True)
class Sketch:
    """What a tool shows over the picture while it is used, in document pixels.

    Attributes:
        lines: Each through its points; drawn so that it shows on any picture.
        grips: What can be taken hold of.
        selection_at: How far from its place the selection's edge is shown.
    """

    lines: tuple[tuple[tuple[float, float], ...], ...] = ()
    grips: tuple[tuple[float, float], ...] = ()
    selection_at: tuple[int, int] = (0, 0)


@runtime_checkable
class Sketching(Protocol):
    """A tool that shows something over the picture."""

    def sketch(self, canvas: Canvas) -> Sketch | None:
        """What it shows now."""


@runtime_checkable
class TakingBack(Protocol):
    """A tool whose gesture goes on in parts, of which the last can be taken back."""

    def take_back(self, canvas: Canvas) -> bool:
        """Forget the last part; False where there was only one, so that nothing is left."""


@runtime_checkable
class Nudging(Protocol):
    """A tool that moves what it is about by `Pointer.nudge`."""

    nudges: bool


@runtime_checkable
class Pointing(Protocol):
    """A tool whose cursor says what a press would take hold of."""

    def cursor_at(self, canvas: Canvas, pointer: Pointer) -> Qt.CursorShape:
        """The cursor's shape where the pointer is; there is a document."""


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

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of the view, in view pixels."""

    def move_frame(self, frame: Rect) -> None:
        """Put the generation frame there."""

    def look_through(self, viewport: Viewport) -> None:
        """Show the document from there."""

    def pan(self, dx: float, dy: float) -> None:
        """Move the view by view pixels."""

    def update_lines(self) -> None:
        """Paint again soon; what the tool sketches is different."""

    @property
    def painting_asked(self) -> SignalInstance:
        """To be emitted right before a stroke that did not begin with its press."""

    @property
    def refused(self) -> SignalInstance:
        """To be emitted with the reason when a press begins no gesture."""


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
