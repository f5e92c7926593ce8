"""What is made of a document in another thread, and put into it when it is done.

`begin` and `finish` are called in the document's own thread and take a moment; what `begin` returns
is called in any other. It has all it needs: tiles are copied when written, so that the document may
be painted on meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from core.canvas.document import Document
from core.canvas.filling import change_mask
from core.canvas.interrupting import Check, never
from core.canvas.selection import shared
from core.canvas.tiles import TiledSurface

SurfaceEdit = Callable[[TiledSurface, Check], TiledSurface]
"""Makes another surface of one, which it leaves as it is."""


class Work(Protocol):
    """Something that becomes one step to undo, or none where it is interrupted or changes nothing.

    Attributes:
        words: What is being done, as it stands before an ellipsis.
    """

    words: str

    def begin(self, check: Check) -> Callable[[], Any]:
        """Look at the document as it is now; returns what is to be called elsewhere."""

    def finish(self, made: Any) -> bool:
        """Put in what that call made; False where what it was made of has changed: begin again."""


def work_here(work: Work) -> None:
    """Do it at once, in this thread."""
    work.finish(work.begin(never)())


class MaskWork:
    """The mask made another."""

    def __init__(self, document: Document, words: str, name: str, edit: SurfaceEdit) -> None:
        """`name` is the step's."""
        self.words = words
        self._document = document
        self._name = name
        self._edit = edit

    def begin(self, check: Check) -> Callable[[], TiledSurface]:
        """Share the mask's tiles."""
        self._before = shared(self._document.mask)
        return partial(self._edit, self._before, check)

    def finish(self, made: TiledSurface | None) -> bool:
        """Replace the mask, unless a tile of it is another one by now."""
        mask, before = self._document.mask, self._before
        if mask.size != before.size or not same_tiles(mask, before):
            return False
        if made is not None:
            change_mask(self._document, self._name, lambda _mask: made)
        return True


class SelectionWork:
    """The selection made another, unless everything is selected."""

    def __init__(self, document: Document, words: str, name: str, edit: SurfaceEdit) -> None:
        """`name` is the step's."""
        self.words = words
        self._document = document
        self._name = name
        self._edit = edit

    def begin(self, check: Check) -> Callable[[], TiledSurface | None]:
        """Take the surface itself: while it is selected it is never written."""
        self._before = before = self._document.selection.surface
        return partial(self._edit, before, check) if before is not None else lambda: None

    def finish(self, made: TiledSurface | None) -> bool:
        """Replace the selection, unless it is another one by now."""
        if self._document.selection.surface is not self._before:
            return False
        if made is not None:
            self._document.selection.change(self._name, lambda _before: made)
        return True


class ShapeWork:
    """A shape found in the picture as it is when `look` is called, and taken in."""

    def __init__(
        self,
        document: Document,
        words: str,
        seen: Callable[[], Callable[[Check], TiledSurface]],
        take: Callable[[TiledSurface], object],
    ) -> None:
        """`seen` and `take` are called in the document's thread, what `seen` returns elsewhere."""
        self.words = words
        self._document = document
        self._seen = seen
        self._find: Callable[[Check], TiledSurface] | None = None
        self._take = take

    def look(self) -> None:
        """Hold the picture as it is now; what is painted later is not in it."""
        self._find = self._seen()

    def begin(self, check: Check) -> Callable[[], TiledSurface]:
        """Look, unless that is done already."""
        return partial(self._find or self._seen(), check)

    def finish(self, made: TiledSurface | None) -> bool:
        """Take it in, unless the canvas has another size by now."""
        if made is not None and made.size == self._document.size:
            self._take(made)
        return True


class Turn:
    """What takes a moment only, and comes after what was asked for before it."""

    words = ""

    def __init__(self, act: Callable[[], object]) -> None:
        """`act` is called in the document's thread."""
        self._act = act

    def begin(self, check: Check) -> Callable[[], None]:
        """There is nothing to do elsewhere."""
        return lambda: None

    def finish(self, made: TiledSurface | None) -> bool:
        """Act."""
        self._act()
        return True


def same_tiles(one: TiledSurface, other: TiledSurface) -> bool:
    """Whether both have the very same arrays, as where one was shared and not written since."""
    mine, theirs = one.tiles, other.tiles
    return mine.keys() == theirs.keys() and all(mine[key] is theirs[key] for key in mine)
