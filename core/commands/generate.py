"""`generate`: one request from the command line, and its pictures."""

from __future__ import annotations

import argparse
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.abilities import GenerationKind, InpaintArea, MaskedContent, ModelAbilities
from core.checkpoints import Checkpoint, find_checkpoints, model_folders, resolve
from core.commands.adding import add_addons, addon_overrides
from core.commands.arguments import (
    INPAINT_AREAS,
    add_batch,
    add_common,
    add_hires,
    add_inpainting,
    add_output,
    add_sampling,
    whole_number,
)
from core.commands.making import Output, make
from core.commands.terminal import Terminal
from core.errors import BrokenCheckpoint, InvalidRequest
from core.geometry import Size
from core.images import read_image, read_mask, resize, without_alpha
from core.prompts import WildcardFolder, drawn
from core.request import MAX_SEED, GenerationRequest, Pixels
from core.settings import Paths, load_settings

MOST_HIRES = 4


def add_to(commands: Any) -> None:
    """Add the command to a parser's subparsers."""
    parser = commands.add_parser("generate", help="make pictures", allow_abbrev=False)
    add_request(parser)
    add_output(parser)
    add_batch(parser)
    add_common(parser)
    parser.set_defaults(run=run)


def add_request(parser: argparse.ArgumentParser) -> None:
    """What is to be made."""
    parser.add_argument("prompt", metavar="PROMPT", help="what the picture shows")
    parser.add_argument("--init-image", type=Path, metavar="FILE", help="start from this picture")
    parser.add_argument(
        "--mask-image", type=Path, metavar="FILE", help="repaint only where this is white"
    )
    parser.add_argument("--width", type=whole_number, metavar="W", help="in pixels")
    parser.add_argument("--height", type=whole_number, metavar="H", help="in pixels")
    add_sampling(parser)
    add_inpainting(parser)
    add_hires(parser)
    add_addons(parser)


def run(arguments: argparse.Namespace, screen: Terminal) -> int:
    """Make the pictures; returns 0.

    Raises:
        KnownError: one sentence on why not; nothing half-written stays.
        GenerationCancelled: Ctrl+C.
    """
    paths = Paths.find(arguments.home)
    folders = model_folders(load_settings(paths.settings_file))
    checkpoint = choose(arguments.model, folders)
    request = drawn(build(arguments, checkpoint, screen), WildcardFolder(paths.wildcards))
    request.validate(checkpoint.abilities)
    make(request, checkpoint, paths, Output.of(arguments), screen)
    return 0


def choose(model: str | None, folders: list[Path]) -> Checkpoint:
    """The model of that name or folder; without one the first that is found.

    Raises:
        BrokenCheckpoint: there is none.
    """
    if model is not None:
        return resolve(model, folders)
    for folder in folders:
        if found := find_checkpoints([folder]):
            return found[0]
    raise BrokenCheckpoint(
        f"There is no model in {', '.join(map(str, folders))}. Name a folder with --model."
    )


def build(
    arguments: argparse.Namespace, checkpoint: Checkpoint, screen: Terminal
) -> GenerationRequest:
    """The request that the arguments ask for; what is rounded or scaled is said on stderr.

    Raises:
        InvalidRequest, UnreadableImage: the arguments do not fit together; a file is bad.
    """
    _refuse_orphans(arguments)
    init, mask = _read_pictures(arguments)
    abilities = checkpoint.abilities
    size = _size(arguments, abilities.native_size if init is None else _size_of(init))
    if size.is_empty:
        raise InvalidRequest(f"{size} is no size. Width and height must be 1 pixel or more.")
    if init is not None:
        say_scaled(screen, _size_of(init), size)
        init = resize(init, size)
    if mask is not None:
        mask = resize(mask, size)
    first_pass_size, size = _passes(arguments, size, abilities)
    defaults: dict[str, Any] = {
        "scheduler": abilities.schedulers[0],
        "num_inference_steps": abilities.num_inference_steps,
        "guidance_scale": abilities.guidance_scale,
    }
    kind = _kind(arguments)
    if abilities.ignores_strength(kind):
        defaults["strength"] = 1.0
    request = GenerationRequest(
        kind=kind,
        checkpoint=checkpoint.name,
        prompt=arguments.prompt,
        seed=secrets.randbelow(MAX_SEED + 1) if arguments.seed is None else arguments.seed,
        size=size,
        denoising_size=size,
        init_image=init,
        mask_image=mask,
        first_pass_size=first_pass_size,
        **(defaults | overrides(arguments) | addon_overrides(arguments, abilities)),
    )
    request = for_model(request, abilities)
    say_rounded(screen, request, abilities)
    return request


def for_model(request: GenerationRequest, abilities: ModelAbilities) -> GenerationRequest:
    """The request with the denoising size that the model wants for it."""
    if request.kind is not GenerationKind.INPAINTING:
        return replace(request, denoising_size=abilities.denoising_size(request.size))
    from core.masks import with_denoising_size  # opencv; not for a refusal

    return with_denoising_size(request, abilities)


def _passes(
    arguments: argparse.Namespace, size: Size, abilities: ModelAbilities
) -> tuple[Size | None, Size]:
    """(size of the first of two passes, size of the picture)."""
    times = arguments.hires
    if times is None:
        return None, size
    if not 1 < times <= MOST_HIRES:  # also refuses NaN
        raise InvalidRequest(f"--hires is {times:g}; it must lie between 1 and {MOST_HIRES}.")
    larger = Size(round(size.width * times), round(size.height * times))
    return abilities.denoising_size(size), larger


def overrides(arguments: argparse.Namespace) -> dict[str, Any]:
    """Those fields of a request that the arguments name."""
    named = {
        "negative_prompt": arguments.negative_prompt,
        "written_negative_prompt": None if arguments.negative_prompt is None else "",
        "num_inference_steps": arguments.steps,
        "guidance_scale": arguments.guidance_scale,
        "scheduler": arguments.scheduler,
        "strength": arguments.strength,
        "inpaint_area": INPAINT_AREAS.get(arguments.inpaint_area),
        "area_padding": arguments.area_padding,
        "masked_content": arguments.masked_content and MaskedContent(arguments.masked_content),
        "mask_feather": arguments.mask_feather,
        "hires_strength": arguments.hires_strength,
    }
    return {name: value for name, value in named.items() if value is not None}


def say_rounded(screen: Terminal, request: GenerationRequest, abilities: ModelAbilities) -> None:
    """Tell where the model works at another size than was asked for."""
    size, denoising_size = request.size, request.denoising_size
    if size == denoising_size:
        return
    if request.inpaint_area is InpaintArea.ONLY_MASKED:
        screen.note(f"The part around the mask is made at {denoising_size} and scaled back.")
    else:
        screen.note(
            f"The model needs multiples of {abilities.size_multiple}: it works at "
            f"{denoising_size} and the picture is scaled to {size}."
        )


def say_scaled(screen: Terminal, found: Size, wanted: Size) -> None:
    """Tell where a picture is scaled before anything else."""
    if found != wanted:
        screen.note(f"The picture is scaled from {found} to {wanted}.")


def _refuse_orphans(arguments: argparse.Namespace) -> None:
    for name, value in (("mask-image", arguments.mask_image), ("strength", arguments.strength)):
        if value is not None and arguments.init_image is None:
            raise InvalidRequest(f"--{name} needs --init-image, the picture to start from.")
    for name in ("inpaint_area", "area_padding", "masked_content", "mask_feather"):
        if getattr(arguments, name) is not None and arguments.mask_image is None:
            raise InvalidRequest(f"--{name.replace('_', '-')} needs --mask-image, what to repaint.")
    if arguments.hires_strength is not None and arguments.hires is None:
        raise InvalidRequest("--hires-strength needs --hires, how much larger to make it.")
    if arguments.hires is not None and arguments.init_image is not None:
        raise InvalidRequest("--hires is for pictures from nothing; leave --init-image out.")


def _read_pictures(arguments: argparse.Namespace) -> tuple[Pixels | None, Pixels | None]:
    if arguments.init_image is None:
        return None, None
    init = without_alpha(read_image(arguments.init_image))
    if arguments.mask_image is None:
        return init, None
    mask = read_mask(arguments.mask_image)
    if mask.shape != init.shape[:2]:
        raise InvalidRequest(
            f"The mask is {_size_of(mask)} pixels but the picture is {_size_of(init)}. "
            "Give a mask of the same size."
        )
    return init, mask


def _kind(arguments: argparse.Namespace) -> GenerationKind:
    if arguments.mask_image is not None:
        return GenerationKind.INPAINTING
    if arguments.init_image is not None:
        return GenerationKind.IMAGE_TO_IMAGE
    return GenerationKind.TEXT_TO_IMAGE


def _size(arguments: argparse.Namespace, own: Size) -> Size:
    """The size asked for; of one side alone, the other follows in proportion."""
    width, height = arguments.width, arguments.height
    if width is None and height is None:
        return own
    if width is None:
        width = max(1, round(height * own.width / own.height))
    if height is None:
        height = max(1, round(width * own.height / own.width))
    return Size(width, height)


def _size_of(pixels: Pixels) -> Size:
    return Size(pixels.shape[1], pixels.shape[0])
