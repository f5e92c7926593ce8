"""Every test runs offscreen and offline, in a home of its own, watched for leaks and warnings."""

from __future__ import annotations

import gc
import importlib.util
import os
import tempfile
from pathlib import Path

import pytest

HAS_QT = all(importlib.util.find_spec(name) for name in ("PySide6", "pytestqt"))

# Before anything imports Qt or torch. One thread: the machine is shared, and sums of floats must
# not depend on how many cores it has.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.update(
    HF_HUB_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    HF_HOME=str(Path(tempfile.gettempdir()) / "sfumato-tests-no-hub"),
    OMP_NUM_THREADS="1",
    OMP_WAIT_POLICY="PASSIVE",
    TOKENIZERS_PARALLELISM="false",
)

pytest_plugins = [
    "tests.helpers.guard_logs",
    "tests.helpers.guard_threads",
    "tests.helpers.guard_network",
    "tests.helpers.zoo",
    *(["tests.helpers.guard_qt"] if HAS_QT else []),
]


def pytest_configure(config: pytest.Config) -> None:
    """Collect cycles in this thread only, as the window does (`gui.garbage`).

    Python's collector runs in whichever thread allocates; in an inference thread it destroyed Qt
    objects that earlier tests had left in cycles, and the process with them.
    """
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish(nodeid: str) -> None:
    """Between two tests, collect what the collector's own thresholds ask for."""
    for generation, (count, most) in enumerate(
        zip(gc.get_count(), gc.get_threshold(), strict=True)
    ):
        if count <= most:
            return
        gc.collect(generation)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where there is no pytest-qt, its lines in pyproject.toml are read and not used."""
    if not HAS_QT:
        parser.addini("qt_api", "of pytest-qt")
        parser.addini("qt_log_level_fail", "of pytest-qt")
        parser.addini("qt_log_ignore", "of pytest-qt", type="linelist")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder below which this test's settings, gallery and pictures lie; not made yet."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SFUMATO_HOME", str(folder))
    return folder
