"""What the engine tells: plain data, each with the id of the request it is about."""

from __future__ import annotations

from dataclasses import dataclass

from core.gallery import GalleryItem
from core.result import (
    GenerationResult,
    LoadingProgress,
    MemoryIsTight,
    MemoryRanShort,
    PreviewFrame,
    Remark,
    StepProgress,
)


@dataclass(frozen=True)
class Ready:
    """torch and diffusers are imported."""


@dataclass(frozen=True)
class QueueChanged:
    """The queue, whenever it is another one than before.

    Attributes:
        running: Id of the request that is being made; empty when there is none.
        waiting: Ids of those that are not begun, in the order in which they will be.
        is_paused: Whether the running one rests after its step, and none begins.
    """

    running: str
    waiting: tuple[str, ...]
    is_paused: bool


@dataclass(frozen=True, eq=False)
class Finished:
    """A picture is made.

    Attributes:
        item: Where the gallery keeps it; None without a gallery, and when it could not be kept.
        message: Why it could not be kept, in words for the person; else empty.
        together: The other pictures of its batch, in the order of their seeds; no event of their
            own tells of them.
    """

    request_id: str
    result: GenerationResult
    item: GalleryItem | None = None
    message: str = ""
    together: tuple[Finished, ...] = ()


@dataclass(frozen=True)
class Cancelled:
    """A request was stopped, or taken out of the queue."""

    request_id: str


@dataclass(frozen=True)
class Failed:
    """A request came to nothing.

    Attributes:
        request_id: Empty where no request is to blame.
        message: For the person, in a sentence or two.
        known: Whether it is the world's fault; else it is a bug.
        details: The traceback of a bug.
        can_be_risked: Whether it was refused for the memory it would need, and may be tried
            nevertheless.
    """

    request_id: str
    message: str
    known: bool
    details: str = ""
    can_be_risked: bool = False


EngineEvent = (
    Ready
    | QueueChanged
    | LoadingProgress
    | StepProgress
    | PreviewFrame
    | MemoryIsTight
    | MemoryRanShort
    | Remark
    | Finished
    | Cancelled
    | Failed
)
