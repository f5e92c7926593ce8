"""What a generation tells on its way and in the end; plain data, each with its request's id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.request import GenerationRequest, Pixels


@dataclass(frozen=True)
class LoadingProgress:
    """A model is being read.

    Attributes:
        fraction: 0 to 1.
        what: What is read just now, in words.
    """

    request_id: str
    fraction: float
    what: str


@dataclass(frozen=True)
class StepProgress:
    """One denoising step is done.

    Attributes:
        step: How many are done, from 1.
        num_steps: How many there will be.
        seconds_left: Estimate for the remaining steps and the decoding.
    """

    request_id: str
    step: int
    num_steps: int
    seconds_left: float


@dataclass(frozen=True)
class MemoryIsTight:
    """A picture will need nearly all of the memory, or more.

    Attributes:
        words: How much, and what is done about it; a sentence for the person.
    """

    request_id: str
    words: str


@dataclass(frozen=True)
class Remark:
    """Something worth knowing about a picture that is made nevertheless.

    Attributes:
        words: A sentence for the person.
    """

    request_id: str
    words: str


@dataclass(frozen=True)
class MemoryRanShort:
    """Memory did not suffice, and the picture is begun anew with less of it.

    Attributes:
        saving: What saves memory now, as in "decoding the picture in tiles".
    """

    request_id: str
    saving: str


@dataclass(frozen=True, eq=False)
class PreviewFrame:
    """The clean image the model expects at this step.

    Attributes:
        step: The step it belongs to, from 1.
        image: uint8 array of shape (h, w, 3) of any size, from the latents' own to the picture's;
            scale it to the frame.
        others: The same of the other pictures that are computed with it, in the order of their
            seeds.
    """

    request_id: str
    step: int
    image: Pixels
    others: tuple[Pixels, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class GenerationResult:
    """A finished picture.

    Attributes:
        request: What was asked for, seed included.
        image: uint8 array of shape (request.size.height, request.size.width, 3).
        seconds: Wall time without loading the model and without writing files; of a batch an equal
            share.
        steps: Denoising steps that it took, of a branch those of its parent included.
        changed_outside_mask: Pixels outside the mask that differ from the original; counted,
            not assumed. None where there was no mask.
        blanked: Whether the model's own safety checker replaced the picture by black.
        facts: What else decided the picture: versions, device, dtype, model hash.
        frames: A small preview of each step that was computed, where the states of the run are
            kept to branch from; never written to disk.
        together: The other pictures of its batch, each with a request and an id of its own.
    """

    request: GenerationRequest
    image: Pixels
    seconds: float
    steps: int
    changed_outside_mask: int | None = None
    blanked: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    frames: tuple[PreviewFrame, ...] = ()
    together: tuple[GenerationResult, ...] = ()
