"""Finished pictures without a model: noise with the facts of a run around it."""

from __future__ import annotations

import numpy as np

from core.abilities import GenerationKind
from core.geometry import Rect, Size
from core.request import GenerationRequest, Pixels
from core.result import GenerationResult


def noise(seed: int, *shape: int) -> Pixels:
    """A uint8 array of that shape, always the same for a seed."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def a_result(prompt: str = "a red apple", seed: int = 31, side: int = 64) -> GenerationResult:
    """Text to image, `side` pixels square."""
    request = GenerationRequest(
        checkpoint="starter",
        prompt=prompt,
        seed=seed,
        size=Size(side, side),
        denoising_size=Size(side, side),
    )
    return GenerationResult(
        request=request,
        image=noise(seed, side, side, 3),
        seconds=1.25,
        steps=20,
        facts={"torch": "2.13.0"},
    )


def an_inpainting(seed: int = 5) -> GenerationResult:
    """An inpainting of 64 × 48 pixels with every field away from its default."""
    mask = np.zeros((48, 64), np.uint8)
    mask[10:20, 10:30] = 200
    request = GenerationRequest(
        kind=GenerationKind.INPAINTING,
        checkpoint="starter",
        prompt="a green pear",
        negative_prompt="blurry",
        scheduler="DPM++ 2M Karras",
        strength=0.9,
        seed=seed,
        size=Size(64, 48),
        denoising_size=Size(64, 48),
        frame=Rect(-3, 4, 64, 48),
        init_image=noise(1, 48, 64, 3),
        mask_image=mask,
        parent_ids=("0123456789abcdef",),
    )
    return GenerationResult(
        request=request, image=noise(2, 48, 64, 3), seconds=2, steps=18, changed_outside_mask=0
    )
