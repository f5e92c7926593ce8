"""The weight of the words at the cursor, a little more or a little less, as A1111's keys do it."""

from __future__ import annotations

import re
from typing import NamedTuple

BY = 0.1
LEAST, MOST = 0.0, 10.0

# Words go together where only letters, digits, hyphens and apostrophes lie between.
_WORD = re.compile(r"[\w'’-]+")
_WEIGHED = re.compile(r"\(((?:\\.|[^()\\])*):\s*(-?\d*\.?\d+)\s*\)")


class Emphasized(NamedTuple):
    """A change to a prompt.

    Attributes:
        start, end: The part of the old prompt that is replaced.
        text: What stands there now.
        selected: The words whose weight changed, from and to, in the new prompt.
    """

    start: int
    end: int
    text: str
    selected: tuple[int, int]


def emphasize(prompt: str, start: int, end: int, by: float = BY) -> Emphasized | None:
    """Change the weight of a part of a prompt; None where there are no words.

    Args:
        prompt: As it is written.
        start, end: What is selected; where nothing is, the word or the weighed words there.
        by: What is added to the weight, which stays between 0 and 10 and has two decimals.
    """
    weighed = _weighed_at(prompt, start, end)
    if weighed is not None:
        return _written(weighed[1], float(weighed[2]) + by, weighed.start(), weighed.end())
    if start == end:
        word = next((w for w in _WORD.finditer(prompt) if w.start() <= start <= w.end()), None)
        if word is None:
            return None
        start, end = word.span()
    inner = prompt[start:end]
    start += len(inner) - len(inner.lstrip())
    inner = inner.strip()
    return _written(inner, 1 + by, start, start + len(inner)) if inner else None


def _weighed_at(prompt: str, start: int, end: int) -> re.Match[str] | None:
    """The innermost ``(words:1.1)`` that holds the cursor, or that is selected as a whole."""
    for found in _WEIGHED.finditer(prompt):
        inside = found.start() < start < found.end() or start == end == found.end()
        if start == end and (inside or start == found.start()):
            return found
        words = (found.start(1), found.end(1))
        if start != end and (start, end) in (words, found.span()):
            return found
    return None


def _written(words: str, weight: float, start: int, end: int) -> Emphasized:
    weight = round(min(max(weight, LEAST), MOST), 2)
    if weight == 1:
        return Emphasized(start, end, words, (start, start + len(words)))
    text = f"({words}:{weight:g})"
    return Emphasized(start, end, text, (start + 1, start + 1 + len(words)))
