"""Where the parts of a loaded pipeline are while it computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.memory import DevicePlan, Placement

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
    if plan.placement is Placement.MODEL_OFFLOAD:
        pipe.enable_model_cpu_offload(device=plan.device)
    elif plan.placement is Placement.SEQUENTIAL_OFFLOAD:
        pipe.enable_sequential_cpu_offload(device=plan.device)
    else:
        pipe.to(plan.device)
