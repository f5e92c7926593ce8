"""Models in folders: each folder itself, its children, or a Hugging Face hub cache."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from core.checkpoints.describe import INDEX, Checkpoint, describe
from core.errors import BrokenCheckpoint
from core.logs import logger
from core.settings import RESOURCES, Settings

_log = logger("checkpoints")
_HUB = "models--"


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
    """The model of that name in `folders`, else the one in the folder of that path.

    Raises:
        BrokenCheckpoint: nothing of that name (the sentence tells what there is), or it is there
            and broken.
    """
    places = list(_places(folders))
    for place in places:
        if place.name == name_or_folder:
            return describe(place.path, place.name)
    path = _as_folder(name_or_folder)
    if path is not None:
        return describe(path, _hub_name(path))
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
    path = _newest_snapshot(folder) if folder.name.startswith(_HUB) else folder
    if path is not None and (path / INDEX).exists():
        yield _Place(_hub_name(path) or path.absolute().name, path)


def _newest_snapshot(folder: Path) -> Path | None:
    """The snapshot that ``refs/main`` names, else the one written last."""
    try:
        commit = (folder / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        commit = ""
    if commit and (folder / "snapshots" / commit).is_dir():
        return folder / "snapshots" / commit
    snapshots = [child for child in _children(folder / "snapshots") if child.is_dir()]
    return max(snapshots, key=lambda child: child.stat().st_mtime, default=None)


def _hub_name(path: Path) -> str | None:
    """``owner/model`` for ``models--owner--model/snapshots/<commit>``, else None."""
    repository = path.parent.parent.name
    if path.parent.name != "snapshots" or not repository.startswith(_HUB):
        return None
    return repository.removeprefix(_HUB).replace("--", "/")


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        _log.info("no models in %s: %s", folder, error.strerror)
        return []


def _as_folder(text: str) -> Path | None:
    """`text` as a folder that exists; None for anything else, such as an unknown name."""
    try:
        path = Path(text).expanduser()
        return path if text and path.is_dir() else None
    except (OSError, RuntimeError):  # a name too long for a path; ~ of nobody
        return None
