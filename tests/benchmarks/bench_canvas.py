"""The canvas without a window: stroke moves, the tiles a view asks for after them, undo and redo.

Run with `python -m tests.benchmarks canvas`; prints one JSON line for each figure. Baseline: numpy
copies the same dirty rectangle of RGBA pixels, right after each move, in the same process. Figures
with `cpu` count the thread's own time, so that a busy machine shows in the wall time alone; `ratio`
is cpu over cpu, medians.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

import numpy as np

from core.canvas.brush import Brush
from core.canvas.dabs import Sample
from core.canvas.document import Document
from core.canvas.dynamics import BrushDynamics, Response
from core.canvas.smoothing import SmoothPath
from core.canvas.strokes import StrokeTarget
from core.canvas.tiles import TILE, tiles_in
from core.geometry import Rect, Size

P = ParamSpec("P")
T = TypeVar("T")

MOVES = 1000
STEP = 12.0  # screen pixels between two events of a fast pen at 125 Hz
BASELINE = "numpy copy of the dirty rectangle"


class Clock:
    """Wall and thread time of a call, in milliseconds."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def time(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        cpu, wall = time.thread_time(), time.perf_counter()
        result = call(*args, **kwargs)
        self.wall.append((time.perf_counter() - wall) * 1e3)
        self.cpu.append((time.thread_time() - cpu) * 1e3)
        return result

    def figures(self, prefix: str = "") -> dict[str, float]:
        values: dict[str, float] = {}
        for name, times in (("", self.wall), ("cpu_", self.cpu)):
            for percent in (50, 99):
                key = f"{prefix}{name}p{percent}_ms"
                values[key] = round(float(np.percentile(times, percent)), 4)
        return values


def walk(side: int, step: float) -> Iterator[tuple[float, float]]:
    """A wandering pen that turns round at the edges; the same one each time."""
    rng = np.random.default_rng(1)
    x = y = side * 0.3
    angle = 0.3
    for _ in range(MOVES):
        angle += rng.uniform(-0.25, 0.25)
        if not 0.02 * side < x + step * math.cos(angle) < 0.98 * side:
            angle = math.pi - angle
        if not 0.02 * side < y + step * math.sin(angle) < 0.98 * side:
            angle = -angle
        x, y = x + step * math.cos(angle), y + step * math.sin(angle)
        yield x, y


def show(document: Document, dirty: Rect, level: int) -> None:
    """Ask for the tiles a view at that level repaints."""
    span = 1 << level
    reduced = Rect.between(
        dirty.x // span, dirty.y // span, -(-dirty.right // span), -(-dirty.bottom // span)
    )
    for tx, ty in tiles_in(reduced):
        document.flattened_tile(tx, ty, level)


def bench_stroke(side: int, size: int, hardness: float, level: int, layers: int = 1) -> None:
    """Moves of one stroke; at level > 0 the pen goes as many document pixels further."""
    document = Document(Size(side, side))
    for index in range(layers - 1):
        sheet = np.full((side, side, 4), (200, 20 * index, 0, 40), np.uint8)
        document.place_image(sheet, document.bounds, f"layer {index}")
    document.active_layer = document.layers[(layers - 1) // 2]
    show(document, document.bounds, level)
    source = np.zeros((2 * side, 4 * TILE + size, 4), np.uint8)[: side + size]
    target = np.ones_like(source)
    brush = Brush(size=size, hardness=hardness, colour=(30, 80, 220), opacity=0.8)
    stroke = document.begin_stroke(brush, StrokeTarget.PAINT)
    moves, views, copies = Clock(), Clock(), Clock()
    for x, y in walk(side, STEP * (1 << level)):
        dirty = moves.time(stroke.move_to, x, y)
        if dirty.is_empty:
            continue
        views.time(show, document, dirty, level)
        part = slice(dirty.height), slice(dirty.width)
        copies.time(np.copyto, target[part], source[part])
    release = Clock()
    release.time(stroke.finish)
    print_line(
        f"canvas stroke {size} px, {side}², level {level}, {layers} layers",
        ratio=round(ratio(moves, copies) + ratio(views, copies), 2),
        hardness=hardness,
        painted=len(copies.wall),
        **moves.figures(),
        **views.figures("tiles_"),
        baseline=BASELINE,
        **copies.figures("baseline_"),
        release_ms=round(release.wall[0], 3),
        undo_mib=round(document.undo_stack.bytes_used / 2**20, 2),
    )
    bench_undo(document, side, size, level)


def bench_pen(side: int, size: int, hardness: float) -> None:
    """A pen whose pressure sets size and opacity, steadied: all between an event and its pixels."""
    document = Document(Size(side, side))
    show(document, document.bounds, 0)
    follows = Response(is_on=True)
    dynamics = BrushDynamics(size=follows, opacity=follows)
    brush = Brush(size=size, hardness=hardness, colour=(30, 80, 220), dynamics=dynamics)
    stroke, path = document.begin_stroke(brush, StrokeTarget.PAINT), SmoothPath(20.0)
    moves, copies = Clock(), Clock()
    source = np.zeros((size, size, 4), np.uint8)
    target = np.ones_like(source)

    def move(sample: Sample) -> None:
        dirty = stroke.move_along(path.follow(sample))
        show(document, dirty, 0)

    for step, (x, y) in enumerate(walk(side, STEP)):
        moves.time(move, Sample(x, y, 0.55 + 0.45 * math.sin(step / 60)))
        copies.time(np.copyto, target, source)
    stroke.finish()
    print_line(
        f"canvas pen {size} px, {side}²",
        ratio=ratio(moves, copies),
        hardness=hardness,
        **moves.figures(),
        baseline="numpy copy of one dab's square",
        **copies.figures("baseline_"),
    )


def bench_undo(document: Document, side: int, size: int, level: int) -> None:
    """The stroke taken back and made again, with the tiles a view shows afterwards."""
    undo, redo, copies = Clock(), Clock(), Clock()
    tile = np.ones((TILE, TILE, 4), np.uint8)
    copy = tile.copy()
    for _ in range(50):
        undo.time(document.undo)
        show(document, Rect(0, 0, min(side, 2048), min(side, 2048)), level)
        redo.time(document.redo)
        copies.time(np.copyto, copy, tile)
    print_line(
        f"canvas undo {size} px, {side}², level {level}, {len(document.layers)} layers",
        ratio=ratio(undo, copies),
        **undo.figures("undo_"),
        **redo.figures("redo_"),
        baseline="numpy copy of one tile",
        **copies.figures("baseline_"),
    )


def bench_press(side: int) -> None:
    """Pen down on a canvas every tile of which is there, and the first dab."""
    document = Document.from_image(np.full((side, side, 3), 90, np.uint8))
    press, copies = Clock(), Clock()
    brush = Brush(size=64)
    tile = np.ones((TILE, TILE, 4), np.uint8)
    for x, y in list(walk(side, 200.0))[:100]:
        press.time(press_at, document, brush, x, y)
        document.settle()
        copies.time(tile.copy)
    print_line(
        f"canvas press, {side}²",
        ratio=ratio(press, copies),
        **press.figures(),
        baseline="numpy copy of one tile",
        **copies.figures("baseline_"),
    )


def ratio(ours: Clock, theirs: Clock) -> float:
    """Median of our thread time over the baseline's."""
    return round(float(np.median(ours.cpu) / np.median(theirs.cpu)), 2)


def press_at(document: Document, brush: Brush, x: float, y: float) -> None:
    """Pen down, and the first dab."""
    document.begin_stroke(brush, StrokeTarget.PAINT).move_to(x, y)


def print_line(benchmark: str, **values: object) -> None:
    """One result, one line."""
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    sys.stdout.write(json.dumps({"benchmark": benchmark, **values, "load": load}) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Everything, smallest canvas first."""
    for side in (2048, 8192):
        fit = 1 if side == 2048 else 3
        for size, hardness in ((64, 0.5), (512, 0.0)):
            for level in (0, fit):
                bench_stroke(side, size, hardness, level)
        bench_press(side)
    for size, hardness in ((64, 0.5), (512, 0.0)):
        bench_pen(8192, size, hardness)
    bench_stroke(2048, 512, 0.0, level=0, layers=10)


if __name__ == "__main__":
    main()
