"""The picture being worked on: layers, one mask, a frame, and a way back.

Everything that changes it goes through `Document`, which keeps the flattened picture and its
reduced copies up to date, remembers one undo step for each gesture, and announces the change.
It belongs to one thread; `flatten` and `mask_pixels` give arrays that belong to the caller.
"""

from __future__ import annotations

from collections.abc import Callable

from core.canvas.appearance import Appearance
from core.canvas.brush import Brush
from core.canvas.changing import Change, Closed, OpenChange, Painted
from core.canvas.commands import Structure, StructureChanged, TilesChanged
from core.canvas.layers import Layer
from core.canvas.limits import affordable, require_canvas_size, require_fit, require_image
from core.canvas.selection import KeptMasks, Selection, is_blank
from core.canvas.strokes import Stroke, StrokeTarget
from core.canvas.tiles import NOWHERE, TileChanges, TiledSurface
from core.canvas.undo import Command, UndoStack
from core.errors import InvalidRequest
from core.geometry import Point, Rect, Size
from core.observable import Event
from core.request import Pixels


class Document:
    """Layers over each other, and what may be repainted of them.

    Attributes:
        changed: Emitted with the rectangle whose picture or mask pixels may be different.
        structure_changed: Emitted when the size, the list of layers, one of their properties or
            the active layer is different; before `changed`.
        frame_changed: Emitted when `frame` is different.
        undo_stack: What can be taken back; call `undo` and `redo` here, not there.
        selection: What strokes and other changes of pixels are limited to.
        kept_masks: Masks put by, by name; see `core.canvas.filling.keep_mask`.
    """

    def __init__(self, size: Size) -> None:
        """A white canvas: one layer "Background", which shares a single white tile.

        Raises:
            CanvasTooLarge: a side is not 1 to 16,384 pixels, or there are more than 128 million.
        """
        require_canvas_size(size)
        paper = TiledSurface(4, size)
        paper.fill(paper.bounds)
        self._begin(Layer("Background", paper))

    @classmethod
    def from_image(cls, pixels: Pixels, name: str = "Background") -> Document:
        """A document of one layer with these pixels.

        Args:
            pixels: uint8 array of shape (h, w, 3) or (h, w, 4), straight alpha.

        Raises:
            InvalidRequest: the array is not such an array.
            CanvasTooLarge: it is larger than a canvas may be.
        """
        require_image(pixels)
        document = cls.__new__(cls)
        size = Size(pixels.shape[1], pixels.shape[0])
        document._begin(Layer.with_image(name, size, pixels, Rect.of_size(size)))
        return document

    def _begin(self, layer: Layer) -> None:
        self.changed: Event[Rect] = Event()
        self.structure_changed: Event[[]] = Event()
        self.frame_changed: Event[[]] = Event()
        self.undo_stack = UndoStack()
        self._size = layer.surface.size
        self._origin = Point(0, 0)
        self._frame = self.bounds
        self._layers: tuple[Layer, ...] = (layer,)
        self._active = layer
        self._stroke: OpenChange | None = None
        self.selection = Selection(self.perform, self.settle)
        self.kept_masks: KeptMasks = {}
        self._appearance = Appearance(TiledSurface(1, self._size))
        self._appearance.set_layers(self._layers, self._active)

    # What there is

    @property
    def size(self) -> Size:
        """Width and height of the canvas."""
        return self._size

    @property
    def bounds(self) -> Rect:
        """The canvas as a rectangle."""
        return Rect.of_size(self._size)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All layers, bottom first."""
        return self._layers

    @property
    def mask(self) -> TiledSurface:
        """What may be repainted: 255 fully, 0 not at all. For reading."""
        return self._appearance.mask

    @property
    def active_layer(self) -> Layer:
        """The layer that strokes paint on."""
        return self._active

    @active_layer.setter
    def active_layer(self, layer: Layer) -> None:
        if layer not in self._layers:
            raise ValueError(f"the layer {layer.name!r} is not in this document")
        if layer is not self._active:
            self._active = layer
            self._appearance.set_layers(self._layers, layer)
            self.structure_changed.emit()

    @property
    def origin(self) -> Point:
        """Where the corner that the canvas had at first lies on it now; it grows to the left."""
        return self._origin

    @property
    def frame(self) -> Rect:
        """Where the next picture is generated; may lie partly or wholly outside the canvas."""
        return self._frame

    def set_frame(self, frame: Rect) -> None:
        """Move the frame; not an undo step.

        Raises:
            InvalidRequest: there is no pixel in it.
        """
        if frame.is_empty:
            raise InvalidRequest(f"A frame of {frame.size} holds no pixel. Draw it larger.")
        if frame != self._frame:
            self._frame = frame
            self.frame_changed.emit()

    # What is seen

    def flatten(self, rect: Rect) -> Pixels:
        """The picture in `rect`, all visible layers: an own uint8 array (h, w, 4), premultiplied.

        Outside the canvas it is transparent.

        Raises:
            CanvasTooLarge: `rect` is larger than a canvas may be.
        """
        return self._appearance.flatten(affordable(rect))

    def flattened_tile(self, tx: int, ty: int, level: int = 0) -> Pixels:
        """The tile at column `tx`, row `ty` of the picture at 1 / 2**level of its size.

        Returns:
            uint8 (256, 256, 4) premultiplied, read-only; transparent outside the canvas. It may
            follow later changes or not, so ask again after `changed`. Calls are cheap.
        """
        return self._appearance.picture_tile((tx, ty), level)

    def mask_tile(self, tx: int, ty: int, level: int = 0) -> Pixels:
        """The like of `flattened_tile` for the mask: uint8 (256, 256), read-only."""
        return self._appearance.mask_tile((tx, ty), level)

    def mask_pixels(self, rect: Rect) -> Pixels:
        """The mask in `rect`: an own uint8 array (h, w), zero outside the canvas.

        Raises:
            CanvasTooLarge: `rect` is larger than a canvas may be.
        """
        return self.mask.read(affordable(rect))

    def mask_touches(self, rect: Rect) -> bool:
        """Whether any pixel in `rect` is masked, however little."""
        return self.mask.touches(rect)

    @property
    def mask_is_empty(self) -> bool:
        """Whether no pixel is masked."""
        return is_blank(self.mask)

    # What can be done

    def begin_stroke(self, brush: Brush, target: StrokeTarget) -> Stroke:
        """Press: a stroke on the layer that is active now, or on the mask, whatever comes later.

        A stroke that is still open is finished first.

        Raises:
            InvalidRequest: the layer is locked or hidden.
        """
        self.settle()
        if target is StrokeTarget.PAINT:
            self._active.require_paintable()
        surface = self._active.surface if target is StrokeTarget.PAINT else self.mask
        selected = self.selection.surface
        return self.begin(
            lambda painted, closed: Stroke(surface, brush, target, painted, closed, selected)
        )

    def begin(self, make: Callable[[Painted, Closed], Change]) -> Change:
        """Begin what goes on until it is finished or cancelled; what is still open is finished.

        Args:
            make: Gets whom to tell of every changed rectangle, and of the end and its command.
        """
        self.settle()
        change = make(self._on_painted, self._on_stroke_closed)
        self._stroke = change
        return change

    def settle(self) -> None:
        """Finish the stroke that is open, if one is, so that nothing painted gets lost."""
        if self._stroke is not None:
            self._stroke.finish()

    @property
    def has_open_change(self) -> bool:
        """Whether a stroke or the like has begun and not ended."""
        return self._stroke is not None

    def clear_mask(self) -> None:
        """Mask nothing; an undo step unless nothing was masked."""
        self.edit_surface("Clear mask", self.mask, TiledSurface.clear)

    def invert_mask(self) -> None:
        """Mask what is not masked and the other way round; one undo step."""
        self.edit_surface("Invert mask", self.mask, TiledSurface.invert)

    def fill_mask(self, rect: Rect) -> None:
        """Mask all of `rect` that lies on the canvas; an undo step unless it was so already."""
        self.edit_surface("Fill mask", self.mask, lambda mask: mask.fill(rect))

    def place_image(
        self,
        pixels: Pixels,
        rect: Rect,
        name: str,
        mask: Pixels | None = None,
        extends: bool = False,
    ) -> Layer:
        """Put a picture on a new layer on top, which becomes active; one undo step.

        A stroke that is open goes on undisturbed, unless the canvas grows.

        Args:
            pixels: uint8 (h, w, 3) or, with straight alpha, (h, w, 4).
            rect: Where it goes, of the picture's size; what lies outside the canvas is cut off.
            mask: uint8 (h, w); where it is 0 the new layer is transparent. Elsewhere an RGB
                picture covers fully, so that the flattened canvas has exactly its pixels.
            extends: Let the canvas grow instead, so that nothing is cut off; the same step.

        Raises:
            InvalidRequest: the arrays and `rect` do not fit each other, or all of it lies outside.
            CanvasTooLarge: the canvas would become too large.
        """
        require_image(pixels)
        bounds = self.bounds.united(rect) if extends else self.bounds
        require_fit(pixels, rect, mask, bounds)
        structure, dirty = self._structure, rect.intersected(bounds)
        if bounds != self.bounds:
            structure, dirty = self._extended(bounds), Rect.of_size(bounds.size)
        place = rect.translated(-bounds.x, -bounds.y)
        layer = Layer.with_image(name, bounds.size, pixels, place, mask)
        self._restructure("Place picture", structure.with_layer(layer), dirty)
        return layer

    def resize_to_include(self, rect: Rect) -> Point:
        """Grow the canvas so that `rect` lies on it; what is new is transparent. One undo step.

        Returns:
            By how much everything moved right and down, the frame included; never negative.

        Raises:
            CanvasTooLarge: the canvas would become too large.
        """
        grown = self.bounds.united(rect)
        if grown != self.bounds:
            self._restructure("Extend canvas", self._extended(grown), Rect.of_size(grown.size))
        return Point(-grown.x, -grown.y)

    def edit_surface(
        self, name: str, surface: TiledSurface, edit: Callable[[TiledSurface], object]
    ) -> bool:
        """Let `edit` write a layer's surface or the mask's; one step, False if nothing differs.

        Where `edit` raises, the surface is as it was before, and there is no step.
        """
        self.settle()
        before = surface.snapshot()
        try:
            edit(surface)
        except BaseException:
            surface.restore(before)
            raise
        command = TilesChanged.since(before, surface, name)
        if command is not None:
            self.perform(command)
        return command is not None

    def perform(self, command: Command) -> None:
        """Carry a command out, remember it, and tell what is different."""
        self.settle()
        self._announce_after(lambda document: self._perform(command))

    def undo(self) -> Rect:
        """Take back the last step, or the stroke that is open; returns what changed."""
        if self._stroke is not None:
            return self._stroke.cancel()
        return self._announce_after(self.undo_stack.undo)

    def redo(self) -> Rect:
        """Make the step again that was taken back last; returns what changed.

        While a stroke is open there is nothing to redo.
        """
        if self._stroke is not None:
            return NOWHERE
        return self._announce_after(self.undo_stack.redo)

    # For commands: no events from here, so that nobody sees a half-made step

    def replace_tiles(self, surface: TiledSurface, tiles: TileChanges) -> Rect:
        """Put whole tiles into a surface; returns what may look different."""
        dirty = surface.put(tiles)
        self._appearance.invalidate(dirty, surface)
        return dirty

    def restore_structure(self, structure: Structure, dirty: Rect) -> Rect:
        """Become what `structure` says; returns what may look different."""
        layers = tuple(sheet.restore() for sheet in structure.sheets)
        if layers != self._layers:
            self._active = structure.active
        self._layers = layers
        self._size = structure.size
        dx, dy = structure.origin.x - self._origin.x, structure.origin.y - self._origin.y
        self._origin = structure.origin
        self._frame = self._frame.translated(dx, dy)
        self.selection.become(structure.selection)
        self.selection.forget_last(structure.size)
        self.kept_masks = structure.kept_masks
        if structure.mask is not self.mask:
            self._appearance = Appearance(structure.mask)
            dirty = self.bounds
        self._appearance.set_layers(layers, self._active)
        self._appearance.invalidate(dirty)
        return dirty

    # Inside

    @property
    def _structure(self) -> Structure:
        return Structure.of(self)

    def _extended(self, bounds: Rect) -> Structure:
        """This document on the larger canvas `bounds`, which may begin left of and above it."""
        require_canvas_size(bounds.size)
        self.settle()
        return self._structure.moved(Point(-bounds.x, -bounds.y), bounds.size)

    def _restructure(self, name: str, after: Structure, dirty: Rect) -> None:
        command = StructureChanged.between(name, self._structure, after, dirty)
        self._announce_after(lambda document: self._perform(command))

    def _perform(self, command: Command) -> Rect:
        dirty = command.redo(self)
        self.undo_stack.push(command)
        return dirty

    def _announce_after(self, act: Callable[[Document], Rect]) -> Rect:
        """Do it, then tell what is different."""
        structure, frame = self._structure, self._frame
        dirty = act(self)
        if self._structure != structure:
            self.structure_changed.emit()
        if self._frame != frame:
            self.frame_changed.emit()
        if not dirty.is_empty:
            self.changed.emit(dirty)
        return dirty

    def _on_painted(self, surface: TiledSurface, dirty: Rect) -> None:
        self._appearance.invalidate(dirty, surface)
        self.changed.emit(dirty)

    def _on_stroke_closed(self, command: Command | None) -> None:
        self._stroke = None
        if command is not None:
            self.undo_stack.push(command)
