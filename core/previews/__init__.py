"""What the model believes the picture will be, step by step: latents read early and shown small."""

from core.previews.choosing import PreviewChoice
from core.previews.latents import LatentPreview
from core.previews.x0 import X0Tap

__all__ = ["LatentPreview", "PreviewChoice", "X0Tap"]
