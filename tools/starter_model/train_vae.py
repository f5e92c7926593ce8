"""Train the autoencoder on crops of scenes made from all the drawing sets."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tools.starter_model.architecture import autoencoder
from tools.starter_model.dataset import DRAWING_SETS, load_drawings
from tools.starter_model.nouns import Noun
from tools.starter_model.scenes import Scenes
from tools.starter_model.workplace import Workplace, save_torch

CROP = 128
BATCH = 16
PLANNED_CROPS = 62_000
"""The learning rate has fallen to a fiftieth after so many."""

_PEAK_RATE = 8e-4
_KL_WEIGHT = 2e-5 * 48


def run(work: Workplace, minutes: float) -> None:
    """Train until the planned crops are seen or the minutes are over; go on from where it was."""
    import torch

    work.use_threads()
    model = autoencoder().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), _PEAK_RATE, betas=(0.9, 0.99), fused=True)
    seen = _restore(_state(work), model, optimizer)
    planned = 2 * BATCH if work.smoke else PLANNED_CROPS
    finish, saved = time.monotonic() + 60 * minutes, time.monotonic()
    for crops in _crops(work, seed=seen):
        if seen >= planned or time.monotonic() > finish:
            break
        _set_rate(optimizer, seen / planned)
        error = _step(model, optimizer, crops)
        seen += BATCH
        if seen % (50 * BATCH) == 0 or work.smoke:
            work.note("train_vae", seen=seen, l1=error)
        if time.monotonic() - saved > 600:
            _save(_state(work), model, optimizer, seen)
            saved = time.monotonic()
    _save(_state(work), model, optimizer, seen)
    model.save_pretrained(work.vae)


def _state(work: Workplace) -> Path:
    return work.root / "train_vae.pt"


def _restore(path: Path, model: Any, optimizer: Any) -> int:
    """Load what was saved, if anything was, and tell how many crops had been seen."""
    import torch

    if not path.exists():
        return 0
    state = torch.load(path)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["seen"]


def _save(path: Path, model: Any, optimizer: Any, seen: int) -> None:
    weights = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    save_torch(path, {**weights, "seen": seen})


def _crops(work: Workplace, seed: int) -> Iterator[Any]:
    """Yield float32 [16, 3, 128, 128] in −1..1, cut from scenes of 128, 192 and 256 px."""
    import torch

    chance = random.Random(seed)
    sources = [source for name in DRAWING_SETS for source in _sources(work, name, seed)]
    while True:
        scenes = (chance.choice(sources).scene()[0] for _ in range(BATCH))
        pictures = np.stack([_cut(scene, chance) for scene in scenes])
        yield torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def _sources(work: Workplace, set_name: str, seed: int) -> list[Scenes]:
    drawings = load_drawings(work, set_name)
    nouns = [Noun(slug, slug) for slug in drawings]
    return [Scenes(drawings, seed, side, nouns) for side in (128, 192, 256)]


def _cut(scene: np.ndarray, chance: random.Random) -> np.ndarray:
    room = scene.shape[0] - CROP
    top, left = chance.randint(0, room), chance.randint(0, room)
    crop = scene[top : top + CROP, left : left + CROP]
    return crop[:, ::-1] if chance.random() < 0.5 else crop


def _set_rate(optimizer: Any, done: float) -> None:
    """Lower the rate along a cosine from its peak to a fiftieth of it."""
    rate = _PEAK_RATE * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * min(done, 1))))
    for group in optimizer.param_groups:
        group["lr"] = rate


def _step(model: Any, optimizer: Any, crops: Any) -> float:
    """Learn from one batch and give its mean absolute error, in units of −1..1."""
    import torch

    latents = model.encode(crops.contiguous(memory_format=torch.channels_last)).latent_dist
    difference = model.decode(latents.sample()).sample - crops
    kl = latents.kl().mean() / CROP**2
    (_picture_loss(difference) + _KL_WEIGHT * kl).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return difference.detach().abs().mean().item()


def _picture_loss(difference: Any) -> Any:
    """Add to the absolute error half of its gradients' (edges) and of its averages' (colours)."""
    from torch.nn.functional import avg_pool2d

    across = (difference[..., 1:] - difference[..., :-1]).abs().mean()
    down = (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean()
    coarse = sum(avg_pool2d(difference, size).abs().mean() for size in (2, 4))
    return difference.abs().mean() + 0.5 * (across + down) + 0.5 * coarse
