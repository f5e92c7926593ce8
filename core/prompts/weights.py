"""Weights in a prompt, as A1111 writes them: ``(word)``, ``(word:1.3)``, ``[word]``, ``BREAK``.

Round brackets multiply the weight by 1.1, square ones divide by it, nested ones multiply; a number
after a colon replaces the 1.1. A backslash takes a bracket literally. ``BREAK`` begins a new chunk.
A bracket that is never closed counts to the end, one that was never opened is a character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

STEP = 1.1  # of a bracket without a number
MOST = 100.0

_PART = re.compile(r"\\[()\[\]\\]|[()\[\]]|\bBREAK\b|[^()\[\]\\B]+|[\\B]")
_NUMBER = re.compile(r":\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*$")


@dataclass(frozen=True)
class Span:
    """A piece of a prompt of one weight.

    Attributes:
        text: What the model reads.
        weight: 1 is plain.
        places: For each character of `text`, where it stands in the written prompt.
        begins_chunk: Whether ``BREAK`` stands before it.
    """

    text: str
    weight: float
    places: tuple[int, ...]
    begins_chunk: bool = False


@dataclass
class _Letter:
    """One character on its way, whose weight a later bracket may change."""

    text: str
    place: int
    weight: float = 1.0
    chunk: int = 0


def parse_weights(prompt: str) -> tuple[Span, ...]:
    """The prompt without its syntax; neighbours of one weight are one span.

    A prompt without syntax gives one span that is the prompt; an empty one gives none.
    """
    letters = _Reader(prompt).read()
    return tuple(_spans(letters))


def joined(spans: tuple[Span, ...]) -> Span:
    """Them as one text, their weights left out; for models that do not read them."""
    places = tuple(place for span in spans for place in span.places)
    return Span("".join(span.text for span in spans), 1.0, places)


def is_plain(spans: tuple[Span, ...]) -> bool:
    """Whether every weight is 1 and nothing begins a chunk of its own."""
    return all(span.weight == 1 and not span.begins_chunk for span in spans)


class _Reader:
    """Goes through a prompt once, with the brackets that are open."""

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt
        self._letters: list[_Letter] = []
        self._open: list[tuple[str, int]] = []  # bracket, and the letters before it
        self._chunk = 0

    def read(self) -> list[_Letter]:
        for part in _PART.finditer(self._prompt):
            self._take(part[0], part.start())
        while self._open:
            bracket, begin = self._open.pop()
            self._multiply(begin, STEP if bracket == "(" else 1 / STEP)
        return self._letters

    def _take(self, part: str, place: int) -> None:
        if part == "BREAK":
            self._chunk += 1
        elif part in ("(", "["):
            self._open.append((part, len(self._letters)))
        elif part in (")", "]") and self._closes(part):
            self._close(part)
        elif len(part) == 2 and part[0] == "\\" and part[1] in "()[]\\":
            self._write(part[1], place + 1)
        else:
            self._write(part, place)

    def _closes(self, bracket: str) -> bool:
        return bool(self._open) and self._open[-1][0] == "(["[")]".index(bracket)]

    def _close(self, bracket: str) -> None:
        _, begin = self._open.pop()
        if bracket == "]":
            self._multiply(begin, 1 / STEP)
            return
        number = _NUMBER.search("".join(letter.text for letter in self._letters[begin:]))
        if number is None:
            self._multiply(begin, STEP)
        else:
            del self._letters[begin + number.start() :]
            self._multiply(begin, float(number[1]))

    def _multiply(self, begin: int, by: float) -> None:
        for letter in self._letters[begin:]:
            letter.weight = min(max(letter.weight * by, -MOST), MOST)

    def _write(self, text: str, place: int) -> None:
        for offset, character in enumerate(text):
            self._letters.append(_Letter(character, place + offset, chunk=self._chunk))


def _spans(letters: list[_Letter]) -> Iterator[Span]:
    run: list[_Letter] = []
    chunk = 0
    for letter in [*letters, None]:
        if run and (
            letter is None or (letter.weight, letter.chunk) != (run[0].weight, run[0].chunk)
        ):
            text = "".join(one.text for one in run)
            places = tuple(one.place for one in run)
            yield Span(text, round(run[0].weight, 6), places, run[0].chunk > chunk)
            chunk, run = run[0].chunk, []
        if letter is not None:
            run.append(letter)
