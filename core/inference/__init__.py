"""One request carried out: denoised, watched, stopped, composited."""

from core.inference.generate import generate
from core.inference.watching import Listener

__all__ = ["Listener", "generate"]
