"""Tiny autoencoders for previews: TAESD and its sisters, found where they lie.

Stable Diffusion 1 and SDXL both have four latent channels, and the configuration does not say for
whose latents a tiny autoencoder was trained. Its folder's name does, or the name it was saved
from; one that is called otherwise is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.checkpoints.files import Variant, check_weights, read_json, weights
from core.checkpoints.hub import cache_folder, is_repository, name_of, newest_snapshot
from core.errors import BrokenCheckpoint
from core.logs import logger

CLASS = "AutoencoderTiny"
_CONFIG, _STEM = "config.json", "diffusion_pytorch_model"
# As their author names them, and whose latents they are for: the longer names first.
_NAMES = (("taesdxl", "sdxl"), ("taesd3", "sd3"), ("taef1", "flux"), ("taesd", "sd"))
# Folders of them and of VAEs beside models, as A1111, ComfyUI and people call them.
_SHELVES = ("vae", "vae_approx", "vae-approx", "taesd")
_log = logger("checkpoints")


@dataclass(frozen=True)
class TinyAutoencoder:
    """A tiny autoencoder on disk that can be loaded.

    Attributes:
        name: How people call it, ``owner/name`` where it was downloaded.
        path: Its folder.
        latents: Whose latents it decodes, as `Family.latents`.
        variant: Suffix of the weight files to load; None for the plain ones.
        files: Its weights.
    """

    name: str
    path: Path
    latents: str
    variant: Variant
    files: tuple[Path, ...]


def tiny_autoencoder_for(latents: str, folders: Iterable[Path]) -> TinyAutoencoder | None:
    """The first usable one for these latents, in `folders` before the hub's cache.

    Args:
        latents: As `Family.latents`; there is none for an empty one.
        folders: As `core.checkpoints.model_folders` gives them.
    """
    if not latents:
        return None
    for path in _candidates(folders):
        if (named := _meant_for(path.name)) not in ("", latents):
            continue
        found = _described(path, named)
        if found is not None and found.latents == latents:
            return found
    return None


def _described(path: Path, named: str) -> TinyAutoencoder | None:
    """None for anything else; a broken one is logged, for previews are made without it too."""
    folder = newest_snapshot(path) if is_repository(path) else path
    if folder is None or not (folder / _CONFIG).exists():
        return None
    try:
        config = read_json(folder / _CONFIG)
        latents = named or _meant_for(str(config.get("_name_or_path", "")))
        if config.get("_class_name") != CLASS or not latents:
            return None
        files = weights(folder, _STEM)
        variant = None if None in files else sorted(files, key=str)[-1]
        for file in files[variant]:
            check_weights(file)
    except BrokenCheckpoint as error:
        _log.info("tiny autoencoder %s is left out: %s", path.name, error)
        return None
    return TinyAutoencoder(name_of(folder) or folder.name, folder, latents, variant, files[variant])


def _meant_for(name: str) -> str:
    """Whose latents one of that name decodes; empty where the name does not say."""
    last = name.replace("\\", "/").replace("--", "/").rstrip("/").rpartition("/")[2].lower()
    return next((latents for known, latents in _NAMES if known in last), "")


def _candidates(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        yield folder
        for child in (*_folders_in(folder), *_folders_in(folder / "models")):
            yield child
            if child.name.lower() in _SHELVES:
                yield from _folders_in(child)
    # Of a cache only what is called like one is looked into.
    yield from (path for path in _folders_in(cache_folder()) if _meant_for(path.name))


def _folders_in(folder: Path) -> list[Path]:
    try:
        return sorted(child for child in folder.iterdir() if child.is_dir())
    except OSError:
        return []
