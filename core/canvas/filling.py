"""Colour laid where a region says: filling, clearing; and masks made and put by.

Everything here is one step to undo and stays inside the selection, if there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from core.canvas.blending import Ink
from core.canvas.commands import Structure, StructureChanged
from core.canvas.document import Document
from core.canvas.interrupting import Check, never
from core.canvas.layers import Layer
from core.canvas.selection import (
    Combination,
    combined,
    is_blank,
    of_alpha,
    share_of,
    shared,
)
from core.canvas.tiles import (
    FULL_TILE,
    NOWHERE,
    WHOLE_TILE,
    Slices,
    TiledSurface,
    TileKey,
    tile_rect,
    tile_shape,
)
from core.errors import InvalidRequest
from core.geometry import Rect
from core.request import Pixels

Colour = tuple[int, int, int]

MOST_KEPT = 64
"""Masks that one document puts by."""


def paint_target(document: Document, layer: Layer | None) -> TiledSurface:
    """The surface to write: the layer's, or with None the mask's.

    Raises:
        InvalidRequest: the layer is locked or hidden.
    """
    if layer is None:
        return document.mask
    layer.require_paintable()
    return layer.surface


def fill_selected(document: Document, layer: Layer | None, colour: Colour) -> bool:
    """Fill all that is selected, on a layer or (None) on the mask; one step."""
    surface = paint_target(document, layer)
    document.settle()
    everywhere = TiledSurface(1, document.size)
    everywhere.fill(document.bounds)
    return _lay(document, "Fill", surface, colour, everywhere)


def clear(document: Document, layer: Layer | None, name: str = "Clear") -> bool:
    """Make what is selected transparent, on a layer or (None) not masked; one step.

    Raises:
        InvalidRequest: the layer is locked or hidden.
    """
    surface = paint_target(document, layer)
    document.settle()
    painted = TiledSurface(1, document.size)
    painted.put(dict.fromkeys(surface.tiles, FULL_TILE[1]))
    return _lay(document, name, surface, None, painted)


# Masks


def mask_from_selection(document: Document, how: Combination = Combination.REPLACE) -> bool:
    """Mask what is selected; one step.

    Raises:
        InvalidRequest: nothing is.
    """
    document.settle()
    selected = document.selection.surface
    if selected is None:
        raise InvalidRequest("Nothing is selected. Draw a selection first.")
    return combine_into_mask(document, "Mask from selection", selected, how)


def combine_into_mask(document: Document, name: str, shape: TiledSurface, how: Combination) -> bool:
    """Add a shape to the mask, take it away, or put it in the mask's place; one step."""
    after = combined(document.mask, shape, how)
    return change_mask(document, name, lambda _mask: after)


def change_mask(
    document: Document, name: str, edit: Callable[[TiledSurface], TiledSurface]
) -> bool:
    """Make the mask what `edit` gives for it; one step, False if nothing is different."""
    after = edit(document.mask).snapshot()
    return document.edit_surface(name, document.mask, lambda mask: mask.restore(after))


def select_mask(document: Document, how: Combination = Combination.REPLACE) -> bool:
    """Select what is masked; one step.

    Raises:
        InvalidRequest: nothing is masked.
    """
    if document.mask_is_empty:
        raise InvalidRequest("Nothing is masked. Paint with the mask brush first.")
    return document.selection.select(shared(document.mask), "Select mask", how)


def select_alpha(document: Document, layer: Layer, how: Combination = Combination.REPLACE) -> bool:
    """Select what a layer covers; one step.

    Raises:
        InvalidRequest: it covers nothing.
    """
    alpha = of_alpha(layer.surface)
    if is_blank(alpha):
        raise InvalidRequest(f"The layer {layer.quoted} is empty; there is nothing to select.")
    return document.selection.select(alpha, "Select layer", how)


def keep_mask(document: Document, name: str) -> str:
    """Put the mask by under a name; one step. Another one of that name is replaced.

    Returns:
        The name, without what no list could show.

    Raises:
        InvalidRequest: nothing is masked, the name is empty, or there are 64 already.
    """
    name = " ".join(name.split())[:80]
    if document.mask_is_empty:
        raise InvalidRequest("Nothing is masked. Paint a mask before you keep it.")
    if not name:
        raise InvalidRequest("The mask needs a name to be found by. Type one.")
    if len(document.kept_masks) >= MOST_KEPT and name not in document.kept_masks:
        raise InvalidRequest(f"{MOST_KEPT} masks are kept already. Forget one first.")
    _put_by(document, "Keep mask", {**document.kept_masks, name: shared(document.mask)})
    return name


def forget_mask(document: Document, name: str) -> None:
    """Keep the mask of that name no longer; one step.

    Raises:
        KeyError: there is none.
    """
    kept = dict(document.kept_masks)
    del kept[name]
    _put_by(document, "Forget mask", kept)


def take_mask(document: Document, name: str, how: Combination = Combination.REPLACE) -> bool:
    """Mask again what was put by under that name; one step.

    Raises:
        KeyError: there is none.
    """
    return combine_into_mask(document, f"Take mask “{name}”", document.kept_masks[name], how)


def _put_by(document: Document, name: str, kept: dict[str, TiledSurface]) -> None:
    document.settle()
    before = Structure.of(document)
    after = replace(before, kept_masks=kept)
    document.perform(StructureChanged.between(name, before, after, NOWHERE))


# Laying on


def lay(
    target: TiledSurface,
    colour: Colour | None,
    region: TiledSurface,
    selected: TiledSurface | None,
    check: Check = never,
) -> None:
    """Blend a colour, or nothing (None), by `region` and as far as it is selected.

    Tiles that are covered whole share one array.

    Args:
        target: Four channels, or one, in which every colour is 255.
        region: One channel, of the target's size.
        selected: None is everything.
        check: See `core.canvas.interrupting`.
    """
    ink = _ink(target.channels, colour)
    covered = _covered(target.channels, colour)
    for key in region.tiles:
        check()
        part = tile_rect(key).intersected(target.bounds)
        here = Rect(0, 0, part.width, part.height).slices()
        share = _share(region, selected, key, here)
        if share is None and part.size == WHOLE_TILE.size:
            target.put({key: covered})
        elif share is None or share.any():
            tile = target.tile_for_writing(*key)[here]
            ink.lay(tile, FULL_TILE[1][here] if share is None else share, out=tile)


def _lay(
    document: Document,
    name: str,
    surface: TiledSurface,
    colour: Colour | None,
    region: TiledSurface,
) -> bool:
    selected = document.selection.surface
    return document.edit_surface(
        name, surface, lambda target: lay(target, colour, region, selected)
    )


def _share(
    region: TiledSurface, selected: TiledSurface | None, key: TileKey, here: Slices
) -> Pixels | None:
    """How much of the colour each pixel of a piece of a tile gets; None: all get all of it."""
    alpha, limit = share_of(region, key, here), share_of(selected, key, here)
    if alpha is None or limit is None:
        return limit if alpha is None else alpha
    return np.asarray(cv2.multiply(alpha, limit, scale=1 / 255), np.uint8)


def _covered(channels: int, colour: Colour | None) -> Pixels | None:
    """A tile that has this colour all over; None where that is an absent one."""
    if colour is None:
        return None
    if channels == 1:
        return FULL_TILE[1]
    return np.full(tile_shape(4), (*colour, 255), np.uint8)


def _ink(channels: int, colour: Colour | None) -> Ink:
    if colour is None:
        return Ink((0,) * channels)
    return Ink((255,) if channels == 1 else (*colour, 255))
