"""Tiles of a document joined into one picture, for views that cannot draw them one by one.

Viewports in here are those of `Viewport.on_device`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.geometry import Point, Rect, Size
from core.request import Pixels
from gui.canvas.painter import TILE, tiles_in
from gui.canvas.viewport import Viewport


def joined(
    tile: Callable[[int, int, int], Pixels], part: Rect, size: Size, level: int
) -> tuple[Pixels, Rect]:
    """What lies in a part of the document, as one picture.

    Args:
        tile: Gives the tile at a column and row of a level.
        part: Document pixels; not empty, and inside the document.
        size: Of the document.
        level: The picture is 1 / 2**level as large as the document.

    Returns:
        uint8, of the tiles' channels, of its own memory; and the document rectangle around `part`
        that it covers, which ends where the document ends.
    """
    step = 1 << level
    left, top = part.x // step, part.y // step
    right, bottom = -(-part.right // step), -(-part.bottom // step)
    picture: Pixels | None = None
    for tx, ty in tiles_in(part, size, level):
        pixels = tile(tx, ty, level)
        if picture is None:
            picture = np.zeros((bottom - top, right - left, *pixels.shape[2:]), np.uint8)
        across, columns = _common(left, right, tx * TILE)
        down, rows = _common(top, bottom, ty * TILE)
        picture[down, across] = pixels[rows, columns]
    assert picture is not None
    covered = Rect.between(left * step, top * step, right * step, bottom * step)
    return picture, covered.intersected(Rect.of_size(size))


def is_opaque(tile: Callable[[int, int, int], Pixels], part: Rect, size: Size, level: int) -> bool:
    """Whether nothing shines through a part of the document.

    Args:
        tile: Gives the tile at a column and row of a level, four channels.
        part: Document pixels inside the document.
        size: Of the document.
        level: Of the reduced picture that is looked at.
    """
    step = 1 << level
    left, top = part.x // step, part.y // step
    right, bottom = -(-part.right // step), -(-part.bottom // step)
    for tx, ty in tiles_in(part, size, level):
        _, columns = _common(left, right, tx * TILE)
        _, rows = _common(top, bottom, ty * TILE)
        words = tile(tx, ty, level).view("<u4")[rows, columns, 0]
        if np.bitwise_and.reduce(words, axis=None) < 0xFF000000:
            return False
    return True


def enlarged(
    tile: Callable[[int, int, int], Pixels],
    size: Size,
    viewport: Viewport,
    area: Rect,
    line: int = 0,
) -> tuple[Pixels, Point]:
    """What an unturned view shows in `area`, each device pixel that of the document below it.

    Qt counts with 16 bits behind the point when it enlarges a picture: at 63 times its size
    the last column of a tile would stand ten device pixels too far to the right.

    Args:
        tile: Gives the tile at a column and row of level 0.
        size: Of the document.
        area: Device pixels; those outside the document are left out.
        line: How far, 0 to 255, the first row and column of each pixel may differ from it; lines
            show on light, on dark and on nothing, and not in a mask.

    Returns:
        uint8, of the tiles' channels, of its own memory, empty if nothing is seen; and where its
        upper left corner belongs.
    """
    columns, x = below(viewport, area.x, area.right, size.width, across=True)
    rows, y = below(viewport, area.y, area.bottom, size.height, across=False)
    if not len(columns) or not len(rows):
        return np.zeros((0, 0), np.uint8), Point(x, y)
    first, last = sorted((int(columns[0]), int(columns[-1])))
    part = Rect.between(first, int(rows[0]), last + 1, int(rows[-1]) + 1)
    pixels, _ = joined(tile, part, size, 0)
    columns, rows = columns - part.x, rows - part.y
    if pixels.ndim == 2:
        return pixels.take(columns, axis=1).take(rows, axis=0), Point(x, y)
    large = pixels.view(np.uint32)[..., 0].take(columns, axis=1).take(rows, axis=0)
    if line:
        firsts = (
            _firsts(rows, viewport, y, across=False),
            _firsts(columns, viewport, x, across=True),
        )
        _rule(large, *firsts, line)
    return large[..., None].view(np.uint8), Point(x, y)


def below(
    viewport: Viewport, start: int, stop: int, length: int, across: bool
) -> tuple[NDArray[np.int64], int]:
    """The document's columns, or rows, below the middles of device pixels from start to stop.

    Args:
        length: Those from 0 up to it are in the document; others are left out.
        across: Columns, else rows.

    Returns:
        One number for each device pixel that is left, and the first of these.
    """
    offset = viewport.left if across else viewport.top
    places = (np.arange(start, stop) + 0.5 - offset) / viewport.zoom
    if across and viewport.is_mirrored:
        places = -places
    found = np.floor(places).astype(np.int64)
    inside = np.flatnonzero((found >= 0) & (found < length))
    return found[inside], start + (int(inside[0]) if len(inside) else 0)


def _firsts(
    places: NDArray[np.int64], viewport: Viewport, start: int, across: bool
) -> NDArray[np.intp]:
    """Where another pixel begins; `start` is the device column, or row, of the first place."""
    before, first = below(viewport, start - 1, start + 1, 1 << 30, across)[0][[0, -1]]
    begins = np.flatnonzero(np.diff(places)) + 1
    return np.concatenate([[0], begins]) if before != first else begins


def _rule(
    picture: NDArray[np.uint32], rows: NDArray[np.intp], columns: NDArray[np.intp], strength: int
) -> None:
    """Draw lines into a premultiplied picture, four channels in a number, alpha the highest."""
    shift = 9 - strength.bit_length()
    across = _other(picture.take(rows, axis=0), shift)
    picture[:, columns] = _other(picture.take(columns, axis=1), shift)
    picture[rows] = across


def _other(pixels: NDArray[np.uint32], shift: int) -> NDArray[np.uint32]:
    """Light pixels go a part of the way, 1 / 2**shift, to black, dark ones to white.

    All channels at once: no channel borrows from its neighbour, because none is above alpha.
    """
    part = np.uint32((0xFF >> shift) * 0x010101)
    alpha = pixels >> np.uint32(24)
    white = alpha * np.uint32(0x010101)
    is_light = (pixels & np.uint32(0x8000)) != 0
    lighter = pixels + ((white - (pixels & np.uint32(0xFFFFFF))) >> np.uint32(shift) & part)
    darker = pixels - (pixels >> np.uint32(shift) & part)
    other = np.where(is_light, darker, lighter)
    other[alpha == 0] = np.uint32(0xFF >> shift << 24)
    return other


def _common(start: int, stop: int, tile: int) -> tuple[slice, slice]:
    """What a span and a tile that begins at `tile` have in common, as seen from either."""
    first, last = max(start, tile), min(stop, tile + TILE)
    return slice(first - start, last - start), slice(first - tile, last - tile)
