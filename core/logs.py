"""Named loggers under `sfumato`, a rotating file, and the last lines in memory for a report."""

from __future__ import annotations

import logging
from collections import deque
from pathlib import Path

ROOT = "sfumato"
_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def logger(room: str) -> logging.Logger:
    """The logger of one room, such as ``logger("gallery")``.

    Prompts and file contents never go into a log line; ids, sizes and names do.
    """
    return logging.getLogger(f"{ROOT}.{room}")


class LastLines(logging.Handler):
    """Keeps the last `capacity` formatted lines in memory."""

    def __init__(self, capacity: int = 500) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=capacity)
        self.setFormatter(logging.Formatter(_FORMAT))

    def emit(self, record: logging.LogRecord) -> None:
        """Remember one line."""
        self.lines.append(self.format(record))


def set_up(file: Path | None = None, level: int = logging.INFO) -> LastLines:
    """Send every `sfumato` line to memory and, when given, to `file` (3 × 1 MB kept).

    A folder that cannot be written costs the log file, never the start of the program.
    """
    root = logging.getLogger(ROOT)
    root.setLevel(level)
    recent = LastLines()
    root.addHandler(recent)
    if file is not None:
        _add_file(root, file)
    return recent


def _add_file(root: logging.Logger, file: Path) -> None:
    from logging.handlers import RotatingFileHandler  # sockets come with it: not before the window

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            file, maxBytes=1_000_000, backupCount=2, encoding="utf-8",
            errors="backslashreplace",  # names of files may hold bytes that are no UTF-8
        )  # fmt: skip
    except OSError as error:
        root.info("no log file: %s", error)
        return
    handler.setFormatter(logging.Formatter(_FORMAT))
    root.addHandler(handler)
