"""Documents put together from layers, without a step that could be undone."""

from __future__ import annotations

from collections.abc import Sequence

from core.canvas import Document, Layer, TiledSurface
from core.canvas.commands import Sheet, Structure
from core.geometry import Point


def document_of(layers: Sequence[Layer], active: Layer, mask: TiledSurface) -> Document:
    """A document that consists of these, bottom layer first; their surfaces become its own."""
    document = Document(mask.size)
    sheets = tuple(map(Sheet.of, layers))
    structure = Structure(mask.size, Point(0, 0), sheets, active, mask)
    document.restore_structure(structure, document.bounds)
    return document


def snapshot_of(document: Document) -> Document:
    """The document as it is now, without its undo steps; tiles are shared until they change.

    Nobody paints on it, so another thread may save it while the person goes on.
    """
    layers = [
        Layer(layer.name, _shared(layer.surface), layer.visible, layer.opacity)
        for layer in document.layers
    ]
    active = layers[document.layers.index(document.active_layer)]
    snapshot = document_of(layers, active, _shared(document.mask))
    snapshot.set_frame(document.frame)
    return snapshot


def _shared(surface: TiledSurface) -> TiledSurface:
    return surface.moved(0, 0, surface.size)
