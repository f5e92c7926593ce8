"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from core.abilities import InpaintArea, MaskedContent
from core.schedulers import SCHEDULERS

_LARGEST = 2**63
INPAINT_AREAS = {"whole": InpaintArea.WHOLE_PICTURE, "masked": InpaintArea.ONLY_MASKED}


def whole_number(text: str) -> int:
    """An integer that fits into 64 bits; argparse explains anything else."""
    value = int(text)
    if abs(value) >= _LARGEST:
        raise ValueError(text)
    return value


def add_common(parser: argparse.ArgumentParser) -> None:
    """``--home`` behind the command, and ``--json``."""
    parser.add_argument(
        "--home", type=Path, metavar="DIR", default=argparse.SUPPRESS, help="keep everything there"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """How a picture is made; left out, the model's own values count."""
    add = parser.add_argument
    add("--negative-prompt", metavar="TEXT", help="what the picture should not show")
    add("--model", metavar="NAME|DIR", help="a model's name or its folder")
    add("--steps", type=whole_number, metavar="N", help="denoising steps")
    add("--guidance-scale", type=float, metavar="G", help="how closely to follow the prompt")
    add("--scheduler", metavar="NAME", help="such as “Euler a” or “DPM++ 2M Karras”")
    add("--list-schedulers", action=_ListSchedulers, help="print their names and do nothing else")
    add("--strength", type=float, metavar="S", help="0 to 1: how far from the first picture")
    add("--seed", type=whole_number, metavar="N", help="same seed, same picture")


class _ListSchedulers(argparse.Action):
    """Prints the names, one a line, as ``--help`` prints help: whatever else is given."""

    def __init__(self, **options: Any) -> None:
        super().__init__(nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        sys.stdout.write("\n".join(SCHEDULERS) + "\n")
        parser.exit()


def add_inpainting(parser: argparse.ArgumentParser) -> None:
    """How a mask is repainted."""
    add = parser.add_argument
    contents = [str(content) for content in MaskedContent]
    areas = list(INPAINT_AREAS)
    add("--inpaint-area", choices=areas, help="look at the whole picture, or closely at the mask")
    add("--area-padding", type=whole_number, metavar="PX", help="of “masked”: room around the mask")
    add("--masked-content", choices=contents, help="what stands under the mask at the start")
    add("--mask-feather", type=whole_number, metavar="PX", help="soft edge inside the mask")


def add_hires(parser: argparse.ArgumentParser) -> None:
    """A second pass."""
    add = parser.add_argument
    add("--hires", type=float, metavar="X", help="then make the picture X times larger from there")
    add("--hires-strength", type=float, metavar="S", help="0 to 1: how far the second pass may go")


def add_batch(parser: argparse.ArgumentParser) -> None:
    """How many pictures are drawn at once."""
    parser.add_argument(
        "--batch-size",
        type=whole_number,
        default=1,
        metavar="N",
        help="draw N of them together; they may differ slightly from single ones",
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """Where pictures go."""
    add = parser.add_argument
    add("--count", type=whole_number, default=1, metavar="K", help="pictures, of following seeds")
    add("--output", metavar="FILE|DIR", help="write here too; .png, .jpg or .webp")
    add("--grid", action="store_true", help="also write init | mask | result side by side")
    add("--no-gallery", action="store_true", help="keep the pictures out of the gallery")
    add("--compile", action="store_true", help="let torch compile the model first; needs C++")
