"""Alternatives in a prompt: ``{red|blue}``, and ``__colours__`` for a line of ``colours.txt``.

Which one is drawn follows from the seed alone, so that a seed and a prompt give the same picture
again, on every machine and with every Python. A backslash takes ``{``, ``|`` or ``}`` literally;
braces without a bar stay as they are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from core.errors import InvalidRequest
from core.settings import write_atomically

if TYPE_CHECKING:
    from core.request import GenerationRequest

EXAMPLE = "colours"
"""Name of the wildcard that a new folder begins with."""
MOST_DRAWS = 1000
MOST_NESTED = 100

_CHOICE = re.compile(r"\{([^{}]*)\}")
_WILDCARD = re.compile(r"__([^\W_](?:[\w\-/ ]{0,98}?[^\W_])??)__")
# Characters that Unicode keeps free for such uses stand for those that mean nothing here.
_LITERAL = {"{": "\ufdd0", "|": "\ufdd1", "}": "\ufdd2"}
_ESCAPED = re.compile(r"\\([{|}])")

_EXAMPLE_LINES = """\
# A line of this file stands wherever the prompt says __colours__.
# Lines that begin with # are left out. Add files of your own: animals.txt is __animals__.
red
blue
green
golden
{slate|smoke}-grey
"""


class Wildcards(Protocol):
    """Where the lines of a wildcard come from; a dict is one."""

    def __getitem__(self, name: str, /) -> Sequence[str]:
        """What may stand for ``__name__``; KeyError or InvalidRequest where there is none."""


class WildcardFolder:
    """Text files with one alternative a line; folders inside it are written with a slash.

    Empty lines and lines that begin with ``#`` are left out.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, name: str) -> Sequence[str]:
        """The lines of ``name.txt``.

        Raises:
            InvalidRequest: there is no such file, or nothing in it.
        """
        file = self.folder / f"{name}.txt"
        try:
            text = file.read_text(encoding="utf-8-sig", errors="replace")
        except (OSError, ValueError) as error:
            raise InvalidRequest(
                f"There is no wildcard “{name}”. Put a file {name}.txt with one alternative a line "
                f"into {self.folder}, or take __{name}__ out of the prompt."
            ) from error
        lines = [line.strip() for line in text.splitlines()]
        lines = [line for line in lines if line and not line.startswith("#")]
        if not lines:
            raise InvalidRequest(f"The wildcard file {file} is empty. Write a line into it.")
        return lines

    def furnish(self) -> None:
        """Make the folder, with a file to begin with where there is none.

        Raises:
            StorageFailed: it cannot be written.
        """
        if not any(self.folder.rglob("*.txt")):
            write_atomically(self.folder / f"{EXAMPLE}.txt", _EXAMPLE_LINES.encode())


def has_alternatives(prompt: str) -> bool:
    """Whether anything in it may be drawn."""
    return bool(_WILDCARD.search(prompt) or ("{" in prompt and "|" in prompt))


def resolve(prompt: str, seed: int, wildcards: Wildcards, purpose: str = "") -> str:
    """The prompt with one of each alternatives in place.

    Args:
        seed: Decides which; the same seed draws the same.
        wildcards: For ``__name__``.
        purpose: Another purpose draws others with the same seed.

    Raises:
        InvalidRequest: a wildcard is missing, or wildcards name each other in a circle.
    """
    if not has_alternatives(prompt) and not _ESCAPED.search(prompt):
        return prompt
    return _Draw(f"{purpose}:{seed}", wildcards).resolve(prompt)


def drawn(request: GenerationRequest, wildcards: Wildcards) -> GenerationRequest:
    """The request with its alternatives drawn by its seed; what was written is kept beside them.

    Raises:
        InvalidRequest: as `resolve`.
    """
    written = request.written_prompt or request.prompt
    negative = request.written_negative_prompt or request.negative_prompt
    prompt = resolve(written, request.seed, wildcards)
    negative_prompt = resolve(negative, request.seed, wildcards, "negative")
    return replace(
        request,
        prompt=prompt,
        negative_prompt=negative_prompt,
        written_prompt=written if prompt != written else "",
        written_negative_prompt=negative if negative_prompt != negative else "",
    )


class _Draw:
    """One prompt being resolved; counts its draws."""

    def __init__(self, name: str, wildcards: Wildcards) -> None:
        self._name = name
        self._wildcards = wildcards
        self._count = 0

    def resolve(self, text: str) -> str:
        """From the innermost braces outwards; a wildcard only where it was chosen."""
        text = _hidden(text)
        for _ in range(MOST_NESTED):
            text, found = _CHOICE.subn(self._choose, text)
            if not found:
                text, found = _WILDCARD.subn(self._line, text)
            if not found:
                break
        else:
            raise _endless()
        for character, stand_in in _LITERAL.items():
            text = text.replace(stand_in, character)
        return text

    def _choose(self, match: re.Match[str]) -> str:
        if "|" not in match[1]:
            return _LITERAL["{"] + match[1] + _LITERAL["}"]
        return self._one_of(match[1].split("|")).strip()

    def _line(self, match: re.Match[str]) -> str:
        try:
            lines = self._wildcards[match[1]]
        except KeyError as error:
            raise InvalidRequest(f"There is no wildcard “{match[1]}”.") from error
        return _hidden(self._one_of(lines))

    def _one_of(self, options: Sequence[str]) -> str:
        self._count += 1
        if self._count > MOST_DRAWS:
            raise _endless()
        digest = hashlib.sha256(f"{self._name}:{self._count}".encode()).digest()
        return options[int.from_bytes(digest[:8], "big") % len(options)]


def _endless() -> InvalidRequest:
    return InvalidRequest(
        "The alternatives of the prompt have no end; its wildcards may name each other in a "
        "circle. Take one of them out."
    )


def _hidden(text: str) -> str:
    return _ESCAPED.sub(lambda match: _LITERAL[match[1]], text)
