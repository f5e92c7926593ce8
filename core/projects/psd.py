"""Writing a Photoshop document: layers with names, opacity, blend modes and locks. Not reading.

Source: "Adobe Photoshop File Formats Specification" (Adobe, 2019). 8-bit RGB with straight alpha,
each row packed as in TIFF (PackBits), all numbers big-endian. The mask and the frame are left out.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from core.atomic import write_atomically
from core.canvas import Document, Layer
from core.canvas.blend_modes import BlendMode
from core.geometry import Point, Rect
from core.projects.pixels import layer_picture, straight
from core.request import Pixels

BLEND_KEYS = {
    BlendMode.NORMAL: b"norm",
    BlendMode.MULTIPLY: b"mul ",
    BlendMode.SCREEN: b"scrn",
    BlendMode.OVERLAY: b"over",
    BlendMode.DARKEN: b"dark",
    BlendMode.LIGHTEN: b"lite",
    BlendMode.ADD: b"lddg",
    BlendMode.COLOUR: b"colr",
    BlendMode.LUMINOSITY: b"lum ",
}
_CHANNELS = (0, 1, 2, -1)  # red, green, blue, transparency
_PACKED = struct.pack(">H", 1)
_HIDDEN = 0x02
_LOCKED = 1 << 31
_SHORTEST_RUN = 8  # shorter ones would save little and cost a turn of a Python loop each
_MOST = 128


def export_psd(document: Document, file: Path) -> None:
    """Write the layers and, for programs that read no layers, the picture they make.

    Raises:
        StorageFailed: disk full or folder not writable; the old file is untouched.
    """
    stream = io.BytesIO()
    width, height = document.size
    stream.write(struct.pack(">4sH6xHIIHH", b"8BPS", 1, 4, height, width, 8, 3))
    stream.write(struct.pack(">II", 0, 0))  # no palette, no resources
    stream.write(_block(_layer_info(document.layers) + struct.pack(">I", 0)))
    picture = straight(document.flatten(Rect.of_size(document.size)))
    packed = [list(_packed_rows(picture[..., channel])) for channel in range(4)]
    lengths = np.array([len(row) for rows in packed for row in rows], ">u2")
    stream.write(_PACKED + lengths.tobytes())
    stream.writelines(row for rows in packed for row in rows)
    write_atomically(file, stream.getvalue())


def _layer_info(layers: Sequence[Layer]) -> bytes:
    """Records of all layers, bottom first, then their pixels."""
    records, pixels = [], []
    for layer in layers:
        corner, picture = layer_picture(layer.surface)
        channels = [_channel(picture[..., number % 4]) for number in _CHANNELS]
        records.append(_record(layer, corner, picture, channels))
        pixels += channels
    # A negative count says that the fourth channel of the whole picture is its transparency.
    content = struct.pack(">h", -len(layers)) + b"".join(records) + b"".join(pixels)
    return _block(content + bytes(len(content) % 2))


def _record(layer: Layer, corner: Point, picture: Pixels, channels: Sequence[bytes]) -> bytes:
    height, width = picture.shape[:2]
    box = (corner.y, corner.x, corner.y + height, corner.x + width)
    lengths = zip(_CHANNELS, map(len, channels), strict=True)
    opacity = round(layer.opacity * 255)
    flags = 0 if layer.visible else _HIDDEN
    return b"".join(
        (
            struct.pack(">4iH", *box, len(_CHANNELS)),
            *(struct.pack(">hI", *length) for length in lengths),
            struct.pack(">4s4sBBBx", b"8BIM", BLEND_KEYS[layer.blend_mode], opacity, 0, flags),
            _block(struct.pack(">II", 0, 0) + _names(layer)),  # no mask, no blending ranges
        )
    )


def _names(layer: Layer) -> bytes:
    """The name for old programs and for new ones, and the lock."""
    short = layer.name.encode("ascii", "replace")[:255]
    pascal = bytes([len(short)]) + short
    wide = layer.name.encode("utf-16-be", "replace")
    unicode_name = struct.pack(">I", len(wide) // 2) + wide
    locks = struct.pack(">I", _LOCKED if layer.locked else 0)
    return _padded(pascal) + _tagged(b"luni", _padded(unicode_name)) + _tagged(b"lspf", locks)


def _tagged(key: bytes, content: bytes) -> bytes:
    return b"8BIM" + key + _block(content)


def _block(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 4)


def _channel(plane: Pixels) -> bytes:
    rows = list(_packed_rows(plane))
    return _PACKED + np.array([len(row) for row in rows], ">u2").tobytes() + b"".join(rows)


def _packed_rows(plane: Pixels) -> Iterator[bytes]:
    """Each row of (h, w) bytes by itself."""
    plane = np.ascontiguousarray(plane)
    for row, is_flat in zip(plane, _flat_rows(plane), strict=True):
        yield _flat(int(row[0]), len(row)) if is_flat else _packed(row)


def _flat_rows(plane: Pixels) -> Pixels:
    """Whether all bytes of a row are the same; most of alpha is like that, and looking is quick."""
    least = cv2.reduce(plane, 1, cv2.REDUCE_MIN)
    return np.ravel(least == cv2.reduce(plane, 1, cv2.REDUCE_MAX))


def _flat(value: int, length: int) -> bytes:
    full, rest = divmod(length, _MOST)
    packed = bytes((257 - _MOST, value)) * full
    if rest == 1:
        return packed + bytes((0, value))
    return packed + (bytes((257 - rest, value)) if rest else b"")


def _packed(row: Pixels) -> bytes:
    """PackBits: longer runs as count and value, what lies between as it is."""
    edges = np.flatnonzero(np.diff(row)) + 1
    starts, ends = np.append(0, edges), np.append(edges, len(row))
    long = ends - starts >= _SHORTEST_RUN
    out, done, content = bytearray(), 0, row.tobytes()
    for start, end in zip(starts[long].tolist(), ends[long].tolist(), strict=True):
        out += _literal(content[done:start])
        out += _flat(content[start], end - start)
        done = end
    return bytes(out + _literal(content[done:]))


def _literal(content: bytes) -> bytes:
    pieces = (content[start : start + _MOST] for start in range(0, len(content), _MOST))
    return b"".join(bytes([len(piece) - 1]) + piece for piece in pieces)
