"""The picture being worked on: tiles, layers, one mask, strokes and undo. Numpy, no Qt, no torch.

`Document` is the door; everything else is behind it.
"""

from core.canvas.brush import Brush
from core.canvas.document import Document
from core.canvas.layers import Layer
from core.canvas.strokes import Stroke, StrokeTarget
from core.canvas.tiles import TILE, TiledSurface
from core.canvas.undo import UndoStack

__all__ = [
    "TILE",
    "Brush",
    "Document",
    "Layer",
    "Stroke",
    "StrokeTarget",
    "TiledSurface",
    "UndoStack",
]
