"""Tokens of a weighted prompt, in chunks of as many as a text encoder reads at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from core.prompts.weights import Span

Encode = Callable[[str], Iterable[tuple[int, int]]]
"""Gives a text's tokens: id, and where in the text it begins."""


class Token(NamedTuple):
    """One token of a prompt.

    Attributes:
        id: In the tokenizer's vocabulary.
        weight: 1 is plain.
        place: Where it begins in the written prompt.
    """

    id: int
    weight: float
    place: int


def chunks_of(spans: tuple[Span, ...], encode: Encode, size: int) -> tuple[tuple[Token, ...], ...]:
    """The prompt's tokens in chunks of at most `size`; an empty prompt is one empty chunk."""
    chunks: list[list[Token]] = [[]]
    room = size
    for span in spans:
        if span.begins_chunk:
            room = len(chunks[-1])
        for token, start in encode(span.text):
            if len(chunks[-1]) == room > 0:
                chunks.append([])
            room = size
            place = span.places[min(start, len(span.places) - 1)]
            chunks[-1].append(Token(token, span.weight, place))
    return tuple(tuple(chunk) for chunk in chunks)
