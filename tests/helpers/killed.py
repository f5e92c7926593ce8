"""Victim and inspector of the test that kills a program while it keeps pictures."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
from PIL import Image

from core.gallery import Gallery
from core.images import read_image
from core.metadata import read_record
from core.request import pixel_digest
from core.settings import Paths
from tests.helpers.results import an_inpainting, noise


def keep_for_ever(paths: Paths, number: int, progress: int) -> NoReturn:
    """Keep pictures until the process is killed; each is a byte into the pipe `progress`."""
    gallery = Gallery(paths)
    seed = number * 1000
    while True:
        seed += 1
        result = an_inpainting(seed)
        request = replace(result.request, init_image=noise(seed, 48, 64, 3))
        gallery.keep(replace(result, request=request, image=noise(-seed % 2**32, 48, 64, 3)))
        os.write(progress, b".")
        if seed % 5 == 0:
            gallery.delete(gallery.items(limit=1)[0].id)
        if seed % 10 == 0:
            gallery.restore(gallery.items(limit=1, trashed=True)[0].id)


def verify(paths: Paths, number: int) -> int:
    """Open what the victim left; 0 when all is well, else 1 and words on stderr."""
    with Gallery(paths) as gallery:
        items = gallery.items(limit=100_000)
        trashed = gallery.items(limit=100_000, trashed=True)
        faults = [fault for item in items if (fault := _fault(item, number))]
    rows = {item.path for item in items}
    pictures = set(paths.pictures.glob("*/*.png"))
    # A kill between the mark and the move of a delete leaves the picture where it was.
    half_deleted = {path for path in pictures - rows if path.name in {i.path.name for i in trashed}}
    faults += [f"no row for {path}" for path in pictures - rows - half_deleted]
    faults += [f"left over: {path}" for path in _left_over(paths)]
    faults += [f"torn: {path}" for path in paths.inputs.glob("*.png") if not _is_whole(path)]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def _fault(item: object, number: int) -> str | None:
    path: Path = item.path  # type: ignore[attr-defined]
    if not path.exists():
        return f"no picture for the row of {path}"
    seed: int = item.seed  # type: ignore[attr-defined]
    if seed // 1000 != number:
        return None  # looked at after an earlier kill
    if not np.array_equal(read_image(path), noise(-seed % 2**32, 48, 64, 3)):
        return f"torn: {path}"
    same = read_record(path) == item.record  # type: ignore[attr-defined]
    return None if same else f"another record in {path}"


def _left_over(paths: Paths) -> list[Path]:
    home = paths.data.parent
    return [path for path in home.rglob("*") if path.suffix in (".tmp", ".keeping")]


def _is_whole(path: Path) -> bool:
    with Image.open(path) as picture:
        return pixel_digest(np.array(picture)) == path.stem
