"""How the prompt fits the model, and the prompts of earlier days."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from core.checkpoints import Checkpoint
from core.errors import BrokenCheckpoint, InvalidRequest
from core.prompts import (
    PromptTokenizer,
    Wildcards,
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


class PromptController(QObject):
    """Counts the tokens of the prompt a moment after the last key, and recalls earlier prompts.

    Signals:
        counted: A `PromptFit`.
    """

    counted = Signal(object)

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
        self._tokenizer: PromptTokenizer | None = None
        self._reads_weights = False
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

    async def _load(self, checkpoint: Checkpoint) -> None:
        abilities = checkpoint.abilities
        limit, self._reads_weights = abilities.prompt_tokens, abilities.reads_weights
        try:
            self._tokenizer = await self._background.run(
                lambda: PromptTokenizer.load(
                    checkpoint.tokenizer, limit, reads_weights=abilities.reads_weights
                )
            )
        except BrokenCheckpoint:
            self._tokenizer = None  # the model itself will say so when it is loaded
        self._count()

    def _on_changed(self, name: str) -> None:
        if name == "prompt":
            if not self._recalling:
                self._walked = -1
            self._timer.start()
        elif name == "seed" and has_alternatives(self._sampling.prompt):
            self._timer.start()

    def _count(self) -> None:
        if self._tokenizer is not None:
            self.counted.emit(self._fit(self._tokenizer))

    def _fit(self, tokenizer: PromptTokenizer) -> PromptFit:
        written = self._sampling.prompt
        prompt = self._drawn(written)
        found = tokenizer.count(prompt)
        weighs = not self._reads_weights and not is_plain(parse_weights(prompt))
        note = NO_WEIGHTS if weighs else ""
        if prompt != written:  # no place in the one is a place in the other
            return PromptFit(found.count, found.limit, found.cut, note=note, is_drawn=True)
        cut_at = len(found.kept) if found.cut else None
        return PromptFit(found.count, found.limit, found.cut, cut_at, found.breaks, note)

    def _drawn(self, prompt: str) -> str:
        try:
            return resolve(prompt, self._sampling.seed, self._wildcards)
        except InvalidRequest:
            return prompt  # said at the start of a picture, not while a name is being typed


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
