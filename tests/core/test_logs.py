"""Lines go to memory and to a file; a file that cannot be written costs nothing but itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import logs


@pytest.fixture(autouse=True)
def root() -> Iterator[logging.Logger]:
    """The `sfumato` logger, given back as it was."""
    logger = logging.getLogger(logs.ROOT)
    handlers, level = list(logger.handlers), logger.level
    yield logger
    for handler in set(logger.handlers) - set(handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(level)


def test_a_room_s_line_reaches_memory_and_file(tmp_path: Path) -> None:
    file = tmp_path / "state" / "sfumato.log"
    recent = logs.set_up(file)
    logs.logger("gallery").info("kept %s", "a1b2")
    assert recent.lines[-1].endswith("INFO    sfumato.gallery: kept a1b2")
    assert file.read_text(encoding="utf-8").splitlines() == list(recent.lines)


def test_memory_keeps_the_newest_lines() -> None:
    recent = logs.LastLines(capacity=3)
    logger = logs.logger("canvas")
    logger.setLevel(logging.INFO)
    logger.addHandler(recent)
    for number in range(5):
        logger.info("line %d", number)
    logger.removeHandler(recent)
    assert [line[-1] for line in recent.lines] == ["2", "3", "4"]


def test_what_lies_below_the_level_is_left_out() -> None:
    recent = logs.set_up(level=logging.INFO)
    logs.logger("engine").debug("too fine")
    assert not recent.lines


def test_a_file_that_cannot_be_written_is_said_and_passed_over(tmp_path: Path) -> None:
    in_the_way = tmp_path / "state"
    in_the_way.write_text("a file where a folder should be")
    recent = logs.set_up(in_the_way / "sfumato.log")
    logs.logger("engine").info("still here")
    assert "no log file" in recent.lines[0]
    assert recent.lines[-1].endswith("still here")


def test_the_file_is_rotated_before_it_grows_too_long(tmp_path: Path) -> None:
    file = tmp_path / "sfumato.log"
    logs.set_up(file)
    logger = logs.logger("engine")
    for _ in range(25):
        logger.info("x" * 99_900)
    assert file.stat().st_size <= 1_000_000
    assert sorted(f.name for f in tmp_path.iterdir()) == [
        "sfumato.log",
        "sfumato.log.1",
        "sfumato.log.2",
    ]


def test_a_name_that_is_no_utf_8_reaches_the_file(
    tmp_path: Path, root: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(root, "propagate", False)  # pytest's own report cannot hold such a name
    file = tmp_path / "sfumato.log"
    logs.set_up(file)
    logs.logger("canvas").info("left out %s", "brush\udcff.json")
    assert file.read_text(encoding="utf-8").endswith("left out brush\\udcff.json\n")
