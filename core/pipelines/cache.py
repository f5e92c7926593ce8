"""The models in memory, and the pipelines of every kind that share their weights."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.abilities import GenerationKind
from core.checkpoints import Checkpoint
from core.logs import logger
from core.memory import DevicePlan
from core.memory import plan as plan_memory
from core.pipelines.fingerprint import facts_of, model_hash
from core.pipelines.imports import import_libraries
from core.pipelines.loading import Progress, load
from core.previews import LatentPreview

_log = logger("pipelines")
_LOADED = 0.9  # of the progress; hashing the weights and learning the preview come after


@dataclass
class Pace:
    """What the last run with a model took where it cannot be measured before its end.

    Attributes:
        decode_seconds_per_pixel: Time of decoding and the safety checker; None before a run.
    """

    decode_seconds_per_pixel: float | None = None


@dataclass(frozen=True, eq=False)
class LoadedPipeline:
    """A model in memory, set up for one kind of generation.

    Attributes:
        pipe: The diffusers pipeline; its weights are shared with the other kinds.
        original_scheduler_config: As the model came; every scheduler is made from this.
        preview: Latents to RGB for the model's VAE.
        facts: What decides a picture besides the request: versions, device, dtype, model hash.
    """

    pipe: Any
    checkpoint: Checkpoint
    original_scheduler_config: dict[str, Any]
    preview: LatentPreview
    plan: DevicePlan
    facts: dict[str, Any]
    pace: Pace = field(default_factory=Pace)


class PipelineCache:
    """Keeps the model that was used last, for one thread.

    Args:
        maps_folder: Where preview maps and model hashes are kept; None keeps them in memory.
        plan: Where to run; made by `core.memory` at the first load when left out.
    """

    def __init__(self, maps_folder: Path | None = None, plan: DevicePlan | None = None) -> None:
        self._maps_folder = maps_folder
        self._plan = plan
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
            self.release()
            self._loaded = self._load(checkpoint, progress)
        if kind not in self._kinds:
            self._kinds[kind] = _for_kind(self._loaded, kind)
        return self._kinds[kind]

    def release(self) -> None:
        """Let the model go, and give its memory back."""
        if self._loaded is not None:
            self._loaded.preview.save()
            self._loaded = None
            self._kinds.clear()
            free_memory()

    def _load(self, checkpoint: Checkpoint, progress: Progress) -> LoadedPipeline:
        if self._plan is None:
            self._plan = plan_memory()
        _log.info("loading %s on %s in %s", checkpoint.name, self._plan.device, self._plan.dtype)
        pipe = load(checkpoint, self._plan, lambda part, what: progress(_LOADED * part, what))
        progress(_LOADED, "the preview's colours")
        preview = LatentPreview.for_vae(pipe.vae, self._maps_folder)
        digest = model_hash(
            checkpoint,
            self._maps_folder,
            between=lambda: progress((1 + _LOADED) / 2, "the model's fingerprint"),
        )
        progress(1.0, "ready")
        facts = facts_of(checkpoint, self._plan, digest)
        config = dict(pipe.scheduler.config)
        return LoadedPipeline(pipe, checkpoint, config, preview, self._plan, facts)


def free_memory() -> None:
    """Collect what is no longer used, and hand the device's memory back."""
    import torch

    gc.collect()
    if torch.cuda.is_available():  # never run on a GPU here
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


def _for_kind(loaded: LoadedPipeline, kind: GenerationKind) -> LoadedPipeline:
    """The same weights in the pipeline class for `kind`."""
    import diffusers

    # By Auto…from_pipe: the from_pipe of a pipeline class casts the shared weights to float32.
    auto = {
        GenerationKind.TEXT_TO_IMAGE: "AutoPipelineForText2Image",
        GenerationKind.IMAGE_TO_IMAGE: "AutoPipelineForImage2Image",
        GenerationKind.INPAINTING: "AutoPipelineForInpainting",
    }[kind]
    pipe = getattr(diffusers, auto).from_pipe(loaded.pipe)
    pipe.set_progress_bar_config(disable=True)  # belongs to the object, siblings have their own
    return LoadedPipeline(
        pipe,
        loaded.checkpoint,
        loaded.original_scheduler_config,
        loaded.preview,
        loaded.plan,
        loaded.facts,
        loaded.pace,
    )
