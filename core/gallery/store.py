"""The gallery: keeps results, finds them again, and gives back the request behind each."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import metadata
from core.atomic import write_atomically
from core.errors import StorageFailed
from core.gallery import files, records
from core.gallery.index import Index
from core.gallery.records import GalleryItem
from core.images import encode, encode_thumbnail, read_image
from core.logs import logger
from core.request import GenerationRequest
from core.result import GenerationResult
from core.settings import Paths

if TYPE_CHECKING:
    from core.gallery.sheets import GridSheet

_DAMAGED_RECORD = (ValueError, TypeError, KeyError, OverflowError)
_log = logger("gallery")


class Gallery:
    """Pictures in month folders, and an index beside them; usable from any thread.

    Opening it removes what a killed program left unfinished, and remakes a lost index.

    Raises:
        StorageFailed: the folders cannot be written, or are from a newer Sfumato.
    """

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._index = Index(paths.gallery_file)
        try:
            unsettled = files.take_stale(paths.pictures)
            files.take_stale(paths.inputs)
            files.take_stale(paths.thumbnails)
            if self._index.is_new and paths.pictures.is_dir():
                self.rebuild()
            else:
                self._adopt(unsettled)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Gallery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the index. May be called twice."""
        self._index.close()

    def keep(self, result: GenerationResult) -> GalleryItem:
        """Write inputs, picture and thumbnail, then the row; all of them or nothing.

        Raises:
            StorageFailed: disk full or folder not writable; nothing of it stays.
        """
        created = datetime.now().astimezone()
        item_id = self._free_id(result.request.id)
        record = metadata.record(result, item_id, created)
        text = metadata.infotext(result.request, result.facts)
        return self._keep(result, record, text, created)

    def keep_sheet(self, sheet: GridSheet) -> GalleryItem:
        """Keep a grid's sheet as a picture among the others, with its axes in the record.

        Raises:
            StorageFailed: disk full or folder not writable; nothing of it stays.
        """
        created = datetime.now().astimezone()
        result = GenerationResult(request=sheet.base, image=sheet.image, seconds=0.0, steps=0)
        record = metadata.record(result, self._free_id(sheet.base.id), created)
        text = metadata.infotext(sheet.base, {}, sheet.pairs)
        return self._keep(result, record | {"sheet": sheet.to_dict()}, text, created)

    def _keep(
        self, result: GenerationResult, record: dict[str, Any], text: str, created: datetime
    ) -> GalleryItem:
        name = files.picture_name(created, result.request.seed, record["id"])
        row = records.row(record, name)
        content = encode(result.image, "PNG", metadata.embedded("PNG", text, record))
        with ExitStack() as undo, files.keeping(self._paths.pictures, name):
            self._write_inputs(result.request, undo)
            self._write_picture(content, name, undo)
            self._write_thumbnail(row["id"], encode_thumbnail(result.image), undo)
            self._index.add(row)
            undo.pop_all()
        return self._item(row)

    def items(
        self, limit: int = 200, before: str | None = None, search: str = "", trashed: bool = False
    ) -> list[GalleryItem]:
        """A page of items, newest first.

        Args:
            limit: How many at most.
            before: Id of the last item of the page before.
            search: Words that must all be somewhere in the prompt, in any case.
            trashed: The deleted ones instead of the kept ones.
        """
        rows = self._index.page(limit, before, search, trashed)
        return [self._item(row) for row in rows]

    def count(self, search: str = "", trashed: bool = False) -> int:
        """How many items `items` would give in all."""
        return self._index.count(search, trashed)

    def get(self, item_id: str) -> GalleryItem:
        """The item of that id, deleted or not; the first eight characters are enough.

        Raises:
            StorageFailed: there is none, or more than one.
        """
        rows = self._index.starting_with(item_id) if item_id else []
        if len(rows) != 1:
            found = "no picture" if not rows else "more than one picture"
            raise StorageFailed(f"The gallery has {found} “{item_id}”. Ask it for its list.")
        return self._item(rows[0])

    def request(self, item_id: str) -> GenerationRequest:
        """What made the picture, with the pixels it began from and an id of its own.

        Pixels that are gone are left out; `GenerationRequest.validate` then says what is missing.

        Raises:
            StorageFailed, InvalidRequest: no such item; its record is newer or damaged.
        """
        record = self.get(item_id).request
        found = GenerationRequest.from_dict(record, self._pixels)
        return replace(found, id=uuid.uuid4().hex)

    def thumbnail(self, item_id: str) -> Path:
        """The small copy of a picture, made again where it is missing.

        Raises:
            StorageFailed, UnreadableImage: no such item; its picture is gone or damaged.
        """
        item = self.get(item_id)
        if not item.thumbnail.exists():
            self._write_thumbnail(item.id, encode_thumbnail(read_image(item.path)))
        return item.thumbnail

    def delete(self, item_id: str) -> None:
        """Move the picture to the trash; `restore` brings it back.

        Raises:
            StorageFailed: no such item, or it cannot be moved.
        """
        item = self.get(item_id)
        if item.trashed:
            return
        # The row first: a kill in between leaves a picture too many, never a row without one.
        self._index.mark(item.id, datetime.now().astimezone().isoformat())
        try:
            files.move(item.path, self._paths.trash / item.path.name)
        except StorageFailed:
            self._index.mark(item.id, None)
            raise

    def restore(self, item_id: str) -> GalleryItem:
        """Bring a deleted picture back to where it was.

        Raises:
            StorageFailed: no such item, or its file is no longer in the trash.
        """
        item = self.get(item_id)
        if not item.trashed:
            return item
        row = self._index.starting_with(item.id)[0]
        target = self._paths.pictures / row["file"]
        if item.path.exists() or not target.exists():
            files.move(item.path, target)
        self._index.mark(item.id, None)
        return self._item(row | {"trashed": None})

    def rebuild(self) -> int:
        """Make the index again from the records in the pictures; returns how many there are.

        Rows whose picture is gone are forgotten, pictures without a row are found, and the
        order is that in which they were made.
        """
        found = {row["id"]: row for row in self._rows_from_files()}

        def merge(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
            known = {row["id"]: row for row in rows if self._item(row).path.exists()}
            return sorted((found | known).values(), key=_moment)

        count = self._index.remake(merge)
        _log.info("index made again from files: %d pictures", count)
        return count

    def _rows_from_files(self) -> Iterator[dict[str, Any]]:
        pictures, trash = self._paths.pictures, self._paths.trash
        for path in sorted(trash.glob("*.png")):
            yield from _row_of(path, f"{files.month_of(path.name)}/{path.name}", _modified(path))
        for path in sorted(pictures.glob("*/*.png")):
            yield from _row_of(path, path.relative_to(pictures).as_posix(), None)

    def _adopt(self, names: list[str]) -> None:
        """Give a row to each picture whose program was killed before it could."""
        for name in names:
            file = f"{files.month_of(name)}/{name}"
            for row in _row_of(self._paths.pictures / file, file, None):
                self._index.add(row)

    def _free_id(self, wanted: str) -> str:
        """The request's id, unless it was kept before or could not be a file's name."""
        if records.is_safe_id(wanted) and not self._index.starting_with(wanted):
            return wanted
        return uuid.uuid4().hex

    def _write_inputs(self, request: GenerationRequest, undo: ExitStack) -> None:
        for pixels in request.inputs:
            if pixels is not None:
                path, is_new = files.keep_input(self._paths.inputs, pixels)
                if is_new:
                    undo.callback(files.remove, path)

    def _write_picture(self, content: bytes, name: str, undo: ExitStack) -> None:
        path = self._paths.pictures / name
        undo.callback(files.remove, path)
        write_atomically(path, content, self._paths.pictures / files.PARTIAL)

    def _write_thumbnail(self, item_id: str, content: bytes, undo: ExitStack | None = None) -> None:
        path = self._paths.thumbnails / item_id[:2] / f"{item_id}.webp"
        if undo is not None:
            undo.callback(files.remove, path)
        write_atomically(path, content, self._paths.thumbnails / files.PARTIAL)

    def _pixels(self, digest: str) -> Any:
        return files.read_input(self._paths.inputs, digest)

    def _item(self, row: dict[str, Any]) -> GalleryItem:
        paths = self._paths
        return records.item(row, paths.pictures, paths.trash, paths.thumbnails)


def _row_of(path: Path, file: str, trashed: str | None) -> Iterator[dict[str, Any]]:
    """The row of a picture file, if it is one of ours and its record can be understood."""
    record = metadata.read_record(path)
    if record is None:
        return
    try:
        yield records.row(record, file, trashed)
    except _DAMAGED_RECORD as error:
        _log.info("%s has no usable record: %s", path.name, type(error).__name__)


def _modified(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime).astimezone().isoformat()


def _moment(row: dict[str, Any]) -> float:
    return datetime.fromisoformat(row["created"]).timestamp()
