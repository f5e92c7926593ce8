"""End a pipeline's steps early and let it decode what is there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from core.addons.shadowing import forward_replaced as forward_replaced

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
            self._undo.enter_context(forward_replaced(network, saying_nothing(network)))


def saying_nothing(network: Any) -> Callable[..., Any]:
    """For that U-Net or transformer: zeros in the shape of what it predicts."""
    channels = network.config.get("out_channels") or network.config.in_channels

    def forward(sample: Tensor = None, *_: Any, hidden_states: Tensor = None, **__: Any) -> Any:
        sample = hidden_states if sample is None else sample
        shape = list(sample.shape)
        shape[1 if sample.ndim == 4 else -1] = channels  # Flux has tokens, their channels last
        return (sample.new_zeros(shape),)

    return forward
