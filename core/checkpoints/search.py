"""Models in folders: in diffusers' layout, in a Hugging Face hub cache, or as single files.

A folder is a model itself, or its children are, and loose files in it may be. Where A1111, Forge
and ComfyUI keep their checkpoints (`models/Stable-diffusion`, `models/checkpoints`), files are
looked for in all subfolders too. Nothing is copied.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from core.checkpoints.checkpoint import Checkpoint
from core.checkpoints.describe import describe
from core.checkpoints.files import PICKLES
from core.checkpoints.hub import (
    cache_folder,
    is_repository,
    name_of,
    newest_snapshot,
    repository_folder,
)
from core.checkpoints.parts import INDEX
from core.checkpoints.prior import is_prior
from core.checkpoints.single_file import BESIDE, SUFFIX, NoCheckpoint, is_whole_model
from core.errors import BrokenCheckpoint
from core.logs import logger
from core.settings import RESOURCES, Settings

_log = logger("checkpoints")
_LONGEST_NAME = 200
# Folders full of checkpoints, in small letters; and one that has diffusers' folders in it.
_CHECKPOINTS = frozenset({"checkpoints", "stable-diffusion"})
_FOLDERS = frozenset({"diffusers"})
_MOST_FILES = 10_000
_PICKLED_MODEL = ".ckpt"  # to be refused aloud
_TOO_SMALL = 1 << 20  # bytes; a loose file below that is never opened


class _Place(NamedTuple):
    name: str
    path: Path
    is_loose: bool = False  # a file that may be anything


def model_folders(settings: Settings) -> list[Path]:
    """Where models are looked for: the embedded one's folder first, then the person's own."""
    return [RESOURCES / "models", *map(Path, settings.model_folders)]


def find_checkpoints(folders: Iterable[Path]) -> list[Checkpoint]:
    """Every usable model, in the order of `folders` and of names; broken ones are logged."""
    found, left_out = look_through(folders)
    for name, sentence in left_out.items():
        _log.warning("model %s is left out: %s", name, sentence)
    return found


def look_through(folders: Iterable[Path]) -> tuple[list[Checkpoint], dict[str, str]]:
    """(every usable model, what is wrong with each of the others by name)."""
    found: list[Checkpoint] = []
    left_out: dict[str, str] = {}
    for place in _places(folders):
        try:
            found.append(describe(place.path, place.name))
        except BrokenCheckpoint as error:
            if not (place.is_loose and isinstance(error, NoCheckpoint)):
                left_out[place.name] = str(error)
    return found, left_out


def signature(folders: Iterable[Path]) -> frozenset[tuple[str, int, int]]:
    """What would have to change for `find_checkpoints` to find something else; a few stats each.

    Paths, times in ns and sizes of every file that is a model, and of every model folder's parts.
    """
    return frozenset(_stamp(part) for place in _places(folders) for part in _parts(place.path))


def _parts(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path, path.with_suffix(BESIDE), path.with_suffix(".yaml")]
    return [path / INDEX, *(child for child in _children(path) if child.is_dir())]


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        status = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), status.st_mtime_ns, status.st_size


def resolve(name_or_folder: str, folders: Iterable[Path]) -> Checkpoint:
    """The model of that name in `folders`, else at that path, else in the hub's cache.

    Raises:
        BrokenCheckpoint: nothing of that name (the sentence tells what there is), or it is there
            and broken.
    """
    places = list(_places(folders))
    for place in places:
        if place.name == name_or_folder:
            return describe(place.path, place.name)
    path = _as_path(name_or_folder) or _downloaded(name_or_folder)
    if path is not None:
        return describe(path, name_of(path))
    names = ", ".join(place.name for place in places if _is_model(place)) or "no model at all"
    raise BrokenCheckpoint(
        f"There is no model called “{name_or_folder}”. Found: {names}. Add its folder in the "
        "settings."
    )


def _is_model(place: _Place) -> bool:
    """Whether to name it among what there is; a loose file is looked into."""
    try:
        return not place.is_loose or is_whole_model(place.path)
    except BrokenCheckpoint:
        return False


def _places(folders: Iterable[Path]) -> Iterator[_Place]:
    """Model folders, each once and with a name that no other one has."""
    seen: set[str] = set()
    names: set[str] = set()
    for place in _all_places(folders):
        real = os.path.realpath(place.path)  # pathlib's raises at links that go in a circle
        if real in seen:
            continue
        seen.add(real)
        place = _unlike(place, names)
        names.add(place.name)
        yield place


def _unlike(place: _Place, names: set[str]) -> _Place:
    longer = f"{place.path.parent.name}/{place.name}"
    for name in (place.name, longer):
        if name not in names:
            return place._replace(name=name)
    return place._replace(name=str(place.path))


def _all_places(folders: Iterable[Path]) -> Iterator[_Place]:
    for folder in folders:
        own = list(_place(folder))
        yield from own
        if own:
            continue
        children = _children(folder)
        for child in children:
            yield from _place(child)
        if folder.name.lower() in _CHECKPOINTS:
            yield from _files_below(folder)
        else:
            yield from _loose_files(children)
            yield from _other_programs(folder, children)


def _loose_files(children: list[Path]) -> Iterator[_Place]:
    for file in children:
        if file.suffix.lower() in (SUFFIX, _PICKLED_MODEL) and _is_large_file(file):
            yield _Place(file.stem, file, is_loose=file.suffix.lower() == SUFFIX)


def _is_large_file(file: Path) -> bool:
    try:
        return file.is_file() and file.stat().st_size >= _TOO_SMALL
    except OSError:
        return False


def _other_programs(folder: Path, children: list[Path]) -> Iterator[_Place]:
    """What lies in the folders that A1111, Forge and ComfyUI make, below this one."""
    models = [child for child in children if child.name.lower() == "models"]
    inside = [child for place in models for child in _children(place)]
    for child in (*children, *inside):
        if child.name.lower() in _CHECKPOINTS:
            yield from _files_below(child)
        elif child.name.lower() in _FOLDERS:
            for model in _children(child):
                yield from _place(model)


def _files_below(folder: Path) -> Iterator[_Place]:
    """Every checkpoint in a folder made for them; links are not followed into other folders."""
    count = 0
    for parent, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.endswith(BESIDE))
        for name in sorted(names):
            file = Path(parent, name)
            if file.suffix.lower() not in (SUFFIX, *PICKLES) or (count := count + 1) > _MOST_FILES:
                continue
            if not (Path(parent) / INDEX).exists():
                yield _Place(file.stem, file)


def _place(folder: Path) -> Iterator[_Place]:
    """The model in this folder itself, if there is one."""
    if folder.name.endswith(BESIDE):
        return  # the configurations of a file beside it
    path = newest_snapshot(folder) if is_repository(folder) else folder
    if path is not None and (path / INDEX).exists() and not is_prior(path):
        yield _Place(name_of(path) or path.absolute().name, path)


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        _log.info("no models in %s: %s", folder, error.strerror)
        return []


def _downloaded(name: str) -> Path | None:
    """The model ``owner/name`` in the hub library's cache on this computer, if it is there."""
    if name.count("/") != 1 or len(name) > _LONGEST_NAME or "\0" in name:
        return None
    return newest_snapshot(repository_folder(cache_folder(), name))


def _as_path(text: str) -> Path | None:
    """`text` as a folder or a model file that exists; None for anything else."""
    try:
        path = Path(text).expanduser()
        is_there = path.is_dir() or (path.suffix.lower() in (SUFFIX, *PICKLES) and path.is_file())
        return path if text and is_there else None
    except (OSError, RuntimeError, ValueError):  # too long for a path; ~ of nobody; a zero byte
        return None
