"""What a canvas takes; everything else is refused in a sentence before memory is spent on it."""

from __future__ import annotations

import numpy as np

from core.errors import CanvasTooLarge, InvalidRequest
from core.geometry import Rect, Size
from core.request import Pixels

MAX_SIDE = 16_384
MAX_PIXELS = 128_000_000


def require_canvas_size(size: Size) -> None:
    """Refuse a canvas that is empty or too large.

    Raises:
        CanvasTooLarge: a side is not 1 to 16,384 pixels, or there are more than 128 million.
    """
    if size.is_empty:
        raise CanvasTooLarge(f"A canvas of {size} holds no pixel. Make it at least 1 × 1.")
    if max(size) > MAX_SIDE or size.area > MAX_PIXELS:
        raise CanvasTooLarge(
            f"{size} pixels is too large for a canvas. A side may have {MAX_SIDE:,} pixels and "
            f"the whole {MAX_PIXELS // 1_000_000} million; make it smaller."
        )


def affordable(rect: Rect) -> Rect:
    """The rectangle, if an array of it may be made; an empty one has no width and no height.

    Raises:
        CanvasTooLarge: see `require_canvas_size`.
    """
    if rect.is_empty:
        return Rect(rect.x, rect.y, 0, 0)
    require_canvas_size(rect.size)
    return rect


def require_image(pixels: Pixels) -> None:
    """Refuse what is not uint8 (h, w, 3) or (h, w, 4), or larger than a canvas.

    Raises:
        InvalidRequest: not such an array.
        CanvasTooLarge: see `require_canvas_size`.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        raise InvalidRequest(
            f"A picture has 8-bit RGB or RGBA pixels, not {pixels.dtype} of shape {pixels.shape}."
        )
    require_canvas_size(Size(pixels.shape[1], pixels.shape[0]))


def require_fit(pixels: Pixels, rect: Rect, mask: Pixels | None, canvas: Rect) -> None:
    """Refuse a picture that does not fill `rect`, or does not meet the canvas.

    Raises:
        InvalidRequest: says which size does not fit.
    """
    size = Size(pixels.shape[1], pixels.shape[0])
    if size != rect.size:
        raise InvalidRequest(f"The picture is {size} pixels but its place is {rect.size}.")
    if mask is not None and mask.shape != pixels.shape[:2]:
        raise InvalidRequest(f"The mask is {mask.shape[::-1]} pixels but the picture is {size}.")
    if rect.intersected(canvas).is_empty:
        raise InvalidRequest("The picture would lie outside the canvas. Move it, or extend it.")
