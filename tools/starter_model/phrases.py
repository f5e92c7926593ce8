"""Captions without pictures, each with what its two sides show, for the text encoder to learn."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tools.starter_model.grounds import ground
from tools.starter_model.nouns import VOCABULARY, Noun

SIDES = ("on the left", "on the right", "at the top", "at the bottom")
"""Where captions put things, in their words."""

LEFT, RIGHT = 0, 1
"""Indices into SIDES."""

_NO_CAPTION, _ALONE, _PLACED, _TWO = 0.05, 0.25, 0.12, 0.08
"""Shares of the kinds of captions; the rest are two different things."""


@dataclass(frozen=True)
class Phrase:
    """A caption and the captions of its parts.

    Args:
        caption: the whole.
        parts: what is on either side, as if it were alone: for one thing twice the same.
        sides: of SIDES, where each part is; None where the caption does not say it.
    """

    caption: str
    parts: tuple[str, str]
    sides: tuple[int, int] | None


class Phrases:
    """An endless source of phrases.

    Args:
        chance: where everything random comes from.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def phrase(self) -> Phrase:
        """Make the next one."""
        kind, where = self._chance.random(), self._ground()
        if kind < _NO_CAPTION:
            return Phrase("", ("", ""), None)
        if kind < _NO_CAPTION + _ALONE:
            alone = self._alone() + where
            return Phrase(alone, (alone, alone), None)
        if kind < _NO_CAPTION + _ALONE + _PLACED:
            return self._placed(where)
        if kind < _NO_CAPTION + _ALONE + _PLACED + _TWO:
            return self._two(where)
        return self._pair(where)

    def _ground(self) -> str:
        """Take the words of any ground; the tiny canvas that comes with them is not needed."""
        return ground(8, self._chance)[1]

    def _noun(self) -> tuple[Noun, str]:
        noun = self._chance.choice(VOCABULARY)
        return noun, noun.also if noun.also and self._chance.random() < 0.4 else noun.name

    def _alone(self) -> str:
        noun, word = self._noun()
        word = self._chance.choice(("", "", "small ")) + word
        return noun.one(word) if self._chance.random() < 0.85 else word

    def _placed(self, where: str) -> Phrase:
        alone, side = self._alone(), self._chance.randrange(len(SIDES))
        part = alone + where
        return Phrase(f"{alone} {SIDES[side]}{where}", (part, part), (side, side))

    def _two(self, where: str) -> Phrase:
        noun, word = self._noun()
        part = noun.one(word) + where
        return Phrase(f"two {noun.many(word)}{where}", (part, part), (LEFT, RIGHT))

    def _pair(self, where: str) -> Phrase:
        (first, first_word), (second, second_word) = self._noun(), self._noun()
        left, right = first.one(first_word), second.one(second_word)
        caption = pair_caption(left, right, self._chance)
        return Phrase(caption + where, (left + where, right + where), (LEFT, RIGHT))


def pair_caption(left: str, right: str, chance: random.Random) -> str:
    """Say that two things, with their articles, are side by side."""
    kind = chance.random()
    if kind < 0.6:
        return f"{left} {SIDES[LEFT]} and {right} {SIDES[RIGHT]}"
    if kind < 0.9:
        return f"{left} and {right}"
    return f"{right} {SIDES[RIGHT]} and {left} {SIDES[LEFT]}"
