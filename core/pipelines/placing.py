"""Where the parts of a loaded pipeline are while it computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.memory import DevicePlan, Placement

STORED_AS = "float8_e4m3fn"
"""How layerwise casting keeps weights."""
Place = Callable[[Any, DevicePlan], None]
"""Brings a pipeline's parts to where a plan says; a seam, so that a test can have a device."""


def place(pipe: Any, plan: DevicePlan) -> None:
    """Bring the pipeline to `plan`'s device as a whole, or a part at a time while it computes.

    On the CPU nothing has to be moved. Never run on a GPU here.

    Raises:
        RuntimeError: the device has not enough memory.
    """
    if plan.device == "cpu":
        return
    if plan.placement is Placement.LAYERWISE_CASTING:
        cast_layerwise(pipe, plan.dtype)
    if plan.placement in (Placement.MODEL_OFFLOAD, Placement.LAYERWISE_CASTING):
        pipe.enable_model_cpu_offload(device=plan.device)
    elif plan.placement is Placement.SEQUENTIAL_OFFLOAD:
        pipe.enable_sequential_cpu_offload(device=plan.device)
    else:
        pipe.to(plan.device)


def cast_layerwise(pipe: Any, dtype: str) -> None:
    """Keep the denoiser's weights in 8 bits; each layer is cast to `dtype` while it computes.

    The picture differs a little, and no LoRA can be put on it any more.
    """
    import torch

    denoiser = getattr(pipe, "unet", None) or pipe.transformer
    if getattr(denoiser, "is_cast", False):  # through another kind that shares its weights
        return
    denoiser.enable_layerwise_casting(getattr(torch, STORED_AS), getattr(torch, dtype))
    denoiser.is_cast = True
