"""Every path on disk, and the few choices that are kept between two starts."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from core.atomic import write_atomically
from core.errors import InvalidSetting, StorageFailed
from core.logs import logger

SCHEMA = 1
THEMES = ("dark", "light", "system")
LEAST_UNDO = 16
"""Megabytes; less would not hold one stroke across a large picture."""
RESOURCES = Path(__file__).resolve().parents[1] / "resources"
CLIP_VOCABULARY = RESOURCES / "configs" / "clip"
"""Folder with the tokens of every model that brings no vocabulary of its own."""
_log = logger("settings")


@dataclass(frozen=True)
class Paths:
    """Where Sfumato keeps things. With a home, everything lies below it.

    Attributes:
        config: Settings.
        data: The gallery's index, inputs of pictures, the trash.
        cache: Thumbnails and what else can be made again.
        state: Logs, the lock of the running window.
        pictures: The finished pictures, in folders by month.
    """

    config: Path
    data: Path
    cache: Path
    state: Path
    pictures: Path

    @classmethod
    def find(cls, home: Path | None = None) -> Paths:
        """Folders below `home`, else below ``SFUMATO_HOME``, else the desktop's own."""
        chosen = home or os.environ.get("SFUMATO_HOME")
        if chosen:
            root = Path(chosen).expanduser().absolute()
            return cls(*(root / name for name in ("config", "data", "cache", "state", "pictures")))
        import platformdirs  # a few milliseconds that a given home saves

        dirs = platformdirs.PlatformDirs("sfumato", appauthor=False)
        return cls(
            dirs.user_config_path,
            dirs.user_data_path,
            dirs.user_cache_path,
            dirs.user_state_path,
            dirs.user_pictures_path / "Sfumato",
        )

    @property
    def settings_file(self) -> Path:
        """The kept choices, JSON."""
        return self.config / "settings.json"

    @property
    def gallery_file(self) -> Path:
        """The gallery's index, SQLite."""
        return self.data / "gallery.sqlite"

    @property
    def inputs(self) -> Path:
        """Pictures and masks that results were made from, named by digest."""
        return self.data / "inputs"

    @property
    def queue(self) -> Path:
        """Requests that are not done yet, with their pixels."""
        return self.data / "queue"

    @property
    def trash(self) -> Path:
        """Deleted gallery items."""
        return self.data / "trash"

    @property
    def wildcards(self) -> Path:
        """The person's text files of alternatives, for ``__name__`` in a prompt."""
        return self.data / "wildcards"

    @property
    def brushes(self) -> Path:
        """The person's own brush presets and tips."""
        return self.data / "brushes"

    @property
    def thumbnails(self) -> Path:
        """Small copies of the gallery's pictures."""
        return self.cache / "thumbnails"

    @property
    def preview_maps(self) -> Path:
        """Latents-to-RGB maps, one for each VAE."""
        return self.cache / "previews"

    @property
    def log_file(self) -> Path:
        """The program's log."""
        return self.state / "sfumato.log"

    @property
    def lock_file(self) -> Path:
        """Held by the window that uses these folders."""
        return self.state / "window.lock"

    def make(self) -> None:
        """Create every folder.

        Raises:
            StorageFailed: names the folder that cannot be written.
        """
        import tempfile  # brings a good deal along; the window's first paint waits for this module

        for folder in (self.config, self.data, self.cache, self.state, self.pictures):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=folder):
                    pass
            except OSError as error:
                raise StorageFailed(
                    f"The folder {folder} cannot be written ({error.strerror}). "
                    "Choose another with --home."
                ) from error


@dataclass(frozen=True)
class Settings:
    """Choices that outlive the program.

    Attributes:
        theme: ``"dark"``, ``"light"`` or ``"system"``.
        checkpoint: Name of the model last used; empty for the embedded one.
        model_folders: Folders in which models are looked for, besides the embedded one.
        prompts: Prompts last used, newest first.
        sampling: Values of the generation dock by name, as JSON data.
        brush: What the brush is set to, as JSON data.
        keys: Keys of actions that differ from the window's table, by the action's name.
        export: How pictures were exported last, as JSON data.
        undo_megabytes: Memory that steps to undo may take; the oldest are forgotten beyond it.
        recent_files: Pictures and projects last opened or saved, newest first.
        window: Geometry of the window, base64 of Qt's own bytes.
        timeline_megabytes: Memory for the steps of the last pictures, to branch from; 0 for none.
        view: What the View menu switches on and off, as JSON data.
        compile_models: Whether torch compiles a model before its first picture.
    """

    theme: str = "dark"
    checkpoint: str = ""
    model_folders: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    sampling: dict[str, Any] = field(default_factory=dict)
    brush: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)
    export: dict[str, Any] = field(default_factory=dict)
    undo_megabytes: int = 512
    recent_files: tuple[str, ...] = ()
    window: str = ""
    timeline_megabytes: int = 256
    view: dict[str, Any] = field(default_factory=dict)
    compile_models: bool = False

    def check(self, memory: int) -> None:
        """Refuse what cannot hold on this computer.

        Args:
            memory: What it has, in megabytes.

        Raises:
            InvalidSetting: says what is wrong, and what could be chosen instead.
        """
        if self.theme not in THEMES:
            raise InvalidSetting(f"There is no theme “{self.theme}”. Choose {_either(THEMES)}.")
        half = memory // 2
        for name, value, least in (
            ("Undo", self.undo_megabytes, LEAST_UNDO),
            ("The timeline", self.timeline_megabytes, 0),
        ):
            if not least <= value <= half:
                raise InvalidSetting(
                    f"{name} cannot take {value} MB. Choose {least} to {half} MB, which is half "
                    "of this computer’s memory."
                )

    def with_prompt(self, prompt: str, keep: int = 100) -> Settings:
        """The settings with `prompt` as the newest one."""
        others = tuple(p for p in self.prompts if p != prompt)
        return replace(self, prompts=(prompt, *others)[:keep])


def _either(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def load_settings(file: Path) -> Settings:
    """Read the kept choices; a missing or damaged file means the defaults."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        return Settings(**_known_values(record))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, TypeError, RecursionError) as error:
        _log.info("settings start fresh: %s", type(error).__name__)
        return Settings()


def save_settings(settings: Settings, file: Path) -> None:
    """Write the choices so that either the old file or the new one is there, never half of one.

    Raises:
        StorageFailed: the file cannot be written.
    """
    text = json.dumps({"schema": SCHEMA, **asdict(settings)}, indent=1, ensure_ascii=False)
    # A file's name may hold bytes that are no UTF-8; escaped, they come back as they were.
    write_atomically(file, text.encode("utf-8", "backslashreplace"))


def _known_values(record: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise TypeError("not an object")
    defaults = Settings()
    values = {}
    for known in fields(Settings):
        value = record.get(known.name, getattr(defaults, known.name))
        if isinstance(getattr(defaults, known.name), tuple):
            value = tuple(map(str, value))
        if not isinstance(value, type(getattr(defaults, known.name))):
            raise ValueError(known.name)
        values[known.name] = value
    return values
