"""The tiny model zoo: random-weight checkpoints of each family, built when first asked for."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _cache() -> Path:
    """A folder in the temporary directory that changes with the zoo's source and the versions."""
    sources = [*sorted((ROOT / "tools" / "tiny_zoo").rglob("*.py")), ROOT / "constraints.txt"]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    return Path(tempfile.gettempdir()) / f"sfumato-zoo-{digest[:16]}"


@pytest.fixture(scope="session")
def zoo() -> Callable[[str], Path]:
    """``zoo(name)``: the folder of the tiny checkpoint `name`, shared by all tests.

    Copy it before changing anything in it.
    """

    def checkpoint(name: str) -> Path:
        folder = _cache() / name
        if not folder.exists():
            _build(name, _cache())
        return folder

    return checkpoint


def _build(name: str, cache: Path) -> None:
    """Build aside and move into place, so that a run that was killed leaves no half model."""
    from tools.tiny_zoo import build

    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as aside:
        logging.disable(logging.WARNING)  # what is said of tiny vocabularies is not the test's
        try:
            build(Path(aside), {name})
        finally:
            logging.disable(logging.NOTSET)
        for built in Path(aside).iterdir():
            with contextlib.suppress(OSError):  # there already: another run was faster
                built.rename(cache / built.name)
