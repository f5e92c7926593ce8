"""How the prompt fits the model, and the prompts of earlier days."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from core.checkpoints import Checkpoint
from core.errors import BrokenCheckpoint
from core.prompts import PromptTokenizer
from gui.background import Background
from gui.sampling import Sampling

PAUSE_MS = 120


class PromptController(QObject):
    """Counts the tokens of the prompt a moment after the last key, and recalls earlier prompts.

    Signals:
        counted: Tokens, limit, and the part of the prompt that is cut off.
    """

    counted = Signal(int, int, str)

    def __init__(
        self,
        sampling: Sampling,
        background: Background,
        earlier: Callable[[], tuple[str, ...]],
        parent: QObject,
    ) -> None:
        """Recall from `earlier`, newest first."""
        super().__init__(parent)
        self._sampling = sampling
        self._background = background
        self._earlier = earlier
        self._tokenizer: PromptTokenizer | None = None
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
        limit = checkpoint.abilities.prompt_tokens
        try:
            self._tokenizer = await self._background.run(
                PromptTokenizer.load, checkpoint.path, limit
            )
        except BrokenCheckpoint:
            self._tokenizer = None  # the model itself will say so when it is loaded
        self._count()

    def _on_changed(self, name: str) -> None:
        if name == "prompt":
            if not self._recalling:
                self._walked = -1
            self._timer.start()

    def _count(self) -> None:
        if self._tokenizer is not None:
            found = self._tokenizer.count(self._sampling.prompt)
            self.counted.emit(found.count, found.limit, found.cut)
