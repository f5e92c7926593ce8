"""Perturbed-attention guidance (PAG): away from what the model draws with its eyes half shut.

Ahn et al., Self-Rectifying Diffusion Sampling with Perturbed-Attention Guidance, arXiv:2403.17377:
at each step the network is also asked with the self-attention of a few layers replaced by
identity, and the difference is added to its prediction::

    guided = nothing + g · (prompt − nothing) + s · (prompt − perturbed)

diffusers has a second class for each pipeline it knows PAG for, and none for most that follow a
ControlNet or a soft mask. Here the network itself answers with s · (prompt − perturbed) added to
both of its halves, which comes to the same for every pipeline that guides as above.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from core.addons.shadowing import forward_replaced

Tensor = Any
# Layers by the names that diffusers' PAG pipelines begin with.
_MIDDLE = re.compile(r"mid_block\.")
_SECOND_BLOCK = re.compile(r"transformer_blocks\.1\.")


@contextmanager
def perturbed(pipe: Any, scale: float, *, with_nothing: bool) -> Iterator[None]:
    """While the context is open, the denoiser of `pipe` guides away from its perturbed self.

    Args:
        pipe: One of Stable Diffusion, with a U-Net or SD 3's transformer.
        scale: How strongly; 0 changes nothing at all.
        with_nothing: Whether the pipeline asks it without the prompt and with it, in one batch of
            two halves; else there is the prompt alone.
    """
    if scale == 0:
        yield
        return
    network = getattr(pipe, "unet", None) or pipe.transformer
    before = dict(network.attn_processors)
    forward = _guided(network.forward, scale, halves=2 if with_nothing else 1)
    try:
        network.set_attn_processor(before | _blind(network, with_nothing))
        with forward_replaced(network, forward):
            yield
    finally:
        network.set_attn_processor(before)


def _blind(network: Any, with_nothing: bool) -> dict[str, Any]:
    """The layers that look at nothing but themselves in the last part of a batch, by name."""
    from diffusers.models import attention_processor as known

    if hasattr(network, "mid_block"):
        halves, whole = (
            known.PAGCFGIdentitySelfAttnProcessor2_0,
            known.PAGIdentitySelfAttnProcessor2_0,
        )
        names = [name for name in network.attn_processors if _MIDDLE.match(name)]
        names = [name for name in names if name.endswith("attn1.processor")]
    else:
        halves, whole = known.PAGCFGJointAttnProcessor2_0, known.PAGJointAttnProcessor2_0
        names = [name for name in network.attn_processors if _SECOND_BLOCK.match(name)]
    made = halves() if with_nothing else whole()
    return dict.fromkeys(names, made)


def _guided(forward: Callable[..., Any], scale: float, halves: int) -> Callable[..., Any]:
    """The network's answer, asked with the last part of its batch once more."""
    import torch

    def answer(*arguments: Any, **named: Any) -> Any:
        batch = (arguments[0] if arguments else named["hidden_states"]).shape[0]
        count = batch // halves
        said = forward(*_widened(arguments, batch, count), **_widened(named, batch, count))
        prediction, blind = said[0][:batch], said[0][batch:]
        away = scale * (prediction[-count:] - blind)
        guided = prediction + torch.cat([away] * halves)
        return (guided,) if isinstance(said, tuple) else type(said)(sample=guided)

    return answer


def _widened(value: Any, batch: int, count: int) -> Any:
    """What of an argument belongs to a batch, with its last `count` once more; as deep as it is."""
    if isinstance(value, dict):
        return {name: _widened(inner, batch, count) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_widened(inner, batch, count) for inner in value)
    if getattr(value, "ndim", 0) > 0 and value.shape[0] == batch:
        import torch

        return torch.cat([value, value[-count:]])
    return value
