"""A mask's or selection's edge moved, softened or rounded, wherever on a large canvas it runs.

What `core.masks` does with arrays is done block by block here; blocks in which nothing changes are
shared, not computed. What lies beyond the canvas is neither inside nor outside.
"""

from __future__ import annotations

import math
from typing import Protocol

import cv2
import numpy as np

from core.canvas.blurring import blurred
from core.canvas.interrupting import Check, never
from core.canvas.reaching import reached
from core.canvas.selection import tidied
from core.canvas.spreading import Spread
from core.canvas.tiles import FULL_TILE, TiledSurface, TileKey, tile_rect
from core.errors import InvalidRequest
from core.geometry import Rect
from core.request import Pixels

MOST_PIXELS = 512


class Edit(Protocol):
    """What moves an edge by a number of pixels; the surface it gets is left as it is."""

    def __call__(self, surface: TiledSurface, pixels: int, check: Check = never, /) -> TiledSurface:
        """A new surface; see `core.canvas.interrupting` for `check`."""


def grown(surface: TiledSurface, pixels: int, check: Check = never) -> TiledSurface:
    """Larger by a disc of that radius; see `core.masks.grow`.

    Raises:
        InvalidRequest: `pixels` is not 0 to 512; as for all of these.
    """
    _require(pixels)
    return reached(surface, pixels, check)


def shrunk(surface: TiledSurface, pixels: int, check: Check = never) -> TiledSurface:
    """Smaller by a disc of that radius; the canvas's own edge stays."""
    _require(pixels)
    return reached(surface, pixels, check, flip=255)


def feathered(surface: TiledSurface, pixels: int, check: Check = never) -> TiledSurface:
    """A soft edge that reaches about `pixels` to each side: Gaussian, deviation half of it."""
    _require(pixels)
    return blurred(surface, pixels / 2, check=check)


def smoothed(surface: TiledSurface, pixels: int, check: Check = never) -> TiledSurface:
    """Corners and bumps smaller than about `pixels` rounded off, the edge itself as sharp.

    Blurred, then steepened: across a straight edge a Gaussian rises by 1 / (s √(2π)) a pixel,
    where s is its deviation.
    """
    _require(pixels)
    sigma = pixels / 2
    return blurred(surface, sigma, max(1.0, sigma * math.sqrt(2 * math.pi)), check)


def without_holes(surface: TiledSurface, check: Check = never) -> TiledSurface:
    """Everything filled that the outside cannot reach; the soft outer edge stays.

    The outside comes in from all sides of the canvas through whatever is not 255.
    """
    bounds = surface.bounds

    def open_at(key: TileKey, tile: Pixels) -> Pixels:
        free = np.less(tile, 255).view(np.uint8)
        part = tile_rect(key).intersected(bounds)
        free[part.height :], free[:, part.width :] = 0, 0
        return free

    outside = Spread(bounds, lambda key: surface.tile(*key), open_at, check)
    reached = outside.reached_from(_sides(bounds))
    result = TiledSurface(1, surface.size)
    result.fill(bounds)
    result.put({key: _filled(surface, key, tile) for key, tile in reached.items()})
    return result


def _sides(bounds: Rect) -> list[Rect]:
    """The outermost pixels: upper, lower, left, right."""
    width, height = bounds.size
    across, down = Rect(0, 0, width, 1), Rect(0, 0, 1, height)
    return [across, across.translated(0, height - 1), down, down.translated(width - 1, 0)]


def _filled(surface: TiledSurface, key: TileKey, outside: Pixels) -> Pixels | None:
    """A tile with everything filled that is not outside."""
    tile = surface.tiles.get(key)
    if outside is FULL_TILE[1]:
        return tile
    filled = cv2.max(surface.tile(*key), cv2.bitwise_not(outside))
    part = tile_rect(key).intersected(surface.bounds)
    filled[part.height :], filled[:, part.width :] = 0, 0
    return tidied(filled, key, surface.bounds)


def _require(pixels: int) -> None:
    if not 0 <= pixels <= MOST_PIXELS:
        raise InvalidRequest(
            f"{pixels} pixels cannot be done; give a number between 0 and {MOST_PIXELS}."
        )
