"""A model on disk that can be loaded, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.abilities import ModelAbilities
from core.checkpoints.families import FAMILY_NAMED, Family
from core.checkpoints.prior import Prior


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
        folder = self.path if self.prior is None else self.prior.path
        folder = folder if self.configs is None else self.configs
        found = [folder / name for name, _ in pairs if (folder / name).is_dir()]
        return found[0] if found else folder / "tokenizer"
