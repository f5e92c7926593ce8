"""What a project holds besides its painted layers: the selection, and masks put by.

Each is a hidden layer like the mask itself: red, as opaque as the pixel is selected. Other programs
show them when asked to, keep them, and with them the name by which they are found again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from core.canvas import Document, TiledSurface
from core.projects.pixels import mask_picture
from core.projects.stack import StackedLayer
from core.request import Pixels

SELECTION, KEPT = "selection", "kept-mask"
"""Roles in the project's record."""
SELECTION_NAME = "Sfumato selection"
KEPT_NAME = "Kept mask: "


@dataclass(frozen=True)
class Channels:
    """Which of the stacked layers are which.

    Attributes:
        painted: All others, in their order.
        selection: The one that is the selection, if there is one.
        kept: Masks put by, by their names.
    """

    painted: tuple[StackedLayer, ...]
    selection: StackedLayer | None = None
    kept: Mapping[str, StackedLayer] = field(default_factory=dict)


def written(
    document: Document, write: Callable[[Pixels], str]
) -> Iterator[tuple[StackedLayer, str]]:
    """Write each channel's picture; yields its layer and its role.

    Args:
        write: Puts a picture into the archive and returns its name there.
    """
    selected = document.selection.surface
    if selected is not None:
        yield from _written(SELECTION_NAME, selected, SELECTION, write)
    for name, mask in document.kept_masks.items():
        yield from _written(KEPT_NAME + name, mask, KEPT, write)


def told_apart(layers: Sequence[StackedLayer], roles: Mapping[str, str] | None) -> Channels:
    """Find the channels among layers that are painted otherwise.

    Args:
        roles: What the project's record says of each source. Without a record the name decides,
            of a hidden layer; one layer at least stays painted.
    """
    selection: StackedLayer | None = None
    kept: dict[str, StackedLayer] = {}
    painted = []
    for layer in layers:
        role = _role(layer) if roles is None else roles.get(layer.source)
        if role == SELECTION and layer.name == SELECTION_NAME:
            selection = layer
        elif role == KEPT and layer.name.startswith(KEPT_NAME):
            kept[layer.name.removeprefix(KEPT_NAME)] = layer
        else:
            painted.append(layer)
    return Channels(tuple(painted), selection, kept) if painted else Channels(tuple(layers))


def _role(layer: StackedLayer) -> str:
    if layer.visible:
        return ""
    if layer.name == SELECTION_NAME:
        return SELECTION
    return KEPT if layer.name.startswith(KEPT_NAME) else ""


def _written(
    name: str, surface: TiledSurface, role: str, write: Callable[[Pixels], str]
) -> Iterator[tuple[StackedLayer, str]]:
    picture = mask_picture(surface)
    if picture is not None:
        corner, pixels = picture
        source = write(pixels)
        yield StackedLayer(name, source, corner.x, corner.y, visible=False, opacity=0.5), role
