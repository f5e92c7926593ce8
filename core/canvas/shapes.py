"""Rectangles, ellipses and drawn outlines as coverage of a canvas, soft by one pixel at the edge.

Positions are in document pixels, continuous: the centre of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.canvas.selection import tidied
from core.canvas.tiles import TILE, TiledSurface, TileKey, tile_rect, tile_shape, tiles_in
from core.errors import InvalidRequest
from core.geometry import Rect, Size
from core.request import Pixels

MOST_POINTS = 100_000
_FAR = 1e6  # pixels; further away nothing changes what lies on a canvas
_FINE = 4  # samples across one pixel of an edge
_SHIFT = 4  # cv2 takes positions in 1/16 pixel
_FLATNESS = 0.05  # pixels between an ellipse and the chords it is drawn with

Points = NDArray[np.float64]


def rectangle(rect: Rect, size: Size) -> TiledSurface:
    """All of `rect` that lies on the canvas; its edges are pixel edges."""
    surface = TiledSurface(1, size)
    surface.fill(rect)
    return surface


def ellipse(rect: Rect, size: Size) -> TiledSurface:
    """The ellipse that touches the four sides of `rect`."""
    across, down = rect.width / 2, rect.height / 2
    if rect.is_empty:
        return TiledSurface(1, size)
    chords = max(16, math.ceil(math.pi / math.sqrt(2 * _FLATNESS / max(across, down, 1))))
    angles = np.linspace(0, 2 * math.pi, chords, endpoint=False)
    x = rect.x + across + across * np.cos(angles)
    y = rect.y + down + down * np.sin(angles)
    return _filled(np.stack((x, y), axis=1), size)


def polygon(points: Sequence[tuple[float, float]], size: Size) -> TiledSurface:
    """What a closed line of straight pieces goes around; where it does so twice is outside.

    Raises:
        InvalidRequest: fewer than three points, more than 100,000, or one is not a number.
    """
    if not 3 <= len(points) <= MOST_POINTS:
        raise InvalidRequest(
            f"An outline of {len(points):,} points cannot be selected; draw one of 3 to "
            f"{MOST_POINTS:,}."
        )
    line = np.asarray(points, np.float64)
    if not np.isfinite(line).all():
        raise InvalidRequest("A point of the outline is not a number. Draw it again.")
    return _filled(np.clip(line, -_FAR, _FAR), size)


def _filled(line: Points, size: Size) -> TiledSurface:
    """Coverage of each pixel in steps of 1/16; only tiles that an edge crosses are looked at.

    Halved twice: cv2 averages two by two many times as fast as four by four.
    """
    surface = TiledSurface(1, size)
    box = _box(line).intersected(surface.bounds)
    if box.is_empty:
        return surface
    around = box.grown(1)
    coarse = _drawn(line, around, 1)
    for row in range(box.y // TILE, (box.bottom - 1) // TILE + 1):
        strip = Rect(box.x, row * TILE, box.width, TILE).intersected(box)
        passing = _near(line, strip.grown(2))
        for key in tiles_in(strip):
            here = tile_rect(key).intersected(box)
            seen = coarse[here.grown(1).translated(-around.x, -around.y).slices()]
            _cover(surface, key, here, seen, passing)
    return surface


def _cover(surface: TiledSurface, key: TileKey, here: Rect, seen: Pixels, line: Points) -> None:
    """One tile of a shape, whose part `here` the shape's box meets; `seen` is its coarse copy."""
    if not seen.any():
        return
    if seen.min() == 255 and here == tile_rect(key).intersected(surface.bounds):
        surface.fill(here)
        return
    tile = np.zeros(tile_shape(1), np.uint8)
    part = here.translated(-tile_rect(key).x, -tile_rect(key).y)
    fine = _drawn(line, here, _FINE)
    half = cv2.resize(fine, (2 * here.width, 2 * here.height), interpolation=cv2.INTER_AREA)
    tile[part.slices()] = cv2.resize(half, here.size, interpolation=cv2.INTER_AREA)
    kept = tidied(tile, key, surface.bounds)
    if kept is not None:
        surface.put({key: kept})


def _drawn(line: Points, rect: Rect, scale: int) -> Pixels:
    """0 or 255 for each of `scale`² samples of each pixel in `rect`, half where the line runs.

    cv2 counts every sample that the line touches as inside, on both sides of the shape.
    """
    samples = np.zeros((rect.height * scale, rect.width * scale), np.uint8)
    line = _near(line, rect.grown(2))
    if not len(line):
        return samples
    place = (line - (rect.x, rect.y)) * scale - 0.5  # cv2 counts from the first sample's centre
    fixed = np.rint(place * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(samples, [fixed], 255, lineType=cv2.LINE_8, shift=_SHIFT)
    cv2.polylines(samples, [fixed], True, 128, lineType=cv2.LINE_8, shift=_SHIFT)
    return samples


def _near(line: Points, rect: Rect) -> Points:
    """A line with fewer corners that goes around the same part of `rect`.

    While it stays beyond one side it may take any way there, so the straight one.
    """
    x, y = line.T
    beyond = np.zeros(len(line), np.int8)
    beyond[y > rect.bottom], beyond[y < rect.y] = 4, 3
    beyond[x > rect.right], beyond[x < rect.x] = 2, 1
    turns = (beyond != np.roll(beyond, 1)) | (beyond != np.roll(beyond, -1))
    return line[(beyond == 0) | turns]


def _box(line: Points) -> Rect:
    low, high = np.floor(line.min(axis=0)), np.ceil(line.max(axis=0))
    return Rect.between(int(low[0]), int(low[1]), int(high[0]), int(high[1]))
