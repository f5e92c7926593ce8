"""Sizes, points and rectangles in whole pixels, y downwards; plain tuples with arithmetic."""

from __future__ import annotations

from typing import NamedTuple


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width} × {self.height}"

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.width * self.height

    @property
    def is_empty(self) -> bool:
        """Whether there is no pixel in it."""
        return self.width <= 0 or self.height <= 0

    def is_multiple_of(self, step: int) -> bool:
        """Whether both sides are whole multiples of `step`."""
        return self.width % step == 0 and self.height % step == 0

    def rounded_to(self, step: int) -> Size:
        """The nearest size whose sides are whole multiples of `step`, at least one step each."""
        return Size(_nearest(self.width, step), _nearest(self.height, step))

    def swapped(self) -> Size:
        """Portrait for landscape and the other way round."""
        return Size(self.height, self.width)


class Point(NamedTuple):
    """A pixel's corner."""

    x: int
    y: int


class Rect(NamedTuple):
    """A half-open rectangle: `x <= column < x + width`, `y <= row < y + height`."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def of_size(cls, size: Size) -> Rect:
        """The rectangle of that size at the origin."""
        return cls(0, 0, size.width, size.height)

    @classmethod
    def between(cls, left: int, top: int, right: int, bottom: int) -> Rect:
        """The rectangle with these edges; empty where right or bottom come first."""
        return cls(left, top, max(0, right - left), max(0, bottom - top))

    @property
    def right(self) -> int:
        """The first column after it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row after it."""
        return self.y + self.height

    @property
    def size(self) -> Size:
        """Its width and height."""
        return Size(self.width, self.height)

    @property
    def is_empty(self) -> bool:
        """Whether there is no pixel in it."""
        return self.width <= 0 or self.height <= 0

    def translated(self, dx: int, dy: int) -> Rect:
        """The same rectangle moved by that many pixels."""
        return Rect(self.x + dx, self.y + dy, self.width, self.height)

    def intersected(self, other: Rect) -> Rect:
        """What both have in common; empty when they do not meet."""
        x, y, width, height = self
        left, top, wide, high = other
        right = x + width if x + width < left + wide else left + wide
        bottom = y + height if y + height < top + high else top + high
        x, y = left if left > x else x, top if top > y else y  # faster than max: strokes ask often
        return Rect(x, y, right - x if right > x else 0, bottom - y if bottom > y else 0)

    def united(self, other: Rect) -> Rect:
        """The smallest rectangle around both; an empty one does not count."""
        if self.is_empty:
            return other
        if other.is_empty:
            return self
        return Rect.between(
            min(self.x, other.x),
            min(self.y, other.y),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def contains(self, other: Rect) -> bool:
        """Whether no pixel of `other` lies outside."""
        return self.intersected(other) == other

    def grown(self, margin: int) -> Rect:
        """The rectangle with `margin` pixels more on each side."""
        return Rect(
            self.x - margin, self.y - margin, self.width + 2 * margin, self.height + 2 * margin
        )

    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index an image array with."""
        return slice(self.y, self.bottom), slice(self.x, self.right)


def _nearest(value: int, step: int) -> int:
    return max(step, (value + step // 2) // step * step)
