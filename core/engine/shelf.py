"""Requests that are not done yet, on disk, so that a closed or killed program loses none."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.atomic import write_atomically
from core.errors import InvalidRequest
from core.gallery import files
from core.gallery.records import is_safe_id
from core.logs import logger
from core.request import GenerationRequest, Pixels

_log = logger("engine")


class WaitingShelf:
    """One JSON file for each request, and its pixels beside it by digest; usable from any thread.

    Args:
        folder: Made when something is put there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pixels = folder / "pixels"

    def put(self, request: GenerationRequest) -> None:
        """Keep a request until it is removed; nothing happens if it is there.

        Raises:
            StorageFailed: disk full or folder not writable.
        """
        file = self._file(request.id)
        if file is None or file.exists():
            return
        for pixels in _pixels_in(request):
            files.keep_input(self._pixels, pixels)
        record = {"asked": time.time_ns(), "request": request.to_dict()}
        write_atomically(file, json.dumps(record).encode(), self._folder / files.PARTIAL)

    def remove(self, request_id: str) -> None:
        """Forget a request, and the pixels that no other one needs."""
        file = self._file(request_id)
        if file is not None:
            files.remove(file)
            self._sweep()

    def requests(self) -> list[GenerationRequest]:
        """What is kept, in the order in which it was asked for; what is damaged is forgotten."""
        found = []
        for file, record in self._records():
            try:
                request = GenerationRequest.from_dict(record["request"], self._read)
                found.append((int(record["asked"]), request))
            except (InvalidRequest, KeyError, TypeError, ValueError) as error:
                _log.info("%s is forgotten: %s", file.name, type(error).__name__)
                files.remove(file)
        return [request for _, request in sorted(found, key=lambda pair: pair[0])]

    def _records(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        for file in sorted(self._folder.glob("*.json")):
            try:
                record = json.loads(file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                record = {}
            yield file, record if isinstance(record, dict) else {}

    def _read(self, digest: str) -> Any:
        return files.read_input(self._pixels, digest)

    def _sweep(self) -> None:
        text = "".join(json.dumps(record) for _, record in self._records())
        for file in self._pixels.glob("*.png"):
            if file.stem not in text:
                files.remove(file)

    def _file(self, request_id: str) -> Path | None:
        return self._folder / f"{request_id}.json" if is_safe_id(request_id) else None


def _pixels_in(value: Any) -> Iterator[Pixels]:
    """Every array in a request, however deep."""
    if isinstance(value, np.ndarray):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from _pixels_in(getattr(value, field.name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _pixels_in(inner)
