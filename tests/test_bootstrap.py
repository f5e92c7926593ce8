"""The script behind `make run`, in a small project of its own with a pip that only takes notes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tools import bootstrap

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are POSIX scripts")

PROJECT = """
[project]
dependencies = ["PySide6>=6", "torch==2.13.0", "old; python_version < '3'"]
[dependency-groups]
test = ["pytest"]
dev = [{ include-group = "test" }, "ruff"]
"""
MAIN = """
import os, sys
print("main.py", *sys.argv[1:], os.environ.get("QT_QPA_PLATFORM", "-"))
sys.exit(7)
"""
PIP = """
import os, sys
from pathlib import Path
print("Collecting everything")
if os.environ.get("PIP_FAILS"):
    sys.exit("the disk is full")
with Path(os.environ["NOTES"]).open("a") as notes:
    print(*sys.argv[1:], file=notes)
"""


class Project:
    """A copy of the script with a project around it, and a PATH on which nothing is real."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.notes = folder, folder / "notes.txt"
        (folder / "tools").mkdir(parents=True)
        shutil.copy(ROOT / "tools" / "bootstrap.py", folder / "tools")
        (folder / "pyproject.toml").write_text(PROJECT)
        (folder / "constraints.txt").write_text("torch==2.13.0\n")
        (folder / "main.py").write_text(MAIN)
        (folder / "bin").mkdir()

    @property
    def site_packages(self) -> Path:
        """Where pip would put things."""
        return next((self.folder / ".venv").glob("lib/python*/site-packages"))

    def make_venv(self) -> None:
        """A `.venv` whose pip takes notes, and a pytest that says what it was asked."""
        venv.create(self.folder / ".venv", symlinks=True)
        for name, source in (("pip", PIP), ("pytest", MAIN)):
            (self.site_packages / name).mkdir()
            (self.site_packages / name / "__init__.py").write_text("")
            (self.site_packages / name / "__main__.py").write_text(source)

    def start(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script with a display, unless `environment` says otherwise."""
        given = {"PATH": str(self.folder / "bin"), "NOTES": str(self.notes), "DISPLAY": ":99"}
        script = str(self.folder / "tools" / "bootstrap.py")
        return subprocess.run(
            [sys.executable, script, *arguments],
            env={**given, **environment},
            capture_output=True,
            text=True,
            timeout=100,
        )

    def pip_calls(self) -> list[str]:
        """What pip was asked, and forget it."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        self.notes.unlink(missing_ok=True)
        return lines


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "a project")
    made.make_venv()
    return made


def test_torch_is_asked_for_first_and_exactly(project: Project) -> None:
    done = project.start("run", "picture.png")
    (call,) = project.pip_calls()
    constraints = project.folder / "constraints.txt"
    assert call.startswith("install ")
    assert f"-c {constraints} torch==2.13.0 PySide6>=6 old; python_version < '3'" in call
    assert done.stdout.splitlines()[-1] == "main.py picture.png -"
    assert done.returncode == 7


def test_the_second_start_does_not_ask_pip(project: Project) -> None:
    project.start("run")
    project.pip_calls()
    done = project.start("run")
    assert project.pip_calls() == []
    assert done.stdout == "main.py -\n"


def test_a_larger_set_includes_the_smaller_ones(project: Project) -> None:
    project.start("dev")
    (call,) = project.pip_calls()
    assert call.endswith("pytest ruff")
    for verb in ("run", "test", "demo", "dev"):
        project.start(verb)
    assert project.pip_calls() == []


def test_run_installs_no_developer_packages(project: Project) -> None:
    project.start("run")
    (call,) = project.pip_calls()
    assert not {"pytest", "ruff"} & set(call.split())


@pytest.mark.parametrize("file", ["pyproject.toml", "constraints.txt"])
def test_a_changed_requirement_is_installed(project: Project, file: str) -> None:
    project.start("run")
    project.pip_calls()
    path = project.folder / file
    path.write_text(path.read_text().replace("2.13.0", "2.13.1"))
    project.start("run")
    assert len(project.pip_calls()) == 1


def test_after_a_failed_install_the_next_start_goes_on(project: Project) -> None:
    failed = project.start("run", PIP_FAILS="1")
    assert failed.returncode == 2
    assert "the disk is full" in failed.stdout
    assert failed.stderr.startswith("pip failed; the reason is above.")
    assert "main.py" not in failed.stdout
    assert project.start("run").returncode == 7
    assert len(project.pip_calls()) == 1


def test_pip_is_quiet_when_it_succeeds(project: Project) -> None:
    assert "Collecting" not in project.start("run").stdout


def test_a_half_made_environment_is_finished(project: Project) -> None:
    shutil.rmtree(project.site_packages / "pip")
    done = project.start("dev", PIP_NO_INDEX="1")  # Python brings the real pip; it may not call out
    assert "Making .venv" in done.stdout
    assert done.returncode == 2
    assert (project.site_packages / "pip" / "__main__.py").exists()


@pytest.mark.parametrize(
    ("version", "options"), [("2.7.18", ["--clear"]), (sys.version.split()[0], [])]
)
def test_an_environment_of_another_python_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, options: list[str]
) -> None:
    (tmp_path / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = {version}\n")
    commands: list[list[str]] = []

    def note(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    monkeypatch.setattr(bootstrap.subprocess, "run", note)
    bootstrap._make_venv()
    assert commands == [[sys.executable, "-m", "venv", *options, str(tmp_path)]]


def test_without_a_display_the_demo_is_played_offscreen(project: Project) -> None:
    project.start("run")
    done = project.start("run", DISPLAY="")
    sentence, started = done.stdout.splitlines()
    assert sentence.startswith("There is no display here")
    assert started == "main.py demo --output out offscreen"
    assert done.returncode == 7


@pytest.mark.parametrize("subcommand", ["generate", "grid", "upscale", "doctor", "gallery", "demo"])
def test_headless_subcommands_need_no_display(project: Project, subcommand: str) -> None:
    project.start("run")
    done = project.start("run", subcommand, "--json", DISPLAY="")
    assert done.stdout == f"main.py {subcommand} --json -\n"


def test_test_runs_pytest_with_what_it_was_given(project: Project) -> None:
    done = project.start("test", "-k", "mask and not slow")
    assert done.stdout.splitlines()[-1] == "main.py -k mask and not slow -"
    assert done.returncode == 7


def test_all_tests_run_in_several_processes(project: Project) -> None:
    done = project.start("test")
    said = done.stdout.splitlines()[-1].split()
    assert said[:2] == ["main.py", "-n"]
    assert 1 <= int(said[2]) <= 4


@pytest.mark.parametrize("arguments", [[], ["walk"]])
def test_an_unknown_verb_is_answered_with_the_known_ones(
    project: Project, arguments: list[str]
) -> None:
    done = project.start(*arguments)
    assert done.returncode == 2
    assert "bootstrap.py run" in done.stdout


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 14, 0), (2, 7, 18)])
def test_a_python_that_will_not_do_is_named(version: tuple[int, ...]) -> None:
    with pytest.raises(bootstrap.CannotStart, match=r"needs Python 3\.11, 3\.12 or 3\.13 and this"):
        bootstrap.check_python(version)


@pytest.mark.parametrize("version", [(3, 11, 2), (3, 12, 0), (3, 13, 9)])
def test_a_python_that_will_do_is_taken(version: tuple[int, ...]) -> None:
    bootstrap.check_python(version)


class Debian:
    """A Debian on which some things are missing, and which notes the commands it is given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, user: int, fails: int = 0) -> None:
        self.commands: list[list[str]] = []
        self.absent = {"libEGL.so.1", "libxcb-cursor.so.0"}
        self.fails = fails
        monkeypatch.setattr(bootstrap, "is_debian", lambda: True)
        monkeypatch.setattr(bootstrap, "_loads", lambda library: library not in self.absent)
        monkeypatch.setattr(bootstrap.shutil, "which", lambda name: name != "openbox")
        monkeypatch.setattr(bootstrap.subprocess, "run", self.run)
        monkeypatch.setattr(os, "geteuid", lambda: user)
        monkeypatch.setenv("DISPLAY", ":0")

    def run(self, command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        """Note it, and fail as often as was asked."""
        self.commands.append(command)
        self.fails -= command[1] == "install"
        return subprocess.CompletedProcess(command, int(self.fails >= 0), "E: no such package", "")


INSTALL = ["apt-get", "install", "-y", "--no-install-recommends"]


@pytest.mark.parametrize(
    ("verb", "packages"),
    [
        ("demo", ["libegl1"]),
        ("run", ["libegl1", "libxcb-cursor0"]),
        ("test", ["libegl1", "libxcb-cursor0", "openbox"]),
    ],
)
def test_root_gets_what_the_verb_needs(
    monkeypatch: pytest.MonkeyPatch, verb: str, packages: list[str]
) -> None:
    debian = Debian(monkeypatch, user=0)
    bootstrap.provide_system_packages(verb)
    assert debian.commands == [[*INSTALL, *packages]]


def test_without_a_display_run_needs_no_x11(monkeypatch: pytest.MonkeyPatch) -> None:
    debian = Debian(monkeypatch, user=0)
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    bootstrap.provide_system_packages("run")
    assert debian.commands == [[*INSTALL, "libegl1"]]


def test_package_lists_are_fetched_only_when_the_old_ones_do_not_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    debian = Debian(monkeypatch, user=0, fails=1)
    bootstrap.provide_system_packages("demo")
    assert [command[1] for command in debian.commands] == ["install", "update", "install"]


def test_what_apt_says_is_shown_when_it_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Debian(monkeypatch, user=0, fails=2)
    with pytest.raises(bootstrap.CannotStart, match="libegl1` failed; the reason is above"):
        bootstrap.provide_system_packages("demo")
    assert "E: no such package" in capsys.readouterr().out


def test_others_are_told_the_exact_command(monkeypatch: pytest.MonkeyPatch) -> None:
    debian = Debian(monkeypatch, user=1000)
    with pytest.raises(bootstrap.CannotStart) as refusal:
        bootstrap.provide_system_packages("run")
    command = "sudo apt-get install -y --no-install-recommends libegl1 libxcb-cursor0"
    assert f"`{command}`" in str(refusal.value)
    assert debian.commands == []


def test_a_missing_venv_module_is_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    Debian(monkeypatch, user=1000).absent.clear()
    monkeypatch.setattr(bootstrap, "_has_venv_module", lambda: False)
    with pytest.raises(bootstrap.CannotStart, match=r"recommends python3\.\d+-venv`"):
        bootstrap.provide_system_packages("run")


def test_nothing_missing_means_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    debian = Debian(monkeypatch, user=0)
    debian.absent.clear()
    bootstrap.provide_system_packages("run")
    assert debian.commands == []


def test_constraints_pin_each_requirement_by_version_alone() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert pins["torch"] == "2.13.0"
    for line in bootstrap.requirements("dev"):
        name = re.match(r"[\w-]+", line)[0].lower()
        assert name in pins, f"{name} is not pinned"
    assert not [value for value in pins.values() if set(value) & set("+/:@ ")]
