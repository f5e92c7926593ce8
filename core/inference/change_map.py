"""Grey in a mask: how far each place may change, by giving it back to the noise later.

Levin and Fried, "Differential Diffusion: Giving Each Pixel Its Strength" (2023): after each
denoising step the places whose turn has not come are replaced by the original at that step's
noise. A place of grey value v joins in for the last v / 255 of the steps, as if the strength
were less there. diffusers' own blending does the replacing; it is given another mask each step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.inference.masked import model_mask
from core.request import GenerationRequest, Pixels

Tensor = Any
Callback = Callable[[Any, int, Any, dict[str, Any]], Any]


def level_after(done: int, total: int) -> float:
    """The grey, 0 to below 255, above which a place takes part once `done` steps are over."""
    return 255 * (1 - min(done, total) / total)


def first_mask(request: GenerationRequest, cell: int) -> Pixels:
    """The mask for the pipeline's call, as `model_mask`: what takes part from the first step on."""
    return model_mask(request, cell, level_after(1, max(1, request.steps_to_run)))


def following(request: GenerationRequest, watch: Callback) -> dict[str, Any]:
    """Arguments for the pipeline's call: `watch` after each step, and the mask's change map.

    Args:
        request: With a mask of black and white, or with none, there is nothing but `watch`.
        watch: A step callback.
    """
    mask = request.mask_image
    if mask is None or not ((mask > 0) & (mask < 255)).any():
        return {"callback_on_step_end": watch}
    return {
        "callback_on_step_end": _ChangeMap(request, watch),
        "callback_on_step_end_tensor_inputs": ["latents", "mask"],
    }


class _ChangeMap:
    def __init__(self, request: GenerationRequest, watch: Callback) -> None:
        self._request = request
        self._watch = watch

    def __call__(self, pipe: Any, index: int, timestep: Tensor, tensors: dict[str, Any]) -> Any:
        """As diffusers' `callback_on_step_end`: sets the mask for the blending of the next step.

        In place, since the pipelines with a ControlNet take no other mask back. The tensor is of
        shape (n, 1, latent height, latent width), 0 or 1.
        """
        import torch

        tensors = self._watch(pipe, index, timestep, tensors)
        order = pipe.scheduler.order  # a scheduler of second order calls twice for one step
        done, total = -(-(index + 2) // order), -(-pipe.num_timesteps // order)
        cell = pipe.vae_scale_factor
        mask = model_mask(self._request, cell, level_after(done, total))[::cell, ::cell]
        tensors["mask"].copy_(torch.from_numpy(np.ascontiguousarray(mask)) > 0)
        return tensors
