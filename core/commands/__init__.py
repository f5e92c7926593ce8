"""What Sfumato does without a window: `generate`, `grid`, `upscale`, `doctor`, `gallery`. No Qt.

Each command is a module with `add_to(subparsers)` and `run(arguments, terminal) -> exit code`.
Exit codes: 0 done; 2 refused, with one sentence on stderr; 130 stopped by Ctrl+C; 1 a bug.
"""

from __future__ import annotations

import argparse
import logging
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from core import logs
from core.commands import doctor, gallery, generate, grid, upscale
from core.commands.terminal import Terminal, terminal
from core.errors import GenerationCancelled, KnownError
from core.metadata import SOFTWARE
from core.settings import Paths

REFUSED = 2
STOPPED = 130


def parser() -> argparse.ArgumentParser:
    """The parser of every command; ``--home`` may stand before or after the command."""
    parser = argparse.ArgumentParser(
        prog="main.py",
        description="Sfumato, a painting studio. Without a command the window opens, with the "
        "pictures that are named.",
        epilog="demo [--output DIR] plays the README's story in the real window.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=SOFTWARE)
    parser.add_argument("--home", type=Path, metavar="DIR", help="keep everything below this")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (generate, grid, upscale, doctor, gallery):
        module.add_to(commands)
    return parser


def run(argv: Sequence[str]) -> int:
    """Carry out a command; returns its exit code and never raises."""
    try:
        arguments = parser().parse_args(argv)
    except SystemExit as ended:  # --help, or arguments that argparse has explained
        return int(ended.code or 0)
    with terminal() as screen, _logging(arguments.home):
        return _run(arguments, screen)


def _run(arguments: argparse.Namespace, screen: Terminal) -> int:
    try:
        code: int = arguments.run(arguments, screen)
        return code
    except KnownError as error:
        screen.note(f"{error}")
        return REFUSED
    except (GenerationCancelled, KeyboardInterrupt):
        screen.note("Stopped.")
        return STOPPED
    except BrokenPipeError:  # whoever read our output has seen enough
        screen.hang_up()
        return 0
    except Exception:  # noqa: BLE001 - the edge of the process: a bug keeps its traceback
        screen.note(traceback.format_exc())
        return 1


@contextmanager
def _logging(home: Path | None) -> Iterator[None]:
    """Log to the home's file while a command runs; without one where it cannot be written."""
    logs.set_up(Paths.find(home).log_file)
    root = logging.getLogger(logs.ROOT)
    try:
        yield
    finally:
        for handler in tuple(root.handlers):
            root.removeHandler(handler)
            handler.close()


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
