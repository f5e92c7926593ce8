"""Pictures that IP-Adapters read and ControlNets follow, kept in memory while they are chosen."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from core.errors import UnreadableImage
from core.geometry import Size
from core.images import read_image, resize, without_alpha
from core.request import Pixels

LONGEST = 1024
"""Pixels of the longest side that is kept; an image encoder sees 224 × 224 or a little more."""


def reference_picture(file: str) -> Pixels:
    """The picture in that file, made smaller where it is larger than `LONGEST`.

    Raises:
        UnreadableImage: it is gone, or no picture.
    """
    try:
        moment = Path(file).stat().st_mtime_ns
    except OSError as error:
        raise UnreadableImage(
            f"The reference picture {file} is gone. Choose another one, or take it out."
        ) from error
    return _read(file, moment)


def covering_picture(file: str, size: Size) -> Pixels:
    """The largest part in the middle of that picture that has the shape of `size`, at that size.

    Raises:
        UnreadableImage: as `reference_picture`.
    """
    pixels = reference_picture(file)
    height, width = pixels.shape[:2]
    scale = min(width / size.width, height / size.height)
    shown = Size(max(1, round(size.width * scale)), max(1, round(size.height * scale)))
    x, y = (width - shown.width) // 2, (height - shown.height) // 2
    part = pixels[max(0, y) :, max(0, x) :][: shown.height, : shown.width]
    return resize(np.ascontiguousarray(part), size)


@lru_cache(maxsize=8)
def _read(file: str, moment: int) -> Pixels:
    pixels = without_alpha(read_image(Path(file)))
    height, width = pixels.shape[:2]
    scale = min(1.0, LONGEST / max(width, height))
    return resize(pixels, Size(max(1, round(width * scale)), max(1, round(height * scale))))
