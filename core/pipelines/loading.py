"""One checkpoint from disk into memory, with progress, or a sentence on why it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from core.checkpoints import Checkpoint
from core.checkpoints.files import read_json
from core.checkpoints.parts import INDEX
from core.checkpoints.single_file import tensors_of
from core.errors import BrokenCheckpoint, OutOfMemory
from core.logs import logger
from core.memory import DevicePlan, is_out_of_memory
from core.settings import CLIP_VOCABULARY

Progress = Callable[[float, str], None]
"""Told a fraction from 0 to 1 and what is read; may raise `GenerationCancelled`."""

PRIOR = "prior_"
"""What diffusers puts before the names of a prior's components."""

_log = logger("pipelines")
_NEVER_INSIDE = ("feature_extractor", "image_encoder", "safety_checker")
_TOKENIZERS = ("tokenizer", "tokenizer_2")
_WORDS = {
    "unet": "the U-Net",
    "vae": "the VAE",
    "movq": "the MoVQ",
    "text_encoder": "the text encoder",
    "text_encoder_2": "the second text encoder",
    "text_encoder_3": "the third text encoder",
    "safety_checker": "the safety checker",
}
# What from_pretrained was seen to raise on folders that passed `core.checkpoints`: files that
# vanish or are cut short, tensors of another shape, configurations with values that do not fit.
FAULTS = (OSError, ValueError, RuntimeError, TypeError, LookupError, AttributeError, ImportError)


class _Source(Protocol):
    """Where components are read from."""

    def bytes_of(self, component: str) -> int:
        """What its weights take on disk."""


@dataclass(frozen=True)
class _OneFile:
    """One file with all the weights."""

    checkpoint: Checkpoint

    def bytes_of(self, component: str) -> int:
        tensors = tensors_of(self.checkpoint, component).values()
        return sum(place.end - place.begin for place in tensors)


@dataclass(frozen=True)
class _Volume:
    """One folder in diffusers' layout that is read."""

    path: Path
    variant: str | None

    def bytes_of(self, component: str) -> int:
        suffix = f".{self.variant}.safetensors" if self.variant else ".safetensors"
        return sum(f.stat().st_size for f in (self.path / component).glob(f"*{suffix}"))

    @property
    def bytes(self) -> int:
        """Of all its components, for the share it has in the progress."""
        folders = [child.name for child in self.path.iterdir() if child.is_dir()]
        return 1 + sum(map(self.bytes_of, folders))


def load(
    checkpoint: Checkpoint,
    plan: DevicePlan,
    progress: Progress,
    shared: Mapping[str, Any] | None = None,
) -> Any:
    """The diffusers pipeline of `checkpoint` in the dtype of `plan`, not placed on its device yet.

    Nothing is looked up on the network.

    Args:
        checkpoint: Which model.
        plan: Where to.
        progress: Told about each component before it is read.
        shared: Components that another model left in memory and this one has too; not read again.

    Raises:
        BrokenCheckpoint: the files cannot be loaded, or lack weights.
        OutOfMemory: the model is larger than the memory.
        GenerationCancelled: raised by `progress`, between two components.
    """
    try:
        pipe = _read_all(checkpoint, plan, progress, shared or {})
    except (*FAULTS, MemoryError) as error:
        raise _told(checkpoint, error) from error
    _refuse_missing_weights(pipe, checkpoint)
    pipe.set_progress_bar_config(disable=True)
    _settle(pipe, plan)
    return pipe


def _read_all(
    checkpoint: Checkpoint, plan: DevicePlan, progress: Progress, shared: Mapping[str, Any]
) -> Any:
    if checkpoint.configs is not None:
        return _from_single_file(checkpoint, checkpoint.configs, plan, progress, shared)
    volume = _Volume(checkpoint.path, checkpoint.variant)
    name = checkpoint.family.loads_as
    given = {key: part for key, part in shared.items() if not key.startswith(PRIOR)}
    if checkpoint.prior is None:
        return _from_pretrained(volume, name, plan, progress, given)
    prior = {key: part for key, part in shared.items() if key.startswith(PRIOR)}
    begin = 0.0
    if not prior:
        first = _Volume(checkpoint.prior.path, checkpoint.prior.variant)
        begin = first.bytes / (first.bytes + volume.bytes)
        components = _from_pretrained(first, None, plan, _part_of(progress, 0.0, begin)).components
        prior = {PRIOR + key: part for key, part in components.items()}
    decoder = _from_pretrained(volume, None, plan, _part_of(progress, begin, 1.0), given)
    return _class(name)(**decoder.components, **prior)


def _from_pretrained(
    volume: _Volume,
    class_name: str | None,
    plan: DevicePlan,
    progress: Progress,
    given: Mapping[str, Any] | None = None,
) -> Any:
    import torch

    with _progress_of_components(volume, progress):
        # Without a dtype transformers would take the one in config.json, diffusers float32.
        return _class(class_name).from_pretrained(
            volume.path,
            dtype=getattr(torch, plan.dtype),
            variant=volume.variant,
            local_files_only=True,
            use_safetensors=True,
            **(given or {}),
        )


def _from_single_file(
    checkpoint: Checkpoint,
    configs: Path,
    plan: DevicePlan,
    progress: Progress,
    given: Mapping[str, Any],
) -> Any:
    import torch

    index = read_json(configs / INDEX)
    # What is not in the file and not needed; SDXL's classes refuse to hear of a checker.
    without = {name: None for name in _NEVER_INSIDE if name in index}
    tokenizers = {name: _tokenizer(configs / name) for name in _TOKENIZERS if _names(index, name)}
    kind = _class(checkpoint.family.loads_as or checkpoint.pipeline_class)
    with _progress_of_components(_OneFile(checkpoint), progress):
        return kind.from_single_file(
            str(checkpoint.path),
            config=str(configs),
            dtype=getattr(torch, plan.dtype),
            local_files_only=True,
            **without,
            **tokenizers,
            **given,
        )


def _names(index: Mapping[str, Any], component: str) -> bool:
    return index.get(component, [None])[0] is not None


def _tokenizer(settings: Path) -> Any:
    """The tokenizer of that folder; where it has no vocabulary, CLIP's with its padding."""
    from transformers import CLIPTokenizer

    if any((settings / name).exists() for name in ("vocab.json", "tokenizer.json")):
        return CLIPTokenizer.from_pretrained(settings, local_files_only=True)
    pad = read_json(settings / "tokenizer_config.json").get("pad_token", "<|endoftext|>")
    return CLIPTokenizer.from_pretrained(CLIP_VOCABULARY, pad_token=pad, local_files_only=True)


def _class(name: str | None) -> Any:
    """A pipeline class of diffusers; without a name the one that reads model_index.json's."""
    import diffusers

    return getattr(diffusers, name or "DiffusionPipeline")


def _told(checkpoint: Checkpoint, error: BaseException) -> BrokenCheckpoint | OutOfMemory:
    if is_out_of_memory(error):
        return too_large(checkpoint)
    _log.info("%s cannot be loaded", checkpoint.name, exc_info=True)
    if "meta tensor" in str(error):  # single files: what is missing was to be converted
        return BrokenCheckpoint(
            f"The model “{checkpoint.name}” lacks some of its weights. Download it again."
        )
    return BrokenCheckpoint(
        f"The model “{checkpoint.name}” cannot be loaded: {_first_line(error)}. Download it again."
    )


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
    """Bring the weights into the memory format that is fastest on the device."""
    import torch

    if plan.device == "cuda" or plan.dtype == "float32":
        # On an AVX2 CPU in float32 the embedded model's U-Net takes 0.88 to 0.95 of the time.
        # With bfloat16 on AMX it was slower.
        for name in ("unet", "vae", "movq"):
            if name in pipe.components:
                getattr(pipe, name).to(memory_format=torch.channels_last)


def _part_of(progress: Progress, begin: float, end: float) -> Progress:
    """`progress` for a part of the work, told in fractions of that part."""
    return lambda fraction, what: progress(begin + (end - begin) * fraction, what)


@contextmanager
def _progress_of_components(source: _Source, progress: Progress) -> Iterator[None]:
    """Hear of each component before it is read; diffusers has no other way to say so.

    from_pretrained and from_single_file look their progress bar up by name at every call and put
    it around the components, so that a generator in its place sees them go by.
    """
    from diffusers.utils import logging as diffusers_logging

    bar = diffusers_logging.tqdm

    def tell(components: Iterable[tuple[str, Any]], **_: object) -> Iterator[tuple[str, Any]]:
        items = list(components)
        sizes = [source.bytes_of(name) + 1 for name, _ in items]
        for index, (name, what) in enumerate(items):
            progress(sum(sizes[:index]) / sum(sizes), _words(name))
            yield name, what

    diffusers_logging.tqdm = tell
    try:
        yield
    finally:
        diffusers_logging.tqdm = bar


def _words(component: str) -> str:
    component = component.removeprefix(PRIOR)
    return _WORDS.get(component, f"the {component.replace('_', ' ')}")


def too_large(checkpoint: Checkpoint) -> OutOfMemory:
    """What is said of a model that is larger than the memory."""
    return OutOfMemory(
        f"The model “{checkpoint.name}” does not fit into memory. Close other programs, or choose "
        "a smaller model."
    )


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__).rstrip(".")[:200]
