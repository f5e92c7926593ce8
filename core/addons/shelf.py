"""Add-ons in folders, as A1111, Forge and ComfyUI lay them out beside their models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from core.abilities import AddonKind
from core.addons.describe import AddonFile, describe_addon
from core.addons.encoders import ImageEncoder, fitting_encoder
from core.addons.headers import PICKLES
from core.errors import BrokenAddon
from core.logs import logger

# Names of folders, in small letters, and what lies in them.
_FOLDERS = {
    "loras": (AddonKind.LORA,),
    "lora": (AddonKind.LORA,),
    "lycoris": (AddonKind.LORA,),
    "embeddings": (AddonKind.EMBEDDING,),
    "controlnet": (AddonKind.CONTROLNET, AddonKind.IP_ADAPTER),  # A1111 has both there
    "vae": (AddonKind.VAE,),
    "ipadapter": (AddonKind.IP_ADAPTER,),
    "ip-adapter": (AddonKind.IP_ADAPTER,),
    "ip_adapter": (AddonKind.IP_ADAPTER,),
}
# Folders of checkpoints: their neighbours are looked at too.
_BESIDE = {"checkpoints", "stable-diffusion", "diffusers", "diffusion_models", "unet"}
# Folders of image encoders, as IP-Adapter's authors and ComfyUI name them.
_ENCODERS = ("image_encoder", "clip_vision")
_MOST_LOOSE = 2 << 30  # bytes; a larger file beside models is one of them
_log = logger("addons")

Kinds = tuple[AddonKind, ...]


class AddonShelf:
    """Finds add-ons in the folders in which models are looked for, and near them.

    In each folder, in its ``models``, and around a folder called ``checkpoints`` or
    ``Stable-diffusion``: ``loras`` or ``Lora``, ``embeddings``, ``controlnet``, ``vae``,
    ``ipadapter``, with all their subfolders. A folder of one of these names counts itself, and
    loose files beside models do if their headers say what they are. Image encoders are looked for
    in ``clip_vision`` and ``image_encoder``, also beside the IP-Adapter.

    Args:
        folders: As `core.checkpoints.model_folders` gives them.
    """

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        self._folders = tuple(folders)

    def files(
        self, only: AddonKind | None = None, named: Callable[[str], bool] = lambda name: True
    ) -> list[AddonFile]:
        """Every usable add-on by kind and name; broken ones are logged.

        Args:
            only: Leaves out what lies in the folders of other kinds.
            named: Whether a name is of interest; other files are not even opened.
        """
        found = []
        for kinds, name, path in self._places():
            if not named(name) or (only is not None and only not in kinds):
                continue
            try:
                found.append(describe_addon(path, kinds, name))
            except BrokenAddon as error:
                if kinds:  # a loose file may be anything
                    _log.info("add-on %s is left out: %s", name, error)
        return sorted(_once(found), key=lambda file: (file.kind, file.name.lower()))

    def find(self, kind: AddonKind, name: str) -> AddonFile:
        """The add-on of that kind and name, in any case of letters.

        Raises:
            BrokenAddon: there is none (the sentence tells what there is), or it is broken.
        """
        broken: BrokenAddon | None = None
        for kinds, place_name, path in self._places():
            if place_name.lower() == name.lower() and (not kinds or kind in kinds):
                try:
                    return describe_addon(path, (kind,), place_name)
                except BrokenAddon as error:
                    broken = broken or error
        raise broken or self._missing(kind, name)

    def _missing(self, kind: AddonKind, name: str) -> BrokenAddon:
        names = [file.name for file in self.files() if file.kind is kind]
        there = f"Found: {', '.join(names[:20])}." if names else "None was found."
        return BrokenAddon(
            f"There is no {kind.words} called “{name}”. {there} Put it into a folder "
            f"“{_home_of(kind)}” beside your models."
        )

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where it looks; models lie there too."""
        return self._folders

    def encoder_for(self, adapter: AddonFile) -> ImageEncoder:
        """The image encoder that reads pictures for an IP-Adapter.

        Raises:
            BrokenAddon: there is none that fits; the sentence says what to put where.
        """
        beside = adapter.path.parent
        rooms = [*_rooms_of_encoders(beside), *_rooms_of_encoders(beside.parent)]
        for folder in self._folders:
            rooms += [room for place in _places_of(folder) for room in _rooms_of_encoders(place)]
        return fitting_encoder(adapter, (path for room in rooms for path in _encoders_in(room)))

    def _places(self) -> Iterator[tuple[Kinds, str, Path]]:
        """(what it may be, name, path), each path once and each name once for a kind."""
        seen: set[Path] = set()
        names: set[tuple[Kinds, str]] = set()
        for kinds, root, path in self._all_places():
            if path.resolve() in seen:
                continue
            seen.add(path.resolve())
            name = _plain_name(path)
            if (kinds, name.lower()) in names:
                name = path.relative_to(root).with_suffix("").as_posix()
            names.add((kinds, name.lower()))
            yield kinds, name, path

    def _all_places(self) -> Iterator[tuple[Kinds, Path, Path]]:
        for folder in self._folders:
            for kinds, root in _roots(folder):
                yield from ((kinds, root, path) for path in _below(root))
        for folder in self._folders:
            for path in _children(folder):
                if path.suffix.lower() == ".safetensors" and _is_small(path):
                    yield (), folder, path


def _places_of(folder: Path) -> list[Path]:
    """Where the folders of add-ons lie that belong to this folder of models."""
    places = [folder, folder / "models"]
    if folder.name.lower() in _BESIDE:
        places += [folder.parent, folder.parent.parent]
    return places


def _roots(folder: Path) -> Iterator[tuple[Kinds, Path]]:
    """Folders of add-ons that belong to this folder of models."""
    children = (child for place in _places_of(folder) for child in _children(place))
    for child in (folder, *children):
        kinds = _FOLDERS.get(child.name.lower())
        # A model in diffusers' layout has a folder “vae” of its own.
        is_part = (child.parent / "model_index.json").exists()
        if kinds is not None and not is_part and child.is_dir():
            yield kinds, child


def _rooms_of_encoders(place: Path) -> list[Path]:
    """Folders of image encoders in that one, and in those below it."""
    found = [place] if place.name.lower() in _ENCODERS else []
    for child in _children(place):
        if child.name.lower() in _ENCODERS:
            found.append(child)
        elif child.is_dir() and not (child / "model_index.json").exists():
            found += [child / name for name in _ENCODERS if (child / name).is_dir()]
    return found


def _encoders_in(room: Path) -> Iterator[Path]:
    """Itself where it is a model's folder, else the files and models in it."""
    if (room / "config.json").exists():
        yield room
    else:
        yield from _below(room)


def _below(root: Path) -> Iterator[Path]:
    """Files, and folders in diffusers' layout, at any depth; a link to a folder is not followed."""
    for child in _children(root):
        if child.name.lower() in _ENCODERS or _has_a_safe_twin(child):
            continue
        is_file = child.suffix.lower() in (".safetensors", *PICKLES)
        if is_file or (child / "config.json").exists():
            yield child
        elif child.is_dir() and not child.is_symlink():
            yield from _below(child)


def _has_a_safe_twin(path: Path) -> bool:
    """Whether it is a pickle of what lies beside it as safetensors."""
    return path.suffix.lower() in PICKLES and path.with_suffix(".safetensors").exists()


def _children(folder: Path) -> Sequence[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return ()


def _is_small(path: Path) -> bool:
    try:
        return path.stat().st_size <= _MOST_LOOSE
    except OSError:
        return False


def _plain_name(path: Path) -> str:
    return path.name if path.is_dir() else path.stem


def _once(files: list[AddonFile]) -> Iterator[AddonFile]:
    """One file for each kind and name: the first that was found."""
    seen: set[tuple[AddonKind, str]] = set()
    for file in files:
        if (file.kind, file.name.lower()) not in seen:
            seen.add((file.kind, file.name.lower()))
            yield file


def _home_of(kind: AddonKind) -> str:
    return next(name for name, found in _FOLDERS.items() if found[0] is kind)
