"""A thousand strokes on 8192², what they keep in memory, and every one taken back and made again.

Run with `python -m tests.benchmarks undo`; prints one JSON line for each figure. Baselines: the
bytes of the tiles that the strokes touched, each counted once a stroke; and numpy copying as many
tiles as the step changes.
"""

from __future__ import annotations

import sys

import numpy as np
import psutil

from core.canvas.brush import Brush
from core.canvas.document import Document
from core.canvas.strokes import StrokeTarget
from core.canvas.tiles import TILE, tiles_in
from core.geometry import Rect, Size
from tests.benchmarks.bench_canvas import Clock, print_line, ratio, show

SIDE, STROKES, LIMIT = 8192, 1000, 8 * 2**30
TILE_BYTES = TILE * TILE * 4
PROMISE_MS, PROMISE_MEMORY = 16, 1.3
LEVEL = 3  # the whole canvas in a window


def main() -> int:
    """Paint, weigh, undo, redo."""
    document = Document(Size(SIDE, SIDE))
    document.undo_stack.limit_bytes = LIMIT
    show(document, document.bounds, LEVEL)
    process = psutil.Process()
    before = process.memory_info().rss
    touched = paint(document)
    grown = process.memory_info().rss - before
    promised = touched * TILE_BYTES
    print_line(
        f"undo memory of {STROKES} strokes, {SIDE}²",
        ratio=round(document.undo_stack.bytes_used / promised, 3),
        baseline="bytes of the tiles that the strokes touched",
        undo_mib=round(document.undo_stack.bytes_used / 2**20, 1),
        touched_mib=round(promised / 2**20, 1),
        process_grew_mib=round(grown / 2**20, 1),
        process_ratio=round(grown / promised, 3),
        promise_ratio=PROMISE_MEMORY,
    )
    time_steps(document)
    return 0


def paint(document: Document) -> int:
    """Short strokes all over the canvas; returns how many tiles they touched."""
    rng = np.random.default_rng(1)
    brush = Brush(size=64, hardness=0.5, colour=(30, 80, 220), opacity=0.8)
    touched = 0
    for _ in range(STROKES):
        x, y = rng.uniform(100, SIDE - 300, 2)
        stroke = document.begin_stroke(brush, StrokeTarget.PAINT)
        keys: set[tuple[int, int]] = set()
        for step in range(10):
            dirty = stroke.move_to(x + 16 * step, y + 60 * np.sin(step / 3))
            keys.update(tiles_in(dirty))
        stroke.finish()
        touched += len(keys)
    return touched


def time_steps(document: Document) -> None:
    """Every step back and forth, with the tiles a view then asks for."""
    undo, redo, copies = Clock(), Clock(), Clock()
    tiles = np.ones((4, TILE, TILE, 4), np.uint8)
    target = tiles.copy()

    def step(act: object) -> None:
        dirty: Rect = act()  # type: ignore[operator]
        show(document, dirty, LEVEL)

    for _ in range(STROKES):
        undo.time(step, document.undo)
        copies.time(np.copyto, target, tiles)
    for _ in range(STROKES):
        redo.time(step, document.redo)
    print_line(
        f"undo and redo of {STROKES} strokes, {SIDE}², level {LEVEL}",
        ratio=ratio(undo, copies),
        **undo.figures("undo_"),
        **redo.figures("redo_"),
        baseline="numpy copy of four tiles",
        **copies.figures("baseline_"),
        promise_p99_ms=PROMISE_MS,
    )


if __name__ == "__main__":
    sys.exit(main())
