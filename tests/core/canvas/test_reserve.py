"""Memory that lies ready for tiles."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from core.canvas.document import Document
from core.canvas.layering import add_layer
from core.canvas.reserve import Reserve
from core.canvas.tiles import TiledSurface, tile_reserve
from core.geometry import Rect, Size

SHAPES = {1: (8, 8), 4: (8, 8, 4)}


def until_full(reserve: Reserve) -> None:
    deadline = time.monotonic() + 10
    while not reserve.is_full:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def running() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize("name", [1, 4])
def test_a_closed_reserve_gives_what_the_system_gives(name: int) -> None:
    reserve = Reserve(SHAPES, kept=3)
    array = reserve.take(name)
    assert (array.shape, array.dtype) == (SHAPES[name], np.uint8)
    assert not reserve.is_full
    assert "reserve" not in running()


def test_an_open_one_fills_again_what_is_taken() -> None:
    reserve = Reserve(SHAPES, kept=3)
    reserve.open()
    reserve.open()  # is open already
    try:
        assert running().count("reserve") == 1
        for _ in range(3):
            until_full(reserve)
            taken = [reserve.take(name) for name in (1, 4) for _ in range(4)]
            for value, array in enumerate(taken):
                array[...] = value
            assert [int(array.max()) for array in taken] == list(range(8))  # nobody else's
            assert {array.shape for array in taken} == set(SHAPES.values())
    finally:
        reserve.close()
    assert "reserve" not in running()
    assert not reserve.is_full
    reserve.close()


def test_it_can_be_opened_again() -> None:
    reserve = Reserve(SHAPES, kept=2)
    for _ in range(3):
        reserve.open()
        until_full(reserve)
        reserve.close()
    assert reserve.take(4).shape == (8, 8, 4)


def test_what_lay_in_the_memory_is_never_seen() -> None:
    """A new tile is clear, a copied one is what it was, a composite and a reduced one are whole."""
    tile_reserve.open()
    try:
        until_full(tile_reserve)
        assert tile_reserve.take(4).any()  # there is something to be seen
        surface = TiledSurface(4, Size(700, 300))
        assert not surface.tile_for_writing(1, 0).any()
        surface.fill(Rect(0, 0, 700, 300))
        surface.tile_for_writing(0, 0)[5, 5] = 0
        assert (surface.read(surface.bounds) == 255).sum() == 700 * 300 * 4 - 4
        document = Document(Size(700, 300))
        add_layer(document)
        assert (document.flattened_tile(0, 0, 0) == 255).all()
        reduced = document.flattened_tile(0, 0, 2)
        assert (reduced[:75, :175] == 255).all()
        assert not reduced[75:].any()
    finally:
        tile_reserve.close()
