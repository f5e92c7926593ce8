"""Many pictures on one sheet, with a word at every column and row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.geometry import Size
from core.images import MAX_SIDE, thumbnail
from core.request import GenerationRequest, Pixels

_PAPER, _INK = (243, 242, 240), (28, 28, 30)
_GAP = 8
_MOST_LINES = 4
_MOST_PIXELS = 100_000_000
_LEAST_TEXT, _MOST_TEXT = 16, 40
_TEXTS_PER_CELL = 30  # a label is readable where the whole sheet is looked at

Place = tuple[int, int, int]
"""(section, row, column), each from 0."""


@dataclass(frozen=True, eq=False)
class GridSheet:
    """A sheet and what stands on it, for the gallery.

    Attributes:
        image: uint8 (h, w, 3).
        base: The request that the pictures have in common; of an id of its own.
        axes: (what is varied, labels) of columns, rows and sections; those of one place are left
            out.
        pictures: The gallery's ids of what stands on it.
    """

    image: Pixels
    base: GenerationRequest
    axes: tuple[tuple[str, tuple[str, ...]], ...]
    pictures: Mapping[Place, str]

    def to_dict(self) -> dict[str, Any]:
        """All but pixels and request, as JSON data."""
        height, width = self.image.shape[:2]
        return {
            "size": [width, height],
            "axes": [{"name": name, "values": list(values)} for name, values in self.axes],
            "pictures": [{"place": list(place), "id": key} for place, key in self.pictures.items()],
        }

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The axes in the words of A1111's script of that name, for the infotext."""
        found = [("Script", "X/Y/Z plot")]
        for letter, (name, values) in zip("XYZ", self.axes, strict=False):
            found += [(f"{letter} Type", name), (f"{letter} Values", ", ".join(values))]
        return found


def sheet(
    pictures: Mapping[Place, Pixels],
    columns: Sequence[str],
    rows: Sequence[str],
    sections: Sequence[str],
) -> Pixels:
    """Draw the pictures with their labels; a place without one stays empty.

    Args:
        pictures: uint8 (h, w, 3), one at least; all are made smaller if the sheet would be too
            large.
        columns, rows, sections: Labels, one at least of each; empty ones take no room.

    Returns:
        uint8 (h, w, 3).
    """
    height, width = np.max([picture.shape[:2] for picture in pictures.values()], axis=0)
    side = most_side(Size(int(width), int(height)), len(columns), len(rows) * len(sections))
    cells = {place: fitted(picture, side) for place, picture in pictures.items()}
    height, width = np.max([cell.shape[:2] for cell in cells.values()], axis=0)
    return _Layout(Size(int(width), int(height)), columns, rows, sections).draw(cells)


def most_side(largest: Size, across: int, down: int) -> int | None:
    """The longest side of a picture on a sheet with that many places; None where all fit as is.

    Args:
        largest: Width and height of the largest picture.
    """
    room = MAX_SIDE - 1500  # for the labels
    share = min(
        room / (across * (largest.width + _GAP)),
        room / (down * (largest.height + _GAP)),
        (_MOST_PIXELS / (across * down * largest.area)) ** 0.5,
    )
    return None if share >= 1 else max(1, int(max(largest) * share))


def fitted(picture: Pixels, side: int | None) -> Pixels:
    """The picture with no side longer than `side`; as it is for None."""
    return picture if side is None or max(picture.shape[:2]) <= side else thumbnail(picture, side)


class _Layout:
    """Where everything on a sheet stands, in pixels."""

    def __init__(
        self, cell: Size, columns: Sequence[str], rows: Sequence[str], sections: Sequence[str]
    ) -> None:
        self._cell = cell
        self._names = columns, rows, sections
        self._text = min(max(min(cell) // _TEXTS_PER_CELL, _LEAST_TEXT), _MOST_TEXT)
        self._line = self._text * 5 // 4
        self._row_lines = max(1, min(_MOST_LINES, cell.height // self._line))
        self._left = self._left_margin(rows)
        self._top = self._room(columns, cell.width)
        self._title = self._room(sections, len(columns) * (cell.width + _GAP))
        self._section = self._title + self._top + len(rows) * (cell.height + _GAP)

    @cached_property
    def _font(self) -> Any:
        return ImageFont.load_default(self._text)

    @property
    def size(self) -> Size:
        """Of the whole sheet."""
        columns, _, sections = self._names
        return Size(
            _GAP + self._left + len(columns) * (self._cell.width + _GAP),
            _GAP + len(sections) * (self._section + _GAP),
        )

    def draw(self, cells: Mapping[Place, Pixels]) -> Pixels:
        """The sheet with these pictures in their places."""
        paper = Image.new("RGB", self.size, _PAPER)
        pen = ImageDraw.Draw(paper)
        columns, rows, sections = self._names
        for z, name in enumerate(sections):
            self._write(pen, (_GAP, self._y(z) - self._title), name, self.size.width - 2 * _GAP)
            for x, words in enumerate(columns):
                above = self._y(z), self._x(x)
                self._write(pen, above[::-1], words, self._cell.width)
            for y, words in enumerate(rows):
                at = (_GAP, self._y(z, y))
                self._write(pen, at, words, self._left - _GAP, self._row_lines)
        for (z, y, x), cell in cells.items():
            paper.paste(Image.fromarray(cell), (self._x(x), self._y(z, y)))
        return np.array(paper)

    def _x(self, column: int) -> int:
        return _GAP + self._left + column * (self._cell.width + _GAP)

    def _y(self, section: int, row: int | None = None) -> int:
        """Of a row of pictures; without one, of the labels above the columns."""
        top = _GAP + section * (self._section + _GAP) + self._title
        return top if row is None else top + self._top + row * (self._cell.height + _GAP)

    def _left_margin(self, rows: Sequence[str]) -> int:
        """Room for the labels beside the rows, with the gap to the pictures; 0 without any."""
        most = self._text * 10
        lines = [line for name in rows for line in self._wrapped(name, most, self._row_lines)]
        widest = max((math.ceil(self._font.getlength(line)) for line in lines), default=0)
        return widest + 2 * _GAP if widest else 0

    def _room(self, labels: Sequence[str], width: int) -> int:
        lines = max(len(self._wrapped(label, width)) for label in labels)
        return lines * self._line + (_GAP if lines else 0)

    def _write(
        self, pen: Any, at: tuple[int, int], words: str, width: int, most: int = _MOST_LINES
    ) -> None:
        for number, line in enumerate(self._wrapped(words, width, most)):
            pen.text((at[0], at[1] + number * self._line), line, _INK, self._font)

    def _wrapped(self, words: str, width: int, most: int = _MOST_LINES) -> list[str]:
        """Lines no wider than `width` pixels; what does not fit into `most` is cut off."""
        lines: list[str] = []
        for word in words.split():
            for piece in self._pieces(word, width):
                longer = f"{lines[-1]} {piece}" if lines else piece
                if lines and self._font.getlength(longer) <= width:
                    lines[-1] = longer
                else:
                    lines.append(piece)
        if len(lines) > most:
            lines = [*lines[: most - 1], self._shortened(lines[most - 1], width)]
        return lines

    def _pieces(self, word: str, width: int) -> list[str]:
        """The word, broken where it alone is wider than a line."""
        pieces = [""]
        for character in word:
            if pieces[-1] and self._font.getlength(pieces[-1] + character) > width:
                pieces.append("")
            pieces[-1] += character
        return pieces

    def _shortened(self, line: str, width: int) -> str:
        while line and self._font.getlength(f"{line}…") > width:
            line = line[:-1]
        return f"{line}…"
