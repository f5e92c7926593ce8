"""A gallery of 100,000 pictures: a first page, a search, a page far down, and counting.

Run with `python -m tests.benchmarks gallery`. Baseline: SQLite alone gives the same page's bare
columns by the row number, in the same process; the ratio is median over median. The rows are
written straight into the index, since no page looks at the files.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from core.gallery import Gallery
from core.gallery.index import Index
from core.gallery.records import row
from core.geometry import Size
from core.metadata import record
from core.request import GenerationRequest
from core.result import GenerationResult
from core.settings import Paths

PICTURES = 100_000
PAGE = 200
TURNS = 30
BASELINE = "SQLite's bare columns of the newest page"
WORDS = (
    "red apple pear cat dog whale rocket house tree sun star lemon blue green golden misty quiet "
    "portrait landscape oil watercolour ink sketch dramatic soft light at dusk in the rain"
).split()


def main() -> int:
    """Fill a gallery and print a line for each figure."""
    with tempfile.TemporaryDirectory() as home:
        paths = Paths.find(Path(home))
        _fill(paths)
        baseline = _bare_page(paths.gallery_file)
        with Gallery(paths) as gallery:
            far = gallery.items(limit=2, search="unicorn")[0].id
            _tell("gallery page", lambda: gallery.items(PAGE), baseline)
            _tell("gallery page far down", lambda: gallery.items(PAGE, before=far), baseline)
            _tell("gallery search, a frequent word", lambda: _found(gallery, "apple"), baseline)
            _tell("gallery search, a rare word", lambda: _found(gallery, "unicorn"), baseline)
            _tell("gallery search, two letters", lambda: _found(gallery, "in ra"), baseline)
            _tell("gallery count, a frequent word", lambda: gallery.count("apple"), baseline)
    return 0


def _found(gallery: Gallery, search: str) -> list[Any]:
    return gallery.items(PAGE, search=search)


def _fill(paths: Paths) -> None:
    index = Index(paths.gallery_file)
    index.remake(lambda _: list(_rows()))
    index.close()


def _rows() -> Iterator[dict[str, Any]]:
    chance, moment = random.Random(5), datetime(2026, 1, 1, tzinfo=UTC)
    size = Size(8, 8)
    request = GenerationRequest(checkpoint="starter", prompt="x", size=size, denoising_size=size)
    image = np.zeros((8, 8, 3), np.uint8)
    result = GenerationResult(request=request, image=image, seconds=1.0, steps=20, facts={})
    whole = record(result, "0" * 32, moment)
    for number in range(PICTURES):
        prompt = " ".join(chance.choices(WORDS, k=12))
        if number in (70, PICTURES // 2):
            prompt += " unicorn"
        changed = {**whole["request"], "prompt": prompt, "seed": number}
        item_id = f"{number:032x}"
        created = (moment + timedelta(minutes=number)).isoformat()
        facts = {**whole, "id": item_id, "created": created, "request": changed}
        yield row(facts, f"2026-01/{item_id}.png")


def _bare_page(file: Path) -> float:
    connection = sqlite3.connect(file)
    query = "SELECT id, file, created, prompt FROM items ORDER BY number DESC LIMIT ?"
    median = float(np.median(_times(lambda: connection.execute(query, [PAGE]).fetchall())))
    connection.close()
    return median


def _times(call: Callable[[], Any]) -> list[float]:
    times = []
    for _ in range(TURNS):
        begin = time.perf_counter()
        call()
        times.append((time.perf_counter() - begin) * 1e3)
    return times


def _tell(name: str, call: Callable[[], Any], baseline: float) -> None:
    first, *others = _times(call)
    median = float(np.median(others))
    figures = {
        "benchmark": name,
        "baseline": BASELINE,
        "ratio": round(median / baseline, 3),
        "first_ms": round(first, 2),
        "p50_ms": round(median, 2),
        "p99_ms": round(float(np.percentile(others, 99)), 2),
        "pictures": PICTURES,
    }
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    sys.exit(main())
