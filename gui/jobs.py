"""What a picture is on its way from the press on Generate to Keep or Discard."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from core.canvas.document import Document
from core.geometry import Point, Rect
from core.request import GenerationRequest
from core.result import GenerationResult


class State(Enum):
    """How the engine is."""

    STARTING = auto()
    READY = auto()
    LOADING = auto()
    DRAWING = auto()


@dataclass
class Job:
    """A request on its way, and where its picture shall land.

    Attributes:
        asked_at: The frame when it was asked for.
        origin: The document's origin then; the canvas may grow to the left meanwhile.
    """

    request: GenerationRequest
    document: Document
    asked_at: Rect
    origin: Point

    @property
    def rect(self) -> Rect:
        """Where its picture lies on the document as it is now."""
        now = self.document.origin
        return self.asked_at.translated(now.x - self.origin.x, now.y - self.origin.y)


@dataclass
class Proposal:
    """Finished pictures that stand in their frames and wait for Keep or Discard."""

    document: Document
    pictures: list[tuple[Job, GenerationResult]] = field(default_factory=list)
    index: int = 0

    @property
    def shown(self) -> tuple[Rect, GenerationResult]:
        """The picture that is looked at, and where it stands."""
        job, result = self.pictures[self.index]
        return job.rect, result
