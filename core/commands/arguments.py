"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

_LARGEST = 2**63


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
    add("--scheduler", metavar="NAME", help="such as “Euler a” or “DPM++ 2M”")
    add("--strength", type=float, metavar="S", help="0 to 1: how far from the first picture")
    add("--seed", type=whole_number, metavar="N", help="same seed, same picture")


def add_output(parser: argparse.ArgumentParser) -> None:
    """Where pictures go."""
    add = parser.add_argument
    add("--count", type=whole_number, default=1, metavar="K", help="pictures, of following seeds")
    add("--output", metavar="FILE|DIR", help="write here too; .png, .jpg or .webp")
    add("--grid", action="store_true", help="also write init | mask | result side by side")
    add("--no-gallery", action="store_true", help="keep the pictures out of the gallery")
