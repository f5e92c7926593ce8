"""The prior of a Kandinsky decoder: a model folder of its own that turns a text into what to draw.

diffusers finds it by the decoder's README alone; here a folder beside the decoder and the hub's
caches are looked through as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.checkpoints.families import PRIOR_CLASS, PRIOR_PARTS, PRIOR_REPOSITORY
from core.checkpoints.files import Variant, read_json
from core.checkpoints.hub import (
    cache_folder,
    cache_of,
    name_of,
    newest_snapshot,
    repository_folder,
)
from core.checkpoints.parts import INDEX, check_every_weight, parts_of, read_index, require_parts
from core.errors import BrokenCheckpoint

_MAX_README = 1 << 20


@dataclass(frozen=True)
class Prior:
    """A prior on disk that can be loaded.

    Attributes:
        path: Its folder.
        variant: Suffix of the weight files to load; None for the plain ones.
    """

    path: Path
    variant: Variant


def is_prior(path: Path) -> bool:
    """Whether that folder holds a prior, which is part of other models and none itself."""
    try:
        return read_json(path / INDEX).get("_class_name") == PRIOR_CLASS
    except BrokenCheckpoint:
        return False


def prior_for(decoder: Path) -> Prior:
    """The prior that goes with the decoder in that folder.

    Looked for where the README's front matter says, beside the folder, and in the hub's caches.

    Raises:
        BrokenCheckpoint: there is none (the sentence tells what to fetch), or it is broken.
    """
    for path in _candidates(decoder):
        if is_prior(path):
            return _checked(path)
    raise BrokenCheckpoint(
        f"{decoder} is a decoder and needs its prior, which was not found. Download "
        f"{PRIOR_REPOSITORY} and put its folder beside {name_of(decoder) or decoder.name}, or "
        f"fetch it with “hf download {PRIOR_REPOSITORY}”."
    )


def _candidates(decoder: Path) -> Iterator[Path]:
    caches = [cache for cache in (cache_of(decoder), cache_folder()) if cache is not None]
    for name in (*_named_in_readme(decoder), PRIOR_REPOSITORY):
        yield from _folder_named(name, decoder)
        for cache in caches:
            snapshot = newest_snapshot(repository_folder(cache, name))
            if snapshot is not None:
                yield snapshot
    yield from _beside(decoder)


def _folder_named(name: str, decoder: Path) -> Iterator[Path]:
    """The README may name a folder, as models that were saved to disk do."""
    try:
        path = decoder / Path(name).expanduser()
        if path.is_dir():
            yield path
    except (OSError, RuntimeError, ValueError):  # too long for a path; ~ of nobody; a zero byte
        return


def _beside(decoder: Path) -> Iterator[Path]:
    """Folders in the decoder's own folder, those that are called a prior first."""
    try:
        folders = sorted(child for child in decoder.absolute().parent.iterdir() if child.is_dir())
    except OSError:
        return
    yield from sorted(folders, key=lambda child: "prior" not in child.name)


def _named_in_readme(decoder: Path) -> list[str]:
    """The entries of ``prior:`` in the YAML between the first two lines of dashes."""
    try:
        with (decoder / "README.md").open(encoding="utf-8", errors="replace") as stream:
            lines = stream.read(_MAX_README).splitlines()
    except OSError:
        return []
    if not lines or lines[0].strip() != "---" or "---" not in lines[1:]:
        return []
    names: list[str] = []
    within = False
    for line in lines[1 : lines.index("---", 1)]:
        key, _, value = line.partition(":")
        if not line.startswith((" ", "-")):
            within = key.strip() == "prior"
            names += [_unquoted(value)] if within and value.strip() else []
        elif within and line.strip().startswith("-"):
            names.append(_unquoted(line.strip()[1:]))
    return [name for name in names if name]


def _unquoted(value: str) -> str:
    return value.strip().strip("[]\"'").strip()


def _checked(path: Path) -> Prior:
    parts = parts_of(path, read_index(path))
    require_parts(path, PRIOR_PARTS, parts)
    for part in parts.values():
        part.read_config()
    return Prior(path, check_every_weight(path, parts.values()))
