"""`gallery list|search|show|reuse|reproduce`: find pictures, see how they were made, make again."""

from __future__ import annotations

import argparse
import uuid
from dataclasses import replace
from typing import Any

from core.checkpoints import model_folders, resolve
from core.commands import generate, reproduce
from core.commands.adding import add_addons, addon_overrides
from core.commands.arguments import (
    add_batch,
    add_common,
    add_inpainting,
    add_output,
    add_sampling,
    whole_number,
)
from core.commands.making import Output, make
from core.commands.terminal import Terminal
from core.gallery import Gallery, GalleryItem
from core.metadata import infotext
from core.prompts import WildcardFolder, drawn
from core.request import Branch, GenerationRequest
from core.settings import Paths, load_settings


def add_to(commands: Any) -> None:
    """Add the command to a parser's subparsers."""
    parser = commands.add_parser("gallery", help="pictures that were made", allow_abbrev=False)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_list(actions.add_parser("list", help="newest first"))
    search = actions.add_parser("search", help="pictures whose prompt has every word")
    search.add_argument("words", nargs="+", metavar="WORD")
    _add_list(search)
    show = actions.add_parser("show", help="everything about one picture")
    show.add_argument("id", metavar="ID", help="its id, or the first eight characters")
    add_common(show)
    show.set_defaults(run=run_show)
    _add_reuse(actions.add_parser("reuse", help="make it again, changed as you say"))
    reproduce.add_to(actions)


def _add_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=whole_number, default=50, metavar="N")
    add_common(parser)
    parser.set_defaults(run=run_list, words=[])


def _add_reuse(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="its id, or the first eight characters")
    parser.add_argument("--prompt", metavar="TEXT", help="another prompt")
    add_sampling(parser)
    add_inpainting(parser)
    parser.add_argument("--hires-strength", type=float, metavar="S", help="of a second pass")
    parser.add_argument(
        "--from-step", type=whole_number, metavar="K", help="branch: keep the first K of its steps"
    )
    add_addons(parser)
    add_output(parser)
    add_batch(parser)
    add_common(parser)
    parser.set_defaults(run=run_reuse)


def run_list(arguments: argparse.Namespace, screen: Terminal) -> int:
    """Print one line for each picture; returns 0."""
    with Gallery(Paths.find(arguments.home)) as gallery:
        items = gallery.items(max(0, arguments.limit), search=" ".join(arguments.words))
    for item in items:
        if arguments.json:
            screen.print_json(_summary(item))
        else:
            prompt = " ".join(item.prompt.split())
            moment = f"{item.created.astimezone():%Y-%m-%d %H:%M}"
            screen.print(f"{item.id[:8]}  {moment}  {item.size}  {item.seed:>10}  {prompt}")
    return 0


def run_show(arguments: argparse.Namespace, screen: Terminal) -> int:
    """Print a picture's record, or with ``--json`` all of it on one line; returns 0."""
    with Gallery(Paths.find(arguments.home)) as gallery:
        item = gallery.get(arguments.id)
        request = gallery.request(arguments.id)
    if arguments.json:
        screen.print_json(_summary(item) | {"record": item.record})
        return 0
    screen.print(str(item.path))
    screen.print(infotext(request, item.record.get("facts", {})))
    screen.print_json(item.record, indent=2)
    return 0


def run_reuse(arguments: argparse.Namespace, screen: Terminal) -> int:
    """Make a picture again from its record; returns 0.

    Raises:
        KnownError, GenerationCancelled: as `core.commands.generate.run`.
    """
    paths = Paths.find(arguments.home)
    with Gallery(paths) as gallery:
        before = replace(gallery.request(arguments.id), id=gallery.get(arguments.id).id)
    request = replace(_changed(before, arguments, paths), id=uuid.uuid4().hex)
    if arguments.from_step is not None:
        branch = Branch.of(before, arguments.from_step)
        request = replace(request, branch=branch, parent_ids=(before.id,))
    folders = model_folders(load_settings(paths.settings_file))
    checkpoint = resolve(arguments.model or request.checkpoint, folders)
    abilities = checkpoint.abilities
    if arguments.inpaint_area or not request.denoising_size.is_multiple_of(abilities.size_multiple):
        request = generate.for_model(request, abilities)
    generate.say_rounded(screen, request, abilities)
    changes = addon_overrides(arguments, abilities)
    request = replace(request, checkpoint=checkpoint.name, **changes)
    request.validate(abilities)
    from core.inference.batches import can_be_together  # not for a refusal before it
    from core.inference.branching import validate_branch

    if request.seed not in request.together or not can_be_together(request, abilities):
        request = replace(request, together=())
    validate_branch(request, abilities)
    make(request, checkpoint, paths, Output.of(arguments), screen)
    return 0


def _changed(
    request: GenerationRequest, arguments: argparse.Namespace, paths: Paths
) -> GenerationRequest:
    changes = generate.overrides(arguments)
    if arguments.prompt is not None:
        changes |= {"prompt": arguments.prompt, "written_prompt": ""}
    if arguments.seed is not None:
        changes["seed"] = arguments.seed
    changed = replace(request, **changes)
    draws = changes.keys() & {"prompt", "negative_prompt", "seed"}
    return drawn(changed, WildcardFolder(paths.wildcards)) if draws else changed


def _summary(item: GalleryItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "path": str(item.path),
        "created": item.created.isoformat(),
        "kind": str(item.kind),
        "prompt": item.prompt,
        "negative_prompt": item.negative_prompt,
        "seed": item.seed,
        "size": list(item.size),
        "seconds": item.seconds,
        "model": item.checkpoint,
        "changed_outside_mask": item.changed_outside_mask,
    }
