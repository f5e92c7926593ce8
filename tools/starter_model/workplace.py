"""The folder that the training works in, and how it is written so that kill -9 loses little."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Workplace:
    """Where each step keeps what it made.

    Args:
        root: the work folder.
        threads: CPU threads that torch may use.
        smoke: whether every step does just enough to prove that it runs.
    """

    root: Path
    threads: int = 2
    smoke: bool = False

    @property
    def packages(self) -> Path:
        """The npm packages, as npm lays them out."""
        return self.root / "npm"

    @property
    def drawings(self) -> Path:
        """Rendered drawings, an array and a list of slugs for each set."""
        return self.root / "drawings"

    @property
    def tokenizer(self) -> Path:
        """A folder that `CLIPTokenizer.from_pretrained` loads."""
        return self.root / "tokenizer"

    @property
    def vae(self) -> Path:
        """A folder that `AutoencoderKL.from_pretrained` loads."""
        return self.root / "vae"

    @property
    def text_encoder(self) -> Path:
        """Weights of the text encoder."""
        return self.root / "text_encoder.pt"

    @property
    def latents(self) -> Path:
        """Shards of encoded scenes."""
        return self.root / "latents"

    @property
    def checkpoint(self) -> Path:
        """State of the U-Net's training."""
        return self.root / "train.pt"

    @property
    def exported(self) -> Path:
        """The finished diffusers folder."""
        return self.root / "model"

    def use_threads(self) -> None:
        """Tell torch how many threads it has."""
        import torch

        torch.set_num_threads(self.threads)

    def note(self, step: str, **figures: Any) -> None:
        """Append one line to `<step>.jsonl`, with the seconds since 1970 as `time`."""
        line = json.dumps({"time": round(time.time(), 1), **figures})
        with (self.root / f"{step}.jsonl").open("a", encoding="utf-8") as log:
            log.write(line + "\n")
        print(f"{step}: " + "  ".join(f"{k} {_short(v)}" for k, v in figures.items()), flush=True)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block ends well, it takes `path`'s place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.stem}.new{path.suffix}")
    yield temporary
    os.replace(temporary, path)  # noqa: PTH105 - atomic on every system, with or without a target


def save_torch(path: Path, state: dict[str, Any]) -> None:
    """Save `state` by `torch.save`; an interrupted save leaves the one before."""
    import torch

    with replacing(path) as temporary:
        torch.save(state, temporary)
