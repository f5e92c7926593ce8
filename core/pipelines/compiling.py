"""A denoiser compiled by torch: its first picture takes longer, all others less.

What is compiled are the blocks that a network repeats ("regional compilation"): one block is read
and translated where the whole network would be, and the picture can still be stopped between two
of them. Off unless the person asks for it, since it needs a C++ compiler on the CPU and on some
systems for the graphics card too.
"""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.logs import logger

COMPILED = "compiled"
"""An attribute of blocks that are, and what the record of their pictures says."""
COMPILING = "The model is compiled first: this picture takes longer, those after it less."
# Each width, batch size and add-on of a block is a program of its own; beyond this many the rest
# computes as it did before.
_MOST_PROGRAMS = 64
_log = logger("pipelines")


class CompiledBlocks:
    """The repeated blocks of one network, compiled when they compute first.

    A block that cannot be compiled computes as before, and so does the whole network from then on:
    what was compiled and what was not differ in the last bits.

    Args:
        network: A U-Net or transformer of diffusers.
        told: Told in a sentence, once, if it is not compiled after all.
        cache: Folder in which what was compiled is kept for the next start; None for torch's own.
        backend: torch's compiler.

    Attributes:
        network: The same.
    """

    def __init__(
        self,
        network: Any,
        told: Callable[[str], None],
        cache: Path | None = None,
        backend: str | Callable[..., Any] = "inductor",
    ) -> None:
        self.network = network
        self._told = told
        self._backend = backend
        self._rests = self._failed = False
        names = tuple(getattr(network, "_repeated_blocks", None) or ())
        self._blocks = [block for block in network.modules() if type(block).__name__ in names]
        if self._blocks:
            _prepare(cache)
        for block in self._blocks:
            block.forward = self._guarded(block.forward)
            setattr(block, COMPILED, True)

    @property
    def is_on(self) -> bool:
        """Whether there is something to compile, and nothing failed."""
        return bool(self._blocks) and not (self._failed or self._rests)

    @contextmanager
    def resting(self, rests: bool) -> Iterator[None]:
        """While the context is open, compute as before if `rests`.

        Each LoRA and every weight of it would be compiled for itself, which takes longer than any
        picture gains by it.
        """
        self._rests = rests
        try:
            yield
        finally:
            self._rests = False

    def take_off(self) -> None:
        """Let the network compute as it did before."""
        for block in self._blocks:
            del block.forward
            delattr(block, COMPILED)
        self._blocks = []

    def _guarded(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        import torch
        from torch._dynamo.exc import TorchDynamoException
        from torch._inductor.exc import CppCompileError, InvalidCxxCompiler

        compiled = torch.compile(plain, backend=self._backend)

        def forward(*arguments: Any, **named: Any) -> Any:
            if self.is_on:
                try:
                    return compiled(*arguments, **named)
                except (TorchDynamoException, CppCompileError, InvalidCxxCompiler) as error:
                    self._give_up(error)
            return plain(*arguments, **named)

        return forward

    def _give_up(self, error: Exception) -> None:
        _log.info("not compiled", exc_info=error)
        why = "no C++ compiler was found" if _lacks_compiler(error) else "torch could not do it"
        self._failed = True
        self._told(f"The model was not compiled: {why}. Pictures are made as without.")


def _prepare(cache: Path | None) -> None:
    import torch._dynamo.config as dynamo
    import torch._inductor.config as inductor

    with warnings.catch_warnings():
        # torch about a part of its own.
        warnings.filterwarnings("ignore", ".*script_method", DeprecationWarning)
        importlib.import_module("torch._inductor.compile_fx")
    dynamo.recompile_limit = max(dynamo.recompile_limit, _MOST_PROGRAMS)
    inductor.compile_threads = 1  # no processes of its own, which would outlive a picture
    if cache is not None:
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache))


def _lacks_compiler(error: BaseException | None) -> bool:
    while error is not None:
        if type(error).__name__ == "InvalidCxxCompiler" or "InvalidCxxCompiler" in str(error):
            return True
        error = error.__cause__
    return False
