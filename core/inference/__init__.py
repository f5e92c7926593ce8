"""One request carried out: denoised, watched, stopped, composited."""

from core.inference.forecast import prepare
from core.inference.generate import generate
from core.inference.reins import Reins
from core.inference.timeline import Timelines
from core.inference.watching import Listener

__all__ = ["Listener", "Reins", "Timelines", "generate", "prepare"]
