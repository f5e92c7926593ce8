"""torch, diffusers and transformers, imported quietly and without freezing the window.

These imports take seconds. In a thread beside a window they hurt in two ways: the dynamic linker
loads 400 MB while it holds Python's lock, and the garbage collector walks half a million new
objects again and again. Measured, the longest stall of the window falls from 163 to 36 ms.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# In the order in which they need each other.
_TORCH_LIBRARIES = ("gomp", "c10", "torch_cpu", "torch", "shm", "torch_python")
# Attributes of lazy modules: asking for them is what imports them.
_USED = {
    "torch": ("nn",),
    "transformers": ("CLIPTextModel", "CLIPTokenizer", "CLIPImageProcessor"),
    "diffusers": (
        "AutoPipelineForText2Image",
        "AutoPipelineForImage2Image",
        "AutoPipelineForInpainting",
    ),
}
# Kandinsky's combined pipelines hand it to their own decoder at every call.
_CALLBACK_STEPS = ".*Passing `callback_steps` as an input argument"
# SDXL's pipelines call what they themselves deprecate, to decode in float32 what is float16.
_UPCAST_VAE = "`upcast_vae` is deprecated"
# numpy 2 about torch tensors, from the sigmas of Euler and its like; harmless and not ours.
_NUMPY = ("__array__ implementation doesn't accept a copy keyword", "__array_wrap__ must accept")
_WARNED_OF = r"diffusers\.schedulers\.|numpy\._core\.fromnumeric"

_done = False


def import_libraries(between: Callable[[], None] = lambda: None) -> None:
    """Import what a pipeline needs: some seconds the first time, nothing afterwards.

    Args:
        between: Called between two libraries; may raise to give up.
    """
    global _done
    _ignore_known_warnings()
    if _done:
        return
    with _without_collector():
        _preload_torch()
        between()
        _silence()
        for library, names in _USED.items():
            between()
            module = importlib.import_module(library)
            for name in names:
                getattr(module, name)
        # No model is alive yet, so that nothing which could ever be freed is frozen.
        gc.freeze()
    _done = True


def _silence() -> None:
    """Tell the libraries to log nothing.

    What they log are hints for programmers, and the text of prompts that are too long, which
    must not go into a log; what goes wrong comes as an exception. Both talk while they are
    imported, so that this comes first.
    """
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity(transformers_logging.CRITICAL)
    transformers_logging.disable_progress_bar()
    from diffusers.utils import logging as diffusers_logging

    diffusers_logging.set_verbosity(diffusers_logging.CRITICAL)


def _ignore_known_warnings() -> None:
    """Leave out the warnings that are known and harmless, and no others."""
    for message in _NUMPY:
        warnings.filterwarnings("ignore", message, DeprecationWarning, _WARNED_OF)
    for message in (_CALLBACK_STEPS, _UPCAST_VAE):
        warnings.filterwarnings("ignore", message, FutureWarning)


@contextmanager
def _without_collector() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _preload_torch() -> None:
    """Load torch's shared libraries with Python's lock released.

    A foreign call of dlopen releases it; `ctypes.CDLL(path)` and the import itself hold it.
    Only measured on Linux; elsewhere, and where a file is missing, the import does it all.
    """
    spec = importlib.util.find_spec("torch")
    if not sys.platform.startswith("linux") or spec is None or spec.origin is None:
        return
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.argtypes, dlopen.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    folder = Path(spec.origin).parent / "lib"
    for name in _TORCH_LIBRARIES:
        for file in sorted(folder.glob(f"lib{name}.so*")) + sorted(folder.glob(f"lib{name}-*.so*")):
            dlopen(os.fsencode(file), os.RTLD_NOW | os.RTLD_GLOBAL)
