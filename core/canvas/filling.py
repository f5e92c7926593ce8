"""Colour laid where a region says: the bucket, clearing; and masks made and put by.

Everything here is one step to undo and stays inside the selection, if there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import cv2
import numpy as np

from core.canvas.blending import Ink
from core.canvas.commands import Structure, StructureChanged
from core.canvas.document import Document
from core.canvas.layers import Layer
from core.canvas.selection import (
    Combination,
    combined,
    is_blank,
    of_alpha,
    share_of,
    shared,
)
from core.canvas.tiles import NOWHERE, TILE, TiledSurface, TileKey, tile_rect, tiles_in
from core.canvas.wand import alike
from core.errors import InvalidRequest
from core.geometry import Point, Rect
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


def fill_alike(
    document: Document,
    layer: Layer | None,
    start: Point,
    colour: Colour,
    tolerance: float = 32,
    contiguous: bool = True,
    merged: bool = True,
    antialias: bool = False,
) -> bool:
    """Fill what looks like the pixel at `start`, on a layer or (None) on the mask; one step.

    Args:
        merged: Whether to look at the whole picture, or at the layer that is active alone.
        antialias: Whether slanting edges are soft; see `core.canvas.stairs.softened`.

    Returns:
        False where nothing is different.

    Raises:
        InvalidRequest: see `core.canvas.wand.alike` and `paint_target`.
    """
    surface = paint_target(document, layer)
    region = alike(
        document.flattened_tile if merged else document.active_layer.surface.tile,
        document.size,
        start,
        tolerance,
        contiguous,
        antialias,
    )
    return _lay(document, "Fill", surface, colour, region.tiles, region.tile)


def fill_selected(document: Document, layer: Layer | None, colour: Colour) -> bool:
    """Fill all that is selected, on a layer or (None) on the mask; one step."""
    surface = paint_target(document, layer)
    return _lay(document, "Fill", surface, colour, tiles_in(document.bounds), _whole)


def clear(document: Document, layer: Layer | None) -> bool:
    """Make what is selected transparent, on a layer or (None) not masked; one step.

    Raises:
        InvalidRequest: the layer is locked or hidden.
    """
    surface = paint_target(document, layer)
    return _lay(document, "Clear", surface, None, tuple(surface.tiles), _whole)


# Masks


def mask_from_selection(document: Document, how: Combination = Combination.REPLACE) -> bool:
    """Mask what is selected; one step.

    Raises:
        InvalidRequest: nothing is.
    """
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
    before = Structure.of(document)
    after = replace(before, kept_masks=kept)
    document.perform(StructureChanged.between(name, before, after, NOWHERE))


# Laying on


def _whole(_tx: int, _ty: int) -> Pixels:
    return np.full((TILE, TILE), 255, np.uint8)


def _lay(
    document: Document,
    name: str,
    surface: TiledSurface,
    colour: Colour | None,
    keys: Iterable[TileKey],
    share: Callable[[int, int], Pixels],
) -> bool:
    """Blend a colour, or nothing (None), by `share` and as far as it is selected."""
    ink = _ink(surface.channels, colour)
    selected = document.selection.surface

    def lay(target: TiledSurface) -> None:
        for key in keys:
            part = tile_rect(key).intersected(target.bounds)
            here = Rect(0, 0, part.width, part.height).slices()
            limit = share_of(selected, key, here)
            if limit is not None and not limit.any():
                continue
            alpha = share(*key)[here]
            if limit is not None:
                alpha = np.asarray(cv2.multiply(alpha, limit, scale=1 / 255), np.uint8)
            tile = target.tile_for_writing(*key)
            ink.lay(tile[here], alpha, out=tile[here])

    return document.edit_surface(name, surface, lay)


def _ink(channels: int, colour: Colour | None) -> Ink:
    if colour is None:
        return Ink((0,) * channels)
    return Ink((255,) if channels == 1 else (*colour, 255))
