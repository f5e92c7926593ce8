"""Latents to a small picture without the VAE's decoder: a linear map, learned for each VAE.

Published tables of such maps exist for a few VAEs only. Here the map is the least-squares answer
to pairs of latents and pixels, so that any VAE gets its own: first from pictures that are encoded
once (`calibration`), then from every picture that is really decoded.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from core.atomic import write_atomically
from core.errors import StorageFailed
from core.logs import logger
from core.previews.calibration import calibration_pictures
from core.previews.published import PublishedFactors
from core.request import Pixels

Tensor = Any
_log = logger("previews")

# Each latent cell is shown as 2 × 2 pixels, seen from its 3 × 3 neighbourhood: with the embedded
# model's VAE 1.3 dB nearer to the decoded picture than one pixel a cell from that cell alone,
# and 0.3 ms dearer. Four pixels a cell were no nearer.
DETAIL = 2
_WINDOW = 3
_OUTPUTS = 3 * DETAIL * DETAIL
# One picture weighs as many cells as this, whatever its size, and what was seen before the
# first picture keeps its say.
_CELLS_A_PICTURE = 200.0
_ENOUGH_PICTURES = 250
_RIDGE = 1e-3  # as if the latents had noise of this variance, which early predictions have


class LatentPreview:
    """The linear map of one VAE, from latents in sampler space to sRGB.

    Attributes:
        channels: Latent channels of the VAE.
        file: Where the map is kept; None keeps it in memory only.
    """

    def __init__(self, channels: int, file: Path | None = None) -> None:
        self.channels = channels
        self.file = file
        # Sums over all cells seen: features × features, and features × pixels.
        self._moments, self._targets = _no_sums(channels)
        self._kernel: tuple[Tensor, Tensor] | None = None

    @classmethod
    def for_vae(cls, vae: Any, folder: Path | None = None) -> LatentPreview:
        """The map of that VAE: read back from `folder`, else calibrated and kept there."""
        file = None if folder is None else folder / f"{vae_key(vae)}.npz"
        preview = cls(vae.config.latent_channels, file)
        if not preview._load():
            preview._calibrate(vae)
            preview.save()
        return preview

    @property
    def is_fitted(self) -> bool:
        """Whether it has seen anything; a VAE in float16 may compute nothing but NaN."""
        return bool(self._moments[-1, -1] > 0)

    def agrees_with(self, published: PublishedFactors) -> bool:
        """Whether those factors belong to the latents of this map's VAE.

        They do if, over everything the map has seen, they are nearer to the map than one plain
        colour would be. A map that has seen nothing takes their word.
        """
        if len(published.factors) != self.channels:
            return False
        if not self.is_fitted:
            return True
        answer, theirs = self._answer(), _spread(published)
        plain = theirs * 0
        plain[-1] = self._targets[-1] / self._moments[-1, -1]  # the mean colour
        theirs_off, plain_off = ((one - answer) for one in (theirs, plain))
        return self._weight_of(theirs_off) < self._weight_of(plain_off)

    def __call__(self, latents: Tensor) -> Pixels:
        """A picture of the first of `latents`.

        Args:
            latents: Tensor of shape (n, channels, h, w) in sampler space.

        Returns:
            uint8 array of shape (2 h, 2 w, 3).
        """
        import torch
        from torch.nn import functional

        with torch.no_grad():
            first = latents[:1].detach().float().cpu()
            weight, bias = self._solved()
            cells = functional.conv2d(_padded(first), weight, bias)
            rgb = functional.pixel_shuffle(cells, DETAIL)[0].permute(1, 2, 0)
            image: Pixels = torch.nan_to_num(rgb * 255).clamp(0, 255).round().byte().numpy()
        return image

    def observe(self, latents: Tensor, images: Tensor) -> None:
        """Learn from pictures and their latents; pairs that are not finite are passed over.

        After 250 pictures the map stays as it is.

        Args:
            latents: Tensor of shape (n, channels, h, w) in sampler space.
            images: Tensor of shape (n, 3, H, W), 0 to 1; H and W are multiples of 2 h and 2 w.
        """
        if self._moments[-1, -1] >= _ENOUGH_PICTURES * _CELLS_A_PICTURE:
            return
        for one_latents, one_image in zip(latents, images, strict=True):
            features = _features(one_latents)
            pixels = _cell_pixels(one_image, one_latents.shape[-2:])
            if features.isfinite().all() and pixels.isfinite().all():
                weight = _CELLS_A_PICTURE / len(features)
                self._moments += weight * features.T @ features
                self._targets += weight * features.T @ pixels
        self._kernel = None

    def save(self) -> None:
        """Keep the map on disk. A folder that cannot be written costs time later, no more."""
        if self.file is None:
            return
        stream = io.BytesIO()
        np.savez(stream, moments=self._moments.numpy(), targets=self._targets.numpy())
        try:
            write_atomically(self.file, stream.getvalue())
        except StorageFailed as error:
            _log.info("preview map not kept: %s", error)

    def _load(self) -> bool:
        import torch

        if self.file is None:
            return False
        try:
            with np.load(io.BytesIO(self.file.read_bytes()), allow_pickle=False) as kept:
                moments, targets = (torch.from_numpy(kept[name]) for name in ("moments", "targets"))
        except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile):
            return False  # not there yet, or damaged: calibrate again
        if moments.shape != self._moments.shape or targets.shape != self._targets.shape:
            return False
        self._moments, self._targets = moments, targets
        return True

    def _calibrate(self, vae: Any) -> None:
        import torch

        pictures = torch.from_numpy(calibration_pictures()).permute(0, 3, 1, 2)
        self.observe(latents_of(vae, pictures), pictures)

    def _answer(self) -> Tensor:
        """Least squares: one row for each feature, one column for each colour of a cell."""
        import torch

        ridge = _RIDGE * self._moments[-1, -1].clamp(min=1.0) * torch.eye(len(self._moments))
        return torch.linalg.solve(self._moments + ridge, self._targets)

    def _weight_of(self, difference: Tensor) -> float:
        """What a difference of two maps amounts to in squared colours, over all that was seen."""
        return float((difference * (self._moments @ difference)).sum())

    def _solved(self) -> tuple[Tensor, Tensor]:
        if self._kernel is None:
            answer = self._answer().float()
            shape = (_OUTPUTS, self.channels, _WINDOW, _WINDOW)
            self._kernel = answer[:-1].T.reshape(shape).contiguous(), answer[-1].contiguous()
        return self._kernel


def latents_of(vae: Any, pictures: Tensor) -> Tensor:
    """Those pictures as the VAE sees them.

    Args:
        pictures: Tensor of shape (n, 3, h, w), 0 to 1.

    Returns:
        Float32 latents in sampler space, on the CPU.
    """
    import torch

    with torch.no_grad():
        encoded = vae.encode((pictures * 2 - 1).to(vae.device, vae.dtype))
    if hasattr(encoded, "latents"):  # a VQ model, whose latents pipelines do not scale
        return encoded.latents.float().cpu()
    mode = encoded.latent_dist.mode().float().cpu()
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    return (mode - shift) * vae.config.scaling_factor


def vae_key(vae: Any) -> str:
    """A name for the weights of a VAE: a digest of a few numbers of every one of its tensors.

    Reading a few is enough to tell two VAEs apart, and takes milliseconds.
    """
    digest = hashlib.sha256(f"{DETAIL} {_WINDOW} {vae.config.scaling_factor}".encode())
    for name, weights in vae.state_dict().items():
        few = weights.flatten()[:: max(1, weights.numel() // 16)][:16]
        digest.update(name.encode() + few.float().cpu().numpy().tobytes())
    return digest.hexdigest()[:20]


def _no_sums(channels: int) -> tuple[Tensor, Tensor]:
    import torch

    size = channels * _WINDOW**2 + 1
    return torch.zeros(size, size).double(), torch.zeros(size, _OUTPUTS).double()


def _spread(published: PublishedFactors) -> Tensor:
    """One colour a cell from the cell itself, written as a map like the fitted one."""
    import torch

    centre, pixels = _WINDOW**2 // 2, DETAIL * DETAIL
    factors = torch.tensor(published.factors).double() / 2  # from -1 to 1, to 0 to 1
    answer = torch.zeros(len(factors) * _WINDOW**2 + 1, _OUTPUTS).double()
    answer[centre :: _WINDOW**2] = factors.repeat_interleave(pixels, 1)
    bias = torch.tensor(published.bias).double() / 2 + 0.5
    answer[-1] = bias.repeat_interleave(pixels)
    return answer


def _padded(latents: Tensor) -> Tensor:
    from torch.nn import functional

    return functional.pad(latents, (1, 1, 1, 1), mode="replicate")


def _features(latents: Tensor) -> Tensor:
    """One row for each cell: the latents of its neighbourhood, and 1."""
    import torch
    from torch.nn import functional

    padded = _padded(latents[None].detach().float().cpu())
    windows = functional.unfold(padded, _WINDOW)[0].T.double()
    return torch.cat([windows, torch.ones_like(windows[:, :1])], dim=1)


def _cell_pixels(image: Tensor, cells: tuple[int, int]) -> Tensor:
    """One row for each cell: the colours it is to be shown with."""
    from torch.nn import functional

    size = (cells[0] * DETAIL, cells[1] * DETAIL)
    small = functional.adaptive_avg_pool2d(image[None].detach().float().cpu(), size)
    return functional.pixel_unshuffle(small, DETAIL)[0].flatten(1).T.double()
