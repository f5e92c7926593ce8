"""A gallery of any number of items without a file behind them."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

from core.errors import StorageFailed
from core.gallery import GalleryItem


def an_item(number: int = 1, folder: Path = Path("nowhere"), prompt: str = "") -> GalleryItem:
    """Item `number`; larger numbers are newer."""
    name = f"item{number:08d}"
    request = {
        "prompt": prompt or f"picture {number}",
        "kind": "text-to-image",
        "checkpoint": "starter",
        "seed": number,
        "size": [64, 64],
    }
    return GalleryItem(
        id=name,
        path=folder / f"{name}.png",
        thumbnail=folder / f"{name}.webp",
        created=datetime(2026, 11, 23, tzinfo=UTC),
        record_text=json.dumps({"request": request}),
    )


class FakeGallery:
    """Fulfils what `gui.gallery.model` asks of `core.gallery.Gallery`.

    Attributes:
        pages: (limit, before) of every question, in order.
        gate: While it is closed, questions wait.
    """

    def __init__(self, count: int, folder: Path = Path("nowhere")) -> None:
        self.all = [an_item(number, folder) for number in range(count, 0, -1)]
        self.pages: list[tuple[int, str | None]] = []
        self.gate = threading.Event()
        self.gate.set()

    def items(self, limit: int = 200, before: str | None = None) -> list[GalleryItem]:
        found = self.all
        if before is not None:
            found = found[1 + next(n for n, item in enumerate(found) if item.id == before) :]
        page = found[:limit]
        self.pages.append((limit, before))
        assert self.gate.wait(20)
        return page

    def thumbnail(self, item_id: str) -> Path:
        """Nothing is made: the pictures themselves are missing."""
        raise StorageFailed(f"The gallery has no picture “{item_id}”.")
