"""What stands behind `make run` and `make test`: everything installed once, then the start.

    python3 tools/bootstrap.py run [arguments of main.py]
    python3 tools/bootstrap.py test [arguments of pytest]
    python3 tools/bootstrap.py dev | demo

Needs nothing but Python's own library, and says in one sentence what it cannot do. The packages
come from pyproject.toml, their versions from constraints.txt. A stamp in `.venv`, written last,
lets the next start skip all of it without touching the network.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
MAIN = ROOT / "main.py"
OLDEST, NEWEST = (3, 11), (3, 13)
DO_NOT_START = 2

# What Qt links to on Debian and Ubuntu, as found with ldd on a bare system: library -> package.
QT_LIBRARIES = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",  # brings a font as well; without one no text is seen
    "libxkbcommon.so.0": "libxkbcommon0",
    "libbrotlidec.so.1": "libbrotli1",
}
X11_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
# The journey test drives a real window with these: program -> package.
JOURNEY_PROGRAMS = {
    "Xvfb": "xvfb",
    "xauth": "xauth",
    "xdotool": "xdotool",
    "openbox": "openbox",
    "scrot": "scrot",
}
# Subcommands of main.py that need no display.
HEADLESS = (
    *("generate", "grid", "upscale", "doctor", "gallery", "demo"),
    *("--help", "-h", "--version"),
)
# Each process builds its own tiny models, so more than four would hardly be faster.
PARALLEL = ["-n", str(min(os.cpu_count() or 1, 4)), "--dist", "loadfile"]


class CannotStart(Exception):
    """The machine lacks something; `str(error)` is the sentence that says what to do."""


# ------------------------------------------------------------------------- Python and system


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> None:
    """Refuse a Python that PySide6 or torch have no build for.

    Raises:
        CannotStart: names the versions that work.
    """
    if not OLDEST <= tuple(version[:2]) <= NEWEST:
        found = ".".join(map(str, version))
        raise CannotStart(
            f"Sfumato needs Python 3.11, 3.12 or 3.13 and this is {found}: install one of them and "
            "start with it, as in `make run PYTHON=python3.12`."
        )


def is_debian() -> bool:
    """Whether packages are installed with apt here."""
    linux = sys.platform.startswith("linux")
    return bool(linux and shutil.which("dpkg") and shutil.which("apt-get"))


def has_display() -> bool:
    """Whether a window could be shown; only Linux can be without."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def missing_packages(verb: str) -> list[str]:
    """Debian packages that `verb` needs and that are not there."""
    libraries = dict(QT_LIBRARIES)
    programs = {}
    if verb == "test" or (verb == "run" and has_display()):
        libraries.update(X11_LIBRARIES)
    if verb == "test":
        programs = JOURNEY_PROGRAMS
    missing = [package for name, package in libraries.items() if not _loads(name)]
    missing += [package for name, package in programs.items() if not shutil.which(name)]
    if not _has_venv_module():
        missing.append(f"python3.{sys.version_info[1]}-venv")
    return missing


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _has_venv_module() -> bool:
    return all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))


def provide_system_packages(verb: str) -> None:
    """Install what `verb` lacks when we are root, else say how.

    Raises:
        CannotStart: with the exact command, or with what apt said.
    """
    if not is_debian():
        if not _has_venv_module():
            raise CannotStart("This Python lacks its `venv` module: install that and start again.")
        return
    missing = missing_packages(verb)
    if not missing:
        return
    install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0:
        raise CannotStart(
            f"Some system packages are missing; run `sudo {' '.join(install)}` and start again."
        )
    say(f"Installing system packages: {' '.join(missing)} …")
    _apt(install)


def _apt(install: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Package lists are fetched only when the ones at hand do not do.
    for command in (install, ["apt-get", "update"], install):
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode == 0 and command is install:
            return
    say(done.stdout + done.stderr)
    raise CannotStart(f"`{' '.join(install)}` failed; the reason is above.")


# ------------------------------------------------------------------------- packages


def requirements(which: str) -> list[str]:
    """The requirement lines of ``"run"``, ``"test"`` or ``"dev"``, torch first.

    Each includes the one before; pyproject.toml holds them all.
    """
    import tomllib  # not in the Pythons that check_python refuses

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lines = list(project["project"]["dependencies"])
    if which != "run":
        lines += _group(project["dependency-groups"], which)
    return sorted(lines, key=lambda line: not line.startswith("torch=="))


def _group(groups: dict[str, list[Any]], name: str) -> list[str]:
    lines: list[str] = []
    for entry in groups[name]:
        lines += _group(groups, entry["include-group"]) if isinstance(entry, dict) else [entry]
    return lines


def fingerprint(which: str) -> str:
    """Changes when anything changes that decides what gets installed."""
    parts = [*requirements(which), (ROOT / "constraints.txt").read_text(encoding="utf-8")]
    parts.append(f"{sys.version_info[0]}.{sys.version_info[1]}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def venv_python() -> Path:
    """The interpreter of `.venv`, there or not."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def stamp(which: str) -> Path:
    """The file that says that this set is installed; it holds the set's fingerprint."""
    return VENV / f"sfumato-{which}.stamp"


def is_installed(which: str) -> bool:
    """Whether `.venv` already holds this set, without asking pip."""
    try:
        return venv_python().exists() and stamp(which).read_text() == fingerprint(which)
    except OSError:
        return False


def install(which: str) -> None:
    """Make or reuse `.venv` and put the set into it.

    An interrupted run leaves no stamp, so the next one goes on where this one stopped.

    Raises:
        CannotStart: pip failed; what it said has been printed.
    """
    if is_installed(which):
        return
    begin = time.monotonic()
    _make_venv()
    if stamp("run").exists():
        say(f"Installing what `{which}` needs besides …")
    else:
        say("Installing torch, PySide6, diffusers and what they need (this once, a few minutes) …")
    command = [str(venv_python()), "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--no-input", "--progress-bar", "off", "-c", str(ROOT / "constraints.txt")]
    _run_pip(command + requirements(which))
    sets = ("run", "test", "dev")
    for included in sets[: sets.index(which) + 1]:
        stamp(included).write_text(fingerprint(included))
    say(f"Installed in {time.monotonic() - begin:.0f} s.")


def _make_venv() -> None:
    """Create `.venv`, finish a half-made one, or replace one of another Python."""
    arguments = []
    if VENV.exists() and _venv_version() != sys.version_info[:2]:
        arguments = ["--clear"]
    elif _has_pip():
        return
    say("Making .venv …")
    command = [sys.executable, "-m", "venv", *arguments, str(VENV)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        say(done.stdout + done.stderr)
        raise CannotStart(f"{VENV} could not be made; the reason is above.")


def _venv_version() -> tuple[int, ...]:
    try:
        lines = (VENV / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()
    for key, _, value in (line.partition("=") for line in lines):
        if key.strip() == "version":
            return tuple(int(part) for part in value.strip().split(".")[:2])
    return ()


def _has_pip() -> bool:
    if not venv_python().exists():
        return False
    command = [str(venv_python()), "-c", "import pip"]
    return subprocess.run(command, capture_output=True).returncode == 0


def _run_pip(command: list[str]) -> None:
    """Run pip, showing one line for each big download and everything only if it fails."""
    output = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            output.append(line)
            if line.startswith("Installing collected packages"):
                say("  unpacking …")
            elif line.lstrip().startswith("Downloading") and (" MB)" in line or " GB)" in line):
                say(f"  fetching {line.split()[1].rsplit('/', 1)[-1]} {line.split('(')[-1]}"[:-2])
    if pip.returncode != 0:
        say("".join(output[-40:]))
        raise CannotStart("pip failed; the reason is above. Start again: what it fetched is kept.")


# ------------------------------------------------------------------------- verbs


def start(arguments: list[str], **environment: str) -> int:
    """Run `.venv`'s Python and hand on its exit code."""
    sys.stdout.flush()
    command = [str(venv_python()), *arguments]
    environ = {**os.environ, **environment}
    if os.name != "nt":
        os.execve(command[0], command, environ)  # Ctrl+C and the exit code are the program's own
    return subprocess.call(command, env=environ)


def run(arguments: list[str]) -> int:
    """Open the window; without a display, show offscreen what it would look like."""
    if has_display() or any(argument in HEADLESS for argument in arguments):
        return start([str(MAIN), *arguments])
    say("There is no display here, so the same window plays the demo offscreen into out/.")
    return demo(["--output", "out"])


def demo(arguments: list[str]) -> int:
    """Play the story of the README in the real window, with screenshots."""
    headless = {} if has_display() else {"QT_QPA_PLATFORM": "offscreen"}
    return start([str(MAIN), "demo", *(arguments or ["--output", "out"])], **headless)


def test(arguments: list[str]) -> int:
    """Run the tests: those that were asked for, or all of them in as many processes as pay."""
    os.chdir(ROOT)  # where pyproject.toml says what pytest shall do
    return start(["-m", "pytest", *(arguments or PARALLEL)])


def dev(arguments: list[str]) -> int:
    """Only install; `arguments`, if any, are run with `.venv`'s Python."""
    return start(arguments) if arguments else 0


VERBS = {"run": run, "test": test, "dev": dev, "demo": demo}


def say(line: str) -> None:
    """One line to the person who waits."""
    print(line, flush=True)


def main(arguments: list[str]) -> int:
    """Carry out one verb; 2 means that it could not start."""
    if not arguments or arguments[0] not in VERBS:
        say((__doc__ or "").strip())
        return DO_NOT_START
    verb, *rest = arguments
    try:
        check_python()
        provide_system_packages(verb)
        install("run" if verb == "demo" else verb)
    except CannotStart as error:
        print(error, file=sys.stderr)
        return DO_NOT_START
    except KeyboardInterrupt:
        print("Stopped; the next start goes on from here.", file=sys.stderr)
        return 130
    return VERBS[verb](rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
