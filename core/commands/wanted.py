"""The pictures that a command is to make: one request for each, or for each batch of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice

from core.abilities import ModelAbilities
from core.prompts import Wildcards, drawn
from core.request import MAX_SEED, GenerationRequest


def require_batches(request: GenerationRequest, abilities: ModelAbilities, batch_size: int) -> None:
    """Look before anything is loaded whether several pictures like that can be drawn together.

    Raises:
        InvalidRequest: they cannot; the sentence says why.
    """
    if batch_size > 1:
        # Here, so that an argument that is refused does not wait for it.
        from core.inference.batches import validate_batch

        seeds = request.seed, (request.seed + 1) % (MAX_SEED + 1)
        validate_batch(replace(request, together=seeds), abilities)


def wanted_pictures(
    request: GenerationRequest,
    abilities: ModelAbilities,
    count: int,
    batch_size: int,
    wildcards: Wildcards,
) -> Iterator[GenerationRequest]:
    """`count` pictures with following seeds, each of which draws its own alternatives.

    Args:
        batch_size: How many at most are drawn together, where their words are the same; with 1
            the request stays as it is, also one that is of a batch.
    """
    seeds = range(request.seed + 1, request.seed + count)
    others = (drawn(request.with_seed(seed), wildcards) for seed in seeds)
    if batch_size == 1:
        yield from chain([request], others)
        return
    from core.inference.batches import MOST_TOGETHER, batched

    singles = chain([replace(request, together=())], others)
    while some := list(islice(singles, min(batch_size, MOST_TOGETHER))):
        yield from batched(some, abilities)


def numbers_of(done: int, size: int, count: int) -> str:
    """Which of `count` pictures the next are, `size` of them at once, to begin a line with."""
    if count == 1:
        return ""
    last = f" to {done + size}" if size > 1 else ""
    return f"{done + 1}{last} of {count}: "
