"""Layers over each other: what hides, what is empty, and that no matter which is active."""

from __future__ import annotations

import numpy as np
import pytest

from core.canvas.blending import blend
from core.canvas.flattening import FlattenedLayers
from core.canvas.layers import Layer
from core.canvas.tiles import TILE, TiledSurface
from core.geometry import Rect, Size

SIZE = Size(TILE, TILE)
WHOLE = Rect(0, 0, *SIZE)


def layer(pixels: np.ndarray, opacity: float = 1.0) -> Layer:
    surface = TiledSurface(4, SIZE)
    surface.write(WHOLE, pixels)
    return Layer("layer", surface, opacity=opacity)


def layers() -> list[Layer]:
    """Noise, opaque on the right, empty but for one pixel, opaque but for one, opaque and faint."""
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 256, (TILE, TILE, 4), np.uint8)
    noise[..., :3] = np.minimum(noise[..., :3], noise[..., 3:])
    right = noise.copy()
    right[:, 100:, 3] = 255
    speck = np.zeros_like(noise)
    speck[200, 200] = 90
    holed = rng.integers(0, 256, noise.shape, np.uint8)
    holed[..., 3] = 255
    holed[60, 70] = 0
    return [layer(noise), layer(right), layer(speck), layer(holed, 0.5), layer(holed)]


def plainly(stack: list[Layer]) -> np.ndarray:
    picture = np.zeros((TILE, TILE, 4), np.uint8)
    for each in stack:
        blend(each.surface.read(WHOLE), each.opacity_8bit, picture)
    return picture


@pytest.mark.parametrize("upper", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("active", range(5))
def test_looking_before_blending_changes_no_bit(upper: int, active: int) -> None:
    stack = layers()[:upper]
    flattened = FlattenedLayers()
    flattened.set_layers(stack, chosen := stack[min(active, upper - 1)])
    assert np.array_equal(flattened.tile((0, 0)), plainly(stack))
    for part in (Rect(110, 20, 60, 90), Rect(0, 0, 60, 50), Rect(190, 190, 30, 30), WHOLE):
        chosen.surface.tile_for_writing(0, 0)[part.slices()] //= 2
        flattened.invalidate(part, chosen.surface)
        assert np.array_equal(flattened.tile((0, 0)), plainly(stack))
