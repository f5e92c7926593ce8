"""`gallery reproduce`: make a picture again from its record alone, and compare."""

from __future__ import annotations

import argparse
import math
from typing import Any

from core.checkpoints import model_folders, resolve
from core.commands.adding import shelf_for
from core.commands.arguments import add_common
from core.commands.making import Watch, stopped_by_ctrl_c
from core.commands.terminal import Terminal
from core.errors import InvalidRequest
from core.gallery import Gallery
from core.gallery.comparison import Comparison
from core.images import read_image, without_alpha
from core.metadata import recorded_facts
from core.settings import Paths, load_settings

DIFFERENT = 3
"""The exit code where the picture came out differently."""


def add_to(actions: Any) -> None:
    """Add the action to the parser of `gallery`."""
    parser = actions.add_parser(
        "reproduce",
        help="make it again and compare",
        description="Exit code 0 if every pixel is the same, 3 if not. Nothing is kept.",
    )
    parser.add_argument("id", metavar="ID", help="its id, or the first eight characters")
    add_common(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, screen: Terminal) -> int:
    """Say whether the picture comes out the same; returns 0 if it does, else 3.

    Raises:
        KnownError: no such picture, or it cannot be made here, such as without its model.
        GenerationCancelled: Ctrl+C.
    """
    paths = Paths.find(arguments.home)
    with Gallery(paths) as gallery:
        item, request = gallery.get(arguments.id), gallery.request(arguments.id)
    if item.is_sheet:
        raise InvalidRequest("This is a grid's sheet. Reproduce one of the pictures on it.")
    checkpoint = resolve(request.checkpoint, model_folders(load_settings(paths.settings_file)))
    request.validate(checkpoint.abilities)
    kept = without_alpha(read_image(item.path))
    then = item.record.get("facts", {})
    from core.inference import generate
    from core.inference.reproducing import threads_of
    from core.pipelines import PipelineCache
    from core.pipelines.compiling import COMPILED

    with stopped_by_ctrl_c() as stop, threads_of(then):
        pipelines = PipelineCache(paths.preview_maps)
        pipelines.compiles = bool(then.get(COMPILED))
        shelf = shelf_for(checkpoint, paths)
        result = generate(request, checkpoint, pipelines, Watch(screen, ""), stop, shelf=shelf)
    comparison = Comparison.of(kept, result.image, then, recorded_facts(result))
    if arguments.json:
        screen.print_json(_report(item.id, comparison))
    else:
        for line in comparison.sentences():
            screen.print(line)
    return 0 if comparison.is_identical else DIFFERENT


def _report(item_id: str, comparison: Comparison) -> dict[str, Any]:
    finite = math.isfinite(comparison.psnr)
    return {
        "id": item_id,
        "identical": comparison.is_identical,
        "psnr": round(comparison.psnr, 2) if finite and comparison.same_size else None,
        "differing": comparison.differing,
        "most": comparison.most,
        "facts": {name: {"then": a, "now": b} for name, a, b in comparison.facts},
    }
