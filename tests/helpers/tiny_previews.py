"""A tiny autoencoder that reads the latents of a VAE, as TAESD reads those of Stable Diffusion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from core.previews.calibration import calibration_pictures
from core.previews.latents import latents_of


def write_taught(folder: Path, pupil: Path, teacher: Path) -> Path:
    """A copy of the tiny autoencoder `pupil` that draws what `teacher` encodes; gives `folder`.

    All its layers but the last let the latents through, and the last is fitted by least squares:
    about as near to the pictures as the map of a `LatentPreview`.
    """
    from diffusers import AutoencoderKL, AutoencoderTiny

    tiny = AutoencoderTiny.from_pretrained(pupil, local_files_only=True).eval()
    vae = AutoencoderKL.from_pretrained(teacher, local_files_only=True).eval()
    pictures = torch.from_numpy(calibration_pictures()).permute(0, 3, 1, 2)
    with torch.no_grad():
        _learn(tiny, latents_of(vae, pictures), pictures)
    tiny.save_pretrained(folder)
    return folder


def _learn(tiny: Any, latents: torch.Tensor, pictures: torch.Tensor) -> None:
    *before, last = tiny.decoder.layers
    _let_through(before, latents.shape[1])
    seen = torch.tanh(latents / 3) * 3  # as the decoder itself begins
    for layer in before:
        seen = layer(seen)
    windows = functional.unfold(seen, 3, padding=1).transpose(1, 2).flatten(0, 1).double()
    features = torch.cat([windows, torch.ones_like(windows[:, :1])], dim=1)
    colours = pictures.flatten(2).transpose(1, 2).flatten(0, 1).double()
    ridge = 1e-4 * len(features) * torch.eye(features.shape[1])
    answer = torch.linalg.solve(features.T @ features + ridge, features.T @ colours).float()
    last.weight.copy_(answer[:-1].T.reshape(last.weight.shape))
    last.bias.copy_(answer[-1])


def _let_through(layers: list[Any], channels: int) -> None:
    """Positive and negative parts of the latents, each in a channel that no ReLU cuts."""
    convolutions = [layer for layer in layers if isinstance(layer, torch.nn.Conv2d)]
    for block in layers:
        for weights in block.parameters():
            weights.zero_()
    first, *others = convolutions
    for n in range(channels):
        first.weight[n, n, 1, 1], first.weight[channels + n, n, 1, 1] = 1.0, -1.0
    for other in others:
        for n in range(2 * channels):
            other.weight[n, n, 1, 1] = 1.0
