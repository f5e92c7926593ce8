"""Work that is done elsewhere while the document is painted on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core.canvas.document import Document
from core.canvas.edges import grown
from core.canvas.interrupting import Check, never
from core.canvas.selection import shared
from core.canvas.shapes import rectangle
from core.canvas.tiles import TiledSurface
from core.canvas.working import MaskWork, SelectionWork, ShapeWork, work_here
from core.geometry import Rect, Size

SIZE = Size(300, 280)
WHOLE = Rect(0, 0, *SIZE)
BOX = Rect(100, 100, 60, 50)


def by_five(surface: TiledSurface, check: Check) -> TiledSurface:
    return grown(surface, 5, check)


@pytest.fixture
def document() -> Document:
    """White, a box of it masked and selected."""
    document = Document(SIZE)
    document.fill_mask(BOX)
    document.selection.select(rectangle(BOX, SIZE), "Select")
    return document


def test_the_mask_is_replaced_in_one_step(document: Document) -> None:
    work_here(MaskWork(document, "Growing", "Grow mask", by_five))
    assert document.undo_stack.undo_name == "Grow mask"
    assert document.mask_pixels(WHOLE)[120, 95] == 255
    document.undo()
    assert np.count_nonzero(document.mask_pixels(WHOLE)) == BOX.size.area


def test_a_mask_that_was_painted_meanwhile_is_never_lost(document: Document) -> None:
    work = MaskWork(document, "Growing", "Grow mask", by_five)
    made = work.begin(never)()
    document.fill_mask(Rect(0, 0, 10, 10))
    steps = document.undo_stack.position
    assert not work.finish(made)
    assert document.undo_stack.position is steps
    assert work.finish(work.begin(never)())
    assert document.mask_pixels(WHOLE)[3, 14] == 255


def test_a_mask_of_another_size_is_another_one(document: Document) -> None:
    work = MaskWork(document, "Growing", "Grow mask", by_five)
    made = work.begin(never)()
    document.resize_to_include(Rect(0, 0, 310, 290))
    assert not work.finish(made)
    assert work.finish(work.begin(never)())
    assert document.mask.size == Size(310, 290)


def test_what_has_nothing_to_do_with_the_mask_may_change(document: Document) -> None:
    work = MaskWork(document, "Growing", "Grow mask", by_five)
    made = work.begin(never)()
    document.edit_surface("Paint", document.active_layer.surface, TiledSurface.clear)
    document.selection.deselect()
    assert work.finish(made)
    assert document.mask_pixels(WHOLE)[120, 95] == 255


def test_another_selection_is_worked_on_anew(document: Document) -> None:
    work = SelectionWork(document, "Growing", "Grow selection", by_five)
    made = work.begin(never)()
    document.selection.select(rectangle(Rect(10, 10, 5, 5), SIZE), "Select")
    assert not work.finish(made)
    assert work.finish(work.begin(never)())
    surface = document.selection.surface
    assert surface is not None
    assert surface.read(WHOLE)[12, 19] == 255
    assert not surface.touches(BOX)


def test_where_everything_is_selected_by_now_nothing_is_done(document: Document) -> None:
    work = SelectionWork(document, "Growing", "Grow selection", by_five)
    made = work.begin(never)()
    document.selection.deselect()
    assert not work.finish(made)
    assert work.finish(work.begin(never)())
    assert document.undo_stack.undo_name == "Deselect"


def test_a_shape_is_taken_unless_the_canvas_is_another(document: Document) -> None:
    taken: list[TiledSurface] = []
    shape = rectangle(BOX, SIZE)
    work = ShapeWork(document, "Looking", lambda: lambda _check: shape, taken.append)
    made = work.begin(never)()
    assert work.finish(made)
    assert taken == [shape]
    document.resize_to_include(Rect(0, 0, 310, 290))
    assert work.finish(made)
    assert taken == [shape]


def test_a_shape_is_found_in_the_picture_that_was_looked_at(document: Document) -> None:
    taken: list[TiledSurface] = []

    def seen() -> Callable[[Check], TiledSurface]:
        masked = shared(document.mask)
        return lambda _check: masked

    looks = [ShapeWork(document, "Looking", seen, taken.append) for _ in range(2)]
    looks[0].look()
    document.fill_mask(WHOLE)
    for work in looks:  # the second one looks when it begins
        assert work.finish(work.begin(never)())
    assert [np.count_nonzero(shape.read(WHOLE)) for shape in taken] == [
        BOX.size.area,
        SIZE.area,
    ]
