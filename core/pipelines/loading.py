"""One checkpoint from disk into memory, with progress, or a sentence on why it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from core.checkpoints import Checkpoint
from core.errors import BrokenCheckpoint, OutOfMemory
from core.logs import logger
from core.memory import DevicePlan, is_out_of_memory

Progress = Callable[[float, str], None]
"""Told a fraction from 0 to 1 and what is read; may raise `GenerationCancelled`."""

_log = logger("pipelines")
_WORDS = {
    "unet": "the U-Net",
    "vae": "the VAE",
    "text_encoder": "the text encoder",
    "text_encoder_2": "the second text encoder",
    "safety_checker": "the safety checker",
}
# What from_pretrained was seen to raise on folders that passed `core.checkpoints`: files that
# vanish or are cut short, tensors of another shape, configurations with values that do not fit.
_FAULTS = (OSError, ValueError, RuntimeError, TypeError, LookupError, AttributeError, ImportError)


def load(checkpoint: Checkpoint, plan: DevicePlan, progress: Progress) -> Any:
    """The diffusers pipeline of `checkpoint`, on the device and in the dtype of `plan`.

    Nothing is looked up on the network.

    Raises:
        BrokenCheckpoint: the files cannot be loaded, or lack weights.
        OutOfMemory: the model is larger than the memory.
        GenerationCancelled: raised by `progress`, between two components.
    """
    with _progress_of_components(checkpoint, progress):
        pipe = _from_pretrained(checkpoint, plan)
    _refuse_missing_weights(pipe, checkpoint)
    pipe.set_progress_bar_config(disable=True)
    _settle(pipe, plan)
    return pipe


def _from_pretrained(checkpoint: Checkpoint, plan: DevicePlan) -> Any:
    import torch
    from diffusers import DiffusionPipeline

    try:
        # Without a dtype transformers would take the one in config.json, diffusers float32.
        return DiffusionPipeline.from_pretrained(
            checkpoint.path,
            dtype=getattr(torch, plan.dtype),
            variant=checkpoint.variant,
            local_files_only=True,
            use_safetensors=True,
        )
    except (*_FAULTS, MemoryError) as error:
        if is_out_of_memory(error):
            raise _too_large(checkpoint) from error
        _log.info("%s cannot be loaded", checkpoint.name, exc_info=True)
        raise BrokenCheckpoint(
            f"The model “{checkpoint.name}” cannot be loaded: {_first_line(error)}. "
            "Download it again."
        ) from error


def _refuse_missing_weights(pipe: Any, checkpoint: Checkpoint) -> None:
    """A file that lacks weights loads without an error, and the model then draws garbage."""
    import torch

    for name, component in pipe.components.items():
        if isinstance(component, torch.nn.Module):
            missing = [key for key, weights in component.named_parameters() if weights.is_meta]
            if missing:
                raise BrokenCheckpoint(
                    f"The model “{checkpoint.name}” lacks {len(missing)} weights of "
                    f"{_words(name)}, such as {missing[0]}. Download it again."
                )


def _settle(pipe: Any, plan: DevicePlan) -> None:
    """Bring the weights to the device, in the memory format that is fastest there."""
    import torch

    if plan.device != "cpu":
        pipe.to(plan.device)  # never run on a GPU here
    if plan.device == "cuda" or plan.dtype == "float32":
        # On an AVX2 CPU in float32 the embedded model's U-Net takes 0.88 to 0.95 of the time.
        # With bfloat16 on AMX it was slower.
        for name in ("unet", "vae"):
            getattr(pipe, name).to(memory_format=torch.channels_last)


@contextmanager
def _progress_of_components(checkpoint: Checkpoint, progress: Progress) -> Iterator[None]:
    """Hear of each component before it is read; diffusers has no other way to say so.

    from_pretrained looks its progress bar up by name at every call and puts it around the
    components, so that a generator in its place sees them go by.
    """
    from diffusers.utils import logging as diffusers_logging

    bar = diffusers_logging.tqdm

    def tell(components: Iterable[tuple[str, Any]], **_: object) -> Iterator[tuple[str, Any]]:
        items = list(components)
        sizes = [_bytes_of(checkpoint, name) + 1 for name, _ in items]
        for index, (name, what) in enumerate(items):
            progress(sum(sizes[:index]) / sum(sizes), _words(name))
            yield name, what

    diffusers_logging.tqdm = tell
    try:
        yield
    finally:
        diffusers_logging.tqdm = bar


def _bytes_of(checkpoint: Checkpoint, component: str) -> int:
    folder = checkpoint.path / component
    suffix = f".{checkpoint.variant}.safetensors" if checkpoint.variant else ".safetensors"
    return sum(file.stat().st_size for file in folder.glob(f"*{suffix}"))


def _words(component: str) -> str:
    return _WORDS.get(component, f"the {component.replace('_', ' ')}")


def _too_large(checkpoint: Checkpoint) -> OutOfMemory:
    return OutOfMemory(
        f"The model “{checkpoint.name}” does not fit into memory. Close other programs, or choose "
        "a smaller model."
    )


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__).rstrip(".")[:200]
