"""Compose captioned scenes and write their latents and token ids, a shard at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tools.starter_model.architecture import LATENT_SIDE, LONGEST_CAPTION
from tools.starter_model.dataset import CAPTIONED_SET, load_drawings
from tools.starter_model.scenes import SINGLES, Scenes
from tools.starter_model.workplace import Workplace, replacing

SHARD = 512
SHARDS = 13
"""Few scenes, seen often with fresh noise: encoding one costs as much as training on three."""

PAIRS_FROM = 5
"""From this shard on, all scenes have two objects."""

_BATCH = 16
_FIRST_SEED = 1000


def run(work: Workplace, shards: int = SHARDS) -> None:
    """Write the shards that are not there yet."""
    from diffusers import AutoencoderKL
    from transformers import CLIPTokenizer

    work.use_threads()
    vae = AutoencoderKL.from_pretrained(work.vae).eval()
    tokenizer = CLIPTokenizer.from_pretrained(work.tokenizer)
    drawings = load_drawings(work, CAPTIONED_SET)
    for number in range(1 if work.smoke else shards):
        path = work.latents / f"{number:04d}.npz"
        if not path.exists():
            singles = SINGLES if number < PAIRS_FROM else 0
            scenes = Scenes(drawings, _FIRST_SEED + number, singles=singles)
            _write_shard(path, scenes, vae, tokenizer, 2 * _BATCH if work.smoke else SHARD)
            work.note("encode", shard=number)


def _write_shard(path: Path, scenes: Scenes, vae: Any, tokenizer: Any, count: int) -> None:
    """Write `latents` float16 [N, 4, 32, 32], not scaled, and `ids` uint16 [N, 77]."""
    latents = np.empty((count, 4, LATENT_SIDE, LATENT_SIDE), np.float16)
    ids = np.empty((count, LONGEST_CAPTION), np.uint16)
    for start in range(0, count, _BATCH):
        pictures, captions = zip(*(scenes.scene() for _ in range(_BATCH)), strict=True)
        latents[start : start + _BATCH] = encoded(vae, np.stack(pictures))
        ids[start : start + _BATCH] = tokenized(tokenizer, list(captions))
    with replacing(path) as temporary:
        np.savez(temporary, latents=latents, ids=ids)


def encoded(vae: Any, pictures: np.ndarray) -> np.ndarray:
    """Turn uint8 RGB [B, H, W, 3] into the means of its latents, float32 [B, 4, H/8, W/8]."""
    import torch

    with torch.inference_mode():
        values = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
        return vae.encode(values).latent_dist.mean.numpy()


def tokenized(tokenizer: Any, captions: list[str]) -> np.ndarray:
    """Give the ids of captions as Stable Diffusion pads them, int64 [B, 77]."""
    padding = {"padding": "max_length", "max_length": LONGEST_CAPTION, "truncation": True}
    return np.array(tokenizer(captions, **padding).input_ids)


def load_shards(work: Workplace, loaded: dict[Path, tuple[np.ndarray, np.ndarray]]) -> bool:
    """Add to `loaded` the shards that appeared; tell whether there were any."""
    new = [path for path in sorted(work.latents.glob("[0-9]*.npz")) if path not in loaded]
    new = [path for path in new if not path.stem.endswith(".new")]
    for path in new:
        with np.load(path) as shard:
            loaded[path] = shard["latents"], shard["ids"]
    return bool(new)
