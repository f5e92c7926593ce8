"""Proves that core needs no Qt: imports every room but the engine where PySide6 does not exist.

    .venv/bin/python tools/without_qt.py            # rooms, and `main.py doctor` as a real command
    .venv/bin/python tools/without_qt.py --tests    # their tests as well

The place is a virtual environment of links to the packages of the one this runs in, without
PySide6 and what builds on it: made in a blink, and an import of Qt fails there as it would on a
server.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
QT = ("pyside6", "shiboken6", "pytestqt", "pytest_qt", "qasync")
WITH_QT = ("core.engine",)

IMPORT_ROOMS = """
import importlib, sys
for room in sys.argv[1:]:
    importlib.import_module(room)
early = {"torch", "diffusers", "transformers"} & set(sys.modules)
sys.exit(f"imported too early: {sorted(early)}" if early else 0)
"""


def rooms() -> list[str]:
    """Dotted names of every module in core that has to work without Qt."""
    files = sorted((ROOT / "core").rglob("*.py"))
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    modules = [name.removesuffix(".__init__") for name in names]
    return [m for m in modules if not any(f"{m}.".startswith(f"{qt}.") for qt in WITH_QT)]


def make_place(folder: Path) -> Path:
    """A virtual environment without Qt in `folder`; its interpreter."""
    venv.create(folder, with_pip=False, symlinks=True)
    here = Path(sysconfig.get_path("purelib"))
    there = next(folder.glob("lib/python*/site-packages"))
    for package in here.iterdir():
        if not package.name.lower().startswith(QT):
            (there / package.name).symlink_to(package)
    return folder / "bin" / "python"


def has_qt(python: Path) -> bool:
    """Whether the interpreter still finds PySide6."""
    command = [str(python), "-c", "import PySide6"]
    return subprocess.run(command, capture_output=True).returncode == 0


def check(python: Path, *arguments: str) -> None:
    """Run the interpreter in the project; end this program if that fails."""
    done = subprocess.run([str(python), *arguments], cwd=ROOT)
    if done.returncode != 0:
        what = " ".join(arguments[-2:])
        sys.exit(f"without Qt this failed: python … {what}")


def main() -> None:
    """Make the place, make sure Qt is not there, and try."""
    with tempfile.TemporaryDirectory(prefix="sfumato-without-qt-") as folder:
        python = make_place(Path(folder))
        if (
            subprocess.run([str(python), "-c", "import PySide6"], capture_output=True).returncode
            == 0
        ):
            sys.exit("PySide6 can still be imported; this check would prove nothing")
        check(python, "-c", IMPORT_ROOMS, *rooms())
        check(python, "main.py", "doctor", "--home", f"{folder}/home")
        if "--tests" in sys.argv[1:]:
            ignored = [f"--ignore=tests/core/test_{name.split('.')[1]}.py" for name in WITH_QT]
            check(python, "-m", "pytest", "-q", "tests/core", "-m", "not slow", *ignored)
    print(f"{len(rooms())} modules of core work without Qt")


if __name__ == "__main__":
    main()
