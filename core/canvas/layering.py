"""What a person does with the layers of a document; each function is one step to undo.

`Document` holds the layers; here they are added, arranged, faded, merged. A function that has
nothing to do makes no step.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from core.canvas.blend_modes import BlendMode
from core.canvas.blending import blend
from core.canvas.commands import Sheet, Structure, StructureChanged
from core.canvas.document import Document
from core.canvas.layers import Layer
from core.canvas.tiles import (
    FULL_TILE,
    NOWHERE,
    TiledSurface,
    bounds_of,
    tile_shape,
    tiles_in,
)
from core.errors import InvalidRequest
from core.geometry import Rect
from core.request import Pixels

_FADE = "Layer opacity"


def add_layer(document: Document, name: str = "") -> Layer:
    """Put an empty layer above the active one and make it active.

    Args:
        name: Without one, "Layer 2" or the next number that is free.
    """
    layer = Layer(name or _free_name(document), TiledSurface(4, document.size))
    return _insert(document, "New layer", layer, document.active_layer)


def duplicate_layer(document: Document, layer: Layer) -> Layer:
    """Put a copy above the layer and make it active; tiles are shared until one is painted on."""
    document.settle()
    surface = layer.surface.moved(0, 0, layer.surface.size)
    copy = replace(layer, name=f"{layer.name} copy", surface=surface, locked=False)
    return _insert(document, "Duplicate layer", copy, layer)


def remove_layer(document: Document, layer: Layer) -> None:
    """Take a layer away.

    Raises:
        InvalidRequest: it is the only one, or locked.
    """
    if len(document.layers) == 1:
        raise InvalidRequest("A picture needs at least one layer. Add another one first.")
    layer.require_unlocked()
    document.settle()
    after = Structure.of(document).without(layer)
    _become(document, "Remove layer", after, _box(document, layer))


def move_layer(document: Document, layer: Layer, index: int) -> None:
    """Put a layer at place `index` of the new order, 0 at the bottom; kept within the stack."""
    index = min(max(index, 0), len(document.layers) - 1)
    if document.layers.index(layer) != index:
        document.settle()
        after = Structure.of(document).reordered(layer, index)
        _become(document, "Move layer", after, _box(document, layer))


def rename_layer(document: Document, layer: Layer, name: str) -> None:
    """Give a layer another name; one of nothing but blanks changes nothing."""
    _change(document, layer, "Rename layer", NOWHERE, name=name.strip() or layer.name)


def set_visible(document: Document, layer: Layer, visible: bool) -> None:
    """Show or hide a layer."""
    step = "Show layer" if visible else "Hide layer"
    _change(document, layer, step, _box(document, layer), visible=visible)


def show_alone(document: Document, layer: Layer) -> None:
    """Show a layer and hide all others; where that is so already, show all of them."""
    document.settle()
    before = Structure.of(document)
    shown = [each for each in document.layers if each.visible]
    step = "Show all layers" if shown == [layer] else "Show layer alone"
    sheets = tuple(
        replace(sheet, visible=shown == [layer] or sheet.layer is layer) for sheet in before.sheets
    )
    if sheets != before.sheets:
        _become(document, step, replace(before, sheets=sheets), document.bounds)


def set_locked(document: Document, layer: Layer, locked: bool) -> None:
    """Keep a layer's pixels as they are, or let them be changed again."""
    _change(document, layer, "Lock layer" if locked else "Unlock layer", NOWHERE, locked=locked)


def set_blend_mode(document: Document, layer: Layer, mode: BlendMode) -> None:
    """Let a layer do something else to the colours below it."""
    _change(document, layer, "Blend mode", _box(document, layer), blend_mode=mode)


def set_opacity(document: Document, layer: Layer, opacity: float) -> None:
    """Fade a layer, 0 to 1; values that follow each other are one step, as a drag gives many.

    Raises:
        InvalidRequest: `opacity` is not between 0 and 1.
    """
    if not 0 <= opacity <= 1:
        raise InvalidRequest(f"The opacity is {opacity:g}; it must lie between 0 and 1.")
    if layer.opacity == opacity:
        return
    document.settle()
    before, stack = Structure.of(document), document.undo_stack
    after = before.with_sheet(replace(Sheet.of(layer), opacity=opacity))
    if _fades(stack.last, layer):
        assert isinstance(stack.last, StructureChanged)
        before = stack.last.before
        stack.forget_last()
    document.perform(StructureChanged.between(_FADE, before, after, _box(document, layer)))


def clear_layer(document: Document, layer: Layer) -> None:
    """Make every pixel of a layer transparent.

    Raises:
        InvalidRequest: it is locked.
    """
    layer.require_unlocked()
    document.edit_surface("Clear layer", layer.surface, TiledSurface.clear)


def merge_down(document: Document, layer: Layer) -> Layer:
    """Make one layer of `layer` and the one below, which keeps its name; returns it.

    Over a layer of the normal mode the picture stays as it is. Two layers of one mode stay in
    that mode; where the modes differ the result is normal, as in Krita.

    Raises:
        InvalidRequest: there is none below, or one of the two is locked or hidden.
    """
    index = document.layers.index(layer)
    if index == 0:
        raise InvalidRequest("There is no layer below to merge with. Choose one further up.")
    lower = document.layers[index - 1]
    for each in (layer, lower):
        _require_mergeable(each)
    document.settle()
    alike = lower.blend_mode is layer.blend_mode and index > 1
    mode = lower.blend_mode if alike else BlendMode.NORMAL
    merged = Layer(lower.name, _merged(lower, layer), blend_mode=mode)
    after = Structure.of(document).without(layer).with_layer(merged, index).without(lower)
    dirty = _box(document, layer).united(_box(document, lower))
    _become(document, "Merge layers", replace(after, active=merged), dirty)
    return merged


def flatten_layers(document: Document) -> Layer:
    """Make one layer of everything that is seen; hidden layers go. Returns it."""
    if len(document.layers) == 1:
        return document.layers[0]
    document.settle()
    surface = TiledSurface(4, document.size)
    shown = {key: _own(document.flattened_tile(*key)) for key in tiles_in(document.bounds)}
    surface.put({key: tile for key, tile in shown.items() if tile.any()})
    layer = Layer(document.layers[0].name, surface)
    after = replace(Structure.of(document), sheets=(Sheet.of(layer),), active=layer)
    _become(document, "Flatten picture", after, NOWHERE)
    return layer


def _become(document: Document, name: str, after: Structure, dirty: Rect) -> None:
    document.perform(StructureChanged.between(name, Structure.of(document), after, dirty))


def _insert(document: Document, name: str, layer: Layer, below: Layer) -> Layer:
    document.settle()
    after = Structure.of(document).with_layer(layer, document.layers.index(below) + 1)
    _become(document, name, after, _box(document, layer))
    return layer


def _change(document: Document, layer: Layer, step: str, dirty: Rect, **values: Any) -> None:
    """Give a layer these properties, if they are others than it has."""
    document.settle()
    sheet = Sheet.of(layer)
    changed = replace(sheet, **values)
    if changed != sheet:
        _become(document, step, Structure.of(document).with_sheet(changed), dirty)


def _box(document: Document, layer: Layer) -> Rect:
    """Where a layer can have anything to show."""
    return bounds_of(layer.surface.tiles).intersected(document.bounds)


def _fades(step: object, layer: Layer) -> bool:
    """Whether a step was nothing but another opacity of this layer."""
    if not isinstance(step, StructureChanged) or step.name != _FADE:
        return False
    before = next(sheet for sheet in step.before.sheets if sheet.layer is layer)
    after = next(sheet for sheet in step.after.sheets if sheet.layer is layer)
    return before != after


def _free_name(document: Document) -> str:
    taken = {layer.name for layer in document.layers}
    number = len(document.layers) + 1
    while f"Layer {number}" in taken:
        number += 1
    return f"Layer {number}"


def _require_mergeable(layer: Layer) -> None:
    layer.require_unlocked()
    if not layer.visible:
        raise InvalidRequest(f"The layer {layer.quoted} is hidden. Show it before it is merged.")


def _own(tile: Pixels) -> Pixels:
    """A copy that stays; what the document shows follows it. White paper is shared by all."""
    return tile if tile is FULL_TILE[4] else tile.copy()


def _merged(lower: Layer, upper: Layer) -> TiledSurface:
    """Both over each other on nothing; tiles that only one fully opaque layer has are shared."""
    surface = TiledSurface(4, lower.surface.size)
    for source in (lower.surface, upper.surface):
        source.snapshot()
    for key in lower.surface.tiles.keys() | upper.surface.tiles.keys():
        tiles = [(each, each.surface.tiles.get(key)) for each in (lower, upper)]
        there = [(each, tile) for each, tile in tiles if tile is not None and each.opacity_8bit]
        if len(there) == 1 and there[0][0].opacity_8bit == 255:
            surface.put({key: there[0][1]})
        elif there:
            picture = np.zeros(tile_shape(4), np.uint8)
            for each, tile in there:
                blend(tile, each.opacity_8bit, picture, each.blend_mode)
            surface.put({key: picture})
    return surface
