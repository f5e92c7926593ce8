"""Each guard is shown a fault that it has to find, in a pytest of its own."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[1]
HAS_QT = importlib.util.find_spec("PySide6") is not None

LEAKED_QTHREAD = """
    from PySide6.QtCore import QThread
    kept = []
    def test_fault():
        kept.append(QThread())
        kept[0].start()
    def test_after():
        kept[0].wait()
"""
LEAKED_TIMER = """
    from PySide6.QtCore import QTimer
    kept = []
    def test_fault(qapp):
        kept.append(QTimer())
        kept[0].start(1000)
"""
TIMER_STARTED_BY_SIGNAL = """
    from PySide6.QtCore import QTimer
    def test_fault(qapp):
        first, second = QTimer(qapp, interval=0), QTimer(qapp, interval=1000)
        first.setSingleShot(True)
        first.timeout.connect(second.start)
        first.start()
        while not second.isActive():
            qapp.processEvents()
"""
QT_WARNING_WITHOUT_QTBOT = """
    from PySide6.QtCore import qWarning
    def test_fault():
        qWarning("the planted warning")
"""
QT_WARNING_AT_TEARDOWN = """
    import pytest
    from PySide6.QtCore import qWarning
    @pytest.fixture
    def fixture():
        yield
        qWarning("the planted warning")
    def test_fault(fixture):
        pass
"""
EXCEPTION_IN_SLOT = """
    from PySide6.QtCore import QTimer
    def test_fault(qtbot):
        def slot():
            raise RuntimeError("the planted error")
        QTimer.singleShot(0, slot)
        qtbot.wait(20)
"""
LEAKED_THREAD = """
    import threading
    gate = threading.Event()
    def test_fault():
        threading.Thread(target=gate.wait, name="planted").start()
    def test_after():
        gate.set()
"""
LOG_WARNING = """
    import logging
    def test_fault():
        logging.getLogger("sfumato.gallery").warning("the planted line")
"""
LOG_THAT_DOES_NOT_PROPAGATE = """
    import logging
    def test_fault():
        log = logging.getLogger("diffusers.planted")
        log.propagate = False
        log.error("the planted line")
"""
EXPECTED_LOG_MISSING = """
    def test_fault(expected_log):
        expected_log("never said")
"""
PYTHON_WARNING = """
    import warnings
    def test_fault():
        warnings.warn("the planted warning", DeprecationWarning)
"""
CONNECTION = """
    import socket
    def test_fault():
        try:
            socket.create_connection(("192.0.2.1", 80), timeout=1)
        except Exception:
            pass
"""
LOOK_UP = """
    import socket
    def test_fault():
        socket.getaddrinfo("example.invalid", 443)
"""
UNKNOWN_MARKER = """
    import pytest
    @pytest.mark.sloow
    def test_fault():
        pass
"""
NO_FAULT = """
    import logging, socket, threading
    def test_nothing_wrong(expected_log, home):
        expected_log("as .* said")
        logging.getLogger("sfumato").warning("as was said")
        ours, theirs = socket.socketpair()
        server = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(server.getsockname())
        for each in (ours, theirs, server, client):
            each.close()
        threading.Thread(target=home.exists).start()
"""

# Name of the planted fault -> its source and what the report has to say about it.
QT_FAULTS = {
    "leaked_qthread": (LEAKED_QTHREAD, r"QThread.* started at\n.*kept\[0\]"),
    "leaked_timer": (LEAKED_TIMER, r"QTimer.* started at\n.*kept\[0\]"),
    "timer_started_by_signal": (TIMER_STARTED_BY_SIGNAL, "QTimer.* a child of"),
    "qt_warning_without_qtbot": (QT_WARNING_WITHOUT_QTBOT, "the planted warning"),
    "qt_warning_at_teardown": (QT_WARNING_AT_TEARDOWN, "the planted warning"),
    "exception_in_slot": (EXCEPTION_IN_SLOT, "the planted error"),
}
FAULTS = {
    **(QT_FAULTS if HAS_QT else {}),
    "leaked_thread": (LEAKED_THREAD, "leaked threads:\nplanted is at"),
    "log_warning": (LOG_WARNING, "WARNING from sfumato.gallery .*the planted line"),
    "log_apart": (LOG_THAT_DOES_NOT_PROPAGATE, "ERROR from diffusers.planted .*the planted line"),
    "expected_log_missing": (EXPECTED_LOG_MISSING, "expected and not logged: 'never said'"),
    "python_warning": (PYTHON_WARNING, "DeprecationWarning: the planted warning"),
    "connection": (CONNECTION, "tried to reach 192.0.2.1"),
    "look_up": (LOOK_UP, "tried to reach example.invalid"),
    "unknown_marker": (UNKNOWN_MARKER, "'sloow' not found in `markers`"),
}


def run_planted(folder: Path, **sources: str) -> dict[str, str]:
    """Run each source as a test file under this project's conftest; what each was blamed for."""
    for name, source in sources.items():
        file = folder / f"test_{name}.py"
        file.write_text(textwrap.dedent(source), encoding="utf-8")
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    command += ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), str(folder)]
    command += ["--continue-on-collection-errors", f"--junitxml={report}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert report.exists(), done.stdout + done.stderr
    cases = list(ElementTree.parse(report).iter("testcase"))
    assert len(cases) >= len(sources), done.stdout
    return {name: _blame(cases, f"test_{name}") for name in sources}


def _blame(cases: list[ElementTree.Element], module: str) -> str:
    return "".join(
        "".join(case.itertext())
        for case in cases
        if module in f"{case.get('classname')}.{case.get('name')}".split(".")
        and (case.find("error") is not None or case.find("failure") is not None)
    )


@pytest.fixture(scope="module")
def blamed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every planted fault in one run."""
    sources = {name: source for name, (source, _) in FAULTS.items()}
    return run_planted(tmp_path_factory.mktemp("planted"), **sources)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(blamed: dict[str, str], name: str) -> None:
    complaint = FAULTS[name][1]
    assert re.search(complaint, blamed[name], re.DOTALL), blamed[name] or "nothing was found"


def test_a_good_test_passes(tmp_path: Path) -> None:
    assert run_planted(tmp_path, good=NO_FAULT) == {"good": ""}
