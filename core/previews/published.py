"""Latents to RGB by factors that others published: one colour for each latent cell.

Each table belongs to the latents of one VAE. For a model whose VAE is another one they lie, which
`LatentPreview.agrees_with` finds out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from core.request import Pixels

Tensor = Any
Row = tuple[float, float, float]


@dataclass(frozen=True)
class PublishedFactors:
    """A linear map from the channels of one latent cell, in sampler space, to one colour.

    Attributes:
        factors: For each channel what it adds to red, green and blue, of -1 to 1.
        bias: The colour of latents that are all zero.
    """

    factors: tuple[Row, ...]
    bias: Row = (0.0, 0.0, 0.0)

    def __call__(self, latents: Tensor) -> Pixels:
        """A picture of the first of `latents`.

        Args:
            latents: Tensor of shape (n, channels, h, w) in sampler space.

        Returns:
            uint8 array of shape (h, w, 3).
        """
        import torch

        with torch.no_grad():
            cells = latents[0].detach().float().cpu().permute(1, 2, 0)
            rgb = cells @ torch.tensor(self.factors) + torch.tensor(self.bias)
            shown = torch.nan_to_num(rgb * 127.5 + 127.5).clamp(0, 255).round().byte()
            image: Pixels = shown.numpy()
        return image


# Stable Diffusion 1: keturn, https://discuss.huggingface.co/t/23204. SDXL and Flux.1: the
# constants that ComfyUI previews with (comfy/latent_formats.py). Stable Diffusion 3: Stability's
# own reference, sd3-ref. Of Kandinsky's MoVQ no table is known.
FACTORS: Mapping[str, PublishedFactors] = MappingProxyType(
    {
        "sd": PublishedFactors(
            (
                (0.298, 0.207, 0.208),
                (0.187, 0.286, 0.173),
                (-0.158, 0.189, 0.264),
                (-0.184, -0.271, -0.473),
            )
        ),
        "sdxl": PublishedFactors(
            (
                (0.3651, 0.4232, 0.4341),
                (-0.2533, -0.0042, 0.1068),
                (0.1076, 0.1111, -0.0362),
                (-0.3165, -0.2492, -0.2188),
            ),
            (0.1084, -0.0175, -0.0011),
        ),
        "sd3": PublishedFactors(
            (
                (-0.0645, 0.0177, 0.1052),
                (0.0028, 0.0312, 0.0650),
                (0.1848, 0.0762, 0.0360),
                (0.0944, 0.0360, 0.0889),
                (0.0897, 0.0506, -0.0364),
                (-0.0020, 0.1203, 0.0284),
                (0.0855, 0.0118, 0.0283),
                (-0.0539, 0.0658, 0.1047),
                (-0.0057, 0.0116, 0.0700),
                (-0.0412, 0.0281, -0.0039),
                (0.1106, 0.1171, 0.1220),
                (-0.0248, 0.0682, -0.0481),
                (0.0815, 0.0846, 0.1207),
                (-0.0120, -0.0055, -0.0867),
                (-0.0749, -0.0634, -0.0456),
                (-0.1418, -0.1457, -0.1259),
            )
        ),
        "flux": PublishedFactors(
            (
                (-0.0346, 0.0244, 0.0681),
                (0.0034, 0.0210, 0.0687),
                (0.0275, -0.0668, -0.0433),
                (-0.0174, 0.0160, 0.0617),
                (0.0859, 0.0721, 0.0329),
                (0.0004, 0.0383, 0.0115),
                (0.0405, 0.0861, 0.0915),
                (-0.0236, -0.0185, -0.0259),
                (-0.0245, 0.0250, 0.1180),
                (0.1008, 0.0755, -0.0421),
                (-0.0515, 0.0201, 0.0011),
                (0.0428, -0.0012, -0.0036),
                (0.0817, 0.0765, 0.0749),
                (-0.1264, -0.0522, -0.1103),
                (-0.0280, -0.0881, -0.0499),
                (-0.1262, -0.0982, -0.0778),
            ),
            (-0.0329, -0.0718, -0.0851),
        ),
    }
)
