"""stack.xml: which layers there are, in what order, and where.

OpenRaster 0.0.6 draft (freedesktop.org): the first element is the topmost layer, `x` and `y`
default to 0, `opacity` to 1, `visibility` to "visible". Where a group has a position, its layers
move with it, as MyPaint reads and writes it; `edit-locked` is MyPaint's and Krita's word too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import numpy as np

from core.canvas.blend_modes import BlendMode
from core.geometry import Size
from core.images import MAX_PIXELS, MAX_SIDE
from core.projects.archive import MOST_ENTRIES, Flaw

COMPOSITE_OPS = {
    BlendMode.NORMAL: "svg:src-over",
    BlendMode.MULTIPLY: "svg:multiply",
    BlendMode.SCREEN: "svg:screen",
    BlendMode.OVERLAY: "svg:overlay",
    BlendMode.DARKEN: "svg:darken",
    BlendMode.LIGHTEN: "svg:lighten",
    BlendMode.ADD: "svg:plus",
    BlendMode.COLOUR: "svg:color",
    BlendMode.LUMINOSITY: "svg:luminosity",
}
_MODES = {op: mode for mode, op in COMPOSITE_OPS.items()} | {
    "src-over": BlendMode.NORMAL,
    "": BlendMode.NORMAL,
}
# XML 1.0 has no way to write these characters.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class StackedLayer:
    """One layer.

    Attributes:
        source: Name of its PNG in the archive.
        x: Column of the PNG's left edge on the canvas; may be negative.
        y: Row of its upper edge.
        opacity: 0 to 1.
        selected: Whether it is the one being painted on.
        locked: Whether its pixels are kept as they are.
    """

    name: str
    source: str
    x: int = 0
    y: int = 0
    visible: bool = True
    opacity: float = 1.0
    selected: bool = False
    blend_mode: BlendMode = BlendMode.NORMAL
    locked: bool = False


@dataclass(frozen=True)
class LayerStack:
    """The canvas and its layers.

    Attributes:
        layers: Bottom first.
        groups: Number of groups that were dissolved into their layers.
        blended: Number of layers that had a composite-op without a blend mode of ours, and of
            groups that had any but src-over.
    """

    size: Size
    layers: tuple[StackedLayer, ...]
    groups: int = 0
    blended: int = 0


def to_xml(stack: LayerStack) -> bytes:
    """The stack as stack.xml; characters that XML cannot hold become U+FFFD."""
    width, height = stack.size
    return "\n".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<image version="0.0.6" w="{width}" h="{height}" xres="72" yres="72">',
            " <stack>",
            *(f"  <layer {_attributes(layer)}/>" for layer in reversed(stack.layers)),
            " </stack>",
            "</image>\n",
        )
    ).encode()


def parse_stack(content: bytes) -> LayerStack:
    """Read stack.xml; groups are dissolved, in order.

    Raises:
        Flaw: it is not XML, declares a DOCTYPE, or lacks what a picture needs.
    """
    parser = ElementTree.XMLParser(target=_StackReader())
    try:
        parser.feed(content)
        stack = parser.close()
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise Flaw("its stack.xml is damaged") from error
    assert isinstance(stack, LayerStack)
    return stack


@dataclass(frozen=True)
class _Group:
    """What the groups around a layer say about it, taken together."""

    x: int = 0
    y: int = 0
    visible: bool = True
    opacity: float = 1.0

    def with_inner(self, attributes: Mapping[str, str]) -> _Group:
        return _Group(
            self.x + _integer(attributes, "x", "0"),
            self.y + _integer(attributes, "y", "0"),
            self.visible and attributes.get("visibility", "visible") == "visible",
            self.opacity * _opacity(attributes),
        )


class _StackReader:
    """Called by the XML parser for each element; keeps no tree, so that depth costs little."""

    def __init__(self) -> None:
        self._size: Size | None = None
        self._layers: list[StackedLayer] = []
        self._around = [_Group()]
        self._groups = 0
        self._blended = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "image" and self._size is None:
            self._size = _canvas_size(attributes)
        elif tag == "stack":
            self._around.append(self._around[-1].with_inner(attributes))
            self._groups += len(self._around) > 2
            self._blended += _blend_mode(attributes) is not BlendMode.NORMAL
        elif tag == "layer":
            self._layers.append(_layer(attributes, self._around[-1]))
            self._blended += _blend_mode(attributes) is None
            if len(self._layers) > MOST_ENTRIES:
                raise Flaw(f"it has more than {MOST_ENTRIES:,} layers")

    def end(self, tag: str) -> None:
        if tag == "stack":
            self._around.pop()

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> None:
        # Entities, and with them bombs and reading of other files, can only be declared here.
        raise Flaw("its stack.xml has a DOCTYPE, which no picture needs")

    def close(self) -> LayerStack:
        if self._size is None:
            raise Flaw("its stack.xml describes no image")
        if not self._layers:
            raise Flaw("there is no layer in it")
        return LayerStack(self._size, tuple(reversed(self._layers)), self._groups, self._blended)


def _attributes(layer: StackedLayer) -> str:
    words = {
        "name": _NOT_IN_XML.sub("\ufffd", layer.name),
        "src": layer.source,
        "x": str(layer.x),
        "y": str(layer.y),
        # Every digit that the number has, and no exponent, which other readers may not know.
        "opacity": np.format_float_positional(layer.opacity, trim="0"),
        "visibility": "visible" if layer.visible else "hidden",
        "composite-op": COMPOSITE_OPS[layer.blend_mode],
    }
    if layer.selected:
        words["selected"] = "true"
    if layer.locked:
        words["edit-locked"] = "true"
    return " ".join(f"{word}={quoteattr(value)}" for word, value in words.items())


def _layer(attributes: Mapping[str, str], group: _Group) -> StackedLayer:
    place = group.with_inner(attributes)
    return StackedLayer(
        attributes.get("name", "Layer"),
        attributes.get("src", ""),
        place.x,
        place.y,
        place.visible,
        place.opacity,
        attributes.get("selected") == "true",
        _blend_mode(attributes) or BlendMode.NORMAL,
        attributes.get("edit-locked") == "true",
    )


def _blend_mode(attributes: Mapping[str, str]) -> BlendMode | None:
    """The mode that a composite-op means; None where Sfumato has none for it."""
    return _MODES.get(attributes.get("composite-op", ""))


def _canvas_size(attributes: Mapping[str, str]) -> Size:
    size = Size(_integer(attributes, "w", ""), _integer(attributes, "h", ""))
    if size.is_empty:
        raise Flaw("its canvas has no pixel")
    if max(size) > MAX_SIDE or size.area > MAX_PIXELS:
        raise Flaw(
            f"its canvas is too large ({size} pixels; at most {MAX_SIDE:,} a side and "
            f"{MAX_PIXELS // 1_000_000} megapixels)",
            "Scale it down in the program it comes from.",
        )
    return size


def _integer(attributes: Mapping[str, str], name: str, default: str) -> int:
    text = attributes.get(name, default)
    # Nothing further away can meet a canvas, and longer numbers only cost time.
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", text.strip()):
        raise Flaw(f"its stack.xml says {name}={text[:20]!r}, which is not a whole number")
    return int(text)


def _opacity(attributes: Mapping[str, str]) -> float:
    """0 to 1. Some versions of Krita wrote a decimal comma."""
    try:
        opacity = float(attributes.get("opacity", "1").replace(",", "."))
    except ValueError:
        opacity = math.nan
    if math.isnan(opacity):
        raise Flaw(f"its stack.xml says opacity={attributes['opacity'][:20]!r}, which is no number")
    return min(1.0, max(0.0, opacity))
