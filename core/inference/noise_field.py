"""One field of noise for a whole picture, of which each tile gets its part.

If every tile drew noise of its own, neighbours would invent different things where they overlap,
and mixing them would blur.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from core.geometry import Rect, Size

Tensor = Any


class NoiseField:
    """Gaussian noise for the latents of a picture of `size` pixels, the same for a seed."""

    def __init__(self, seed: int, size: Size) -> None:
        self._seed = seed
        self._size = size
        self._noise: Tensor = None

    def part(self, rect: Rect) -> NoisePart:
        """What lies in `rect`, in pixels that are whole multiples of a latent cell."""
        return NoisePart(self, rect)

    def cut(self, rect: Rect, like: Tensor) -> Tensor:
        """The part of the noise in `rect`, of the shape, type and device of `like`.

        Args:
            like: Latents (1, channels, height, width) of a picture of the rectangle's size.
        """
        cell = rect.width // like.shape[-1]
        if self._noise is None:
            self._noise = self._drawn(like.shape[1], cell)
        rows, columns = Rect(*(side // cell for side in rect)).slices()
        return self._noise[:, :, rows, columns].to(like.device, like.dtype)

    def _drawn(self, channels: int, cell: int) -> Tensor:
        import torch

        # On the CPU everywhere, so that a seed means the same noise on every device.
        generator = torch.Generator("cpu").manual_seed(self._seed)
        shape = (1, channels, self._size.height // cell, self._size.width // cell)
        return torch.randn(shape, generator=generator)


@dataclass(frozen=True)
class NoisePart:
    """A rectangle of a `NoiseField`."""

    field: NoiseField
    rect: Rect

    @contextmanager
    def given_to(self, scheduler: Any) -> Iterator[None]:
        """While the context is open, the scheduler adds this noise, whatever noise it is given."""
        original = scheduler.add_noise
        scheduler.add_noise = self._instead(original)  # shadows the method on this one object
        try:
            yield
        finally:
            del scheduler.add_noise

    def _instead(self, original: Callable[..., Tensor]) -> Callable[..., Tensor]:
        @functools.wraps(original)
        def add_noise(samples: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
            return original(samples, self.field.cut(self.rect, noise), timesteps)

        return add_noise
