"""A model on disk that can be loaded, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from core.abilities import ModelAbilities
from core.checkpoints.families import FAMILY_NAMED, Family
from core.checkpoints.prior import Prior

_CLIP_TOKENS = 75


class TextReader(NamedTuple):
    """One of a model's text encoders, as far as counting goes.

    Attributes:
        name: As people call it: ``"CLIP"``, ``"CLIP 2"``, ``"T5"``.
        tokenizer: Folder of its tokenizer.
        tokens: How many tokens it reads at once, start and end marks not counted.
    """

    name: str
    tokenizer: Path
    tokens: int


@dataclass(frozen=True)
class Checkpoint:
    """A model on disk that can be loaded.

    Attributes:
        name: How people and requests call it.
        path: Folder in diffusers' layout, or one file with all the weights.
        pipeline_class: Class named by its model_index.json.
        abilities: What a request may ask of it.
        variant: Suffix of the weight files to load, such as ``"fp16"``; None for the plain ones.
        prior: The model that reads the text for it, where that is another folder.
        configs: Folder with the configurations, where `path` is one file; else None.
    """

    name: str
    path: Path
    pipeline_class: str
    abilities: ModelAbilities
    variant: str | None
    prior: Prior | None = None
    configs: Path | None = None

    @property
    def family(self) -> Family:
        """Its row in the table of families."""
        return FAMILY_NAMED[self.abilities.family]

    @property
    def tokenizer(self) -> Path:
        """Folder of the tokenizer whose tokens `ModelAbilities.prompt_tokens` counts."""
        row = FAMILY_NAMED.get(self.abilities.family)
        pairs = [] if row is None else [pair for pair in (row.t5, row.text) if pair is not None]
        folder = self._text_folder
        found = [folder / name for name, _ in pairs if (folder / name).is_dir()]
        return found[0] if found else folder / "tokenizer"

    @property
    def readers(self) -> tuple[TextReader, ...]:
        """Its text encoders, CLIP's before T5; each is given the whole prompt."""
        row, there = self.family, self._text_folder
        t5 = row.t5[0] if row.t5 is not None else ""
        names = sorted({row.text[0], *row.parts} - {t5})
        clips = [there / n for n in names if n.startswith("tokenizer") and (there / n).is_dir()]
        has_t5 = bool(t5) and (there / t5).is_dir()
        most = _CLIP_TOKENS if has_t5 else self.abilities.prompt_tokens
        readers = [
            TextReader("CLIP" if len(clips) == 1 else f"CLIP {number}", folder, most)
            for number, folder in enumerate(clips, 1)
        ]
        if has_t5:
            readers.append(TextReader("T5", there / t5, self.abilities.prompt_tokens))
        return tuple(readers)

    @property
    def _text_folder(self) -> Path:
        """Where its tokenizers lie."""
        folder = self.path if self.prior is None else self.prior.path
        return folder if self.configs is None else self.configs
