"""LoRAs on a loaded pipeline: put on, weighed, and taken off without a trace."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from core.errors import BrokenAddon, KnownError
from core.logs import logger
from core.memory import is_out_of_memory

_log = logger("addons")
# What load_lora_weights was seen to raise: layers of another shape or name, a dialect it does not
# know, tensors that are missing in the middle of a pair, files that vanish.
_SEVERAL = "Already found a `peft_config` attribute"
FAULTS = (OSError, ValueError, RuntimeError, TypeError, LookupError, AttributeError, ImportError)


class WeighedLora(NamedTuple):
    """One LoRA and how much of it.

    Attributes:
        name: For messages.
        sha256: Of the file; two with the same are one.
    """

    name: str
    file: Path
    sha256: str
    weight: float


class WornLoras:
    """Which LoRAs a model in memory wears, shared by the pipelines of every kind.

    Their weights lie beside the model's own layers and are never merged into them, so that the
    model without them is the same to the last bit.
    """

    def __init__(self) -> None:
        self._loaded: tuple[str, ...] = ()
        self._weights: tuple[tuple[str, float], ...] = ()

    @property
    def digests(self) -> tuple[str, ...]:
        """SHA-256 of the files that are loaded now."""
        return self._loaded

    def wear(
        self, pipe: Any, loras: Sequence[WeighedLora], between: Callable[[], None] = lambda: None
    ) -> None:
        """Let `pipe` wear these and no others; what it wears already is not read again.

        Args:
            pipe: A pipeline with the weights; its siblings wear them too.
            loras: In the order in which they are added up.
            between: Called before each file is read; may raise to give up.

        Raises:
            BrokenAddon: one of them does not fit or is damaged; then `pipe` wears none.
        """
        wanted = tuple(dict.fromkeys(lora.sha256 for lora in loras))
        if not wanted and not self._loaded:
            return
        try:
            # Others, or in another order, are loaded afresh: then nothing depends on what was
            # worn before, not even the order in which floats are added.
            if wanted[: len(self._loaded)] != self._loaded:
                self.take_off(pipe)
            self._load(pipe, loras, between)
            self._weigh(pipe, loras)
        except BaseException as error:
            self.take_off(pipe)
            if isinstance(error, KnownError) or not isinstance(error, FAULTS):
                raise
            if is_out_of_memory(error):
                raise
            raise _unfit(loras, error) from error

    def take_off(self, pipe: Any) -> None:
        """Let `pipe` wear none, whatever state a failed load has left it in."""
        self._loaded, self._weights = (), ()
        pipe.unload_lora_weights()

    def _load(self, pipe: Any, loras: Sequence[WeighedLora], between: Callable[[], None]) -> None:
        for lora in loras:
            if lora.sha256 in self._loaded:
                continue
            between()
            try:
                _load_one(pipe, lora)
            except FAULTS as error:
                if is_out_of_memory(error):
                    raise
                raise _unfit([lora], error) from error
            self._loaded = (*self._loaded, lora.sha256)
            self._weights = ()

    def _weigh(self, pipe: Any, loras: Sequence[WeighedLora]) -> None:
        """The weights of one file named twice are added."""
        weights = dict.fromkeys((lora.sha256 for lora in loras), 0.0)
        for lora in loras:
            weights[lora.sha256] += lora.weight
        wanted = tuple(weights.items())
        if wanted and wanted != self._weights:
            pipe.set_adapters([_adapter(digest) for digest, _ in wanted], [w for _, w in wanted])
            self._weights = wanted


def _load_one(pipe: Any, lora: WeighedLora) -> None:
    from safetensors.torch import load_file

    # Several at once are what is wanted here.
    warnings.filterwarnings("ignore", _SEVERAL, UserWarning, r"peft\.")
    weights = load_file(str(lora.file))
    pipe.load_lora_weights(weights, adapter_name=_adapter(lora.sha256))
    if _adapter(lora.sha256) not in {
        name for names in pipe.get_list_adapters().values() for name in names
    }:
        # Keys that match nothing are passed over without an error.
        raise ValueError("none of its layers is a layer of this model")


def _adapter(digest: str) -> str:
    """A name without dots, which PEFT would take for a path."""
    return f"lora_{digest[:32]}"


def _unfit(loras: Sequence[WeighedLora], error: BaseException) -> BrokenAddon:
    names = ", ".join(f"“{lora.name}”" for lora in loras)
    _log.info("LoRA %s was not put on: %s", names, type(error).__name__, exc_info=error)
    return BrokenAddon(
        f"The LoRA {names} does not fit this model: {_reason(error)}. Take it out, or choose the "
        "model it was made for."
    )


def _reason(error: BaseException) -> str:
    text = str(error)
    if "size mismatch" in text or "shape" in text:
        return "its layers have other sizes"
    if isinstance(error, OSError):
        return "its file cannot be read"
    return "its layers have other names, or some are missing"
