"""The models in memory, and the pipelines of every kind that share their weights."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.abilities import GenerationKind
from core.checkpoints import Checkpoint
from core.checkpoints.weighing import weigh
from core.errors import BrokenCheckpoint, OutOfMemory
from core.logs import logger
from core.memory import DevicePlan, Placement, bytes_per_number
from core.memory import plan as plan_memory
from core.pipelines.compiling import COMPILED, CompiledBlocks
from core.pipelines.fingerprint import HashMeanwhile, facts_of, stamp_of
from core.pipelines.imports import import_libraries
from core.pipelines.loaded import LoadedPipeline
from core.pipelines.loading import Progress, load
from core.pipelines.placing import Place, place
from core.pipelines.sharing import bytes_of, shared_components
from core.previews import LatentPreview

_log = logger("pipelines")
_LOADED = 0.9  # of the progress; hashing the weights and learning the preview come after
_SHARE = 0.5  # of the memory that was free at the start, for models; pictures need the rest

_Key = tuple[Checkpoint, object]


@dataclass
class _Resident:
    """A model in memory and the kinds it was set up for."""

    loaded: LoadedPipeline
    kinds: dict[GenerationKind, LoadedPipeline] = field(default_factory=dict)

    def compile(self, compiled: CompiledBlocks | None) -> None:
        """Let its pipelines and its facts know what is compiled; None for nothing."""
        self.loaded.facts.pop(COMPILED, None)
        if compiled is not None and compiled.is_on:
            self.loaded.facts[COMPILED] = True
        self.loaded = replace(self.loaded, compiled=compiled)
        self.kinds = {k: replace(one, compiled=compiled) for k, one in self.kinds.items()}


class PipelineCache:
    """Keeps the models that were used last, as many as half of the free memory holds.

    What two models have in common byte for byte is in memory once. For one thread.

    Args:
        maps_folder: Where preview maps and model hashes are kept; None keeps them in memory.
        plan: Where to run; made by `core.memory` at the first load when left out.
        place: Brings a pipeline to where its plan says.
        backend: The compiler of `CompiledBlocks`.

    Attributes:
        compiles: Whether the next picture's model is to be compiled by torch.
    """

    def __init__(
        self,
        maps_folder: Path | None = None,
        plan: DevicePlan | None = None,
        place: Place = place,
        backend: str | Callable[..., Any] = "inductor",
    ) -> None:
        self.compiles = False
        self._backend = backend
        self._remarks: list[str] = []
        self._maps_folder = maps_folder
        self._plan = plan
        self._place = place
        self._placement: Placement | None = None
        self._models: dict[_Key, _Resident] = {}  # the one used last at the end

    def get(
        self,
        checkpoint: Checkpoint,
        kind: GenerationKind,
        progress: Progress = lambda fraction, what: None,
    ) -> LoadedPipeline:
        """The pipeline for that kind, loaded now if its model is not in memory.

        Models that were not used for longest make room first.

        Args:
            checkpoint: Which model.
            kind: What for; one of the kinds among its abilities.
            progress: Told about a load as it goes on; may raise `GenerationCancelled`.

        Raises:
            BrokenCheckpoint: the files cannot be loaded.
            OutOfMemory: the model is larger than the memory.
        """
        import_libraries()
        self._forget_replaced()
        key = (checkpoint, stamp_of(checkpoint))
        model = self._models.pop(key, None) or self._load_beside(checkpoint, progress)
        self._models[key] = model
        self._compile(model)
        if kind not in model.kinds:
            made = model.loaded.for_kind(kind)
            if made.plan.placement is not Placement.RESIDENT:
                self._place(made.pipe, made.plan)
            model.kinds[kind] = made
        return model.kinds[kind]

    def will_compile(self, checkpoint: Checkpoint) -> bool:
        """Whether the next picture with that model waits for its compilation."""
        models = [model for (found, _), model in self._models.items() if found == checkpoint]
        return self._may_compile and not any(model.loaded.compiled for model in models)

    def take_remarks(self) -> list[str]:
        """Sentences for the person that came up since the last time."""
        remarks, self._remarks = self._remarks, []
        return remarks

    @property
    def plan(self) -> DevicePlan:
        """Where and how the next model will run."""
        if self._plan is None:
            self._plan = plan_memory()
        if self._placement is None:
            return self._plan
        return replace(self._plan, placement=self._placement)

    @property
    def bytes_in_use(self) -> int:
        """What the weights of all models in memory take; what they share counts once."""
        return bytes_of(model.loaded.pipe for model in self._models.values())

    def place(self, placement: Placement | None) -> None:
        """Load models that way from now on, None as planned; those elsewhere are let go."""
        if placement is not self._placement:
            self._placement = placement
            self.release()

    def suggest(self, checkpoint: Checkpoint, placement: Placement) -> None:
        """Plan to load a model that way; where it is in memory already, only if that saves more."""
        is_here = any(found == checkpoint for found, _ in self._models)
        if is_here and not placement.saves_more_than(self.plan.placement):
            return
        if placement is not self.plan.placement:
            self._plan = replace(self.plan, placement=placement)
            self.release()

    def make_room(self, checkpoint: Checkpoint, needed: int, room: int) -> None:
        """Let models go that were not used for longest, until a picture with `checkpoint` fits.

        Args:
            needed: Bytes that the picture takes at its peak, its own model included.
            room: Bytes that this program may have in all.
        """
        own = [
            model.loaded.pipe for (found, _), model in self._models.items() if found == checkpoint
        ]
        while self._models:
            others = self.bytes_in_use - bytes_of(own)
            if needed + others <= room or not self._let_oldest_go(checkpoint):
                return

    def keep_only(self, checkpoint: Checkpoint) -> None:
        """Let every other model go."""
        while self._let_oldest_go(checkpoint):
            pass

    def release(self) -> None:
        """Let all models go, and give their memory back."""
        while self._let_oldest_go(None):
            pass

    @property
    def _may_compile(self) -> bool:
        return self.compiles and self.plan.placement is Placement.RESIDENT

    def _compile(self, model: _Resident) -> None:
        """Compile it or not, as is wanted now."""
        loaded = model.loaded
        if loaded.compiled is not None and not self._may_compile:
            loaded.compiled.take_off()
            model.compile(None)
        elif loaded.compiled is None and self._may_compile:
            network = getattr(loaded.pipe, loaded.checkpoint.family.denoiser)

            def told(failure: str) -> None:
                loaded.facts.pop(COMPILED, None)
                self._remarks.append(failure)

            cache = None if self._maps_folder is None else self._maps_folder.parent / "compiled"
            others = (one.loaded.compiled for one in self._models.values())
            shared = next((one for one in others if one and one.network is network), None)
            model.compile(shared or CompiledBlocks(network, told, cache, self._backend))

    def _forget_replaced(self) -> None:
        """Let models go whose files are others by now: on disk there is nothing to share."""
        for key in [key for key in self._models if stamp_of(key[0]) != key[1]]:
            self._models.pop(key).loaded.preview.save()

    def _let_oldest_go(self, but: Checkpoint | None) -> bool:
        """Whether there was one to let go."""
        key = next((key for key in self._models if key[0] != but), None)
        if key is None:
            return False
        self._models.pop(key).loaded.preview.save()
        free_memory()
        return True

    def _load_beside(self, checkpoint: Checkpoint, progress: Progress) -> _Resident:
        shared: dict[str, Any] = {}
        if self.plan.placement is Placement.RESIDENT:
            shared = self._shared(checkpoint, lambda: progress(0.0, "the parts it shares"))
            self._fit(checkpoint, shared)
        else:  # what is offloaded carries hooks of its pipeline
            self.release()
        try:
            return _Resident(self._load(checkpoint, progress, shared))
        except OutOfMemory:
            if not self._models:
                raise
        shared.clear()
        self.release()
        return _Resident(self._load(checkpoint, progress, shared))

    def _shared(self, checkpoint: Checkpoint, between: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for (known, _), model in self._models.items():
            components = model.loaded.pipe.components
            missing = {name: part for name, part in components.items() if name not in found}
            found |= shared_components(known, missing, checkpoint, between)
        return found

    def _fit(self, checkpoint: Checkpoint, shared: dict[str, Any]) -> None:
        """Let models go until the new one, without what it shares, stays within the share."""
        plan = self.plan
        try:
            weights = weigh(checkpoint).items()
        except BrokenCheckpoint:
            return  # the loading will say it
        own = sum(part.numbers for name, part in weights if name not in shared)
        most = int(plan.free_bytes * _SHARE) - own * bytes_per_number(plan.dtype)
        while self._models and self.bytes_in_use > most:
            self._let_oldest_go(None)

    def _load(
        self, checkpoint: Checkpoint, progress: Progress, shared: dict[str, Any]
    ) -> LoadedPipeline:
        plan = self.plan
        _log.info("loading %s on %s in %s", checkpoint.name, plan.device, plan.dtype)
        with HashMeanwhile(checkpoint, self._maps_folder) as hashing:
            pipe = load(checkpoint, plan, lambda part, what: progress(_LOADED * part, what), shared)
            if plan.placement is Placement.RESIDENT:
                self._place(pipe, plan)
            progress(_LOADED, "the preview's colours")
            preview = self._preview_of(getattr(pipe, checkpoint.family.vae))
            near = (1 + _LOADED) / 2
            digest = hashing.result(lambda: progress(near, "the model's fingerprint"))
        progress(1.0, "ready")
        facts = facts_of(checkpoint, plan, digest)
        config = dict(pipe.scheduler.config)
        return LoadedPipeline(pipe, checkpoint, config, preview, plan, facts)

    def _preview_of(self, vae: Any) -> LatentPreview:
        """Models with one VAE learn its colours together."""
        for model in self._models.values():
            if model.loaded.vae is vae:
                return model.loaded.preview
        return LatentPreview.for_vae(vae, self._maps_folder)


def free_memory() -> None:
    """Collect what is no longer used, and hand the device's memory back."""
    import torch

    gc.collect()
    if torch.cuda.is_available():  # never run on a GPU here
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
