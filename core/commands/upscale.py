"""`upscale`: make a picture larger, tile by tile."""

from __future__ import annotations

import argparse
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.addon import read_addons
from core.checkpoints import Checkpoint, find_checkpoints, model_folders, resolve
from core.commands.adding import add_addons, addon_overrides
from core.commands.arguments import add_common, add_output, add_sampling, whole_number
from core.commands.generate import choose, overrides
from core.commands.making import Output, make
from core.commands.terminal import Terminal
from core.errors import InvalidRequest
from core.images import read_image, without_alpha
from core.metadata import foreign_record, read_record
from core.prompts import WildcardFolder, drawn
from core.request import MAX_SEED, GenerationRequest
from core.settings import Paths, load_settings

_NOT_HERE = (
    "inpaint_area", "area_padding", "masked_content", "mask_feather", "hires_strength",
)  # fmt: skip


def add_to(commands: Any) -> None:
    """Add the command to a parser's subparsers."""
    parser = commands.add_parser(
        "upscale",
        help="make a picture larger, tile by tile",
        description="Prompt, model and settings are the picture's own, as far as it tells them.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("picture", type=Path, metavar="FILE", help="the picture")
    add(
        "--scale", type=float, default=2.0, metavar="X", help="how many times larger; 2 if left out"
    )
    add("--tile", type=whole_number, metavar="PX", help="side of a tile; the model's own size")
    add("--overlap", type=whole_number, metavar="PX", help="how far tiles overlap; an eighth")
    add("--prompt", metavar="TEXT", help="what the picture shows")
    add_sampling(parser)
    add_addons(parser)
    add_output(parser)
    parser.set_defaults(batch_size=1)
    add_common(parser)
    parser.set_defaults(run=run, **dict.fromkeys(_NOT_HERE))


def run(arguments: argparse.Namespace, screen: Terminal) -> int:
    """Make the larger picture; returns 0.

    Raises:
        KnownError: one sentence on why not.
        GenerationCancelled: Ctrl+C.
    """
    from core.inference.tiles import STRENGTH, enlarging  # brings opencv; not for --help

    paths = Paths.find(arguments.home)
    picture = without_alpha(read_image(arguments.picture))
    folders = model_folders(load_settings(paths.settings_file))
    record = read_record(arguments.picture) or foreign_record(arguments.picture) or {"request": {}}
    own: dict[str, Any] = record["request"]
    checkpoint = _model(arguments.model, str(own.get("checkpoint", "")), folders)
    base = _base(own, arguments, checkpoint)
    if "id" in record:
        base = replace(base, parent_ids=(str(record["id"]),))
    request = enlarging(
        drawn(base, WildcardFolder(paths.wildcards)),
        picture,
        arguments.scale,
        checkpoint.abilities,
        strength=STRENGTH if arguments.strength is None else arguments.strength,
        tile=arguments.tile,
        overlap=arguments.overlap,
    )
    make(request, checkpoint, paths, Output.of(arguments), screen)
    return 0


def _model(named: str | None, own: str, folders: list[Path]) -> Checkpoint:
    """The named model, else the picture's own if it is here, else the first that is found."""
    if named is None and own in {found.name for found in find_checkpoints(folders)}:
        return resolve(own, folders)
    return choose(named, folders)


def _base(
    own: dict[str, Any], arguments: argparse.Namespace, checkpoint: Checkpoint
) -> GenerationRequest:
    abilities = checkpoint.abilities
    prompt = arguments.prompt or str(own.get("prompt", ""))
    if not prompt.strip():
        raise InvalidRequest(
            f"“{arguments.picture.name}” does not say what it shows. Tell it with --prompt."
        )
    scheduler = str(own.get("scheduler", ""))
    base = GenerationRequest(
        checkpoint=checkpoint.name,
        prompt=prompt,
        negative_prompt=str(own.get("negative_prompt", "")),
        scheduler=scheduler if scheduler in abilities.schedulers else abilities.schedulers[0],
        num_inference_steps=int(own.get("num_inference_steps", abilities.num_inference_steps)),
        guidance_scale=float(own.get("guidance_scale", abilities.guidance_scale)),
        seed=_seed(own, arguments),
        size=abilities.native_size,
        denoising_size=abilities.native_size,
        addons=read_addons(own.get("addons")) if own.get("checkpoint") == checkpoint.name else (),
    )
    return replace(base, **(overrides(arguments) | addon_overrides(arguments, abilities)))


def _seed(own: dict[str, Any], arguments: argparse.Namespace) -> int:
    if arguments.seed is not None:
        return int(arguments.seed)
    return int(own["seed"]) if "seed" in own else secrets.randbelow(MAX_SEED + 1)
