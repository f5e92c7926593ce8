"""A request in the words of a diffusers pipeline."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from PIL import Image

from core.abilities import GenerationKind
from core.addons import control_arguments
from core.geometry import Size
from core.images import resize
from core.inference.change_map import first_mask
from core.inference.conditioning import prompt_arguments
from core.pipelines import LoadedPipeline
from core.request import GenerationRequest, Pixels


def arguments_for(requests: Sequence[GenerationRequest], loaded: LoadedPipeline) -> dict[str, Any]:
    """The keyword arguments of one call, fresh for each run.

    Args:
        requests: One for each picture; they differ in seed, and in what was made by it.
    """
    first, *others = requests
    arguments = _arguments_for(first, loaded)
    if not others:
        return arguments
    arguments["num_images_per_prompt"] = len(requests)
    # A picture for each generator, or only the first would draw for what the VAE makes of it.
    arguments["generator"] = [_generator(request) for request in requests]
    if first.kind is not GenerationKind.TEXT_TO_IMAGE:
        pictures = [_picture(request.init_image, request.denoising_size) for request in requests]
        arguments["image"] = pictures
    return arguments


def _arguments_for(request: GenerationRequest, loaded: LoadedPipeline) -> dict[str, Any]:
    family = loaded.checkpoint.family
    takes = inspect.signature(loaded.pipe.__call__).parameters

    arguments: dict[str, Any] = {
        **prompt_arguments(request, loaded),
        "num_inference_steps": request.num_inference_steps,
        "guidance_scale": request.guidance_scale,
        "generator": _generator(request),
    }
    if family.t5 is not None:
        arguments["max_sequence_length"] = family.t5_tokens
    if "width" in takes:  # others take the picture's own size
        arguments["width"], arguments["height"] = request.denoising_size
    if request.kind is not GenerationKind.TEXT_TO_IMAGE:
        if request.kind in family.strength_kinds:
            arguments["strength"] = request.strength
        arguments["image"] = _picture(request.init_image, request.denoising_size)
    if request.kind is GenerationKind.INPAINTING:
        mask = first_mask(request, loaded.cell)
        arguments["mask_image"] = Image.fromarray(mask)
    arguments |= control_arguments(request.controls, request.denoising_size, takes)
    return {**arguments, **loaded.worn_arguments}


def _generator(request: GenerationRequest) -> Any:
    """On the CPU everywhere, so that a seed means the same noise on every device."""
    import torch

    return torch.Generator("cpu").manual_seed(request.first_seed)


def _picture(pixels: Pixels | None, size: Size) -> Image.Image:
    assert pixels is not None  # validate() refused it
    return Image.fromarray(resize(pixels, size))
