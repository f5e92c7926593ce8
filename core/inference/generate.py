"""One request in, one finished picture out; everything in between can be stopped."""

from __future__ import annotations

import threading
import time
from typing import Any, NamedTuple

import numpy as np

from core.addons import AddonShelf, Outfit, outfit_for
from core.checkpoints import Checkpoint
from core.inference.arguments import arguments_for
from core.inference.change_map import following
from core.inference.finishing import EarlyEnd
from core.inference.ladder import MemoryLadder
from core.inference.masked import MaskedPreview, WorkArea
from core.inference.passes import in_two_passes
from core.inference.reins import Reins
from core.inference.stopping import stoppable
from core.inference.watching import GenerationCancelled, Listener, StepWatch, Stopwatch
from core.pipelines import LoadedPipeline, PipelineCache
from core.previews import X0Tap
from core.request import GenerationRequest, Pixels
from core.result import GenerationResult, LoadingProgress
from core.schedulers import make_scheduler
from core.tracing import trace

Tensor = Any
NO_ADDONS = AddonShelf()


def generate(
    request: GenerationRequest,
    checkpoint: Checkpoint,
    pipelines: PipelineCache,
    listener: Listener,
    stop: threading.Event,
    reins: Reins | None = None,
    shelf: AddonShelf = NO_ADDONS,
) -> GenerationResult:
    """Make the picture that was asked for.

    The same request gives the same pixels, whatever ran before. Set `stop` from any thread to
    end it early: it is looked at while loading, and before every block of the networks.

    Where memory does not suffice, it is tried again with savings that cost time (`MemoryLadder`);
    they are named in the result's facts, and the next picture is made without them.

    Args:
        reins: To pause it, or to end it after a step with the picture there is by then; made of
            `stop` when left out.
        shelf: Where the add-ons are that the request or its prompt names.

    Raises:
        InvalidRequest: the model cannot carry it out; nothing was loaded.
        BrokenAddon: an add-on is missing or does not fit; the model wears none of it.
        BrokenCheckpoint: the model cannot be loaded.
        OutOfMemory: no saving helped; what it had taken is free again.
        GenerationCancelled: `stop` was set.
        KnownError: the model computed no picture.
    """
    request.validate(checkpoint.abilities)
    reins = Reins(stop) if reins is None else reins
    outfit = outfit_for(request, checkpoint.abilities, shelf, lambda: _give_way(stop))
    if request.first_pass_size is not None:
        return in_two_passes(
            outfit.asked,
            listener,
            lambda one, hears: generate(one, checkpoint, pipelines, hears, stop, reins, shelf),
        )
    ladder = MemoryLadder(request, checkpoint, pipelines, listener, reins)

    def attempt() -> GenerationResult:
        loaded = _load(request, checkpoint, pipelines, ladder.listener, stop)
        with (
            loaded.wearing(outfit, lambda: _give_way(stop)) as dressed,
            ladder.equipped(dressed),
        ):
            return _run(outfit, dressed, ladder.listener, reins, ladder.facts)

    return ladder.run(attempt)


def _load(
    request: GenerationRequest,
    checkpoint: Checkpoint,
    pipelines: PipelineCache,
    listener: Listener,
    stop: threading.Event,
) -> LoadedPipeline:
    def progress(fraction: float, what: str) -> None:
        if stop.is_set():
            raise GenerationCancelled
        listener.loading_progressed(LoadingProgress(request.id, fraction, what))

    with trace("load"):
        return pipelines.get(checkpoint, request.kind, progress)


def _give_way(stop: threading.Event) -> None:
    if stop.is_set():
        raise GenerationCancelled


class _Denoised(NamedTuple):
    """The picture at the denoising size, how it came about, and whether it was blanked."""

    picture: Pixels
    watch: StepWatch
    blanked: bool

    @property
    def facts(self) -> dict[str, Any]:
        """What decided the picture on the way."""
        stopped_at = self.watch.stopped_at
        return {} if stopped_at is None else {"stopped_at_step": stopped_at}


def _run(
    outfit: Outfit,
    loaded: LoadedPipeline,
    listener: Listener,
    reins: Reins,
    facts: dict[str, Any],
) -> GenerationResult:
    begin = time.perf_counter()
    area = WorkArea.of(outfit.request, loaded.checkpoint.abilities)
    with trace("denoise"):
        denoised = _denoise(area, loaded, listener, reins)
    image, changed = area.finish(denoised.picture)
    return GenerationResult(
        request=outfit.asked,
        image=image,
        seconds=time.perf_counter() - begin - denoised.watch.rested,
        steps=denoised.watch.steps,
        changed_outside_mask=changed,
        blanked=denoised.blanked,
        facts={
            **loaded.facts,
            "denoising_size": list(outfit.asked.denoising_size),
            **outfit.facts,
            **facts,
            **denoised.facts,
        },
    )


def _denoise(area: WorkArea, loaded: LoadedPipeline, listener: Listener, reins: Reins) -> _Denoised:
    request, pipe = area.request, loaded.pipe
    # A scheduler of its own for each run: siblings that share one would share its position.
    config, steps = loaded.original_scheduler_config, request.num_inference_steps
    loaded.schedule(make_scheduler(request.scheduler, config, steps))
    pixels = request.denoising_size.area
    pace = loaded.pace.decode_seconds_per_pixel
    stopwatch = Stopwatch(None if pace is None else pace * pixels)
    try:
        with (
            stoppable(pipe, reins.stop),
            X0Tap(pipe.scheduler) as tap,
            EarlyEnd() as early_end,
        ):
            watch = StepWatch(
                request,
                listener,
                reins,
                stopwatch,
                early_end=early_end,
                predicted=lambda: loaded.map_of(tap.x0, request.denoising_size),
                show=MaskedPreview(area, loaded.preview),
            )
            arguments = arguments_for(request, loaded)
            output = pipe(**arguments, output_type="np", **following(request, watch))
    finally:
        _tidy(loaded)
    loaded.pace.decode_seconds_per_pixel = stopwatch.seconds_since_last_step() / pixels
    blanked = any(getattr(output, "nsfw_content_detected", None) or ())
    if not blanked:
        latents = loaded.map_of(watch.latents, request.denoising_size)
        _learn_preview(loaded, latents, output.images)
    return _Denoised((output.images[0] * 255).round().astype(np.uint8), watch, blanked)


def _learn_preview(loaded: LoadedPipeline, latents: Tensor, images: Any) -> None:
    import torch

    loaded.preview.observe(latents[:1], torch.from_numpy(images[:1]).permute(0, 3, 1, 2))


def _tidy(loaded: LoadedPipeline) -> None:
    """Leave the pipeline as new, also after it was stopped in the middle of anything."""
    import torch

    loaded.pipe.maybe_free_model_hooks()
    dtype = getattr(torch, loaded.plan.dtype)
    if loaded.vae.dtype != dtype:  # SDXL in float16 decodes in float32; never run here
        loaded.vae.to(dtype)
