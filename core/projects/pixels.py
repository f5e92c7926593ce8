"""Between a surface's premultiplied tiles and a PNG's straight alpha, without losing a bit.

With alpha ``a`` and premultiplied ``p <= a``, ``s = round(255 p / a)`` is at most half a step off,
so ``s a / 255`` is less than half a step off ``p`` (for ``a = 255``, ``s`` is ``p``) and rounds
back to it. Colours of fully transparent pixels do not exist here.
"""

from __future__ import annotations

import cv2
import numpy as np

from core.canvas.blending import premultiplied
from core.canvas.tiles import TILE, TiledSurface, bounds_of, pieces, tile_rect
from core.geometry import Point, Rect, Size
from core.request import Pixels

_MASK_RED = (255, 0, 0)


def straight(pixels: Pixels) -> Pixels:
    """Turn premultiplied uint8 (h, w, 4) into straight alpha, in place; returns the same array."""
    for top in range(0, len(pixels), TILE):
        band = pixels[top : top + TILE]
        alpha = cv2.extractChannel(band, 3)
        divisor = cv2.merge((alpha, alpha, alpha, np.full_like(alpha, 255)))
        band[...] = cv2.divide(band, divisor, scale=255)
    return pixels


def touched(surface: TiledSurface) -> tuple[Rect, Pixels]:
    """The smallest rectangle around all pixels that are not clear, and what is in it."""
    box = bounds_of(surface.tiles).intersected(surface.bounds)
    if box.is_empty:
        return box, surface.read(box)
    pixels = surface.read(box)
    alpha = pixels if surface.channels == 1 else cv2.extractChannel(pixels, 3)
    inner = Rect(*cv2.boundingRect(alpha))
    return inner.translated(box.x, box.y), pixels[inner.slices()]


def layer_picture(surface: TiledSurface) -> tuple[Point, Pixels]:
    """Where a layer's picture lies, and the picture: straight alpha, at least one pixel."""
    box, pixels = touched(surface)
    if box.is_empty:
        return Point(0, 0), np.zeros((1, 1, 4), np.uint8)
    return Point(box.x, box.y), straight(pixels)


def mask_picture(surface: TiledSurface) -> tuple[Point, Pixels] | None:
    """The mask as a red layer whose alpha is the mask; None where nothing is masked."""
    box, mask = touched(surface)
    if box.is_empty:
        return None
    red = np.empty((*mask.shape, 4), np.uint8)
    red[..., :3] = _MASK_RED
    red[..., 3] = mask
    return Point(box.x, box.y), red


def layer_surface(picture: Pixels, corner: Point, size: Size) -> TiledSurface:
    """The inverse of `layer_picture`; what lies outside `size` is cut off."""
    return _surface(TiledSurface(4, size), picture, corner)


def mask_surface(picture: Pixels, corner: Point, size: Size) -> TiledSurface:
    """The inverse of `mask_picture`."""
    return _surface(TiledSurface(1, size), picture[..., 3], corner)


def _surface(surface: TiledSurface, picture: Pixels, corner: Point) -> TiledSurface:
    """Write tile by tile: clear tiles stay absent, white ones share one array."""
    place = Rect(corner.x, corner.y, picture.shape[1], picture.shape[0])
    inside = place.intersected(surface.bounds)
    part = picture[inside.translated(-corner.x, -corner.y).slices()]
    for key, in_tile, in_part in pieces(inside):
        piece = np.ascontiguousarray(part[in_part])
        pixels = premultiplied(piece) if surface.channels == 4 else piece
        if pixels.min() == 255:
            surface.fill(tile_rect(key).intersected(inside))
        elif pixels.any():
            surface.tile_for_writing(*key)[in_tile] = pixels
    return surface
