"""A small network that names the object in a picture, to measure generated ones by.

It is trained on the same drawings, with augmentations that the U-Net never sees (other sizes and
places, mirrored, blurred, noisy, with other colours), so that it knows the objects and not the
recipe's scenes.
"""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from tools.starter_model.dataset import CAPTIONED_SET, load_drawings
from tools.starter_model.grounds import ground
from tools.starter_model.nouns import LEARNED
from tools.starter_model.scenes import paste, resized
from tools.starter_model.workplace import Workplace, save_torch

SIDE = 64
"""Pictures are scaled to this many pixels before they are judged."""

_BATCH = 64
_STEPS = 600


def load(work: Workplace) -> Any:
    """Give the trained classifier, training it first when there is none."""
    import torch

    path = _path(work)
    if not path.exists():
        _train(work, path)
    network = _network()
    network.load_state_dict(torch.load(path))
    return network.eval()


def ranked(network: Any, pictures: np.ndarray) -> np.ndarray:
    """Rank all nouns for uint8 RGB [B, 64, 64, 3]: indices into LEARNED, likeliest first [B, N]."""
    import torch

    with torch.inference_mode():
        return network(_values(pictures)).argsort(dim=1, descending=True).numpy()


def _path(work: Workplace) -> Path:
    return work.root / "classifier.pt"


def _network() -> Any:
    """Make [B, 3, 64, 64] in −1..1 to logits [B, nouns]; four convolutions, halving each time."""
    from torch import nn

    widths = (3, 32, 64, 128, 192)
    layers: list[Any] = []
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after)]
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
    head = [nn.Flatten(), nn.Dropout(0.2), nn.Linear(widths[-1] * 16, len(LEARNED))]
    return nn.Sequential(*layers, *head)


def _train(work: Workplace, path: Path) -> None:
    import torch

    work.use_threads()
    steps = 3 if work.smoke else _STEPS
    network, chance = _network(), random.Random(77)
    drawings = load_drawings(work, CAPTIONED_SET)
    small = [resized(drawings[noun.slug], 96) for noun in LEARNED]
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for step in range(steps):
        pictures, names = zip(*(example(small, chance) for _ in range(_BATCH)), strict=True)
        logits = network(_values(np.stack(pictures)))
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(names))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rates.step()
        if step % 100 == 99:
            right = (logits.argmax(1) == torch.tensor(names)).float().mean().item()
            work.note("classifier", steps=step + 1, loss=loss.item(), right=right)
    save_torch(path, network.state_dict())


def _values(pictures: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def example(drawings: list[np.ndarray], chance: random.Random) -> tuple[np.ndarray, int]:
    """Compose one object on a ground, changed in ways that do not change what it is.

    Args:
        drawings: one for each noun, float32 [96, 96, 4], premultiplied.
        chance: where everything random comes from.

    Returns:
        uint8 RGB [64, 64, 3] and the noun's index in LEARNED.
    """
    number = chance.randrange(len(LEARNED))
    canvas, _ = ground(SIDE, chance)
    pixels = round(SIDE * chance.uniform(0.35, 1.0))
    size = (pixels, pixels)
    parts = [Image.fromarray(part).resize(size) for part in np.moveaxis(drawings[number], 2, 0)]
    drawing = np.clip(np.stack([np.asarray(part) for part in parts], 2), 0, 255)
    if chance.random() < 0.5:
        drawing = drawing[:, ::-1]
    room = SIDE - pixels
    left, top = (round(room * chance.uniform(0.2, 0.8)) for _ in range(2))
    paste(canvas, drawing, left, top)
    return _changed(np.clip(canvas, 0, 255).astype(np.uint8), chance), number


def _changed(picture: np.ndarray, chance: random.Random) -> np.ndarray:
    """Blur a picture, vary its colours and add noise, each at random."""
    image = Image.fromarray(picture)
    image = image.filter(ImageFilter.GaussianBlur(chance.uniform(0, 1.5)))
    for kind in (ImageEnhance.Color, ImageEnhance.Contrast, ImageEnhance.Brightness):
        image = kind(image).enhance(chance.uniform(0.7, 1.3))
    noise = np.random.default_rng(chance.randrange(2**32)).normal(0, 8, picture.shape)
    return np.clip(np.asarray(image, np.float32) + noise, 0, 255).astype(np.uint8)
