"""Masks: larger, smaller, softer; and the composite that leaves everything outside them alone.

A mask is uint8 of shape (h, w): 255 may change fully, 0 not at all, between: how far. What lies
beyond the edge of the picture is neither inside nor outside: it does not grow in, and a mask that
reaches the edge is not softened or shrunk from there.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from core.abilities import GenerationKind, InpaintArea, ModelAbilities
from core.errors import InvalidRequest
from core.geometry import Rect, Size
from core.request import HALF, GenerationRequest, Pixels

cv2.setNumThreads(1)  # the model has the other cores

Alpha = NDArray[np.float32]

_ARC = 64
"""How long a piece of a disc's edge is done at once, in pixels."""


def grow(mask: Pixels, pixels: int, part: Rect | None = None) -> Pixels:
    """Each pixel becomes the most that lies within `pixels` of it (a disc, centre to centre).

    Args:
        part: Where the result is wanted, also beyond the mask, where it is 0; None is all of it.

    Raises:
        InvalidRequest: `pixels` is negative.
    """
    _require_distance(pixels)
    return _most_within(mask, pixels, part or Rect(0, 0, mask.shape[1], mask.shape[0]))


def shrink(mask: Pixels, pixels: int, part: Rect | None = None) -> Pixels:
    """Each pixel becomes the least that lies within `pixels` of it; the opposite of `grow`.

    Beyond the mask it is 255.

    Raises:
        InvalidRequest: `pixels` is negative.
    """
    return np.bitwise_not(grow(np.bitwise_not(mask), pixels, part))


def feather_inside(mask: Pixels, pixels: int) -> Alpha:
    """How much of the new picture shows: a ramp that begins at the mask's edge and lies inside it.

    Args:
        pixels: Width of the ramp; 0 and 1 give a hard edge.

    Returns:
        float32 of shape (h, w): exactly 0 where the mask is 0; distance / `pixels` inside, where
        the outermost pixel has the distance 1; exactly 1 from `pixels` on.

    Raises:
        InvalidRequest: `pixels` is negative.
    """
    _require_distance(pixels)
    inside = mask > 0
    if pixels <= 1 or inside.all() or not inside.any():
        return inside.astype(np.float32)
    return np.minimum(_distance_to_zero(mask) / np.float32(pixels), np.float32(1))


def bounding_rect(mask: Pixels) -> Rect:
    """The smallest rectangle around everything that is not 0; empty if nothing is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return Rect(0, 0, 0, 0)
    return Rect.between(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def crop_rect(mask: Pixels, padding: int, multiple: int) -> Rect:
    """The part of the picture to work on: the mask with room around it.

    Args:
        padding: Pixels to keep on each side of the mask, as far as the picture goes.
        multiple: Width and height become multiples of it where the picture is large enough.

    Returns:
        A rectangle inside the picture that holds the whole mask; empty if the mask is.
    """
    box = bounding_rect(mask)
    if box.is_empty:
        return box
    height, width = mask.shape
    padded = box.grown(padding).intersected(Rect(0, 0, width, height))
    x, across = _stretched(padded.x, padded.width, multiple, width)
    y, down = _stretched(padded.y, padded.height, multiple, height)
    return Rect(x, y, across, down)


def effective_mask(mask: Pixels, abilities: ModelAbilities) -> Pixels:
    """The mask as the model follows it: with its greys, or black and white from half on."""
    if abilities.soft_masks:
        return mask
    return np.where(mask >= HALF, np.uint8(255), np.uint8(0))


def work_rect(request: GenerationRequest, abilities: ModelAbilities) -> Rect:
    """The part of an inpainting request's picture that the model works on; never empty."""
    if request.inpaint_area is InpaintArea.WHOLE_PICTURE or request.mask_image is None:
        return Rect.of_size(request.size)
    mask = effective_mask(request.mask_image, abilities)
    rect = crop_rect(mask, max(0, request.area_padding), abilities.size_multiple)
    return Rect.of_size(request.size) if rect.is_empty else rect


def with_denoising_size(request: GenerationRequest, abilities: ModelAbilities) -> GenerationRequest:
    """The request with the denoising size that this model wants for it."""
    if request.kind is not GenerationKind.INPAINTING or (
        request.inpaint_area is InpaintArea.WHOLE_PICTURE
    ):
        return replace(request, denoising_size=abilities.denoising_size(request.size))
    size = abilities.closeup_size(work_rect(request, abilities).size)
    return replace(request, denoising_size=size)


def composite(original: Pixels, generated: Pixels, mask: Pixels, feather: int) -> Pixels:
    """The generated picture inside the mask, the original's own pixels everywhere else.

    Inside, the share of the generated picture is ``feather_inside(mask)``, whatever the grey, which
    the model has already obeyed; the sum is rounded half up. Where the mask is 0 the result is the
    original, bit for bit.

    Args:
        original: uint8 (h, w, channels).
        generated: uint8 of the same shape.
        mask: uint8 (h, w).
        feather: Width of the soft edge in pixels.

    Raises:
        InvalidRequest: the three are not of the same size, or `feather` is negative.
    """
    _require_same_size(original, generated, mask)
    share = feather_inside(mask, feather)[..., np.newaxis]
    mixed = original + (generated.astype(np.float32) - original) * share
    result = np.floor(mixed + np.float32(0.5)).astype(np.uint8)
    np.copyto(result, original, where=(mask == 0)[..., np.newaxis])
    return result


def count_changed_outside(original: Pixels, result: Pixels, mask: Pixels) -> int:
    """How many pixels outside the mask differ in any channel.

    Raises:
        InvalidRequest: the three are not of the same size.
    """
    _require_same_size(original, result, mask)
    different = (original != result).any(axis=2)
    return int(np.count_nonzero(different & (mask == 0)))


def _distance_to_zero(mask: Pixels) -> Alpha:
    """Exact distance from each pixel's centre to the nearest one that is 0; there must be one.

    The squares are rounded: they are whole numbers, and cv2's floats are off in the last bits.
    """
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.sqrt(np.rint(distance * distance))


def _most_within(mask: Pixels, radius: int, part: Rect) -> Pixels:
    """Grey dilation by a disc, arc by arc; beyond the mask there is nothing.

    Source: E. R. Urbach, M. H. F. Wilkinson, "Efficient 2-D grayscale morphological
    transformations with arbitrary flat structuring elements" (IEEE TIP 17, 2008): a bar of any
    length is the better of two that are as long as a power of two, and those grow from row to row.
    Here all bars of one length that begin near each other are one kernel of few points.
    """
    there = Rect(0, 0, mask.shape[1], mask.shape[0])
    result = np.zeros((part.height, part.width), np.uint8)
    longest, span = _around(mask, part.grown(radius)), 1
    for arc in _arcs(radius):
        if _swept(part, arc.needed).intersected(there).is_empty:
            continue
        while span < arc.span:
            longest, span = cv2.max(longest[:, :-span], longest[:, span:]), 2 * span
        begin = _swept(part, arc.begin).translated(radius - part.x, radius - part.y)
        most = cv2.dilate(longest[begin.slices()], arc.kernel, anchor=(0, 0))
        cv2.max(result, most[: part.height, : part.width], dst=result)
    return result


@dataclass(frozen=True, eq=False)
class _Arc:
    """Bars of one length along a piece of the left or right edge of a disc about the origin.

    Attributes:
        span: How many pixels long they are, a power of two and more than the half of their rows.
        begin: Where they begin.
        kernel: uint8 of that size: 1 where one does.
        needed: What they are there for: their rows from the edge to the middle.
    """

    span: int
    begin: Rect
    kernel: Pixels
    needed: Rect


@functools.lru_cache(maxsize=8)
def _arcs(radius: int) -> list[_Arc]:
    """Of a disc, short bars first."""
    rows: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for dy in range(-radius, radius + 1):
        reach = math.isqrt(radius * radius - dy * dy)
        span = 1 << (2 * reach + 1).bit_length() - 1
        way = math.atan2(dy, reach) * radius  # along the edge; kernels much wider than high, or
        rows.setdefault((span, round(way / _ARC)), []).append((dy, reach))  # higher, are slow
    return [arc for (span, _), some in sorted(rows.items()) for arc in _both_sides(span, some)]


def _both_sides(span: int, rows: list[tuple[int, int]]) -> Iterator[_Arc]:
    """The arcs of rows, each with how far it reaches to each side; of a small disc they are one."""
    widest, upper, lower = max(reach for _, reach in rows), rows[0][0], rows[-1][0]
    left = [(dy, -reach) for dy, reach in rows]
    right = [(dy, reach + 1 - span) for dy, reach in rows]
    pieces = [(-widest, 0, left), (0, widest, right)]
    for first, last, bars in [(-widest, widest, left + right)] if widest < _ARC / 2 else pieces:
        columns = [column for _, column in bars]
        begin = Rect.between(min(columns), upper, max(columns) + 1, lower + 1)
        kernel = np.zeros((begin.height, begin.width), np.uint8)
        for dy, column in bars:
            kernel[dy - begin.y, column - begin.x] = 1
        yield _Arc(span, begin, kernel, Rect.between(first, upper, last + 1, lower + 1))


def _swept(part: Rect, offsets: Rect) -> Rect:
    """Where any pixel of `part` comes to lie with any of these offsets."""
    x, y, width, height = offsets
    return Rect(part.x + x, part.y + y, part.width + width - 1, part.height + height - 1)


def _around(mask: Pixels, rect: Rect) -> Pixels:
    """The mask in `rect`, which may reach further or lie elsewhere; there it is 0."""
    pixels = np.zeros((rect.height, rect.width), np.uint8)
    inside = rect.intersected(Rect(0, 0, mask.shape[1], mask.shape[0]))
    pixels[inside.translated(-rect.x, -rect.y).slices()] = mask[inside.slices()]
    return pixels


def _stretched(start: int, length: int, multiple: int, limit: int) -> tuple[int, int]:
    """The span made a multiple long, about its middle, inside 0 to `limit` as far as it can be."""
    longer = min(-(-length // multiple) * multiple, limit)
    begin = start - (longer - length) // 2
    return min(max(begin, 0), limit - longer), longer


def _require_distance(pixels: int) -> None:
    if pixels < 0:
        raise InvalidRequest(f"A distance of {pixels} pixels is negative; give 0 or more.")


def _require_same_size(original: Pixels, other: Pixels, mask: Pixels) -> None:
    if original.shape != other.shape or mask.shape != original.shape[:2]:
        sizes = [Size(pixels.shape[1], pixels.shape[0]) for pixels in (original, other, mask)]
        raise InvalidRequest(
            f"The original is {sizes[0]}, the new picture {sizes[1]} and the mask {sizes[2]} "
            "pixels; they must have the same size and channels."
        )
