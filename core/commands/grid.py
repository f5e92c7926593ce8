"""`grid`: one request with every combination of some values, and a sheet that shows them all."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.checkpoints import model_folders, resolve
from core.commands import generate
from core.commands.adding import shelf_for
from core.commands.arguments import add_common
from core.commands.making import Watch, require_writable, stopped_by_ctrl_c
from core.commands.terminal import Terminal
from core.errors import GenerationCancelled, InvalidRequest
from core.gallery import Gallery
from core.gallery.sheets import Place, sheet
from core.images import image_format, write_image
from core.prompts import WildcardFolder
from core.request import GenerationRequest, Pixels
from core.settings import Paths, load_settings

if TYPE_CHECKING:  # brings opencv; not for a refusal
    from core.inference.axes import Axis
    from core.inference.grids import Cell


def add_to(commands: Any) -> None:
    """Add the command to a parser's subparsers."""
    parser = commands.add_parser(
        "grid", help="compare values of one or more settings", allow_abbrev=False
    )
    add = parser.add_argument
    add("--x", required=True, metavar="NAME=V,V", help="columns, like steps=10,20")
    add("--y", metavar="NAME=V,V", help="rows, like guidance=3,7 or prompt=a cat|a dog")
    add("--z", metavar="NAME=V,V", help="sections below each other, like model=first,second")
    generate.add_request(parser)
    add("--output", type=Path, metavar="FILE", help="the sheet; else grid-….png right here")
    add("--no-gallery", action="store_true", help="keep the pictures out of the gallery")
    add_common(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, screen: Terminal) -> int:
    """Make the pictures and the sheet; returns 0.

    Raises:
        KnownError: one sentence on why not; pictures that were finished stay in the gallery.
        GenerationCancelled: Ctrl+C; there is no sheet then.
    """
    from core.inference.axes import Axis

    axes = (Axis.of(arguments.z), Axis.of(arguments.y), Axis.of(arguments.x))
    target = arguments.output or Path(f"grid-{datetime.now().astimezone():%Y%m%d-%H%M%S}.png")
    image_format(target)
    require_writable(target.parent)
    paths = Paths.find(arguments.home)
    cells = _cells(arguments, axes, paths, screen)
    pictures = _make(cells, paths, not arguments.no_gallery, arguments.json, screen)
    z, y, x = (axis.labels for axis in axes)
    write_image(target, sheet(pictures, x, y, z))
    if arguments.json:
        screen.print_json({"sheet": str(target), "pictures": len(pictures)})
    else:
        screen.print(str(target))
    return 0


def _cells(
    arguments: argparse.Namespace, axes: tuple[Axis, Axis, Axis], paths: Paths, screen: Terminal
) -> list[Cell]:
    """Every picture with its request, all of them checked before the first step."""
    from core.inference.grids import cells_of, count_of

    count_of(axes)
    folders = model_folders(load_settings(paths.settings_file))
    checkpoint = generate.choose(arguments.model, folders)
    base = generate.build(arguments, checkpoint, screen)
    for axis in axes:
        _require_use(axis, base)
    return cells_of(
        base,
        checkpoint,
        axes,
        lambda name: resolve(name, folders),
        WildcardFolder(paths.wildcards),
    )


def _require_use(axis: Axis, base: GenerationRequest) -> None:
    """Refuse a setting that this kind of picture does not look at: all places would be alike."""
    for needed, option, names in (
        (base.init_image, "--init-image", ("strength",)),
        (
            base.mask_image,
            "--mask-image",
            ("mask_feather", "area_padding", "masked_content", "inpaint_area"),
        ),
        (base.first_pass_size, "--hires", ("hires_strength",)),
    ):
        if axis.field in names and needed is None:
            raise InvalidRequest(f"The axis “{axis.name}” needs {option}; nothing would change.")
    if axis.field == "size" and (base.init_image is not None or base.first_pass_size is not None):
        raise InvalidRequest("The axis “size” is for pictures from nothing, in a single pass.")


def _make(
    cells: list[Cell], paths: Paths, keep: bool, json: bool, screen: Terminal
) -> dict[Place, Pixels]:
    from core.inference import generate as carry_out
    from core.pipelines import PipelineCache

    paths.make()
    pictures: dict[Place, Pixels] = {}
    with ExitStack() as stack:
        gallery = stack.enter_context(Gallery(paths)) if keep else None
        stop = stack.enter_context(stopped_by_ctrl_c())
        pipelines = PipelineCache(paths.preview_maps)
        for number, cell in enumerate(cells, 1):
            if stop.is_set():
                raise GenerationCancelled
            watch = Watch(screen, f"{number} of {len(cells)}: ")
            place, request, checkpoint = cell.place, cell.request, cell.checkpoint
            shelf = shelf_for(checkpoint, paths)
            result = carry_out(request, checkpoint, pipelines, watch, stop, shelf=shelf)
            item = gallery.keep(result) if gallery else None
            pictures[place] = result.image
            if json:
                where = {"path": str(item.path), "id": item.id} if item else {}
                screen.print_json({"place": list(place), "seed": request.seed, **where})
            elif item:
                screen.print(str(item.path))
    return pictures
