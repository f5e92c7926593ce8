"""Parts that two models have in common, byte for byte, so that one copy in memory serves both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from core.checkpoints import Checkpoint
from core.checkpoints.files import read_json
from core.checkpoints.headers import TensorPlace, chunks, read_header
from core.checkpoints.parts import parts_of, read_index
from core.checkpoints.single_file import tensors_of
from core.checkpoints.weighing import files_of
from core.errors import BrokenCheckpoint
from core.pipelines.loading import PRIOR

_SAYS_NOTHING = ("_name_or_path", "_diffusers_version", "transformers_version", "torch_dtype")
_MEGABYTE = 1 << 20
Between = Callable[[], None]


class _Weights(NamedTuple):
    """One component on disk: its class, its configuration, and each tensor with its file."""

    class_name: str
    config: dict[str, Any]
    tensors: dict[str, tuple[Path, TensorPlace]]

    @property
    def shapes(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        return {name: place[:2] for name, (_, place) in self.tensors.items()}


def shared_components(
    mine: Checkpoint, components: dict[str, Any], other: Checkpoint, between: Between
) -> dict[str, Any]:
    """Components in memory, of the model `mine`, that `other` would read again.

    Equal is what has the same class, configuration and numbers; names and sizes are compared
    first, so that gigabytes are read only where they are likely to be the same.

    Args:
        components: Those of the pipeline of `mine`.
        between: Called after every megabyte or more; may raise to give up.
    """
    import torch

    shared = {}
    if other.prior is not None and other.prior == mine.prior:
        shared = {name: part for name, part in components.items() if name.startswith(PRIOR)}
    for name, part in components.items():
        is_network = isinstance(part, torch.nn.Module) and not name.startswith(PRIOR)
        if is_network and _are_equal(_weights(mine, name), _weights(other, name), between):
            shared[name] = part
    return shared


def bytes_of(pipes: Iterable[Any]) -> int:
    """What the weights of these pipelines take in memory; what they share counts once."""
    import torch

    found: dict[int, int] = {}
    for pipe in pipes:
        for part in pipe.components.values():
            if isinstance(part, torch.nn.Module):
                for tensor in (*part.parameters(), *part.buffers()):
                    storage = tensor.untyped_storage()
                    found[storage.data_ptr()] = storage.nbytes()
    return sum(found.values())


def _weights(checkpoint: Checkpoint, component: str) -> _Weights | None:
    folder = checkpoint.path if checkpoint.configs is None else checkpoint.configs
    try:
        part = parts_of(folder, read_index(folder)).get(component)
        if part is None or not part.has_weights:
            return None
        config = read_json(part.folder / part.file)
        for key in _SAYS_NOTHING:
            config.pop(key, None)
        if checkpoint.configs is not None:
            inside = tensors_of(checkpoint, component).items()
            tensors = {name: (checkpoint.path, place) for name, place in inside}
        else:
            files = files_of(part.folder, part.stem, checkpoint.variant)
            tensors = {
                name: (file, place)
                for file in files
                for name, place in read_header(file).tensors.items()
            }
    except BrokenCheckpoint:
        return None  # the loading will say it
    return _Weights(part.class_name, config, tensors) if tensors else None


def _are_equal(first: _Weights | None, second: _Weights | None, between: Between) -> bool:
    if first is None or second is None or first[:2] != second[:2] or first.shapes != second.shapes:
        return False
    try:
        return all(
            _is_same(place, second.tensors[name], between) for name, place in first.tensors.items()
        )
    except OSError:
        return False


def _is_same(
    first: tuple[Path, TensorPlace], second: tuple[Path, TensorPlace], between: Between
) -> bool:
    if first[1].end - first[1].begin > _MEGABYTE:
        between()
    if first[1] == second[1] and first[0].samefile(second[0]):
        return True
    pairs = zip_longest(*(chunks(file, iter([place])) for file, place in (first, second)))
    return all(one == other for one, other in pairs)
