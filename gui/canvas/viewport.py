"""Where the document lies in the view: pure arithmetic, no widget."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

from core.geometry import Rect, Size

LEAST_ZOOM = 0.01
MOST_ZOOM = 64.0
STOPS = (0.01, 0.02, 0.05, 0.1, 0.17, 0.25, 0.33, 0.5, 0.67, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 32, 64)
TURN_STEP = 15.0
"""Degrees that the keys turn the view by, and that a turn clings to while Ctrl is held."""
_QUARTERS = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))


@dataclass(frozen=True)
class Viewport:
    """The one way between document and view: mirrored, turned, zoomed, moved, in this order.

    ``view = zoom * R(angle) * M * document + offset`` with the rotation R and the mirror image M.

    Attributes:
        zoom: View pixels (device-independent) for a document pixel.
        left, top: The view position of the document's origin.
        angle: Degrees clockwise, above -180 and at most 180.
        is_mirrored: Whether left and right are exchanged before it is turned.
        ratio: Device pixels for a view pixel.
    """

    zoom: float = 1.0
    left: float = 0.0
    top: float = 0.0
    angle: float = 0.0
    is_mirrored: bool = False
    ratio: float = 1.0

    @property
    def scale(self) -> float:
        """Device pixels for a document pixel; 1.0 is what people call 100 %."""
        return self.zoom * self.ratio

    @property
    def is_upright(self) -> bool:
        """Whether the document is neither turned nor mirrored."""
        return self.angle == 0 and not self.is_mirrored

    @property
    def is_square(self) -> bool:
        """Whether the document's edges run along those of the screen's pixels."""
        return self.angle % 90 == 0

    @cached_property
    def matrix(self) -> tuple[float, float, float, float]:
        """``(a, b, c, d)`` with ``view = (a x + c y + left, b x + d y + top)``."""
        cosine, sine = direction(self.angle)
        across = -self.zoom if self.is_mirrored else self.zoom
        return across * cosine, across * sine, -self.zoom * sine, self.zoom * cosine

    @property
    def _is_along(self) -> bool:
        """Whether rows stay rows, so that two corners tell of all four."""
        return self.angle in (0.0, 180.0)

    def to_view(self, x: float, y: float) -> tuple[float, float]:
        """The view position of a document position."""
        a, b, c, d = self.matrix
        return a * x + c * y + self.left, b * x + d * y + self.top

    def to_document(self, x: float, y: float) -> tuple[float, float]:
        """The document position under a view position."""
        cosine, sine = direction(self.angle)
        across, down = (x - self.left) / self.zoom, (y - self.top) / self.zoom
        along = cosine * across + sine * down
        return -along if self.is_mirrored else along, cosine * down - sine * across

    # --- the same document seen in another way ---------------------------------------------------

    def panned(self, dx: float, dy: float) -> Viewport:
        """The same zoom, moved by view pixels."""
        return replace(self, left=self.left + dx, top=self.top + dy)

    def zoomed(self, factor: float, x: float, y: float) -> Viewport:
        """Zoomed by `factor` so that the document position under (x, y) stays there."""
        return self.at_scale(self.scale * factor, x, y)

    def at_scale(self, scale: float, x: float, y: float) -> Viewport:
        """At `scale`, kept within 1 % and 6400 %, with the position under (x, y) unmoved."""
        scale = min(max(scale, LEAST_ZOOM), MOST_ZOOM)
        return replace(self, zoom=scale / self.ratio).holding(self.to_document(x, y), x, y)

    def turned_to(self, angle: float, x: float, y: float) -> Viewport:
        """Turned to `angle` degrees, any number, with the position under (x, y) unmoved."""
        return replace(self, angle=_least(angle)).holding(self.to_document(x, y), x, y)

    def mirrored(self, x: float) -> Viewport:
        """What is seen, mirrored at the view's column `x`."""
        return replace(
            self,
            left=2 * x - self.left,
            angle=_least(-self.angle),
            is_mirrored=not self.is_mirrored,
        )

    def holding(self, place: tuple[float, float], x: float, y: float) -> Viewport:
        """Moved so that the document position `place` lies under (x, y)."""
        a, b, c, d = self.matrix
        left = x - (a * place[0] + c * place[1])
        top = y - (b * place[0] + d * place[1])
        return replace(self, left=left, top=top)

    def upright(self, x: float, y: float) -> Viewport:
        """Neither turned nor mirrored, with the position under (x, y) unmoved."""
        straight = replace(self, angle=0.0, is_mirrored=False)
        return straight.holding(self.to_document(x, y), x, y)

    def on_device(self, left: float = 0.0, top: float = 0.0) -> Viewport:
        """The way from the document to device pixels.

        Unless the document is turned by a part of a right angle, its origin lies on a whole pixel:
        then at 100 % each of its pixels is one of the device's, and nothing blurs.

        Args:
            left, top: The device position of the view's origin.
        """
        left, top = self.left * self.ratio + left, self.top * self.ratio + top
        if self.is_square:
            left, top = round(left), round(top)
        return replace(self, zoom=self.scale, left=left, top=top, ratio=1.0)

    def next_stop(self, direction: int) -> float:
        """The next round scale, larger for +1 and smaller for -1."""
        if direction > 0:
            return next((stop for stop in STOPS if stop > self.scale * 1.001), MOST_ZOOM)
        return next((stop for stop in reversed(STOPS) if stop < self.scale * 0.999), LEAST_ZOOM)

    def next_turn(self, direction: int) -> float:
        """The next angle that the keys turn to, clockwise for +1 and back for -1."""
        steps = self.angle / TURN_STEP
        if direction > 0:
            return (math.floor(steps + 1e-6) + 1) * TURN_STEP
        return (math.ceil(steps - 1e-6) - 1) * TURN_STEP

    # --- what is seen ----------------------------------------------------------------------------

    def visible(self, view: Size) -> Rect:
        """The document rectangle, rounded outwards, that a view of that size shows."""
        return self.seen_in(Rect.of_size(view))

    def seen_in(self, part: Rect) -> Rect:
        """The document rectangle, rounded outwards, around what a part of the view shows."""
        corners = _opposite(part) if self._is_along else corners_of(part)
        across, down = zip(*(self.to_document(*corner) for corner in corners), strict=True)
        return Rect.between(
            math.floor(min(across)),
            math.floor(min(down)),
            math.ceil(max(across)),
            math.ceil(max(down)),
        )

    def around(self, rect: Rect) -> tuple[float, float, float, float]:
        """Left, top, right and bottom in the view of what is around a document rectangle."""
        corners = _opposite(rect) if self._is_along else corners_of(rect)
        across, down = zip(*(self.to_view(*corner) for corner in corners), strict=True)
        return min(across), min(down), max(across), max(down)

    def fitted(self, area: Rect, view: Size, margin: int, most: float = 4.0) -> Viewport:
        """The whole `area`, as this viewport turns it, in the middle of the view with a margin.

        Args:
            most: The zoom is never larger than that.
        """
        cosine, sine = map(abs, direction(self.angle))
        width = max(1.0, area.width * cosine + area.height * sine)
        height = max(1.0, area.width * sine + area.height * cosine)
        room = (max(1, view.width - 2 * margin), max(1, view.height - 2 * margin))
        scale = min(room[0] / width, room[1] / height, most) * self.ratio
        zoom = min(max(scale, LEAST_ZOOM), MOST_ZOOM) / self.ratio
        centred = replace(self, zoom=zoom).holding(
            (area.x + area.width / 2, area.y + area.height / 2), view.width / 2, view.height / 2
        )
        return replace(centred, left=round(centred.left), top=round(centred.top))


def direction(angle: float) -> tuple[float, float]:
    """Cosine and sine of an angle in degrees, exact for right angles."""
    if angle % 90 == 0:
        return _QUARTERS[int(angle // 90) % 4]
    radians = math.radians(angle)
    return math.cos(radians), math.sin(radians)


def _least(angle: float) -> float:
    """The same direction, above -180 and at most 180; what rounding left beside 0 is 0."""
    angle = -((180.0 - angle) % 360.0 - 180.0)
    return 0.0 if abs(angle) < 1e-9 else angle


def _opposite(rect: Rect) -> tuple[tuple[int, int], tuple[int, int]]:
    return (rect.x, rect.y), (rect.right, rect.bottom)


def corners_of(rect: Rect) -> tuple[tuple[int, int], ...]:
    """Its four corners, clockwise."""
    return (
        (rect.x, rect.y),
        (rect.right, rect.y),
        (rect.right, rect.bottom),
        (rect.x, rect.bottom),
    )
