"""The bucket, made elsewhere while the document is painted on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.canvas.bucket import FillWork, Pour
from core.canvas.document import Document
from core.canvas.interrupting import Interrupted, Interruption, never
from core.canvas.selection import from_pixels
from core.canvas.tiles import TiledSurface
from core.canvas.working import work_here
from core.errors import InvalidRequest
from core.geometry import Point, Rect, Size

SIZE = Size(600, 530)  # three tiles across and three down, none of the last ones whole
WHOLE = Rect.of_size(SIZE)
RED = (200, 30, 40)
POUR = Pour(Point(300, 300), RED)
BOX = Rect(200, 200, 150, 150)


@pytest.fixture
def document() -> Document:
    """White."""
    return Document(SIZE)


def blot(document: Document, rect: Rect) -> None:
    """Clear a place of the active layer; one step."""

    def clear(surface: TiledSurface) -> None:
        surface.write(rect, np.zeros((rect.height, rect.width, 4), np.uint8))

    document.edit_surface("Blot", document.active_layer.surface, clear)


def is_red(document: Document) -> np.ndarray:
    return (document.flatten(WHOLE) == (*RED, 255)).all(axis=2)


def test_a_fill_is_one_step_and_costs_one_tile_where_all_is_alike(document: Document) -> None:
    work_here(FillWork(document, document.active_layer, POUR))
    assert is_red(document).all()
    tiles = document.active_layer.surface.tiles
    assert tiles[0, 0] is tiles[1, 1]
    assert document.undo_stack.undo_name == "Fill"
    document.undo()
    assert (document.flatten(WHOLE) == 255).all()
    document.redo()
    assert is_red(document).all()


def test_a_fill_that_changes_nothing_is_no_step(document: Document) -> None:
    work_here(FillWork(document, document.active_layer, replace(POUR, colour=(255, 255, 255))))
    assert not document.undo_stack.can_undo


def test_a_soft_selection_weighs_the_colour(document: Document) -> None:
    rows, columns = np.mgrid[0 : SIZE.height, 0 : SIZE.width]
    selected = ((rows + columns) % 256).astype(np.uint8)
    document.selection.select(from_pixels(selected, WHOLE, SIZE), "Select")
    work_here(FillWork(document, document.active_layer, POUR))
    share = selected[..., np.newaxis] / 255
    mixed = 255 * (1 - share) + np.array((*RED, 255)) * share
    assert np.abs(document.flatten(WHOLE) - mixed).max() <= 1


def test_what_is_painted_meanwhile_is_never_lost(document: Document) -> None:
    work = FillWork(document, document.active_layer, POUR)
    made = work.begin(never)()
    blot(document, Rect(0, 0, 20, 530))
    assert not work.finish(made)
    assert document.undo_stack.undo_name == "Blot"
    assert work.finish(work.begin(never)())
    assert not is_red(document)[:, :20].any()
    assert is_red(document)[:, 20:].all()


def test_another_layer_may_change_meanwhile(document: Document) -> None:
    bottom = document.active_layer
    document.place_image(np.full((20, 20, 3), 9, np.uint8), Rect(0, 0, 20, 20), "small")
    work = FillWork(document, bottom, POUR)
    made = work.begin(never)()
    blot(document, WHOLE)
    document.clear_mask()
    assert work.finish(made)
    red = is_red(document)
    assert not red[:20, :20].any()  # the bucket saw the picture as it was
    assert red[20:].all()


def test_it_looks_at_the_layer_that_was_active_alone(document: Document) -> None:
    document.place_image(np.full((150, 150, 3), 9, np.uint8), BOX, "box")
    top, bottom = document.layers[1], document.layers[0]
    document.active_layer = bottom
    work = FillWork(document, bottom, POUR, merged=False)
    document.active_layer = top
    work_here(work)
    document.undo()
    assert (bottom.surface.read(BOX) == 255).all()
    document.redo()
    assert (bottom.surface.read(BOX) == (*RED, 255)).all()
    document.undo()
    work_here(FillWork(document, bottom, POUR))
    assert (bottom.surface.read(BOX) == (*RED, 255)).all()
    assert (bottom.surface.read(Rect(0, 0, 100, 100)) == 255).all()


def test_the_picture_is_looked_at_when_it_is_its_turn(document: Document) -> None:
    work = FillWork(document, document.active_layer, POUR)
    blot(document, Rect(400, 0, 10, 530))
    work_here(work)
    assert is_red(document)[:, :400].all()
    assert not is_red(document)[:, 400:].any()


def test_a_canvas_that_grew_is_filled_anew(document: Document) -> None:
    work = FillWork(document, None, POUR)
    made = work.begin(never)()
    document.resize_to_include(Rect(0, 0, 610, 540))
    assert not work.finish(made)
    assert work.finish(work.begin(never)())
    assert (document.mask_pixels(WHOLE) == 255).all()


def test_a_layer_that_is_gone_or_locked_is_refused_in_words(document: Document) -> None:
    document.place_image(np.full((150, 150, 3), 9, np.uint8), BOX, "box")
    layer = document.active_layer
    work = FillWork(document, layer, POUR)
    made = work.begin(never)()
    document.undo()
    for act in (lambda: work.begin(never), lambda: work.finish(made)):
        with pytest.raises(InvalidRequest, match="“box” is gone"):
            act()
    document.active_layer.locked = True
    with pytest.raises(InvalidRequest, match="locked"):
        FillWork(document, document.active_layer, POUR)


def test_it_can_be_cancelled(document: Document) -> None:
    interruption = Interruption()
    call = FillWork(document, document.active_layer, POUR).begin(interruption.check)
    interruption.wish()
    with pytest.raises(Interrupted):
        call()
    assert (document.flatten(WHOLE) == 255).all()
