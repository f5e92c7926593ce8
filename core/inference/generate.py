"""One request in, one finished picture out; everything in between can be stopped."""

from __future__ import annotations

import threading
import time
import traceback
from typing import Any

import numpy as np

from core.checkpoints import Checkpoint
from core.errors import OutOfMemory
from core.inference.arguments import arguments_for
from core.inference.masked import MaskedPreview, finish
from core.inference.stopping import stoppable
from core.inference.watching import GenerationCancelled, Listener, StepWatch, Stopwatch
from core.memory import is_out_of_memory
from core.pipelines import LoadedPipeline, PipelineCache, free_memory
from core.previews import X0Tap
from core.request import GenerationRequest, Pixels
from core.result import GenerationResult, LoadingProgress
from core.schedulers import make_scheduler
from core.tracing import trace

Tensor = Any


def generate(
    request: GenerationRequest,
    checkpoint: Checkpoint,
    pipelines: PipelineCache,
    listener: Listener,
    stop: threading.Event,
) -> GenerationResult:
    """Make the picture that was asked for.

    The same request gives the same pixels, whatever ran before. Set `stop` from any thread to
    end it early: it is looked at while loading, and before every block of the networks.

    Raises:
        InvalidRequest: the model cannot carry it out; nothing was loaded.
        BrokenCheckpoint: the model cannot be loaded.
        OutOfMemory: the picture is too large; what it had taken is free again.
        GenerationCancelled: `stop` was set.
        KnownError: the model computed no picture.
    """
    request.validate(checkpoint.abilities)
    try:
        loaded = _load(request, checkpoint, pipelines, listener, stop)
        return _run(request, loaded, listener, stop)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        # The frames of the traceback hold the tensors that filled the memory.
        traceback.clear_frames(error.__traceback__)
        reason = str(error)
    free_memory()
    raise OutOfMemory(
        f"There is not enough memory for {request.denoising_size} pixels with “{checkpoint.name}”. "
        "Try a smaller size, or close other programs."
    ) from MemoryError(reason)


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


def _run(
    request: GenerationRequest, loaded: LoadedPipeline, listener: Listener, stop: threading.Event
) -> GenerationResult:
    begin = time.perf_counter()
    with trace("denoise"):
        picture, steps, blanked = _denoise(request, loaded, listener, stop)
    image, changed = finish(request, picture)
    return GenerationResult(
        request=request,
        image=image,
        seconds=time.perf_counter() - begin,
        steps=steps,
        changed_outside_mask=changed,
        blanked=blanked,
        facts={**loaded.facts, "denoising_size": list(request.denoising_size)},
    )


def _denoise(
    request: GenerationRequest, loaded: LoadedPipeline, listener: Listener, stop: threading.Event
) -> tuple[Pixels, int, bool]:
    """(picture at the denoising size, steps that ran, whether the safety checker blanked it)."""
    pipe = loaded.pipe
    # A scheduler of its own for each run: siblings that share one would share its position.
    pipe.scheduler = make_scheduler(request.scheduler, loaded.original_scheduler_config)
    arguments = arguments_for(request, loaded)
    pixels = request.denoising_size.area
    pace = loaded.pace.decode_seconds_per_pixel
    stopwatch = Stopwatch(None if pace is None else pace * pixels)
    try:
        with stoppable(pipe, stop), X0Tap(pipe.scheduler) as tap:
            watch = StepWatch(
                request,
                listener,
                stop,
                stopwatch,
                predicted=lambda: tap.x0,
                show=MaskedPreview(request, loaded),
            )
            output = pipe(**arguments, output_type="np", callback_on_step_end=watch)
    finally:
        _tidy(loaded)
    loaded.pace.decode_seconds_per_pixel = stopwatch.seconds_since_last_step() / pixels
    blanked = any(getattr(output, "nsfw_content_detected", None) or ())
    if not blanked:
        _learn_preview(loaded, watch.latents, output.images)
    return (output.images[0] * 255).round().astype(np.uint8), watch.steps, blanked


def _learn_preview(loaded: LoadedPipeline, latents: Tensor, images: Any) -> None:
    import torch

    loaded.preview.observe(latents[:1], torch.from_numpy(images[:1]).permute(0, 3, 1, 2))


def _tidy(loaded: LoadedPipeline) -> None:
    """Leave the pipeline as new, also after it was stopped in the middle of anything."""
    import torch

    loaded.pipe.maybe_free_model_hooks()
    dtype = getattr(torch, loaded.plan.dtype)
    if loaded.pipe.vae.dtype != dtype:  # SDXL in float16 decodes in float32; never run here
        loaded.pipe.vae.to(dtype)
