"""Clip skip: an earlier layer of the text encoders speaks, for one picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any


@contextmanager
def clip_skipped(pipe: Any, clip_skip: int) -> Iterator[None]:
    """While the context is open, the last ``clip_skip - 1`` layers of the encoders are left out.

    diffusers' own argument of the name fails for SD 1 and 2 with transformers 5.6 and later, and
    counts for no prompt that is encoded outside the pipeline's call.

    Args:
        pipe: A pipeline with CLIP text encoders.
        clip_skip: Counted as A1111 does; 1 leaves out nothing.
    """
    with ExitStack() as stack:
        if clip_skip > 1:
            if getattr(pipe, "text_encoder_2", None) is None:
                stack.enter_context(_without_last(pipe.text_encoder, clip_skip - 1))
            else:
                for encoder in filter(None, (pipe.text_encoder, pipe.text_encoder_2)):
                    stack.enter_context(_hidden_earlier(encoder, clip_skip - 1))
        yield


@contextmanager
def _without_last(encoder: Any, count: int) -> Iterator[None]:
    """The final norm is given what an earlier layer said, as in A1111."""
    blocks = getattr(encoder, "text_model", encoder).encoder
    layers = blocks.layers
    blocks.layers = layers[: len(layers) - count]
    try:
        yield
    finally:
        blocks.layers = layers


@contextmanager
def _hidden_earlier(encoder: Any, count: int) -> Iterator[None]:
    """SDXL reads the last hidden state but one; it is given an earlier one there.

    The pooled output stays that of the last layer, as in diffusers.
    """

    def shift(module: Any, arguments: Any, output: Any) -> Any:
        if output.hidden_states is not None:
            output.hidden_states = output.hidden_states[:-count]
        return output

    hook = encoder.register_forward_hook(shift)
    try:
        yield
    finally:
        hook.remove()
