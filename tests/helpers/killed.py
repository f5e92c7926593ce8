"""Victims and inspector of the test that kills a program while it keeps pictures."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import numpy as np
from PIL import Image

from core.gallery import Gallery, GalleryItem
from core.images import read_image
from core.metadata import read_record
from core.request import pixel_digest
from core.result import GenerationResult
from core.settings import Paths
from tests.helpers.results import an_inpainting, noise

WATCHED = ("core/settings.py", "gallery/store.py", "gallery/files.py", "gallery/index.py")


def keep_for_ever(paths: Paths, number: int, progress: int) -> NoReturn:
    """Keep pictures until the process is killed; each is a byte into the pipe `progress`."""
    gallery = Gallery(paths)
    seed = number * 1000
    while True:
        seed += 1
        gallery.keep(_result(seed))
        os.write(progress, b".")


def keep_and_die(paths: Paths, number: int, at: int) -> None:
    """Keep, delete and restore; killed just before the `at`-th line of `WATCHED` that is new."""
    seen: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.endswith(WATCHED):
            return None
        if event == "line":
            seen.add((frame.f_code.co_filename, frame.f_lineno))
            if len(seen) >= at:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    with Gallery(paths) as gallery:
        sys.settrace(trace)
        item = gallery.keep(_result(number * 1000))
        gallery.delete(item.id)
        gallery.restore(item.id)
        sys.settrace(None)


def verify(paths: Paths, number: int) -> int:
    """Open what the victim left; 0 when all is well, else 1 and words on stderr."""
    with Gallery(paths) as gallery:
        items = gallery.items(limit=100_000)
        trashed = {item.path.name for item in gallery.items(limit=100_000, trashed=True)}
        faults = [fault for item in items if (fault := _fault(item, number))]
    rows = {item.path for item in items}
    for path in set(paths.pictures.glob("*/*.png")) - rows:
        # A kill between the mark and the move of a delete leaves the picture where it was.
        if path.name not in trashed:
            faults.append(f"no row for {path}")
    faults += [f"left over: {path}" for path in _left_over(paths)]
    faults += [f"torn: {path}" for path in paths.inputs.glob("*.png") if not _is_whole(path)]
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    return 1 if faults else 0


def _result(seed: int) -> GenerationResult:
    """A result whose picture and first input follow from the seed."""
    result = an_inpainting(seed)
    request = replace(result.request, init_image=noise(seed, 48, 64, 3))
    return replace(result, request=request, image=noise(seed + 1, 48, 64, 3))


def _fault(item: GalleryItem, number: int) -> str | None:
    if not item.path.exists():
        return f"no picture for the row of {item.path}"
    if item.seed // 1000 != number:
        return None  # looked at after an earlier kill
    if not np.array_equal(read_image(item.path), noise(item.seed + 1, 48, 64, 3)):
        return f"torn: {item.path}"
    return None if read_record(item.path) == item.record else f"another record in {item.path}"


def _left_over(paths: Paths) -> list[Path]:
    home = paths.data.parent
    return [path for path in home.rglob("*") if path.suffix in (".tmp", ".keeping")]


def _is_whole(path: Path) -> bool:
    try:
        with Image.open(path) as picture:
            return pixel_digest(np.array(picture)) == path.stem
    except (OSError, SyntaxError):
        return False
