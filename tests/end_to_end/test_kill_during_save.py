"""kill -9 at any moment leaves no torn file, no row without a picture, no picture without a row."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KILLS = 60

# One process that imports once and then forks the victims: a kill costs milliseconds, not the
# half second of a new interpreter. After each kill another fork looks at what is there.
PROGRAM = """
import json, os, random, signal, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from core.settings import Paths
from tests.helpers.killed import keep_for_ever, verify

paths = Paths.find(Path(sys.argv[2]))
dice = random.Random(int(sys.argv[3]))
for number in range(int(sys.argv[4])):
    reading, writing = os.pipe()
    victim = os.fork()
    if victim == 0:
        keep_for_ever(paths, number, writing)
    # By its own progress, so that a slow machine is killed at the same places as a fast one.
    for _ in range(dice.randrange(8)):
        os.read(reading, 1)
    time.sleep(dice.uniform(0.0, 0.03))
    os.kill(victim, signal.SIGKILL)
    os.waitpid(victim, 0)
    os.close(reading)
    os.close(writing)
    inspector = os.fork()
    if inspector == 0:
        os._exit(verify(paths, number))
    code = os.waitstatus_to_exitcode(os.waitpid(inspector, 0)[1])
    if code != 0:
        sys.exit(f"after kill {number}: see above")
print(json.dumps({"kills": number + 1}))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_kills_at_random_moments_leave_only_whole_pictures(tmp_path: Path) -> None:
    arguments = [str(ROOT), str(tmp_path / "home"), "20261123", str(KILLS)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kills"] == KILLS
    pictures = list((tmp_path / "home" / "pictures").glob("*/*.png"))
    assert len(pictures) > KILLS, "the victims were killed before they kept anything"
