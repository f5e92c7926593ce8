"""The models in memory, and the pipelines of every kind that share their weights."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.abilities import GenerationKind
from core.checkpoints import Checkpoint
from core.logs import logger
from core.memory import DevicePlan, Placement
from core.memory import plan as plan_memory
from core.pipelines.fingerprint import facts_of, model_hash
from core.pipelines.imports import import_libraries
from core.pipelines.loaded import LoadedPipeline, shared_components
from core.pipelines.loading import Progress, load
from core.pipelines.placing import Place, place
from core.previews import LatentPreview

_log = logger("pipelines")
_LOADED = 0.9  # of the progress; hashing the weights and learning the preview come after


class PipelineCache:
    """Keeps the model that was used last, for one thread.

    Args:
        maps_folder: Where preview maps and model hashes are kept; None keeps them in memory.
        plan: Where to run; made by `core.memory` at the first load when left out.
        place: Brings a pipeline to where its plan says.
    """

    def __init__(
        self,
        maps_folder: Path | None = None,
        plan: DevicePlan | None = None,
        place: Place = place,
    ) -> None:
        self._maps_folder = maps_folder
        self._plan = plan
        self._place = place
        self._placement: Placement | None = None
        self._kinds: dict[GenerationKind, LoadedPipeline] = {}
        self._loaded: LoadedPipeline | None = None

    def get(
        self,
        checkpoint: Checkpoint,
        kind: GenerationKind,
        progress: Progress = lambda fraction, what: None,
    ) -> LoadedPipeline:
        """The pipeline for that kind, loaded now if its model is not in memory.

        Another model that is in memory makes room first.

        Args:
            checkpoint: Which model.
            kind: What for; one of the kinds among its abilities.
            progress: Told about a load as it goes on; may raise `GenerationCancelled`.

        Raises:
            BrokenCheckpoint: the files cannot be loaded.
            OutOfMemory: the model is larger than the memory.
        """
        import_libraries()
        if self._loaded is None or self._loaded.checkpoint != checkpoint:
            shared = self._shared(checkpoint)
            self.release()
            self._loaded = self._load(checkpoint, progress, shared)
        if kind not in self._kinds:
            made = self._loaded.for_kind(kind)
            if made.plan.placement is not Placement.RESIDENT:
                self._place(made.pipe, made.plan)
            self._kinds[kind] = made
        return self._kinds[kind]

    @property
    def plan(self) -> DevicePlan:
        """Where and how the next model will run."""
        if self._plan is None:
            self._plan = plan_memory()
        if self._placement is None:
            return self._plan
        return replace(self._plan, placement=self._placement)

    def place(self, placement: Placement | None) -> None:
        """Load models that way from now on, None as planned; one that is elsewhere is let go."""
        if placement is not self._placement:
            self._placement = placement
            self.release()

    def suggest(self, checkpoint: Checkpoint, placement: Placement) -> None:
        """Plan to load a model that way; where it is in memory already, only if that saves more."""
        is_here = self._loaded is not None and self._loaded.checkpoint == checkpoint
        if is_here and not placement.saves_more_than(self.plan.placement):
            return
        if placement is not self.plan.placement:
            self._plan = replace(self.plan, placement=placement)
            self.release()

    def release(self) -> None:
        """Let the model go, and give its memory back."""
        if self._loaded is not None:
            self._loaded.preview.save()
            self._loaded = None
            self._kinds.clear()
            free_memory()

    def _shared(self, checkpoint: Checkpoint) -> dict[str, Any]:
        loaded = self._loaded
        if loaded is None or loaded.plan.placement is not Placement.RESIDENT:
            return {}  # what is offloaded carries hooks of its old pipeline
        return shared_components(loaded, checkpoint)

    def _load(
        self, checkpoint: Checkpoint, progress: Progress, shared: dict[str, Any]
    ) -> LoadedPipeline:
        plan = self.plan
        _log.info("loading %s on %s in %s", checkpoint.name, plan.device, plan.dtype)
        pipe = load(checkpoint, plan, lambda part, what: progress(_LOADED * part, what), shared)
        if plan.placement is Placement.RESIDENT:
            self._place(pipe, plan)
        progress(_LOADED, "the preview's colours")
        preview = LatentPreview.for_vae(getattr(pipe, checkpoint.family.vae), self._maps_folder)
        digest = model_hash(
            checkpoint,
            self._maps_folder,
            between=lambda: progress((1 + _LOADED) / 2, "the model's fingerprint"),
        )
        progress(1.0, "ready")
        facts = facts_of(checkpoint, plan, digest)
        config = dict(pipe.scheduler.config)
        return LoadedPipeline(pipe, checkpoint, config, preview, plan, facts)


def free_memory() -> None:
    """Collect what is no longer used, and hand the device's memory back."""
    import torch

    gc.collect()
    if torch.cuda.is_available():  # never run on a GPU here
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
