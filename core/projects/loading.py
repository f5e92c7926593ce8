"""Reading a project: ours exactly, anybody else's as plain layers, a hostile one not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.canvas import Document, Layer, TiledSurface
from core.errors import UnreadableImage
from core.geometry import Point
from core.projects.archive import Archive, Flaw, opened
from core.projects.channels import Channels, told_apart
from core.projects.documents import document_of
from core.projects.pixels import layer_surface, mask_surface
from core.projects.record import RECORD, ProjectRecord
from core.projects.saving import MASK_NAME, require_memory
from core.projects.stack import LayerStack, StackedLayer, parse_stack


@dataclass(frozen=True)
class Project:
    """A project that was opened.

    Attributes:
        document: Layers, mask and frame; there is nothing to undo.
        facts: What `save_project` was given; empty for another program's file.
        notices: One sentence for each thing that another program's file has and Sfumato has not.
    """

    document: Document
    facts: dict[str, Any] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


def load_project(file: Path) -> Project:
    """Open an OpenRaster file.

    Groups are dissolved into their layers, and a composite-op that Sfumato has not, or that a
    group has, counts as src-over.

    Raises:
        UnreadableImage: missing, damaged, hostile, or too large; says which.
    """
    try:
        with opened(file) as archive:
            return _project(archive)
    except Flaw as flaw:
        raise UnreadableImage(f"“{file.name}” cannot be opened: {flaw}. {flaw.remedy}") from flaw


def _project(archive: Archive) -> Project:
    stack = parse_stack(archive.text("stack.xml"))
    _require_sizes(archive, stack)
    record = ProjectRecord.from_json(archive.text(RECORD)) if RECORD in archive else None
    masked = _mask_layer(stack.layers, record)
    others = [layer for layer in stack.layers if layer is not masked]
    channels = told_apart(others, None if record is None else record.roles)
    painted = channels.painted
    layers = [_layer(archive, layer, stack) for layer in painted]
    active = layers[_active(painted, record)]
    document = document_of(
        layers,
        active,
        _mask(archive, masked, stack),
        _selection(archive, channels, stack),
        {name: _mask(archive, layer, stack) for name, layer in channels.kept.items()},
    )
    if record is None:
        return Project(document, notices=tuple(_notices(stack)))
    if record.canvas == stack.size:
        document.set_frame(record.frame)
    return Project(document, record.facts, tuple(_notices(stack)))


def _require_sizes(archive: Archive, stack: LayerStack) -> None:
    """Read only the headers of all pictures and refuse what does not fit, before any is decoded."""
    require_memory(sum(archive.picture_size(layer.source).area for layer in stack.layers))
    merged = "mergedimage.png"
    if merged in archive and archive.picture_size(merged) != stack.size:
        raise Flaw(f"its {merged} has {archive.picture_size(merged)} pixels, not {stack.size}")


def _mask_layer(
    layers: Sequence[StackedLayer], record: ProjectRecord | None
) -> StackedLayer | None:
    """The layer that is the mask. Other programs drop our record, but they keep the name."""
    named = [layer for layer in layers if layer.name == MASK_NAME]
    if record is not None:
        named = [layer for layer in named if record.roles.get(layer.source) == "mask"]
    return named[-1] if named and len(layers) > 1 else None


def _active(layers: Sequence[StackedLayer], record: ProjectRecord | None) -> int:
    """Index of the layer to paint on: the recorded one, the selected one, or the topmost."""
    for index, layer in enumerate(layers):
        if record is not None and layer.source == record.active:
            return index
    return next((i for i, layer in enumerate(layers) if layer.selected), len(layers) - 1)


def _layer(archive: Archive, layer: StackedLayer, stack: LayerStack) -> Layer:
    picture = archive.picture(layer.source)
    surface = layer_surface(picture, Point(layer.x, layer.y), stack.size)
    return Layer(layer.name, surface, layer.visible, layer.opacity, layer.blend_mode, layer.locked)


def _mask(archive: Archive, layer: StackedLayer | None, stack: LayerStack) -> TiledSurface:
    if layer is None:
        return TiledSurface(1, stack.size)
    return mask_surface(archive.picture(layer.source), Point(layer.x, layer.y), stack.size)


def _selection(archive: Archive, channels: Channels, stack: LayerStack) -> TiledSurface | None:
    """What was selected; None, which is everything, where a stranger left no pixel of it."""
    surface = _mask(archive, channels.selection, stack)
    return surface if surface.tiles else None


def _notices(stack: LayerStack) -> list[str]:
    notices = []
    if stack.groups:
        notices.append(f"{_counted(stack.groups, 'group')} became single layers.")
    if stack.blended:
        notices.append(f"{_counted(stack.blended, 'layer')} with another blend mode became normal.")
    return notices


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
