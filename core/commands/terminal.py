"""Results on stdout, words for a person on stderr, and nothing there that we did not say."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

_BAR = 24


class Terminal:
    """Two streams, either of which may be missing (pythonw has none).

    Args:
        out: For results.
        err: For everything else.
    """

    def __init__(self, out: TextIO | None, err: TextIO | None) -> None:
        self._out = out
        self._err = err
        self._bar = 0

    def print(self, text: str) -> None:
        """One line of the result."""
        self.clear()
        _write(self._out, f"{text}\n")

    def print_json(self, value: Any, indent: int | None = None) -> None:
        """One result as JSON."""
        self.print(json.dumps(value, indent=indent, default=str))

    def note(self, text: str) -> None:
        """Something the person should know; on stderr."""
        self.clear()
        self._write_err(f"{text.rstrip()}\n")

    def progress(self, fraction: float, words: str) -> None:
        """Redraw the progress bar, if there is a person to see it."""
        if self._err is None or not self._err.isatty():
            return
        done = round(_BAR * min(1.0, max(0.0, fraction)))
        line = f"[{'#' * done}{'.' * (_BAR - done)}] {words}"
        self._write_err(f"\r{line.ljust(self._bar)}")
        self._bar = len(line)

    def clear(self) -> None:
        """Wipe the progress bar."""
        if self._bar:
            self._write_err("\r" + " " * self._bar + "\r")
            self._bar = 0

    def _write_err(self, text: str) -> None:
        with suppress(OSError):  # a terminal that was closed must not cost the picture
            _write(self._err, text)

    def hang_up(self) -> None:
        """Write no more, also not when Python flushes at its end."""
        self._out = None
        with suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def terminal() -> Iterator[Terminal]:
    """The process's terminal, which the libraries underneath cannot write to meanwhile.

    libtiff, OpenMP and torch print to file descriptor 2 from C; only a descriptor of our own
    keeps that apart from what we say. With ``SFUMATO_DEBUG=1`` they may speak.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if not _is_real(sys.stderr) or os.environ.get("SFUMATO_DEBUG"):
        yield Terminal(sys.stdout, sys.stderr)
        return
    with _silenced() as err, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield Terminal(sys.stdout, err)


@contextmanager
def _silenced() -> Iterator[TextIO]:
    """A stream to what was stderr, while descriptor 2 leads nowhere."""
    sys.stderr.flush()
    own = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    encoding = sys.stderr.encoding
    try:
        with os.fdopen(
            own, "w", encoding=encoding, errors="backslashreplace", closefd=False
        ) as err:
            yield err
    finally:
        sys.stderr.flush()
        os.dup2(own, 2)
        os.close(own)


def _is_real(stream: TextIO | None) -> bool:
    """Whether the stream is the process's own stderr, not a test's or a notebook's."""
    try:
        return stream is not None and stream.fileno() == 2
    except (OSError, ValueError):
        return False


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:
        stream.write(text)
        stream.flush()
