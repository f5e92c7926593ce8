"""What a picture is on its way from the press on Generate to Keep or Discard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from core.canvas.document import Document
from core.engine import Cancelled, Failed, Finished
from core.geometry import Point, Rect
from core.request import GenerationRequest
from core.result import GenerationResult, StepProgress


class State(Enum):
    """How the engine is."""

    STARTING = auto()
    READY = auto()
    LOADING = auto()
    DRAWING = auto()


@dataclass
class Errand:
    """A picture that is made beside what stands on the canvas: for a grid, or to be compared.

    Attributes:
        ended: Called with its end, whichever that is.
        place: Where on the document its previews are shown; None shows none.
        then: As for the engine's `reproduce`; None for a new picture.
    """

    ended: Callable[[Finished | Cancelled | Failed], None]
    place: Rect | None = None
    then: Mapping[str, Any] | None = None


@dataclass
class Job:
    """A request on its way, and where its picture shall land.

    Attributes:
        asked_at: The frame when it was asked for.
        origin: The document's origin then; the canvas may grow to the left meanwhile.
        errand: What is to be done with the picture instead of offering it; None for one that
            shall stand in its frame.
    """

    request: GenerationRequest
    document: Document
    asked_at: Rect
    origin: Point
    errand: Errand | None = None

    @property
    def is_seen(self) -> bool:
        """Whether it shows itself on the canvas while it is made."""
        return self.errand is None or self.errand.place is not None

    @property
    def is_new(self) -> bool:
        """Whether it is a picture that was not there before."""
        return self.errand is None or self.errand.then is None

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


def step_words(request: GenerationRequest, progress: StepProgress) -> str:
    """How far a request's pictures are, for the bar below the frame."""
    minutes, seconds = divmod(max(0, round(progress.seconds_left)), 60)
    count = len(request.together)
    many = f" · {count} together" if count else ""
    step = f"Step {progress.step} of {progress.num_steps}"
    return f"{step}{many} · {minutes}:{seconds:02d} left"


def layer_name(prompt: str) -> str:
    """What a layer with a picture of that prompt is called."""
    prompt = " ".join(prompt.split())
    return prompt if len(prompt) <= 40 else prompt[:39] + "…"
