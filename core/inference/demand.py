"""What of a request decides how much memory its picture takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.abilities import AddonKind, ModelAbilities
from core.addons import AddonShelf
from core.addons.describe import weights_of
from core.checkpoints import FAMILY_NAMED
from core.checkpoints.tiny import tiny_autoencoder_for
from core.checkpoints.weighing import numbers_in
from core.geometry import Size
from core.request import GenerationRequest


@dataclass(frozen=True)
class Demand:
    """Pictures to be made by a model that may wear something.

    Attributes:
        size: Pixels as the model works on them.
        pictures: How many are computed in one batch.
        copies: How often each of them is in the denoiser's batch: with the prompt, without it
            where there is guidance, and once more with its attention perturbed (PAG).
        controls: ControlNets, each of which adds to what the denoiser remembers.
        worn: Numbers in the files that are put on the model, or that draw its previews; what those
            compute stays below what decoding takes later.
        encoder: Numbers of the largest network that looks at a picture before the first step.
    """

    size: Size
    pictures: int = 1
    copies: int = 2
    controls: int = 0
    worn: int = 0
    encoder: int = 0

    @classmethod
    def of(
        cls, request: GenerationRequest, abilities: ModelAbilities, shelf: AddonShelf, pictures: int
    ) -> Demand:
        """What a request asks for, with so many of its pictures at once; reads headers alone.

        Raises:
            BrokenAddon, BrokenCheckpoint: a file that it names is missing or damaged.
        """
        # Where guidance is embedded there is no half without the prompt, nor a negative one.
        is_guided = abilities.uses_negative_prompt and request.guidance_scale > 1
        return cls(
            request.denoising_size,
            pictures,
            1 + is_guided + (request.pag_scale > 0),
            len(request.controls),
            _numbers_of([*_worn(request, shelf), *_drawing_previews(abilities, shelf)]),
            max((numbers_in(file) for file in _encoders(request, shelf)), default=0),
        )


def _numbers_of(files: Iterable[Path]) -> int:
    return sum(numbers_in(file) for file in set(files))


def _worn(request: GenerationRequest, shelf: AddonShelf) -> list[Path]:
    named = [(addon.kind, addon.name) for addon in request.addons]
    named += [(AddonKind.CONTROLNET, control.name) for control in request.controls]
    named += [(AddonKind.IP_ADAPTER, reference.name) for reference in request.references]
    return [weights_of(shelf.find(*each).path) for each in named]


def _drawing_previews(abilities: ModelAbilities, shelf: AddonShelf) -> tuple[Path, ...]:
    family = FAMILY_NAMED.get(abilities.family)
    tiny = None if family is None else tiny_autoencoder_for(family.latents, shelf.folders)
    return () if tiny is None else tiny.files


def _encoders(request: GenerationRequest, shelf: AddonShelf) -> list[Path]:
    names = {reference.name for reference in request.references}
    adapters = [shelf.find(AddonKind.IP_ADAPTER, name) for name in names]
    return [shelf.encoder_for(adapter).file for adapter in adapters]
