"""Many pictures on one sheet, with a word at every column and row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.images import MAX_SIDE, thumbnail
from core.request import Pixels

_PAPER, _INK = (243, 242, 240), (28, 28, 30)
_GAP, _TEXT, _LINE = 8, 16, 20
_MOST_LINES = 4
_SIDE_WIDTH = 160
_MOST_PIXELS = 100_000_000

Place = tuple[int, int, int]
"""(section, row, column), each from 0."""


def sheet(
    pictures: Mapping[Place, Pixels],
    columns: Sequence[str],
    rows: Sequence[str],
    sections: Sequence[str],
) -> Pixels:
    """Draw the pictures with their labels; a place without one stays empty.

    Args:
        pictures: uint8 (h, w, 3); all are made smaller if the sheet would be too large.
        columns, rows, sections: Labels, one at least of each; empty ones take no room.

    Returns:
        uint8 (h, w, 3).
    """
    cells = _fitting(pictures, len(columns), len(rows) * len(sections))
    width = max(cell.shape[1] for cell in cells.values())
    height = max(cell.shape[0] for cell in cells.values())
    left = max(_width(name) for name in rows)
    top = _room(columns, width)
    title = _room(sections, width * len(columns))
    section = title + top + len(rows) * (height + _GAP)
    size = (_GAP + left + len(columns) * (width + _GAP), _GAP + len(sections) * (section + _GAP))
    paper = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(paper)
    for z, name in enumerate(sections):
        y = _GAP + z * (section + _GAP)
        _write(pen, (_GAP, y), name, size[0] - 2 * _GAP)
        for column, words in enumerate(columns):
            x = _GAP + left + column * (width + _GAP)
            _write(pen, (x, y + title), words, width)
        for row, words in enumerate(rows):
            _write(pen, (_GAP, y + title + top + row * (height + _GAP)), words, left - _GAP)
    for (z, row, column), cell in cells.items():
        y = _GAP + z * (section + _GAP) + title + top + row * (height + _GAP)
        paper.paste(Image.fromarray(cell), (_GAP + left + column * (width + _GAP), y))
    return np.array(paper)


def _fitting(pictures: Mapping[Place, Pixels], across: int, down: int) -> dict[Place, Pixels]:
    """The pictures, smaller where the sheet would be too large for a file."""
    height, width = np.max([picture.shape[:2] for picture in pictures.values()], axis=0)
    room = MAX_SIDE - _SIDE_WIDTH - 1000
    share = min(
        room / (across * (width + _GAP)),
        room / (down * (height + _GAP)),
        (_MOST_PIXELS / (across * down * width * height)) ** 0.5,
    )
    if share >= 1:
        return dict(pictures)
    side = max(1, int(max(width, height) * share))
    return {place: thumbnail(picture, side) for place, picture in pictures.items()}


def _room(labels: Sequence[str], width: int) -> int:
    lines = max(len(_wrapped(label, width)) for label in labels)
    return lines * _LINE + (_GAP if lines else 0)


def _width(label: str) -> int:
    """Room for a label beside a row, with the gap to the pictures."""
    lines = [math.ceil(_font().getlength(line)) for line in _wrapped(label, _SIDE_WIDTH - _GAP)]
    return min(max(lines, default=-2 * _GAP) + 2 * _GAP, _SIDE_WIDTH)


def _write(pen: ImageDraw.ImageDraw, at: tuple[int, int], words: str, width: int) -> None:
    for number, line in enumerate(_wrapped(words, width)):
        pen.text((at[0], at[1] + number * _LINE), line, _INK, _font())


def _wrapped(words: str, width: int) -> list[str]:
    """Lines that are at most `width` pixels wide; what does not fit into four is cut off."""
    lines: list[str] = []
    for word in words.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _font().getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], f"{lines[_MOST_LINES - 1]} …"]
    return lines


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(_TEXT)
