"""One gallery item as a value, and the way to and from its row in the index."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from core.abilities import GenerationKind
from core.geometry import Size
from core.metadata import dump_record

COLUMNS = (
    "id",
    "file",
    "created",
    "trashed",
    "prompt",
    "kind",
    "checkpoint",
    "seed",
    "width",
    "height",
    "seconds",
    "record",
)
_SAFE_ID = re.compile(r"[0-9A-Za-z_-]{8,64}")


@dataclass(frozen=True)
class GalleryItem:
    """A picture that was kept.

    Attributes:
        id: Its name for good; a request's `parent_ids` are such names.
        path: The picture; in the trash after a delete.
        thumbnail: Small WebP; may be missing, `Gallery.thumbnail` makes it again.
        created: When it was finished, with its time zone.
        record_text: The full `sfumato` record as JSON.
        trashed: Whether it was deleted.
    """

    id: str
    path: Path
    thumbnail: Path
    created: datetime
    record_text: str
    trashed: bool = False

    @cached_property
    def record(self) -> dict[str, Any]:
        """The full `sfumato` record, with the request under ``"request"``.

        Read when it is first asked for: of a page of two hundred most are only looked at.
        """
        found: dict[str, Any] = json.loads(self.record_text)
        return found

    @property
    def request(self) -> dict[str, Any]:
        """What was asked for, as JSON data; images are digests (see `Gallery.request`)."""
        found: dict[str, Any] = self.record["request"]
        return found

    @property
    def prompt(self) -> str:
        """The prompt as it was typed."""
        return str(self.request["prompt"])

    @property
    def negative_prompt(self) -> str:
        """The negative prompt as it was typed."""
        return str(self.request.get("negative_prompt", ""))

    @property
    def kind(self) -> GenerationKind:
        """Which of the three ways."""
        return GenerationKind(self.request["kind"])

    @property
    def checkpoint(self) -> str:
        """Name of the model."""
        return str(self.request["checkpoint"])

    @property
    def seed(self) -> int:
        """The seed, always concrete."""
        return int(self.request["seed"])

    @property
    def size(self) -> Size:
        """Size of the picture in pixels."""
        return Size(*_shape(self.record))

    @property
    def is_sheet(self) -> bool:
        """Whether it is a grid's sheet, and so not made by one request."""
        return "sheet" in self.record

    @property
    def varied(self) -> tuple[str, ...]:
        """Of a sheet, what its columns, rows and sections compare; else empty."""
        axes = self.record["sheet"]["axes"] if self.is_sheet else ()
        return tuple(str(axis["name"]) for axis in axes)

    @property
    def seconds(self) -> float:
        """How long it took, without loading and writing."""
        return float(self.record.get("seconds", 0.0))

    @property
    def changed_outside_mask(self) -> int | None:
        """Counted pixels outside the mask that differ from the original; None without a mask."""
        found = self.record.get("changed_outside_mask")
        return None if found is None else int(found)


def is_safe_id(text: object) -> bool:
    """Whether `text` may become a part of a file name."""
    return isinstance(text, str) and _SAFE_ID.fullmatch(text) is not None


def _shape(record: dict[str, Any]) -> list[int]:
    """Width and height; a sheet's are not those of the pictures on it."""
    found: list[int] = record.get("sheet", record["request"])["size"]
    return found


def row(record: dict[str, Any], file: str, trashed: str | None = None) -> dict[str, Any]:
    """The values of `COLUMNS` for a record.

    Args:
        record: As `core.metadata.record` makes it.
        file: Path of the picture below the pictures folder, with forward slashes.
        trashed: When it was deleted, ISO 8601.

    Raises:
        ValueError, TypeError, KeyError: the record is damaged.
    """
    if not is_safe_id(record["id"]):
        raise ValueError("id")
    request = record["request"]
    width, height = map(int, _shape(record))
    return {
        "id": record["id"],
        "file": file,
        "created": datetime.fromisoformat(record["created"]).isoformat(),
        "trashed": trashed,
        "prompt": str(request["prompt"]).encode("utf-8", "replace").decode(),
        "kind": str(GenerationKind(request["kind"])),
        "checkpoint": str(request["checkpoint"]),
        "seed": int(request["seed"]),
        "width": width,
        "height": height,
        "seconds": float(record.get("seconds", 0.0)),
        "record": dump_record(record),
    }


def item(values: dict[str, Any], pictures: Path, trash: Path, thumbnails: Path) -> GalleryItem:
    """The item of a row of the index."""
    item_id, file, trashed = values["id"], values["file"], values["trashed"] is not None
    # One Path from one text: joining Paths piece by piece was most of the time of a page.
    place = f"{trash}/{file.rpartition('/')[2]}" if trashed else f"{pictures}/{file}"
    return GalleryItem(
        id=item_id,
        path=Path(place),
        thumbnail=Path(f"{thumbnails}/{item_id[:2]}/{item_id}.webp"),
        created=datetime.fromisoformat(values["created"]),
        record_text=values["record"],
        trashed=trashed,
    )
