"""Command line of the zoo: writes it, and on request a hub cache that holds it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tools.tiny_zoo.entries import ENTRIES, build
from tools.tiny_zoo.hub_cache import write_hub_cache


def main(arguments: Sequence[str] | None = None) -> None:
    """Build what the arguments ask for and print the size of each entry."""
    options = _parser().parse_args(arguments)
    build(options.folder, options.only, options.seed)
    for name in ENTRIES:
        if (options.folder / name).is_dir():
            print(f"{name:32s} {_megabytes(options.folder / name):6.2f} MB")
    if options.hub_cache:
        write_hub_cache(options.folder, options.hub_cache)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools.tiny_zoo", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the zoo goes")
    parser.add_argument("--only", type=_names, help="entries to build, separated by commas")
    parser.add_argument("--hub-cache", type=Path, help="also lay the zoo out as a hub cache")
    parser.add_argument("--seed", type=int, default=0)
    return parser


def _names(text: str) -> frozenset[str]:
    names = frozenset(text.split(","))
    if unknown := names - ENTRIES.keys():
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}")
    return names


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


if __name__ == "__main__":
    main()
