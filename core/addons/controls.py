"""What a ControlNet is led by: its picture made ready, and the arguments of the call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from core.addon import Control
from core.geometry import Size
from core.images import resize
from core.request import Pixels

_LOW, _HIGH = 100, 200
"""Thresholds of the edges' strength, as in ControlNet's own examples."""


def control_picture(control: Control, size: Size) -> Pixels:
    """What the network sees.

    Args:
        control: With its picture.
        size: To which the picture is scaled before its edges are drawn.

    Returns:
        uint8 array of shape (size.height, size.width, 3).
    """
    assert control.image is not None  # validate() refused it
    scaled = resize(control.image, size)
    return edges(scaled) if control.preprocessor == "canny" else scaled


def edges(picture: Pixels) -> Pixels:
    """White lines on black where colours change (Canny), uint8 (h, w, 3)."""
    import cv2  # not for a command that only refuses

    grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
    lines = cv2.Canny(grey, _LOW, _HIGH)
    return np.repeat(lines[..., None], 3, axis=2).astype(np.uint8)


def control_arguments(
    controls: Sequence[Control], size: Size, takes: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments that lead a call of a pipeline with these ControlNets; none without any.

    Args:
        controls: In the order in which the pipeline has their networks.
        size: The denoising size.
        takes: Names of the arguments that the pipeline takes. Where it starts from a picture,
            ``image`` is that one.
    """
    if not controls:
        return {}
    pictures = [Image.fromarray(control_picture(control, size)) for control in controls]
    name = "control_image" if "control_image" in takes else "image"
    # Flux wants it said of each of several that it is no union of modes.
    modes = {"control_mode": [None] * len(controls)} if "control_mode" in takes else {}
    return {
        **(modes if len(controls) > 1 else {}),
        name: _one_or_all(pictures),
        "controlnet_conditioning_scale": _one_or_all([control.weight for control in controls]),
        "control_guidance_start": _one_or_all([control.start for control in controls]),
        "control_guidance_end": _one_or_all([control.end for control in controls]),
    }


def _one_or_all(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


@contextmanager
def encoding_without_chance(vae: Any) -> Iterator[None]:
    """While the context is open, `vae` makes the likeliest latents of a picture.

    diffusers' pipeline of Stable Diffusion 3 draws those of a control's picture from torch's own
    numbers, so that a seed would not give the same picture twice.
    """

    def encode(pixels: Any) -> Any:
        likeliest = type(vae).encode(vae, pixels).latent_dist.mode()
        return SimpleNamespace(latent_dist=SimpleNamespace(sample=lambda: likeliest))

    before = vae.__dict__.get("encode")
    vae.encode = encode
    try:
        yield
    finally:
        if before is None:
            del vae.encode
        else:
            vae.encode = before
