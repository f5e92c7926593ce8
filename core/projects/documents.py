"""Documents put together from layers, without a step that could be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.canvas import Document, Layer, TiledSurface
from core.canvas.commands import Sheet, Structure
from core.canvas.selection import KeptMasks
from core.geometry import Point


def document_of(
    layers: Sequence[Layer],
    active: Layer,
    mask: TiledSurface,
    selection: TiledSurface | None = None,
    kept_masks: KeptMasks | None = None,
) -> Document:
    """A document that consists of these, bottom layer first; their surfaces become its own."""
    document = Document(mask.size)
    sheets = tuple(map(Sheet.of, layers))
    structure = Structure(mask.size, Point(0, 0), sheets, active, mask, selection, kept_masks or {})
    document.restore_structure(structure, document.bounds)
    return document


def snapshot_of(document: Document) -> Document:
    """The document as it is now, without its undo steps; tiles are shared until they change.

    Nobody paints on it, so another thread may save it while the person goes on.
    """
    layers = [replace(layer, surface=_shared(layer.surface)) for layer in document.layers]
    active = layers[document.layers.index(document.active_layer)]
    mask, selection = _shared(document.mask), document.selection.surface
    snapshot = document_of(layers, active, mask, selection, document.kept_masks)
    snapshot.set_frame(document.frame)
    return snapshot


def _shared(surface: TiledSurface) -> TiledSurface:
    return surface.moved(0, 0, surface.size)
