"""A request in the words of a diffusers pipeline."""

from __future__ import annotations

from typing import Any

from PIL import Image

from core.abilities import GenerationKind
from core.geometry import Size
from core.images import resize
from core.inference.masked import model_mask
from core.pipelines import LoadedPipeline
from core.request import GenerationRequest, Pixels


def arguments_for(request: GenerationRequest, loaded: LoadedPipeline) -> dict[str, Any]:
    """The keyword arguments of one call, fresh for each run."""
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
