"""End a pipeline's steps early and let it decode what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

Tensor = Any


class EarlyEnd:
    """While the context is open, the steps that are left can be made to cost nothing.

    Pipelines of Stable Diffusion and most younger ones leave them out when told so; diffusers
    names that flag with an underscore and documents it. In the others the network is shadowed;
    the callback has to put the latents back after each of the scheduler's empty steps.
    """

    def __init__(self) -> None:
        self._undo = ExitStack()

    def __enter__(self) -> EarlyEnd:
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def begin(self, pipe: Any) -> None:
        """To be called from the pipeline's callback, with the pipeline that it names."""
        if hasattr(pipe, "interrupt"):
            pipe._interrupt = True
        else:
            network = getattr(pipe, "unet", None) or pipe.transformer
            self._undo.enter_context(forward_replaced(network, _saying_nothing(network)))


@contextmanager
def forward_replaced(network: Any, forward: Callable[..., Any]) -> Iterator[None]:
    """While the context is open, that one module computes `forward`; hooks on it still run."""
    before = network.__dict__.get("forward")  # accelerate keeps its own there
    network.forward = forward
    try:
        yield
    finally:
        if before is None:
            del network.forward
        else:
            network.forward = before


def _saying_nothing(network: Any) -> Callable[..., Any]:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput

    def forward(sample: Tensor, *_: Any, **__: Any) -> Any:
        shape = (sample.shape[0], network.config.out_channels, *sample.shape[2:])
        return UNet2DConditionOutput(sample=sample.new_zeros(shape))

    return forward
