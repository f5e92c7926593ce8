"""Fails a test in which any logger, ours or not, said WARNING or worse without being expected."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator

import pytest

# What libraries say and nobody here can mend, each with the reason why it stands.
NOISE = {
    r"requires torchvision \(not installed\)": "Sfumato does without torchvision, on purpose",
}


class LogWatch:
    """Collects records of WARNING and above while a test runs.

    It listens where records are handed out, since transformers and diffusers keep theirs from
    the root logger.
    """

    def __init__(self) -> None:
        self.records: list[logging.LogRecord] = []
        self.expected: list[str] = []

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Listen until `monkeypatch` is undone."""
        hand_out = logging.Logger.callHandlers

        def listen(logger: logging.Logger, record: logging.LogRecord) -> None:
            if record.levelno >= logging.WARNING:
                self.records.append(record)
            hand_out(logger, record)

        monkeypatch.setattr(logging.Logger, "callHandlers", listen)

    def complaints(self) -> list[str]:
        """What was said and not expected, and what was expected and not said."""
        said = [(record, record.getMessage()) for record in self.records]
        unexpected = [
            f"{record.levelname} from {record.name} ({record.pathname}:{record.lineno}): {message}"
            for record, message in said
            if not any(re.search(pattern, message) for pattern in (*self.expected, *NOISE))
        ]
        missing = [
            f"expected and not logged: {pattern!r}"
            for pattern in self.expected
            if not any(re.search(pattern, message) for _, message in said)
        ]
        return unexpected + missing


@pytest.fixture(autouse=True)
def _log_watch() -> Iterator[LogWatch]:
    watch = LogWatch()
    with pytest.MonkeyPatch.context() as monkeypatch:
        watch.watch(monkeypatch)
        yield watch
    if complaints := watch.complaints():
        pytest.fail("unexpected log:\n" + "\n".join(complaints), pytrace=False)


@pytest.fixture
def expected_log(_log_watch: LogWatch) -> Callable[[str], None]:
    """``expected_log(pattern)``: a record that matches must come in this test, and may."""
    return _log_watch.expected.append
