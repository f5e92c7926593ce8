"""Writing a project: the whole new file appears at once, or the old one stays."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from core.atomic import replacing
from core.canvas import Document
from core.errors import StorageFailed
from core.geometry import Point, Rect
from core.images import encode, thumbnail
from core.projects.archive import MIMETYPE, MOST_BYTES, MOST_TEXT, Flaw, examine
from core.projects.channels import written
from core.projects.pixels import layer_picture, mask_picture, straight
from core.projects.record import RECORD, ProjectRecord
from core.projects.stack import LayerStack, StackedLayer, to_xml
from core.request import Pixels

MASK_NAME = "Inpaint mask"
THUMBNAIL_SIDE = 256


def save_project(document: Document, file: Path, facts: dict[str, Any] | None = None) -> None:
    """Write `document` as an OpenRaster file. The same document gives the same bytes.

    Args:
        document: It is read in the calling thread; give a `snapshot_of` it to another one.
        file: The target; its folder is made if it is missing, a link stays a link.
        facts: JSON data that `load_project` gives back.

    Raises:
        StorageFailed: disk full, folder not writable, or more layers than a project may hold.
            The old file is untouched, and nothing else is left behind.
    """
    try:
        with replacing(file) as stream, zipfile.ZipFile(stream, "w") as entries:
            _write(document, facts or {}, entries)
            examine(entries.infolist())  # what is written can be read
    except Flaw as flaw:
        raise StorageFailed(f"“{file.name}” was not saved: {flaw}. Remove some layers.") from flaw


class _Writer:
    """Puts pictures into the archive and keeps count of what reading them will take."""

    def __init__(self, entries: zipfile.ZipFile) -> None:
        self._entries = entries
        self._pixels = 0

    def layer(self, pixels: Pixels, number: int) -> str:
        """Write one layer's picture; returns its name in the archive."""
        self._pixels += pixels.shape[0] * pixels.shape[1]
        require_memory(self._pixels)
        name = f"data/layer{number}.png"
        self.entry(name, encode(pixels, "PNG"))
        return name

    def entry(self, name: str, content: bytes) -> None:
        """Write an entry, stored: a PNG is compressed already, and the rest is small."""
        info = zipfile.ZipInfo(name)  # a fixed date
        info.external_attr = 0o644 << 16
        self._entries.writestr(info, content, zipfile.ZIP_STORED)

    def text(self, name: str, content: bytes) -> None:
        """Write an entry that `Archive.text` will read."""
        if len(content) > MOST_TEXT:
            raise Flaw(f"its {name} would be larger than {MOST_TEXT // 2**20} MB")
        self.entry(name, content)


def require_memory(pixels: int) -> None:
    """Refuse layers that unpacked take more than 4 GiB together.

    Raises:
        Flaw: they do.
    """
    if pixels * 4 > MOST_BYTES:
        raise Flaw(f"its layers take more than {MOST_BYTES // 2**30} GB of memory")


def _write(document: Document, facts: dict[str, Any], entries: zipfile.ZipFile) -> None:
    writer = _Writer(entries)
    writer.entry("mimetype", MIMETYPE.encode())  # the first, so that its place in the file is fixed
    layers = [_layer(writer, document, number) for number in range(len(document.layers))]
    roles = {layer.source: "paint" for layer in layers}
    active = next(layer.source for layer in layers if layer.selected)
    layers += _mask(writer, document, len(layers))
    roles |= {layer.source: "mask" for layer in layers[len(roles) :]}
    for channel, role in written(document, lambda pixels: writer.layer(pixels, len(layers))):
        layers.append(channel)
        roles[channel.source] = role
    _write_previews(writer, document)
    writer.text("stack.xml", to_xml(LayerStack(document.size, tuple(layers))))
    record = ProjectRecord(document.size, document.frame, active, roles, facts)
    writer.text(RECORD, record.to_json())


def _layer(writer: _Writer, document: Document, number: int) -> StackedLayer:
    layer = document.layers[number]
    corner, pixels = layer_picture(layer.surface)
    return StackedLayer(
        layer.name,
        writer.layer(pixels, number),
        corner.x,
        corner.y,
        layer.visible,
        layer.opacity,
        layer is document.active_layer,
        layer.blend_mode,
        layer.locked,
    )


def _mask(writer: _Writer, document: Document, number: int) -> list[StackedLayer]:
    """The mask's layer, if anything is masked: hidden and half transparent, for other programs."""
    picture: tuple[Point, Pixels] | None = mask_picture(document.mask)
    if picture is None:
        return []
    corner, pixels = picture
    source = writer.layer(pixels, number)
    return [StackedLayer(MASK_NAME, source, corner.x, corner.y, visible=False, opacity=0.5)]


def _write_previews(writer: _Writer, document: Document) -> None:
    merged = straight(document.flatten(Rect.of_size(document.size)))
    writer.entry("mergedimage.png", encode(merged, "PNG"))
    writer.entry("Thumbnails/thumbnail.png", encode(thumbnail(merged, THUMBNAIL_SIDE), "PNG"))
