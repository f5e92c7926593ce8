"""What one dab covers: discs, made once and kept while there is room for them."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable

import cv2
import numpy as np

from core.request import Pixels

_MOST_BYTES = 48 * 2**20  # some fifty stamps of the largest brush, thousands of a small one


class StampCache:
    """Stamps by what they were made of; those that were not used for longest go first."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most_bytes
        self._stamps: OrderedDict[Hashable, Pixels] = OrderedDict()
        self.bytes_used = 0

    def get(self, name: Hashable, make: Callable[[], Pixels]) -> Pixels:
        """The stamp of that name, read-only; made if it is not there."""
        stamp = self._stamps.get(name)
        if stamp is None:
            stamp = self._stamps[name] = make()
            stamp.flags.writeable = False
            self.bytes_used += stamp.nbytes
            self._make_room()
        else:
            self._stamps.move_to_end(name)
        return stamp

    def _make_room(self) -> None:
        while self.bytes_used > self._most and len(self._stamps) > 1:
            _, oldest = self._stamps.popitem(last=False)
            self.bytes_used -= oldest.nbytes


def stamp_side(size: float) -> int:
    """Side of the array that holds a dab of that diameter at any sub-pixel position."""
    return 2 * math.ceil(size / 2 + 0.5) + 1


def disc(size: float, hardness: float, offset_x: float, offset_y: float) -> Pixels:
    """Coverage of a round dab, uint8 of shape (side, side).

    The centre lies `side // 2` pixels plus the offset (0 to 1) from the upper left corner. With
    hardness 1 the coverage falls in a straight line over the pixel around the edge, which is the
    disc's area in each pixel to within a few percent; a softer edge is a smoothstep (3t² - 2t³).
    """
    side = stamp_side(size)
    centres = np.arange(side, dtype=np.float32) + np.float32(0.5 - side // 2)
    across, down = centres - np.float32(offset_x), centres - np.float32(offset_y)
    width = max(size / 2 * (1 - hardness), 1.0)
    outer = size / 2 + 0.5 / width
    share = np.add.outer(down * down, across * across)
    cv2.sqrt(share, dst=share)
    cv2.addWeighted(share, -1 / width, share, 0, outer / width, dst=share)
    cv2.threshold(share, 1, 1, cv2.THRESH_TRUNC, dst=share)
    cv2.threshold(share, 0, 0, cv2.THRESH_TOZERO, dst=share)
    if width > 1:
        rise = cv2.addWeighted(share, -2, share, 0, 3)
        cv2.multiply(share, share, dst=share)
        cv2.multiply(share, rise, dst=share)
    return np.asarray(cv2.convertScaleAbs(share, alpha=255), np.uint8)
