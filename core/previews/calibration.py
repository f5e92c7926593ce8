"""Pictures that show a VAE's colours and edges, drawn from a fixed seed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 64  # 8 × 8 latents with the usual factor of 8; small, since a large VAE on a CPU is slow
_SCENES = 16
_SHAPES = 6


def calibration_pictures() -> NDArray[np.float32]:
    """Plain fields of the eight corner colours and grey, and scenes of discs and lines.

    Returns:
        float32 array of shape (25, 64, 64, 3), 0 to 1.
    """
    corners = [(r, g, b) for r in (0.0, 1.0) for g in (0.0, 1.0) for b in (0.0, 1.0)]
    fields = [np.full((SIDE, SIDE, 3), colour) for colour in (*corners, (0.5, 0.5, 0.5))]
    numbers = np.random.default_rng(1)
    scenes = [_scene(numbers) for _ in range(_SCENES)]
    return np.stack(fields + scenes).astype(np.float32)


def _scene(numbers: np.random.Generator) -> NDArray[np.float64]:
    picture = np.empty((SIDE, SIDE, 3), np.uint8)
    picture[:] = _colour(numbers)
    for _ in range(_SHAPES):
        start, end = _point(numbers), _point(numbers)
        if numbers.random() < 0.6:
            radius = int(numbers.integers(3, SIDE // 3))
            cv2.circle(picture, start, radius, _colour(numbers), -1, cv2.LINE_AA)
        else:
            width = int(numbers.integers(1, 8))
            cv2.line(picture, start, end, _colour(numbers), width, cv2.LINE_AA)
    return picture / 255


def _colour(numbers: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(value) for value in numbers.integers(0, 256, 3))


def _point(numbers: np.random.Generator) -> tuple[int, int]:
    x, y = numbers.integers(0, SIDE, 2)
    return int(x), int(y)
