"""A zoo of tiny diffusion models with random weights, faithful to the real ones in everything else.

Each folder has the layout of the matching Hugging Face repository, so that `from_pretrained` walks
the same code as with the real model, in a fraction of a second and without a network. Pictures
from the zoo are noise; what is tested with it is code, never quality.

    python -m tools.tiny_zoo DIR [--only sd15,sdxl-base] [--hub-cache CACHE] [--seed 0]
"""

from __future__ import annotations

from tools.tiny_zoo.entries import ENTRIES, Entry, build

__all__ = ["ENTRIES", "Entry", "build"]
