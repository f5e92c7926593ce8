"""Start Sfumato: the window by default, or one of the commands that need none.

python main.py [PICTURE ...]            open the window
python main.py generate "a red apple"   make a picture without one; see --help
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path

HEADLESS = ("generate", "grid", "upscale", "doctor", "gallery")

# Nothing is fetched, reported or executed that the person did not ask for; and threads that wait
# for others sleep, since busy waiting stalls everything else on a small machine.
LOCAL = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DIFFUSERS_DISABLE_REMOTE_CODE": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
}


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for; returns the exit code."""
    for name, value in LOCAL.items():
        os.environ.setdefault(name, value)
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    options.add_argument("--home", type=Path)
    home, rest = options.parse_known_args(arguments)
    word = rest[0] if rest else ""
    if word in HEADLESS or word.startswith("-"):
        from core.commands import run as run_command

        return run_command(arguments)
    gc.disable()  # until gui.garbage collects in the window's thread: the start is a tenth faster
    if word == "demo":
        from gui.demo import run as run_demo

        return run_demo(rest[1:], home.home)
    from gui.app import run as run_window

    return run_window([Path(name) for name in rest], home.home)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:  # before a command could catch it itself
        sys.exit(130)
