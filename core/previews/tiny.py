"""Latents to a picture by a tiny autoencoder, such as TAESD.

Its decoder has one million weights, and was trained to draw what a VAE's of fifty million draws
(https://github.com/madebyollin/taesd).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.previews.calibration import calibration_pictures
from core.previews.latents import DETAIL, LatentPreview, latents_of
from core.request import Pixels

Tensor = Any
_PROBES = slice(9, 13)  # four of the calibration pictures that have shapes in them
# The map has learnt these very pictures, and the tiny autoencoder has not. One that was made for
# the latents of another VAE errs several times as much.
_MAY_ERR = 2.0


@dataclass(frozen=True, eq=False)
class TinyPreview:
    """Draws with the decoder of a tiny autoencoder.

    Attributes:
        network: diffusers' AutoencoderTiny, in evaluation mode.
        shrink: Latents are first averaged over squares of that many cells a side.
    """

    network: Any
    shrink: int = 1

    def __call__(self, latents: Tensor) -> Pixels:
        """A picture of the first of `latents`.

        Args:
            latents: Tensor of shape (n, channels, h, w) in sampler space.

        Returns:
            uint8 array of shape (8 h, 8 w, 3), divided by `shrink`.

        Raises:
            RuntimeError: the device has not enough memory.
        """
        import torch

        with torch.no_grad():
            rgb = self._decoded(latents[:1].detach())[0].permute(1, 2, 0)
            shown = torch.nan_to_num(rgb * 255).clamp(0, 255).round().byte()
            image: Pixels = shown.cpu().numpy()
        return image

    def _decoded(self, latents: Tensor) -> Tensor:
        """Float32 pictures of shape (n, 3, H, W), 0 to 1."""
        from torch.nn import functional

        if self.shrink > 1:
            latents = functional.avg_pool2d(latents.float(), self.shrink, ceil_mode=True)
        config = self.network.config
        raw = latents / config.scaling_factor + config.shift_factor
        decoded = self.network.decode(raw.to(self.network.device, self.network.dtype)).sample
        return decoded.float() / 2 + 0.5

    def is_true_to(self, vae: Any, fitted: LatentPreview) -> bool:
        """Whether it reads the latents of that VAE: as well as the map that was fitted to it.

        Told from a few pictures of known colours and shapes, encoded by the VAE. A name or the
        number of channels could not tell: fine-tuned and small models have VAEs of their own.
        """
        import torch
        from torch.nn import functional

        pictures = torch.from_numpy(calibration_pictures()[_PROBES]).permute(0, 3, 1, 2)
        latents = latents_of(vae, pictures)
        if not latents.isfinite().all():  # in float16 some VAEs cannot be asked: its name counts
            return True
        side = latents.shape[-1] * DETAIL
        wanted = functional.adaptive_avg_pool2d(pictures, side)
        with torch.no_grad():
            drawn = functional.adaptive_avg_pool2d(self._decoded(latents).cpu(), side)
        mapped = [torch.from_numpy(fitted(one[None])).permute(2, 0, 1) / 255 for one in latents]
        own, of_map = (float(((d - wanted) ** 2).mean()) for d in (drawn, torch.stack(mapped)))
        plain = float((wanted - wanted.mean((0, 2, 3), keepdim=True)).square().mean())
        return own <= min(_MAY_ERR * of_map, plain)
