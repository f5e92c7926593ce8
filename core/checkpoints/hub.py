"""Where Hugging Face's hub library keeps the models it has downloaded, and how it names them."""

from __future__ import annotations

import os
from pathlib import Path

_PREFIX = "models--"


def cache_folder() -> Path:
    """The cache on this computer, by the library's own rules; it need not be there."""
    if "HF_HUB_CACHE" in os.environ:
        return Path(os.environ["HF_HUB_CACHE"]).expanduser()
    home = os.environ.get("HF_HOME")
    if home is None:
        caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        home = f"{caches}/huggingface"
    return Path(home).expanduser() / "hub"


def is_repository(folder: Path) -> bool:
    """Whether that folder is one model of a cache, such as ``models--owner--name``."""
    return folder.name.startswith(_PREFIX)


def repository_folder(cache: Path, name: str) -> Path:
    """Where a cache keeps the model called ``owner/name``."""
    return cache / (_PREFIX + name.replace("/", "--"))


def newest_snapshot(repository: Path) -> Path | None:
    """The snapshot that ``refs/main`` names, else the one written last; None without any."""
    try:
        commit = (repository / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        commit = ""
    try:
        if commit and (repository / "snapshots" / commit).is_dir():
            return repository / "snapshots" / commit
        snapshots = [child for child in (repository / "snapshots").iterdir() if child.is_dir()]
    except (OSError, ValueError):
        return None
    return max(snapshots, key=lambda child: child.stat().st_mtime, default=None)


def name_of(snapshot: Path) -> str | None:
    """``owner/model`` for ``models--owner--model/snapshots/<commit>``, else None."""
    repository = snapshot.parent.parent
    if snapshot.parent.name != "snapshots" or not is_repository(repository):
        return None
    return repository.name.removeprefix(_PREFIX).replace("--", "/")


def cache_of(snapshot: Path) -> Path | None:
    """The cache that this snapshot lies in, else None."""
    return None if name_of(snapshot) is None else snapshot.parent.parent.parent
