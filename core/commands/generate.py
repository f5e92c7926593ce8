"""`generate`: one request from the command line, and its pictures."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path
from typing import Any

from core.abilities import GenerationKind
from core.checkpoints import Checkpoint, find_checkpoints, model_folders, resolve
from core.commands.arguments import add_common, add_output, add_sampling, whole_number
from core.commands.making import Output, make
from core.commands.terminal import Terminal
from core.errors import BrokenCheckpoint, InvalidRequest
from core.geometry import Size
from core.images import read_image, read_mask, resize, without_alpha
from core.request import MAX_SEED, GenerationRequest, Pixels
from core.settings import Paths, load_settings


def add_to(commands: Any) -> None:
    """Add the command to a parser's subparsers."""
    parser = commands.add_parser("generate", help="make pictures", allow_abbrev=False)
    parser.add_argument("prompt", metavar="PROMPT", help="what the picture shows")
    parser.add_argument("--init-image", type=Path, metavar="FILE", help="start from this picture")
    parser.add_argument(
        "--mask-image", type=Path, metavar="FILE", help="repaint only where this is white"
    )
    parser.add_argument("--width", type=whole_number, metavar="W", help="in pixels")
    parser.add_argument("--height", type=whole_number, metavar="H", help="in pixels")
    add_sampling(parser)
    add_output(parser)
    add_common(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, screen: Terminal) -> int:
    """Make the pictures; returns 0.

    Raises:
        KnownError: one sentence on why not; nothing half-written stays.
        GenerationCancelled: Ctrl+C.
    """
    paths = Paths.find(arguments.home)
    folders = model_folders(load_settings(paths.settings_file))
    checkpoint = choose(arguments.model, folders)
    request = build(arguments, checkpoint, screen)
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
    denoising_size = abilities.denoising_size(size)
    say_rounded(screen, size, denoising_size, abilities.size_multiple)
    defaults: dict[str, Any] = {
        "scheduler": abilities.schedulers[0],
        "num_inference_steps": abilities.num_inference_steps,
        "guidance_scale": abilities.guidance_scale,
    }
    return GenerationRequest(
        kind=_kind(arguments),
        checkpoint=checkpoint.name,
        prompt=arguments.prompt,
        seed=secrets.randbelow(MAX_SEED + 1) if arguments.seed is None else arguments.seed,
        size=size,
        denoising_size=denoising_size,
        init_image=init,
        mask_image=mask,
        **(defaults | overrides(arguments)),
    )


def overrides(arguments: argparse.Namespace) -> dict[str, Any]:
    """Those fields of a request that the arguments name."""
    named = {
        "negative_prompt": arguments.negative_prompt,
        "num_inference_steps": arguments.steps,
        "guidance_scale": arguments.guidance_scale,
        "scheduler": arguments.scheduler,
        "strength": arguments.strength,
    }
    return {name: value for name, value in named.items() if value is not None}


def say_rounded(screen: Terminal, size: Size, denoising_size: Size, multiple: int) -> None:
    """Tell where the model works at another size than was asked for."""
    if size != denoising_size:
        screen.note(
            f"The model needs multiples of {multiple}: it works at {denoising_size} and the "
            f"picture is scaled to {size}."
        )


def say_scaled(screen: Terminal, found: Size, wanted: Size) -> None:
    """Tell where a picture is scaled before anything else."""
    if found != wanted:
        screen.note(f"The picture is scaled from {found} to {wanted}.")


def _refuse_orphans(arguments: argparse.Namespace) -> None:
    for name, value in (("mask-image", arguments.mask_image), ("strength", arguments.strength)):
        if value is not None and arguments.init_image is None:
            raise InvalidRequest(f"--{name} needs --init-image, the picture to start from.")


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
