"""Wand, lasso and moved edges on large canvases, against what one line of cv2 would do.

Run with `python -m tests.benchmarks selection`; prints one JSON line for each figure. The baseline
is in the same process, alternating with ours. Figures with `cpu` are the process's own time, all
threads together, so that a busy machine shows in the wall time alone; `ratio` is cpu over cpu.
"""

from __future__ import annotations

import functools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable

import cv2
import numpy as np

from core.canvas.document import Document
from core.canvas.edges import feathered, grown, shrunk, smoothed, without_holes
from core.canvas.selection import from_pixels
from core.canvas.shapes import ellipse, polygon
from core.canvas.wand import alike
from core.geometry import Point, Rect, Size

SIDE, LARGE = 4096, 8192
PROMISE_MS = 150
PAIRS = 5
TOLERANCE = 40
FEATHER = 64
MIDDLE = Point(SIDE // 2, SIDE // 2)


def noisy() -> Document:
    """Grey with noise: nine pixels in ten are within the tolerance of the one in the middle."""
    rng = np.random.default_rng(1)
    pixels = np.clip(128 + rng.normal(0, 20, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
    pixels[MIDDLE.y, MIDDLE.x] = 128
    return Document.from_image(pixels)


def spent(call: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor milliseconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3


def compare(
    name: str,
    ours: Callable[[], object],
    plain: Callable[[], object],
    base: str,
    side: int = SIDE,
) -> None:
    pairs = [(spent(ours), spent(plain)) for _ in range(PAIRS)]
    walls = [mine[0] for mine, _ in pairs]
    mine, theirs = (
        statistics.median(times[1] for times in half) for half in zip(*pairs, strict=True)
    )
    line = {
        "benchmark": name,
        "side": side,
        "median_ms": round(statistics.median(walls), 1),
        "range_ms": [round(edge(walls), 1) for edge in (min, max)],
        "cpu_ms": round(mine, 1),
        "baseline": base,
        "baseline_cpu_ms": round(theirs, 1),
        "ratio": round(mine / theirs, 3),
        "promise_ms": PROMISE_MS,
        "load": round(os.getloadavg()[0], 2),
    }
    print(json.dumps(line), flush=True)


def main() -> int:
    document = noisy()
    colours = np.ascontiguousarray(document.flatten(document.bounds)[..., :3])

    def plain_wand() -> object:
        reached = np.zeros((SIDE + 2, SIDE + 2), np.uint8)
        flags = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | (255 << 8)
        reach = (TOLERANCE,) * 3
        cv2.floodFill(colours, reached, MIDDLE, 0, reach, reach, flags)
        return reached

    def wand() -> object:
        return alike(document.flattened_tile, document.size, MIDDLE, TOLERANCE)

    flood = "cv2.floodFill on the flattened picture"
    compare("selection.wand", wand, plain_wand, flood)
    soft = functools.partial(alike, document.flattened_tile, document.size, MIDDLE, TOLERANCE)
    compare("selection.wand, soft edges", lambda: soft(antialias=True), plain_wand, flood)
    flat = Document.from_image(np.full((SIDE, SIDE, 3), 90, np.uint8))
    plain = functools.partial(alike, flat.flattened_tile, flat.size, MIDDLE, TOLERANCE)
    compare("selection.wand, flat", plain, plain_wand, f"{flood} with noise")
    round_one = ellipse(Rect(300, 300, SIDE - 600, SIDE - 600), Size(SIDE, SIDE))
    whole = round_one.read(round_one.bounds)
    compare(
        "selection.feather",
        lambda: feathered(round_one, FEATHER),
        lambda: cv2.GaussianBlur(whole, (0, 0), FEATHER / 2),
        "cv2.GaussianBlur over the whole canvas",
    )
    edges_of_a_large_mask()
    return 0


def edges_of_a_large_mask() -> None:
    """A soft round mask and a lasso of 10,000 points on 8192²."""
    size = Size(LARGE, LARGE)
    soft = feathered(ellipse(Rect(700, 700, LARGE - 1400, LARGE - 1400), size), FEATHER)
    whole = soft.read(soft.bounds)
    square = np.ones((65, 65), np.uint8)
    dilate = functools.partial(cv2.dilate, whole, square)
    base = "cv2.dilate of the whole by a square"
    compare("selection.grow 32", lambda: grown(soft, 32), dilate, base, LARGE)
    compare("selection.shrink 32", lambda: shrunk(soft, 32), dilate, base, LARGE)
    blur = functools.partial(cv2.GaussianBlur, whole, (0, 0), 8)
    base = "cv2.GaussianBlur over the whole canvas"
    compare("selection.smooth 16", lambda: smoothed(soft, 16), blur, base, LARGE)
    holed = from_pixels(whole, soft.bounds, size)
    for number in range(40):
        holed.fill(Rect(1500 + 100 * number, 3000 + 37 * number, 60, 50))
        holed.write(
            Rect(1510 + 100 * number, 3010 + 37 * number, 40, 30), np.zeros((30, 40), np.uint8)
        )

    def plain_holes() -> object:
        outside = cv2.compare(whole, 255, cv2.CMP_LT)
        return cv2.floodFill(outside, None, (0, 0), 1, 0, 0, 4)

    base = "cv2.floodFill from a corner"
    compare("selection.fill holes", lambda: without_holes(holed), plain_holes, base, LARGE)
    line = scribble()
    filled = np.zeros((LARGE, LARGE), np.uint8)
    fixed = np.rint(np.array(line)).astype(np.int32)
    fill = functools.partial(cv2.fillPoly, filled, [fixed], 255)
    lasso = functools.partial(polygon, line, size)
    compare("selection.lasso of 10,000 points", lasso, fill, "cv2.fillPoly without edges", LARGE)


def scribble() -> list[tuple[float, float]]:
    """A hand that goes once round, trembling."""
    angles = np.linspace(0, 2 * np.pi, 10_000)
    tremble = np.random.default_rng(3).normal(0, 2, len(angles))
    radius = 0.37 * LARGE + 200 * np.sin(40 * angles) + tremble
    x, y = LARGE / 2 + radius * np.cos(angles), LARGE / 2 + radius * np.sin(angles)
    return list(zip(x.tolist(), y.tolist(), strict=True))


if __name__ == "__main__":
    sys.exit(main())
