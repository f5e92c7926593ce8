"""The wand and the feather on a large noisy canvas, against what one line of cv2 would do.

Run with `python -m tests.benchmarks selection`; prints one JSON line for each figure. The wand's
baseline is cv2.floodFill on the flattened picture, the feather's one cv2.GaussianBlur over the
whole; both in the same process, alternating with ours, on one thread. Times are the thread's own.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

import cv2
import numpy as np

from core.canvas.document import Document
from core.canvas.edges import feathered
from core.canvas.shapes import ellipse
from core.canvas.wand import alike
from core.geometry import Point, Rect, Size

SIDE = 4096
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


def spent(call: Callable[[], object]) -> float:
    begin = time.thread_time()
    call()
    return (time.thread_time() - begin) * 1e3


def compare(name: str, ours: Callable[[], object], plain: Callable[[], object], base: str) -> None:
    pairs = [(spent(ours), spent(plain)) for _ in range(PAIRS)]
    mine, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
    line = {
        "benchmark": name,
        "side": SIDE,
        "median_ms": round(mine, 1),
        "range_ms": [round(edge(times for times, _ in pairs), 1) for edge in (min, max)],
        "baseline": base,
        "baseline_ms": round(theirs, 1),
        "ratio": round(mine / theirs, 3),
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

    compare("selection.wand", wand, plain_wand, "cv2.floodFill on the flattened picture")
    round_one = ellipse(Rect(300, 300, SIDE - 600, SIDE - 600), Size(SIDE, SIDE))
    whole = round_one.read(round_one.bounds)
    compare(
        "selection.feather",
        lambda: feathered(round_one, FEATHER),
        lambda: cv2.GaussianBlur(whole, (0, 0), FEATHER / 2),
        "cv2.GaussianBlur over the whole canvas",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
