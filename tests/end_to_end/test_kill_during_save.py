"""kill -9 at any moment leaves no torn file, no row without a picture, no picture without a row."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL"),
]

# One process that imports once and then forks its victims: a kill costs milliseconds, not the
# half second of a new interpreter. After each kill another fork looks at what is there.
BEGINNING = """
import json, os, random, signal, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from core.settings import Paths
from tests.helpers.killed import keep_and_die, keep_for_ever, verify

paths = Paths.find(Path(sys.argv[2]))

def fork(work, *arguments):
    process = os.fork()
    if process == 0:
        os._exit(work(*arguments) or 0)
    return process

def inspect(number):
    code = os.waitpid(fork(verify, paths, number), 0)[1]
    if code != 0:
        sys.exit(f"that was after kill {number}")
"""

AT_RANDOM_TIMES = """
dice = random.Random(20261123)
for number in range(25):
    reading, writing = os.pipe()
    victim = fork(keep_for_ever, paths, number, writing)
    # By its own progress, so that a slow machine is killed at the same places as a fast one.
    for _ in range(dice.randrange(6)):
        os.read(reading, 1)
    time.sleep(dice.uniform(0.0, 0.03))
    os.kill(victim, signal.SIGKILL)
    os.waitpid(victim, 0)
    os.close(reading)
    os.close(writing)
    inspect(number)
print(json.dumps({"kills": number + 1}))
"""

BEFORE_EVERY_LINE = """
number, code = 0, signal.SIGKILL
while code == signal.SIGKILL:
    number += 1
    code = os.waitpid(fork(keep_and_die, paths, number, number), 0)[1]
    inspect(number)
print(json.dumps({"kills": number - 1, "code": code}))
"""


def run(program: str, home: Path) -> dict[str, Any]:
    command = [sys.executable, "-c", BEGINNING + program, str(ROOT), str(home)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_kills_at_random_moments_leave_only_whole_pictures(tmp_path: Path) -> None:
    assert run(AT_RANDOM_TIMES, tmp_path / "home") == {"kills": 25}
    pictures = list((tmp_path / "home" / "pictures").glob("*/*.png"))
    assert len(pictures) > 25, "the victims were killed before they kept anything"


def test_a_kill_before_any_line_leaves_only_whole_pictures(tmp_path: Path) -> None:
    report = run(BEFORE_EVERY_LINE, tmp_path / "home")
    assert report["code"] == 0
    assert report["kills"] > 60
