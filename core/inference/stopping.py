"""Stop a pipeline in the middle of a denoising step, which on a CPU takes seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from core.errors import GenerationCancelled
from core.pipelines.compiling import COMPILED

# Ends of the class names of the blocks that text encoders, U-Nets and VAEs are made of: some
# dozens in a model, each a few percent of a step.
_BLOCKS = (
    "Attention",
    "Decoder",
    "Encoder",
    "EncoderLayer",
    "FeedForward",
    "ResnetBlock2D",
    "TransformerBlock",
)


@contextmanager
def stoppable(
    pipe: Any, stop: threading.Event, give_way: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """While the context is open, the pipeline looks at `stop` before each block it computes.

    Args:
        give_way: Called there too; may wait.

    Raises:
        GenerationCancelled: from within the pipeline's call, soon after `stop` was set.
    """

    def check(module: Any, arguments: Any) -> None:
        give_way()
        if stop.is_set():
            raise GenerationCancelled

    hooks = [block.register_forward_pre_hook(check) for block in blocks(pipe)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def blocks(pipe: Any) -> list[Any]:
    """The modules of a pipeline before which it is worth looking, each once."""
    import torch

    parts = [part for part in pipe.components.values() if isinstance(part, torch.nn.Module)]
    modules = {
        id(module): module
        for part in parts
        for module in (part, *part.modules())
        if module is part or type(module).__name__.endswith(_BLOCKS)
    }
    for block in [module for module in modules.values() if getattr(module, COMPILED, False)]:
        for inside in block.modules():  # a hook there would become part of the program
            if inside is not block:
                modules.pop(id(inside), None)
    return list(modules.values())
