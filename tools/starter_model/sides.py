"""Show the U-Net's attention where to look: each half of the picture at its own side's tokens.

By the pictures alone both halves of a pair became the same mixture of both things, still after
10,000 samples: nothing in the loss says early that attention should depend on the place. So half of
the heads of every cross-attention get a loss of their own for scenes with two things, the negative
logarithm of the attention that falls on the side's own tokens (see `train_text` for which these
are). The idea of losses on cross-attention maps is from layout guidance (Chen et al. 2023).
"""

from __future__ import annotations

import math
import threading
from typing import Any

FIRST_PADDING = 24
"""From this place on, every caption is padding."""

_TINY = 1e-6


class SideLosses:
    """Collects what the heads of one thread's forward pass look at wrongly."""

    def __init__(self) -> None:
        self._here = threading.local()

    def begin(self, pairs: Any) -> None:
        """Begin a forward pass in this thread; `pairs` are the indices of scenes with two."""
        self._here.pairs, self._here.losses = pairs, []

    def add(self, attention: Any) -> None:
        """Take the attention of one layer, [batch, heads, places, tokens], summing to 1."""
        pairs = self._here.pairs
        if len(pairs):
            heads = attention.shape[1] // 2
            self._here.losses.append(looked_away(attention[pairs, :heads]))

    def total(self) -> Any:
        """Give the mean loss of the layers; 0 where there were no pairs."""
        losses = self._here.losses
        return sum(losses) / len(losses) if losses else 0.0


def looked_away(attention: Any) -> Any:
    """Give the mean of −log of the attention on the own side's tokens.

    Args:
        attention: float [N, heads, places, tokens]; places are a square map, row after row.
    """
    import torch

    places = attention.shape[2]
    width = math.isqrt(places)
    on_right = torch.arange(places) % width >= width // 2
    left = attention[..., FIRST_PADDING::2].sum(-1)
    right = attention[..., FIRST_PADDING + 1 :: 2].sum(-1)
    return -(torch.where(on_right, right, left) + _TINY).log().mean()


class SideProcessor:
    """Cross-attention as diffusers' `AttnProcessor` computes it, which also tells a `SideLosses`.

    Args:
        losses: whom to tell.
    """

    def __init__(self, losses: SideLosses) -> None:
        self._losses = losses

    def __call__(
        self, attn: Any, hidden_states: Any, encoder_hidden_states: Any, *_: Any, **__: Any
    ) -> Any:
        """Attend from the picture's places [B, P, C] to the text's states [B, T, W]."""
        import torch

        query = attn.head_to_batch_dim(attn.to_q(hidden_states))
        key = attn.head_to_batch_dim(attn.to_k(encoder_hidden_states))
        value = attn.head_to_batch_dim(attn.to_v(encoder_hidden_states))
        attention = attn.get_attention_scores(query, key, None)
        self._losses.add(attention.unflatten(0, (-1, attn.heads)))
        mixed = attn.batch_to_head_dim(torch.bmm(attention, value))
        return attn.to_out[1](attn.to_out[0](mixed))


def watched(unet: Any, losses: SideLosses) -> None:
    """Set a U-Net's attention: cross-attention tells `losses`, self-attention is plain."""
    from diffusers.models.attention_processor import AttnProcessor

    side, plain = SideProcessor(losses), AttnProcessor()  # whose backward is faster than SDPA's
    names = unet.attn_processors
    unet.set_attn_processor({name: side if "attn2" in name else plain for name in names})
