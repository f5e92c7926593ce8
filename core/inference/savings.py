"""Ways to compute the same picture with less memory, each switched on for one run only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from core.addons.shadowing import forward_replaced
from core.prompts import split_addon_tags
from core.request import GenerationRequest

Tensor = Any


@contextmanager
def tiled_vae(pipe: Any) -> Iterator[None]:
    """The VAE decodes and encodes overlapping tiles, one picture of a batch after the other.

    Above the tile size, which is the VAE's own sample size, the picture differs a little.
    """
    vae = pipe.vae
    before = (vae.use_tiling, vae.use_slicing)
    vae.use_tiling = vae.use_slicing = True
    try:
        yield
    finally:
        vae.use_tiling, vae.use_slicing = before


@contextmanager
def sliced_vae(pipe: Any) -> Iterator[None]:
    """The VAE decodes one picture of a batch after the other, with the same result."""
    vae = pipe.vae
    before, vae.use_slicing = vae.use_slicing, True
    try:
        yield
    finally:
        vae.use_slicing = before


def can_tile(pipe: Any) -> bool:
    """Whether the VAE knows tiles; Kandinsky's MoVQ does not."""
    vae = getattr(pipe, "vae", None)
    return hasattr(vae, "use_tiling") and hasattr(vae, "use_slicing")


@contextmanager
def one_by_one(pipe: Any) -> Iterator[None]:
    """The U-Net computes with and without the prompt in turn, and not as one batch of two."""
    with forward_replaced(pipe.unet, _one_by_one(pipe.unet.forward)):
        yield


@contextmanager
def sliced_attention(pipe: Any) -> Iterator[None]:
    """The U-Net computes attention head by head."""
    unet = pipe.unet
    before = dict(unet.attn_processors)
    unet.set_attention_slice("max")
    try:
        yield
    finally:
        unet.set_attn_processor(before)


def has_unet(pipe: Any) -> bool:
    """Whether the pipeline's network is a U-Net of diffusers."""
    return hasattr(getattr(pipe, "unet", None), "set_attention_slice")


def halves_apart(request: GenerationRequest) -> bool:
    """Whether the halves of a batch need nothing of each other: guidance by perturbation does."""
    return request.pag_scale == 0


def wears_nothing(request: GenerationRequest) -> bool:
    """Whether no add-on brings weights of its own, which 8 bits could not be added to."""
    _, in_prompt = split_addon_tags(request.prompt)
    return not (request.addons or in_prompt or request.controls or request.references)


def attention_is_plain(request: GenerationRequest) -> bool:
    """Whether no add-on brings attention of its own, which slicing would replace."""
    return halves_apart(request) and not request.references


def _one_by_one(forward: Callable[..., Any]) -> Callable[..., Any]:
    import torch
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput

    def each(sample: Tensor, *arguments: Any, **named: Any) -> Any:
        count = sample.shape[0]
        outputs = [
            forward(sample[n : n + 1], *_part(arguments, n, count), **_part(named, n, count))[0]
            for n in range(count)
        ]
        return UNet2DConditionOutput(sample=torch.cat(outputs))

    return each


def _part(value: Any, index: int, count: int) -> Any:
    """What of an argument belongs to one of `count` samples, as deep as it is nested."""
    if isinstance(value, dict):
        return {name: _part(inner, index, count) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_part(inner, index, count) for inner in value)
    if getattr(value, "ndim", 0) > 0 and value.shape[0] == count:
        return value[index : index + 1]
    return value
