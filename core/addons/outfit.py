"""What one request puts on a model: its files found, told apart and refused before any loading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.abilities import AddonKind, ModelAbilities
from core.addon import Control, Reference
from core.addons.describe import AddonFile, weights_of
from core.addons.digests import Digests, digests_of
from core.addons.embeddings import TaughtWord, is_written, taught_words, with_tokens
from core.addons.loras import WeighedLora
from core.addons.references import Look
from core.addons.shelf import AddonShelf
from core.errors import BrokenAddon
from core.images import resize
from core.prompts import split_addon_tags
from core.request import GenerationRequest

_ALMOST_NOTHING = 1e-6


@dataclass(frozen=True)
class Chosen:
    """One file that a request names.

    Attributes:
        file: What it is, and where.
        weight: How much of it.
        digests: Of the file.
    """

    file: AddonFile
    weight: float
    digests: Digests

    @property
    def fact(self) -> dict[str, Any]:
        """For the record, as JSON data."""
        return {
            "kind": str(self.file.kind),
            "name": self.file.name,
            "weight": self.weight,
            "sha256": self.digests.sha256,
            "tensors_sha256": self.digests.tensors,
        }


@dataclass(frozen=True, eq=False)
class Outfit:
    """Everything that one request puts on.

    Attributes:
        asked: The request as it was asked, with the digests of the files it names.
        request: What the pipeline is asked for: prompts without tags, taught words as tokens,
            pictures of controls at the request's size.
        chosen: Every file, those that the prompt names included.
        words: Textual inversions in the prompts.
        looks: The pictures that IP-Adapters read, with the files that do it.
        facts: For the result's facts.
    """

    asked: GenerationRequest
    request: GenerationRequest
    chosen: tuple[Chosen, ...] = ()
    words: tuple[TaughtWord, ...] = ()
    looks: tuple[Look, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    def of(self, kind: AddonKind) -> list[Chosen]:
        """The files of that kind, in the order they were named."""
        return [chosen for chosen in self.chosen if chosen.file.kind is kind]

    @property
    def loras(self) -> list[WeighedLora]:
        """Those that have any weight."""
        return [
            WeighedLora(c.file.name, c.file.path, c.digests.sha256, c.weight)
            for c in self.of(AddonKind.LORA)
            if abs(c.weight) > _ALMOST_NOTHING
        ]


def outfit_for(
    request: GenerationRequest,
    abilities: ModelAbilities,
    shelf: AddonShelf,
    between: Callable[[], None] = lambda: None,
) -> Outfit:
    """Find what the request and its prompt name; nothing is loaded yet.

    Args:
        between: Called while files are read; may raise to give up.

    Raises:
        BrokenAddon: one is missing, damaged, made for another family, or no longer the file that
            the request's picture was made with.
    """
    prompt, tags = split_addon_tags(request.prompt)
    words = _words(prompt, request.negative_prompt, abilities, shelf)
    named = _named(request, tags)
    if not (named or words or tags or request.references):
        return Outfit(request, request)
    chosen = [_choose(*each, abilities, shelf, between) for each in named]
    chosen += [_taken(word.file, 1.0, "", abilities, between) for word in words]
    looks = [_look(each, abilities, shelf, between) for each in request.references]
    chosen += [choice for choice, _ in looks]
    digests = {(c.file.kind, c.file.name.lower()): c.digests.sha256 for c in chosen}
    encoders = {look.adapter.name.lower(): look.encoder_sha256 for _, look in looks}
    pinned = request.addon_choices.pinned(digests, encoders)
    return Outfit(
        replace(
            request,
            addons=pinned.addons,
            controls=pinned.controls,
            references=pinned.references,
        ),
        replace(
            request,
            prompt=with_tokens(prompt, words),
            negative_prompt=with_tokens(request.negative_prompt, words),
            controls=tuple(_at_size(control, request) for control in request.controls),
        ),
        tuple(chosen),
        tuple(words),
        tuple(look for _, look in looks),
        {"addons": [c.fact for c in chosen]},
    )


_Named = tuple[AddonKind, str, float, str]


def _named(request: GenerationRequest, tags: Sequence[tuple[str, float]]) -> list[_Named]:
    """(kind, name, weight, digest) of everything that is not a word of the prompt."""
    addons = [(a.kind, a.name, a.weight, a.sha256) for a in request.addons]
    written = [(AddonKind.LORA, name, weight, "") for name, weight in tags]
    controls = [(AddonKind.CONTROLNET, c.name, c.weight, c.sha256) for c in request.controls]
    return [*addons, *written, *controls]


def _words(
    prompt: str, negative: str, abilities: ModelAbilities, shelf: AddonShelf
) -> list[TaughtWord]:
    """Embeddings for other models are mere words here, as in A1111."""
    if AddonKind.EMBEDDING not in abilities.addons:
        return []
    there = shelf.files(AddonKind.EMBEDDING, lambda name: is_written(name, prompt, negative))
    return taught_words([file for file in there if file.fits(abilities)])


def _choose(
    kind: AddonKind,
    name: str,
    weight: float,
    sha256: str,
    abilities: ModelAbilities,
    shelf: AddonShelf,
    between: Callable[[], None],
) -> Chosen:
    return _taken(shelf.find(kind, name), weight, sha256, abilities, between)


def _taken(
    file: AddonFile,
    weight: float,
    sha256: str,
    abilities: ModelAbilities,
    between: Callable[[], None],
) -> Chosen:
    if not file.fits(abilities):
        made_for = f" ({file.family})" if file.family else ""
        raise BrokenAddon(
            f"The {file.kind.words} “{file.name}” was made for another kind of model{made_for}; "
            f"this one is {abilities.family}. Take it out, or choose another model."
        )
    digests = _digests(weights_of(file.path), between)
    _require_same(f"“{file.name}”", file.kind.words, digests.sha256, sha256)
    return Chosen(file, weight, digests)


def _look(
    reference: Reference,
    abilities: ModelAbilities,
    shelf: AddonShelf,
    between: Callable[[], None],
) -> tuple[Chosen, Look]:
    """An IP-Adapter with the image encoder that looks for it."""
    kind, weight = AddonKind.IP_ADAPTER, reference.weight
    chosen = _choose(kind, reference.name, weight, reference.sha256, abilities, shelf, between)
    encoder = shelf.encoder_for(chosen.file)
    digest = _digests(encoder.file, between).sha256
    _require_same(str(encoder.path), "image encoder", digest, reference.encoder_sha256)
    return chosen, Look(reference, chosen.file, encoder, digest)


def _digests(file: Path, between: Callable[[], None]) -> Digests:
    try:
        return digests_of(file, between)
    except OSError as error:
        raise BrokenAddon(f"{file} cannot be read ({error.strerror}).") from error


def _require_same(name: str, what: str, digest: str, asked: str) -> None:
    if asked and asked != digest:
        raise BrokenAddon(
            f"{name} is not the {what} that this picture was made with: its file has the digest "
            f"{digest[:12]}, not {asked[:12]}. Bring the old file back, or take it out and choose "
            "it anew."
        )


def _at_size(control: Control, request: GenerationRequest) -> Control:
    assert control.image is not None  # validate() refused it
    return replace(control, image=resize(control.image, request.size))
