"""A layer's picture grabbed, moved and scaled; and the canvas itself made another size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from core.canvas.blending import blend
from core.canvas.changing import Closed, Painted
from core.canvas.commands import Structure, StructureChanged, TilesChanged
from core.canvas.document import Document
from core.canvas.limits import require_canvas_size
from core.canvas.selection import Selection, SelectionChanged, from_pixels, is_blank, shared
from core.canvas.tiles import (
    NOWHERE,
    TILE,
    TiledSurface,
    TileKey,
    bounds_of,
    pieces,
    tiles_in,
)
from core.errors import InvalidRequest
from core.geometry import Point, Rect, Size
from core.request import Pixels

if TYPE_CHECKING:
    from core.canvas.undo import Command


_HERE = Point(0, 0)


def content_rect(surface: TiledSurface, selected: TiledSurface | None = None) -> Rect:
    """The smallest rectangle around everything on a layer that is not clear, and is selected."""
    box = bounds_of(surface.tiles).intersected(surface.bounds)
    if selected is not None:
        box = box.intersected(bounds_of(selected.tiles))
    found = NOWHERE
    for key, in_tile, _ in pieces(box):
        tile = surface.tiles.get(key)
        if tile is None:
            continue
        alpha = cv2.extractChannel(np.ascontiguousarray(tile[in_tile]), 3)
        if selected is not None:
            alpha = cv2.min(alpha, np.ascontiguousarray(selected.tile(*key)[in_tile]))
        inner = Rect(*cv2.boundingRect(alpha))
        rows, columns = in_tile
        found = found.united(
            inner.translated(key[0] * TILE + columns.start, key[1] * TILE + rows.start)
        )
    return found


def copied(document: Document) -> tuple[Rect, Pixels]:
    """What is selected of the active layer, or all of it.

    Returns:
        Where it lies, and uint8 (h, w, 4) premultiplied, the caller's own.

    Raises:
        InvalidRequest: there is nothing.
    """
    document.settle()
    layer, selected = document.active_layer, document.selection.surface
    rect = content_rect(layer.surface, selected)
    if rect.is_empty:
        raise InvalidRequest(
            f"There is nothing to copy on the layer {layer.quoted}. Choose another layer."
        )
    pixels = layer.surface.read(rect)
    return rect, pixels if selected is None else _share(pixels, selected.read(rect))


def begin_transformation(document: Document) -> Transformation:
    """Lift the active layer's picture, or what is selected of it.

    Raises:
        InvalidRequest: the layer is locked, hidden or empty there.
    """
    layer = document.active_layer
    layer.require_paintable()
    document.settle()
    rect = content_rect(layer.surface, document.selection.surface)
    if rect.is_empty:
        raise InvalidRequest(
            f"There is nothing to move on the layer {layer.quoted}. Choose another layer."
        )
    return document.begin(
        lambda painted, closed: Transformation(
            layer.surface, document.selection, rect, painted, closed
        )
    )


class Transformation:
    """What was lifted from a layer, at another place and in another size; the rest stays.

    The pixels are always scaled from those that were lifted, so that many small drags cost no
    sharpness. What lies beyond the canvas at the end is cut off.

    Attributes:
        is_open: Whether it can still be moved; False after `finish` or `cancel`.
        start: Where the picture lay.
        rect: Where it lies now.
    """

    def __init__(
        self,
        surface: TiledSurface,
        selection: Selection,
        rect: Rect,
        painted: Painted,
        closed: Closed,
    ) -> None:
        self.is_open = True
        self.start = self.rect = rect
        self._surface, self._selection = surface, selection
        self._painted, self._closed = painted, closed
        self._before = surface.snapshot()
        self._selected = selection.surface
        self._lifted = surface.read(rect)
        self._rest = self._lift()
        self._scaled = self._lifted
        self._touched: set[TileKey] = set(tiles_in(rect))

    def move_to(self, rect: Rect) -> Rect:
        """Show the picture there; returns what changed.

        Raises:
            CanvasTooLarge: it would be larger than a canvas may be, or have no pixel left.
        """
        if not self.is_open or rect == self.rect:
            return NOWHERE
        require_canvas_size(rect.size)
        if rect.size != self.rect.size:
            self._scaled = _resized(self._lifted, rect.size)
        dirty = self.rect.united(rect).intersected(self._surface.bounds)
        self._put_rest_back()
        self.rect = rect
        self._put_down()
        if not dirty.is_empty:
            self._painted(self._surface, dirty)
        return dirty

    def finish(self) -> None:
        """Leave it where it is: one command, or none where it is back."""
        if self.rect == self.start:
            self.cancel()
        if not self.is_open:
            return
        self.is_open = False
        name = "Move" if self.rect.size == self.start.size else "Transform"
        pixels = TilesChanged.since(self._before, self._surface, name, self._touched)
        self._closed(None if pixels is None else self._with_selection(pixels))

    def cancel(self) -> Rect:
        """As if it had never been; returns what changed back."""
        if not self.is_open:
            return NOWHERE
        self.is_open = False
        dirty = self._give_back()
        self._closed(None)
        if not dirty.is_empty:
            self._painted(self._surface, dirty)
        return dirty

    def _lift(self) -> TiledSurface:
        """Take the picture off; returns what stays."""
        rest = shared(self._surface)
        if self._selected is None:
            _clear(rest, self.start)
            return rest
        taken = _share(self._lifted, self._selected.read(self.start))
        rest.write(self.start, self._lifted - taken)
        self._lifted = taken
        return rest

    def _put_rest_back(self) -> None:
        tiles = self._rest.snapshot().tiles
        here = tiles_in(self.rect.intersected(self._surface.bounds))
        self._surface.put({key: tiles.get(key) for key in here})

    def _put_down(self) -> None:
        self._put_rest_back()
        inside = self.rect.intersected(self._surface.bounds)
        part = self._scaled[inside.translated(-self.rect.x, -self.rect.y).slices()]
        for key, in_tile, in_part in pieces(inside):
            self._touched.add(key)
            tile = self._surface.tile_for_writing(*key)
            target = np.ascontiguousarray(tile[in_tile])
            blend(np.ascontiguousarray(part[in_part]), 255, target)
            tile[in_tile] = target

    def _give_back(self) -> Rect:
        return self._surface.put({key: self._before.tiles.get(key) for key in self._touched})

    def _with_selection(self, pixels: TilesChanged) -> Command:
        """The selection goes where the selected pixels went."""
        if self._selected is None:
            return pixels
        share = _resized(self._selected.read(self.start), self.rect.size)
        moved = from_pixels(share, self.rect, self._surface.size)
        after = None if is_blank(moved) else moved
        self._selection.become(after)
        return _Moved(pixels.name, pixels, SelectionChanged(pixels.name, self._selected, after))


@dataclass(frozen=True, eq=False)
class _Moved:
    """Selected pixels and their selection, moved together."""

    name: str
    pixels: TilesChanged
    selection: SelectionChanged

    @property
    def bytes(self) -> int:
        return self.pixels.bytes + self.selection.bytes

    def undo(self, document: Document) -> Rect:
        self.selection.undo(document)
        return self.pixels.undo(document)

    def redo(self, document: Document) -> Rect:
        self.selection.redo(document)
        return self.pixels.redo(document)


@dataclass(frozen=True, eq=False)
class _SelectionMoved(SelectionChanged):
    """The same shape selected elsewhere, by so much from where it was at first."""

    by: Point = _HERE


def move_selection(document: Document, dx: int, dy: int, joins: bool = False) -> None:
    """Select the same shape `dx` to the right and `dy` further down; the pixels stay.

    What comes to lie beyond the canvas is cut off.

    Args:
        joins: Be one step with a move right before it, as a key that is held makes many.

    Raises:
        InvalidRequest: nothing is selected, or nothing of it would be left on the canvas.
    """
    document.settle()
    before, stack = document.selection.surface, document.undo_stack
    if before is None:
        raise InvalidRequest("Nothing is selected. Draw a selection first.")
    last, by = stack.last, Point(dx, dy)
    goes_on = joins and isinstance(last, _SelectionMoved) and last.after is before
    if goes_on and isinstance(last, _SelectionMoved) and last.before is not None:
        before, by = last.before, Point(last.by.x + dx, last.by.y + dy)
    after = before.moved(*by, document.size)
    if is_blank(after):
        raise InvalidRequest("The selection is at the picture's edge; it stays where it is.")
    if goes_on:
        stack.forget_last()
    document.perform(_SelectionMoved("Move selection", before, after, by))


def crop(document: Document, rect: Rect) -> None:
    """Keep only what lies in `rect`; one step.

    Raises:
        InvalidRequest: it would leave no pixel of the canvas.
    """
    inside = rect.intersected(document.bounds)
    if inside.is_empty:
        raise InvalidRequest("There is nothing of the picture in it. Select a part to keep.")
    _change_canvas(document, "Crop", inside)


def crop_to_selection(document: Document) -> None:
    """Keep only the smallest rectangle around what is selected; one step.

    Raises:
        InvalidRequest: nothing is selected.
    """
    document.settle()
    selected = document.selection.surface
    if selected is None:
        raise InvalidRequest("Nothing is selected. Draw a selection around what to keep.")
    found = NOWHERE
    for key, tile in selected.tiles.items():
        inner = Rect(*cv2.boundingRect(np.ascontiguousarray(tile)))
        found = found.united(inner.translated(key[0] * TILE, key[1] * TILE))
    crop(document, found)


def resize_canvas(document: Document, size: Size, anchor: tuple[float, float]) -> None:
    """Give the canvas another size, without scaling anything; what is new is transparent.

    Args:
        anchor: What stays where it is: 0 the left or upper edge, 0.5 the middle, 1 the other.

    Raises:
        CanvasTooLarge: that is no size for a canvas.
        InvalidRequest: the anchor is not 0 to 1.
    """
    require_canvas_size(size)
    if not all(0 <= share <= 1 for share in anchor):
        raise InvalidRequest(f"An anchor of {anchor} is not on the canvas; give 0 to 1.")
    x = round((document.size.width - size.width) * anchor[0])
    y = round((document.size.height - size.height) * anchor[1])
    _change_canvas(document, "Resize canvas", Rect(x, y, *size))


def _change_canvas(document: Document, name: str, bounds: Rect) -> None:
    """Make `bounds` the canvas; the frame comes along and stays on it."""
    if bounds == document.bounds:
        return
    document.settle()
    before = Structure.of(document)
    after = before.moved(Point(-bounds.x, -bounds.y), bounds.size)
    whole = Rect.of_size(bounds.size)
    document.perform(StructureChanged.between(name, before, after, whole))
    if document.frame.intersected(whole).is_empty:
        document.set_frame(document.frame._replace(x=0, y=0))


def _clear(surface: TiledSurface, rect: Rect) -> None:
    for key, in_tile, _ in pieces(rect.intersected(surface.bounds)):
        if key in surface.tiles:
            surface.tile_for_writing(*key)[in_tile] = 0


def _share(pixels: Pixels, selected: Pixels) -> Pixels:
    """As much of (h, w, 4) premultiplied pixels as (h, w) selects."""
    wide = cv2.merge((selected, selected, selected, selected))
    return np.asarray(cv2.multiply(pixels, wide, scale=1 / 255), np.uint8)


def _resized(pixels: Pixels, size: Size) -> Pixels:
    """Scaled; premultiplied colours stay within their alpha."""
    height, width = pixels.shape[:2]
    if size == (width, height):
        return pixels
    grows = size.width >= width and size.height >= height
    shrinks = size.width <= width and size.height <= height
    how = cv2.INTER_CUBIC if grows else cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)
    if scaled.ndim == 3:
        np.minimum(scaled[..., :3], scaled[..., 3:], out=scaled[..., :3])
    return scaled
