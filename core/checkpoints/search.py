"""Models in folders: each folder itself, its children, or a Hugging Face hub cache."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from core.checkpoints.describe import Checkpoint, describe
from core.checkpoints.hub import (
    cache_folder,
    is_repository,
    name_of,
    newest_snapshot,
    repository_folder,
)
from core.checkpoints.parts import INDEX
from core.checkpoints.prior import is_prior
from core.errors import BrokenCheckpoint
from core.logs import logger
from core.settings import RESOURCES, Settings

_log = logger("checkpoints")
_LONGEST_NAME = 200


class _Place(NamedTuple):
    name: str
    path: Path


def model_folders(settings: Settings) -> list[Path]:
    """Where models are looked for: the embedded one's folder first, then the person's own."""
    return [RESOURCES / "models", *map(Path, settings.model_folders)]


def find_checkpoints(folders: Iterable[Path]) -> list[Checkpoint]:
    """Every usable model, in the order of `folders` and of names; broken ones are logged."""
    found = []
    for place in _places(folders):
        try:
            found.append(describe(place.path, place.name))
        except BrokenCheckpoint as error:
            _log.warning("model %s is left out: %s", place.name, error)
    return found


def resolve(name_or_folder: str, folders: Iterable[Path]) -> Checkpoint:
    """The model of that name in `folders`, else in the folder of that path, else in hub's cache.

    Raises:
        BrokenCheckpoint: nothing of that name (the sentence tells what there is), or it is there
            and broken.
    """
    places = list(_places(folders))
    for place in places:
        if place.name == name_or_folder:
            return describe(place.path, place.name)
    path = _as_folder(name_or_folder) or _downloaded(name_or_folder)
    if path is not None:
        return describe(path, name_of(path))
    names = ", ".join(place.name for place in places) or "no model at all"
    raise BrokenCheckpoint(
        f"There is no model called “{name_or_folder}”. Found: {names}. Add its folder in the "
        "settings."
    )


def _places(folders: Iterable[Path]) -> Iterator[_Place]:
    """Model folders, each once and with a name that no other one has."""
    seen: set[Path] = set()
    names: set[str] = set()
    for place in _all_places(folders):
        if place.path.resolve() in seen:
            continue
        seen.add(place.path.resolve())
        place = _unlike(place, names)
        names.add(place.name)
        yield place


def _unlike(place: _Place, names: set[str]) -> _Place:
    longer = f"{place.path.parent.name}/{place.name}"
    for name in (place.name, longer):
        if name not in names:
            return _Place(name, place.path)
    return _Place(str(place.path), place.path)


def _all_places(folders: Iterable[Path]) -> Iterator[_Place]:
    for folder in folders:
        own = list(_place(folder))
        yield from own
        if not own:
            for child in _children(folder):
                yield from _place(child)


def _place(folder: Path) -> Iterator[_Place]:
    """The model in this folder itself, if there is one."""
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


def _as_folder(text: str) -> Path | None:
    """`text` as a folder that exists; None for anything else, such as an unknown name."""
    try:
        path = Path(text).expanduser()
        return path if text and path.is_dir() else None
    except (OSError, RuntimeError):  # a name too long for a path; ~ of nobody
        return None
