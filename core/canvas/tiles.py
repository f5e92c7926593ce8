"""Pixels in tiles of 256 that are copied only when written: a snapshot costs references.

RGBA is stored *premultiplied*: red, green and blue never exceed alpha. A tile that is absent is
transparent (or not masked), and pixels beyond the surface's size are always zero.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from core.canvas.reserve import Reserve
from core.geometry import Rect, Size
from core.request import Pixels

TILE = 256
WHOLE_TILE = Rect(0, 0, TILE, TILE)
NOWHERE = Rect(0, 0, 0, 0)

TileKey = tuple[int, int]
Slices = tuple[slice, slice]
Tiles = Mapping[TileKey, Pixels]
TileChanges = Mapping[TileKey, Pixels | None]


def _constant_tile(channels: int, value: int) -> Pixels:
    tile = np.full(tile_shape(channels), value, np.uint8)
    tile.flags.writeable = False
    return tile


def tile_shape(channels: int) -> tuple[int, ...]:
    """Shape of one tile's array: (256, 256, 4) or, for one channel, (256, 256)."""
    return (TILE, TILE) if channels == 1 else (TILE, TILE, channels)


RESERVED = 48
"""Tiles of each kind that may lie ready: 12 MiB of four channels, and 3 MiB of one."""

tile_reserve = Reserve({channels: tile_shape(channels) for channels in (1, 4)}, RESERVED)
"""Where the memory of tiles that are painted or shown comes from."""

EMPTY_TILE = {channels: _constant_tile(channels, 0) for channels in (1, 4)}
"""Zeros, by number of channels; read-only and shared by everyone who needs an absent tile."""

FULL_TILE = {channels: _constant_tile(channels, 255) for channels in (1, 4)}
"""Opaque white, or fully masked; read-only and shared, so that white paper costs one tile."""


def tile_rect(key: TileKey) -> Rect:
    """Where the tile lies on the surface."""
    return Rect(key[0] * TILE, key[1] * TILE, TILE, TILE)


def tiles_in(rect: Rect) -> Iterator[TileKey]:
    """Keys of all tiles that `rect` touches, row by row."""
    if rect.is_empty:
        return
    for ty in range(rect.y // TILE, (rect.bottom - 1) // TILE + 1):
        for tx in range(rect.x // TILE, (rect.right - 1) // TILE + 1):
            yield tx, ty


def pieces(rect: Rect) -> Iterator[tuple[TileKey, Slices, Slices]]:
    """Cut `rect` at the tile borders.

    Yields:
        The tile's key, the piece as slices of the tile, and as slices of an array of `rect`.
    """
    if rect.is_empty:
        return
    columns = list(_cuts(rect.x, rect.right))
    for ty, rows, rows_in_rect in _cuts(rect.y, rect.bottom):
        for tx, across, across_in_rect in columns:
            yield (tx, ty), (rows, across), (rows_in_rect, across_in_rect)


def _cuts(start: int, end: int) -> Iterator[tuple[int, slice, slice]]:
    """Cut a span at the tile borders: number of the tile, span in the tile, span from `start`."""
    for number in range(start // TILE, -(-end // TILE)):
        first = number * TILE
        low, high = max(start, first), min(end, first + TILE)
        yield number, slice(low - first, high - first), slice(low - start, high - start)


def bounds_of(keys: Collection[TileKey]) -> Rect:
    """The smallest rectangle around these tiles; empty if there are none."""
    if not keys:
        return NOWHERE
    columns, rows = {tx for tx, _ in keys}, {ty for _, ty in keys}
    first, last = tile_rect((min(columns), min(rows))), tile_rect((max(columns), max(rows)))
    return first.united(last)


def bytes_of(tiles: Iterator[Pixels | None]) -> int:
    """Memory of these tiles; one that appears twice counts once, the constant ones not at all."""
    constant = {id(tile) for shared in (EMPTY_TILE, FULL_TILE) for tile in shared.values()}
    unique = {id(tile): tile.nbytes for tile in tiles if tile is not None}
    return sum(size for tile, size in unique.items() if tile not in constant)


@dataclass(frozen=True)
class Snapshot:
    """The tiles a surface had at one moment; they are never written again."""

    tiles: Tiles


class TiledSurface:
    """A picture of one or four uint8 channels, kept in copy-on-write tiles.

    A tile may be written while its array is writable; sharing makes it read-only for good, and
    the next write copies it. RGBA is premultiplied.

    Attributes:
        channels: 1 (a mask) or 4 (premultiplied RGBA).
        size: Pixels beyond it do not exist: they read as zero and are never written.
    """

    def __init__(self, channels: int, size: Size) -> None:
        if channels not in EMPTY_TILE:
            raise ValueError(f"a surface has 1 or 4 channels, not {channels}")
        self.channels = channels
        self.size = size
        self._tiles: dict[TileKey, Pixels] = {}

    @property
    def bounds(self) -> Rect:
        """The rectangle of its size at the origin."""
        return Rect.of_size(self.size)

    @property
    def tiles(self) -> Tiles:
        """The tiles that are there; a view for reading."""
        return MappingProxyType(self._tiles)

    @property
    def bytes_used(self) -> int:
        """Memory of its tiles; a tile used twice counts once, a constant one not at all."""
        return bytes_of(iter(self._tiles.values()))

    def tile(self, tx: int, ty: int) -> Pixels:
        """The tile for reading: a read-only view that follows later writes."""
        tile = self._tiles.get((tx, ty), EMPTY_TILE[self.channels])
        return read_only(tile)

    def touches(self, rect: Rect) -> bool:
        """Whether any value in `rect` is not 0."""
        return any(
            key in self._tiles and bool(self._tiles[key][in_tile].any())
            for key, in_tile, _ in pieces(rect.intersected(self.bounds))
        )

    def tile_for_writing(self, tx: int, ty: int) -> Pixels:
        """The tile itself, made or copied first where it is absent or shared.

        The caller writes only inside `bounds`.
        """
        tile = self._tiles.get((tx, ty))
        if tile is not None and tile.flags.writeable:
            return tile
        fresh = tile_reserve.take(self.channels)
        fresh[...] = 0 if tile is None else tile
        self._tiles[tx, ty] = fresh
        return fresh

    def snapshot(self) -> Snapshot:
        """Remember every tile, by reference; from now on writing copies."""
        for tile in self._tiles.values():
            tile.flags.writeable = False
        return Snapshot(MappingProxyType(dict(self._tiles)))

    def restore(self, snapshot: Snapshot) -> Rect:
        """Bring a snapshot back.

        Returns:
            The box around all tiles that are not the same array as before.
        """
        there, then = self._tiles, snapshot.tiles
        different = {
            key: then.get(key)
            for key in there.keys() | then.keys()
            if there.get(key) is not then.get(key)
        }
        return self.put(different)

    def put(self, changes: TileChanges) -> Rect:
        """Replace whole tiles by shared ones, `None` removes; returns the box around them."""
        for key, tile in changes.items():
            if tile is None:
                self._tiles.pop(key, None)
            else:
                tile.flags.writeable = False
                self._tiles[key] = tile
        return bounds_of(changes).intersected(self.bounds)

    def read(self, rect: Rect, out: Pixels | None = None) -> Pixels:
        """An own array of that rectangle, (h, w, 4) or (h, w), or `out`; zero outside."""
        shape = (rect.height, rect.width, *tile_shape(self.channels)[2:])
        pixels = np.zeros(shape, np.uint8) if out is None else out
        if out is not None:
            out[...] = 0
        inside = rect.intersected(self.bounds)
        target = pixels[inside.translated(-rect.x, -rect.y).slices()]
        for key, in_tile, in_target in pieces(inside):
            tile = self._tiles.get(key)
            if tile is not None:
                target[in_target] = tile[in_tile]
        return pixels

    def write(self, rect: Rect, pixels: Pixels) -> Rect:
        """Replace the pixels of `rect`, premultiplied where there are four channels.

        Returns:
            The part of `rect` that lies on the surface.
        """
        inside = rect.intersected(self.bounds)
        source = pixels[inside.translated(-rect.x, -rect.y).slices()]
        for key, in_tile, in_source in pieces(inside):
            self.tile_for_writing(*key)[in_tile] = source[in_source]
        return inside

    def fill(self, rect: Rect) -> Rect:
        """Set every channel of `rect` to 255; whole tiles share one array.

        Returns:
            The part of `rect` that lies on the surface.
        """
        inside = rect.intersected(self.bounds)
        full = FULL_TILE[self.channels]
        partial: dict[tuple[slice, ...], Pixels] = {}
        for key, in_tile, _ in pieces(inside):
            if inside.contains(tile_rect(key)):
                self._tiles[key] = full
            elif key in self._tiles:
                self.tile_for_writing(*key)[in_tile] = 255
            else:
                self._tiles[key] = _partly_full(partial, in_tile, self.channels)
        return inside

    def clear(self) -> None:
        """Set every pixel to 0."""
        self._tiles.clear()

    def invert(self) -> None:
        """Set every value on the surface to 255 minus what it was."""
        full = FULL_TILE[self.channels]
        for key, in_tile, _ in pieces(self.bounds):
            if key not in self._tiles:
                self.fill(tile_rect(key))
            elif self._tiles[key] is full:
                del self._tiles[key]
            else:
                part = self.tile_for_writing(*key)[in_tile]
                np.subtract(255, part, out=part)

    def moved(self, dx: int, dy: int, size: Size) -> TiledSurface:
        """A surface of `size` with the same pixels, `dx` to the right and `dy` further down."""
        other = TiledSurface(self.channels, size)
        self.snapshot()
        for key in tiles_in(self.bounds.translated(dx, dy).intersected(other.bounds)):
            tile = self._tile_at(tile_rect(key).translated(-dx, -dy), other.bounds, key)
            if tile is not None:
                other._tiles[key] = tile
        return other

    def _tile_at(self, source: Rect, bounds: Rect, key: TileKey) -> Pixels | None:
        """The tile made of `source`; shared where nothing has to be shifted."""
        found = {id(tile): tile for tile in map(self._tiles.get, tiles_in(source))}
        whole = bounds.contains(tile_rect(key))
        if len(found) == 1 and whole:
            tile = next(iter(found.values()))
            if (
                tile is None
                or tile is FULL_TILE[self.channels]
                or source.x % TILE == 0 == (source.y % TILE)
            ):
                return tile
        visible = tile_rect(key).intersected(bounds)
        pixels = np.zeros(tile_shape(self.channels), np.uint8)
        part = Rect(source.x, source.y, visible.width, visible.height)
        pixels[: part.height, : part.width] = self.read(part)
        return pixels if pixels.any() else None


def read_only(tile: Pixels) -> Pixels:
    """A view that cannot be written; the tile itself if that is so already."""
    if not tile.flags.writeable:
        return tile
    view = tile.view()
    view.flags.writeable = False
    return view


def _partly_full(made: dict[tuple[slice, ...], Pixels], part: Slices, channels: int) -> Pixels:
    """A shared tile that is full in `part`; the tiles of one edge are all the same."""
    name = (part[0].start, part[0].stop, part[1].start, part[1].stop)
    if name not in made:
        tile = np.zeros(tile_shape(channels), np.uint8)
        tile[part] = 255
        tile.flags.writeable = False
        made[name] = tile
    return made[name]
