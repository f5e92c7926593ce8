"""Where the document lies in the view: pure arithmetic, no widget."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from core.geometry import Rect, Size

LEAST_ZOOM = 0.01
MOST_ZOOM = 64.0
STOPS = (0.01, 0.02, 0.05, 0.1, 0.17, 0.25, 0.33, 0.5, 0.67, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 32, 64)


@dataclass(frozen=True)
class Viewport:
    """A zoom and an offset: ``view = document * zoom + offset``, in device-independent pixels."""

    zoom: float = 1.0
    left: float = 0.0
    top: float = 0.0

    def to_view(self, x: float, y: float) -> tuple[float, float]:
        """The view position of a document position."""
        return x * self.zoom + self.left, y * self.zoom + self.top

    def to_document(self, x: float, y: float) -> tuple[float, float]:
        """The document position under a view position."""
        return (x - self.left) / self.zoom, (y - self.top) / self.zoom

    def panned(self, dx: float, dy: float) -> Viewport:
        """The same zoom, moved by view pixels."""
        return replace(self, left=self.left + dx, top=self.top + dy)

    def zoomed(self, factor: float, x: float, y: float) -> Viewport:
        """Zoomed by `factor` so that the document position under (x, y) stays there."""
        return self.at_zoom(self.zoom * factor, x, y)

    def at_zoom(self, zoom: float, x: float, y: float) -> Viewport:
        """At `zoom`, kept within 1 % and 6400 %, with the position under (x, y) unmoved."""
        zoom = min(max(zoom, LEAST_ZOOM), MOST_ZOOM)
        document_x, document_y = self.to_document(x, y)
        return Viewport(zoom, x - document_x * zoom, y - document_y * zoom)

    def next_stop(self, direction: int) -> float:
        """The next round zoom, larger for +1 and smaller for -1."""
        if direction > 0:
            return next((stop for stop in STOPS if stop > self.zoom * 1.001), MOST_ZOOM)
        return next((stop for stop in reversed(STOPS) if stop < self.zoom * 0.999), LEAST_ZOOM)

    def visible(self, view: Size) -> Rect:
        """The document rectangle, rounded outwards, that a view of that size shows."""
        return self.seen_in(Rect.of_size(view))

    def seen_in(self, part: Rect) -> Rect:
        """The document rectangle, rounded outwards, that a part of the view shows."""
        left, top = self.to_document(part.x, part.y)
        right, bottom = self.to_document(part.right, part.bottom)
        return Rect.between(math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))

    @classmethod
    def fitting(cls, area: Rect, view: Size, margin: int, most: float = 4.0) -> Viewport:
        """The whole `area` centred in the view with a margin; never larger than `most`."""
        room = (max(1, view.width - 2 * margin), max(1, view.height - 2 * margin))
        zoom = min(room[0] / max(1, area.width), room[1] / max(1, area.height), most)
        return cls.centred(area, view, min(max(zoom, LEAST_ZOOM), MOST_ZOOM))

    @classmethod
    def centred(cls, area: Rect, view: Size, zoom: float) -> Viewport:
        """`area` in the middle of the view, at `zoom`."""
        return cls(
            zoom,
            round((view.width - area.width * zoom) / 2 - area.x * zoom),
            round((view.height - area.height * zoom) / 2 - area.y * zoom),
        )
