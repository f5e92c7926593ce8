"""Command line: writes the configuration folders, and on request the vocabulary."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tools.single_files.configs import write_configs
from tools.single_files.vocabulary import write_vocabulary


def main(arguments: Sequence[str] | None = None) -> None:
    """Write what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="tools.single_files", description=__doc__)
    parser.add_argument("folder", type=Path, help="resources/configs")
    parser.add_argument(
        "--vocabulary",
        type=Path,
        metavar="FILE",
        help="bpe_simple_vocab_16e6.txt.gz",
    )
    options = parser.parse_args(arguments)
    write_configs(options.folder)
    if options.vocabulary is not None:
        write_vocabulary(options.vocabulary, options.folder / "clip")


if __name__ == "__main__":
    main()
