"""How the prompt fits the model, and the prompts of earlier days."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from core.abilities import ModelAbilities
from core.checkpoints import Checkpoint, TextReader
from core.errors import BrokenCheckpoint, InvalidRequest
from core.prompts import (
    PromptTokenizer,
    Wildcards,
    WrittenToken,
    has_alternatives,
    is_plain,
    parse_weights,
    resolve,
)
from core.schedulers import SCHEDULERS
from gui.background import Background
from gui.sampling import Sampling

PAUSE_MS = 120
NO_WEIGHTS = "This model reads no weights: (…:1.3) counts as plain words."


Readers = tuple[tuple[TextReader, PromptTokenizer], ...]


@dataclass(frozen=True)
class PromptFit:
    """What the counter says about a prompt.

    Attributes:
        count: Its tokens.
        limit: Tokens for which there is room.
        cut: Its end that is not read; empty if all is.
        cut_at: Where in the prompt that begins; None if nowhere that could be shown.
        breaks: Where in the prompt the model begins to read anew.
        note: What else the person should know.
        is_drawn: Whether alternatives were drawn, so that the next picture may differ.
    """

    count: int
    limit: int
    cut: str = ""
    cut_at: int | None = None
    breaks: tuple[int, ...] = ()
    note: str = ""
    is_drawn: bool = False


class Reading(NamedTuple):
    """What one text encoder makes of the prompt.

    Attributes:
        encoder: Its name.
        tokens: All of them, also those that it never reads.
        limit: How many it reads at once.
        in_chunks: Whether it reads longer prompts chunk by chunk; else their rest is cut off.
    """

    encoder: str
    tokens: tuple[WrittenToken, ...]
    limit: int
    in_chunks: bool


class PromptController(QObject):
    """Counts the tokens of the prompt a moment after the last key, and recalls earlier prompts.

    Signals:
        counted: A `PromptFit`.
        told: A list of `Reading`, one for each text encoder, after `tell_tokens`.
    """

    counted = Signal(object)
    told = Signal(list)

    def __init__(
        self,
        sampling: Sampling,
        background: Background,
        earlier: Callable[[], tuple[str, ...]],
        wildcards: Wildcards,
        parent: QObject,
    ) -> None:
        """Recall from `earlier`, newest first; count with lines of `wildcards` in place."""
        super().__init__(parent)
        self._sampling = sampling
        self._background = background
        self._earlier = earlier
        self._wildcards = wildcards
        self._checkpoint: Checkpoint | None = None
        self._tokenizer: PromptTokenizer | None = None
        self._readers: Readers = ()
        self._walked = -1
        self._draft = ""
        self._recalling = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self._count)
        sampling.changed.connect(self._on_changed)

    def use(self, checkpoint: Checkpoint) -> None:
        """Count as this model does."""
        self._background.start(self._load(checkpoint))

    @Slot(int)
    def recall(self, direction: int) -> None:
        """Show the prompt before (+1) or after (-1) the one that is shown."""
        prompts = self._earlier()
        if self._walked < 0:
            self._draft = self._sampling.prompt
        self._walked = min(max(self._walked + direction, -1), len(prompts) - 1)
        self._recalling = True
        self._sampling.prompt = self._draft if self._walked < 0 else prompts[self._walked]
        self._recalling = False

    @Slot()
    def tell_tokens(self) -> None:
        """Read the prompt as each text encoder of the model does; `told` follows."""
        if self._checkpoint is not None:
            self._background.start(self._tell_tokens(self._checkpoint))

    async def _tell_tokens(self, checkpoint: Checkpoint) -> None:
        with suppress(BrokenCheckpoint):  # the model itself will say so when it is loaded
            if not self._readers:
                self._readers = await self._background.run(_readers, checkpoint)
            prompt, in_chunks = (
                self._drawn(self._sampling.prompt),
                checkpoint.abilities.reads_weights,
            )
            self.told.emit(await self._background.run(_readings, self._readers, prompt, in_chunks))

    async def _load(self, checkpoint: Checkpoint) -> None:
        limit = checkpoint.abilities.prompt_tokens
        try:
            tokenizer = await self._background.run(
                _tokenizer, checkpoint, checkpoint.tokenizer, limit
            )
        except BrokenCheckpoint:
            tokenizer = None  # the model itself will say so when it is loaded
        self._checkpoint, self._tokenizer, self._readers = checkpoint, tokenizer, ()
        self._count()

    def _on_changed(self, name: str) -> None:
        if name == "prompt":
            if not self._recalling:
                self._walked = -1
            self._timer.start()
        elif name == "seed" and has_alternatives(self._sampling.prompt):
            self._timer.start()

    def _count(self) -> None:
        if self._tokenizer is not None and self._checkpoint is not None:
            written = self._sampling.prompt
            call = self._tell_fit(self._tokenizer, written, self._checkpoint.abilities)
            self._background.start(call)

    async def _tell_fit(
        self, tokenizer: PromptTokenizer, written: str, abilities: ModelAbilities
    ) -> None:
        """In the background, where a prompt of thousands of words holds up nobody."""
        drawn = self._drawn(written)
        fit = await self._background.run(_fit, tokenizer, written, drawn, abilities)
        if written == self._sampling.prompt:
            self.counted.emit(fit)

    def _drawn(self, prompt: str) -> str:
        try:
            return resolve(prompt, self._sampling.seed, self._wildcards)
        except InvalidRequest:
            return prompt  # said at the start of a picture, not while a name is being typed


def _tokenizer(checkpoint: Checkpoint, folder: Path, limit: int) -> PromptTokenizer:
    return PromptTokenizer.load(folder, limit, reads_weights=checkpoint.abilities.reads_weights)


def _fit(
    tokenizer: PromptTokenizer, written: str, prompt: str, abilities: ModelAbilities
) -> PromptFit:
    found = tokenizer.count(prompt)
    weighs = not abilities.reads_weights and not is_plain(parse_weights(prompt))
    note = NO_WEIGHTS if weighs else ""
    if prompt != written:  # no place in the one is a place in the other
        return PromptFit(found.count, found.limit, found.cut, note=note, is_drawn=True)
    cut_at = len(found.kept) if found.cut else None
    return PromptFit(found.count, found.limit, found.cut, cut_at, found.breaks, note)


def _readers(checkpoint: Checkpoint) -> Readers:
    """Every encoder with its tokenizer; a large one takes half a second to read."""
    return tuple(
        (reader, _tokenizer(checkpoint, reader.tokenizer, reader.tokens))
        for reader in checkpoint.readers
    )


def _readings(readers: Readers, prompt: str, in_chunks: bool) -> list[Reading]:
    return [
        Reading(reader.name, tokenizer.read(prompt), reader.tokens, in_chunks)
        for reader, tokenizer in readers
    ]


def as_written(request: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded request with the prompts as they were typed, before alternatives were drawn.

    A scheduler that is not known here, from another program, is left out.
    """
    record = dict(request)
    for name in ("prompt", "negative_prompt"):
        record[name] = request.get(f"written_{name}") or request.get(name)
    if record.get("scheduler") not in SCHEDULERS:
        record.pop("scheduler", None)
    return record
