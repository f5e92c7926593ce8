"""One request in, one finished picture out; everything in between can be stopped."""

from __future__ import annotations

import threading
import time
import traceback
from typing import Any

import numpy as np
from PIL import Image

from core.abilities import GenerationKind
from core.checkpoints import Checkpoint
from core.errors import OutOfMemory
from core.geometry import Size
from core.images import resize
from core.inference.stopping import stoppable
from core.inference.watching import GenerationCancelled, Listener, StepWatch, Stopwatch
from core.masks import composite, count_changed_outside
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
    image, changed = _finish(request, picture)
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
    arguments = _arguments(request, loaded)
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
                show=_Show(request, loaded),
            )
            output = pipe(**arguments, output_type="np", callback_on_step_end=watch)
    finally:
        _tidy(loaded)
    loaded.pace.decode_seconds_per_pixel = stopwatch.seconds_since_last_step() / pixels
    blanked = any(getattr(output, "nsfw_content_detected", None) or ())
    if not blanked:
        _learn_preview(loaded, watch.latents, output.images)
    return (output.images[0] * 255).round().astype(np.uint8), watch.steps, blanked


def _arguments(request: GenerationRequest, loaded: LoadedPipeline) -> dict[str, Any]:
    """What the request is in the words of a diffusers pipeline."""
    import torch

    arguments: dict[str, Any] = {
        "prompt": request.prompt,
        "num_inference_steps": request.num_inference_steps,
        "guidance_scale": request.guidance_scale,
        # On the CPU everywhere, so that a seed means the same noise on every device.
        "generator": torch.Generator("cpu").manual_seed(request.seed),
    }
    if loaded.checkpoint.abilities.uses_negative_prompt:
        # None and "" are not the same to SDXL, whose empty prompt may be all zeros.
        arguments["negative_prompt"] = request.negative_prompt or None
    if request.kind is not GenerationKind.IMAGE_TO_IMAGE:
        arguments["width"], arguments["height"] = request.denoising_size
    if request.kind is not GenerationKind.TEXT_TO_IMAGE:
        arguments["strength"] = request.strength
        arguments["image"] = _picture(request.init_image, request.denoising_size)
    if request.kind is GenerationKind.INPAINTING:
        mask = model_mask(request, loaded.pipe.vae_scale_factor)
        arguments["mask_image"] = Image.fromarray(mask)
    return arguments


def _picture(pixels: Pixels | None, size: Size) -> Image.Image:
    assert pixels is not None  # validate() refused it
    return Image.fromarray(resize(pixels, size))


def model_mask(request: GenerationRequest, cell: int) -> Pixels:
    """The mask that the model gets: 255 in every latent cell that the mask touches, else 0.

    diffusers looks at one pixel of each cell only, so that a thin stroke would repaint nothing.
    What is too much lies outside the person's mask and is put back by the composite.

    Args:
        request: For its mask and denoising size.
        cell: Side of a latent cell in pixels.

    Returns:
        uint8 array of shape (denoising height, denoising width).
    """
    assert request.mask_image is not None  # validate() refused it
    width, height = request.denoising_size
    touched = resize(_black_and_white(request.mask_image), request.denoising_size) > 0
    cells = touched.reshape(height // cell, cell, width // cell, cell).any(axis=(1, 3))
    return _black_and_white(np.repeat(np.repeat(cells, cell, axis=0), cell, axis=1))


def _black_and_white(mask: Any) -> Pixels:
    return np.where(mask > 0, np.uint8(255), np.uint8(0))


class _Show:
    """Draws predicted latents; outside the mask they give way to the original."""

    def __init__(self, request: GenerationRequest, loaded: LoadedPipeline) -> None:
        self._request = request
        self._preview = loaded.preview
        self._kept: tuple[Any, Any] | None = None

    def __call__(self, latents: Tensor) -> Pixels:
        image = self._preview(latents)
        inputs = _inpainted(self._request)
        if inputs is None:
            return image
        if self._kept is None:
            size = Size(image.shape[1], image.shape[0])
            original, mask = (resize(pixels, size).astype(np.float32) for pixels in inputs)
            self._kept = original, mask[..., None] / 255
        original, alpha = self._kept
        return np.rint(original + (image - original) * alpha).astype(np.uint8)


def _finish(request: GenerationRequest, picture: Pixels) -> tuple[Pixels, int | None]:
    """(the picture at its size, outside the mask as it was; changed pixels outside the mask)."""
    image = resize(picture, request.size)
    inputs = _inpainted(request)
    if inputs is None:
        return image, None
    original, mask = inputs
    with trace("composite"):
        image = composite(original, image, mask, request.mask_feather)
        return image, count_changed_outside(original, image, mask)


def _inpainted(request: GenerationRequest) -> tuple[Pixels, Pixels] | None:
    """(original, mask) of an inpainting request."""
    if request.kind is not GenerationKind.INPAINTING:
        return None
    assert request.init_image is not None  # validate() refused it
    assert request.mask_image is not None
    return request.init_image, request.mask_image


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
