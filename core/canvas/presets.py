"""Brushes to choose from: ours beside the program, the person's own in their folder."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from core.atomic import write_atomically
from core.canvas.brush import Brush
from core.canvas.dabs import Sample
from core.canvas.document import Document
from core.canvas.dynamics import STEADY, BrushDynamics
from core.canvas.strokes import StrokeTarget
from core.canvas.tips import Tip, read_tip
from core.errors import InvalidRequest, KnownError, StorageFailed, UnreadableImage
from core.geometry import Size
from core.logs import logger
from core.request import Pixels
from core.settings import RESOURCES

SCHEMA = 1
OURS = RESOURCES / "presets"
LONGEST_NAME = 40
_PICTURED_SIZE = 0.42  # of the picture's height; a preset's own size would not fit into it
# What a file's name cannot hold on some system; the surrogates are bytes that are no UTF-8.
_UNFIT = re.compile(r'[/\\:*?"<>|\x00-\x1f\ud800-\udfff]|^\.|[. ]$')
_log = logger("presets")


@dataclass(frozen=True)
class BrushPreset:
    """Everything about a brush but its colour and what it is used on.

    Attributes:
        name: As it is shown; also the name of its file.
        size, hardness, opacity, flow, spacing, dynamics: As in `Brush`.
        smoothing: 0 to 1; how much the stroke is steadied.
        tip: Name of the tip's file without its ending; empty for a disc.
        turns: Whether each dab turns the tip another way.

    Raises:
        InvalidRequest: a number lies outside its range, or the name cannot be a file's.
    """

    name: str
    size: float = 32.0
    hardness: float = 0.8
    opacity: float = 1.0
    flow: float = 1.0
    spacing: float = 0.1
    smoothing: float = 0.0
    dynamics: BrushDynamics = STEADY
    tip: str = ""
    turns: bool = False

    def __post_init__(self) -> None:
        for name in (self.name, self.tip):
            if _UNFIT.search(name) or len(name) > LONGEST_NAME:
                shown = name.encode(errors="backslashreplace").decode()  # as a log can take it
                raise InvalidRequest(
                    f"“{shown}” cannot be the name of a brush. Use up to {LONGEST_NAME} letters, "
                    "digits and spaces."
                )
        if not self.name:
            raise InvalidRequest("The brush has no name. Type one.")
        if not 0 <= self.smoothing <= 1:
            raise InvalidRequest(f"The smoothing is {self.smoothing:g}; it lies between 0 and 1.")
        self.brush(None)

    def brush(self, tip: Tip | None, colour: tuple[int, int, int] = (0, 0, 0)) -> Brush:
        """The brush, in one colour."""
        return Brush(
            size=self.size,
            hardness=self.hardness,
            opacity=self.opacity,
            flow=self.flow,
            spacing=self.spacing,
            colour=colour,
            dynamics=self.dynamics,
            tip=tip,
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> BrushPreset:
        """What `to_dict` made; what is missing has its default.

        Raises:
            InvalidRequest: it is something else.
        """
        defaults = asdict(cls("brush"))
        try:
            values = {name: record[name] for name in defaults if name in record}
            for name, value in values.items():
                if not _fits(value, defaults[name]):
                    raise TypeError(name)
                values[name] = type(defaults[name])(value)
        except (TypeError, OverflowError) as error:
            raise InvalidRequest(f"The preset is damaged ({error}). Delete its file.") from error
        values["dynamics"] = BrushDynamics.from_dict(values.get("dynamics", {}))
        return cls(**values)


class BrushShelf:
    """The presets and tips in two folders.

    Attributes:
        own: The person's folder; made when something is first put there.
    """

    def __init__(self, own: Path, ours: Path = OURS) -> None:
        self.own = own
        self._ours = ours
        self._tips: dict[tuple[str, bool], Tip] = {}

    def presets(self) -> list[BrushPreset]:
        """Ours in their order, then the person's by name; a damaged file is left out."""
        return [preset for folder in (self._ours, self.own) for preset in _presets_in(folder)]

    def is_own(self, preset: BrushPreset) -> bool:
        """Whether it is the person's, who may take it away."""
        return self._file(preset).is_file()

    def tip(self, name: str, turns: bool = False) -> Tip | None:
        """The tip of that name; None for a disc.

        Raises:
            UnreadableImage: its file is missing or damaged.
        """
        if not name:
            return None
        if (name, turns) not in self._tips:
            files = [folder / f"{name}.png" for folder in (self.own, self._ours)]
            file = next((file for file in files if file.is_file()), files[-1])
            self._tips[name, turns] = read_tip(file, turns)
        return self._tips[name, turns]

    def keep(self, preset: BrushPreset) -> None:
        """Write a preset into the person's folder, over one of the same name.

        Raises:
            StorageFailed: the folder cannot be written.
        """
        text = json.dumps(preset.to_dict(), indent=1, ensure_ascii=False)
        write_atomically(self._file(preset), text.encode())

    def remove(self, preset: BrushPreset) -> None:
        """Take a preset of the person's away; its tip stays, others may use it.

        Raises:
            StorageFailed: the file cannot be removed.
        """
        try:
            self._file(preset).unlink(missing_ok=True)
        except OSError as error:
            raise StorageFailed(
                f"{self._file(preset)} cannot be removed ({error.strerror})."
            ) from error

    def add_tip(self, file: Path, like: BrushPreset) -> BrushPreset:
        """Copy a picture into the person's folder and keep a preset with it as its tip.

        Args:
            like: Gives everything but name and tip.

        Raises:
            UnreadableImage: it is no picture, damaged, blank, or too large for a tip.
            InvalidRequest: the file's name cannot be a brush's.
            StorageFailed: the folder cannot be written.
        """
        read_tip(file)
        preset = replace(like, name=file.stem, tip=file.stem, spacing=max(like.spacing, 0.1))
        write_atomically(self.own / f"{preset.tip}.png", _content(file))
        self._tips.pop((preset.tip, preset.turns), None)
        self.keep(preset)
        return preset

    def picture(self, preset: BrushPreset, size: Size) -> Pixels:
        """A stroke of that brush as coverage, uint8 (height, width).

        Raises:
            UnreadableImage: its tip's file is missing or damaged.
        """
        shown = replace(preset, size=min(preset.size, max(1.0, size.height * _PICTURED_SIZE)))
        document = Document(size)
        brush = shown.brush(self.tip(preset.tip, preset.turns))
        stroke = document.begin_stroke(brush, StrokeTarget.MASK)
        stroke.move_along(_wave(size))
        stroke.finish()
        return document.mask_pixels(document.bounds)

    def _file(self, preset: BrushPreset) -> Path:
        return self.own / f"{preset.name}.json"


def _wave(size: Size) -> Iterator[Sample]:
    """One swing of the pen, pressed hardest in the middle."""
    margin = size.height / 2
    for step in range(49):
        share = step / 48
        x = margin + share * (size.width - 2 * margin)
        y = size.height / 2 - math.sin(2 * math.pi * share) * size.height * 0.2
        yield Sample(x, y, math.sin(math.pi * share) ** 0.8)


def _presets_in(folder: Path) -> Iterator[BrushPreset]:
    for file in sorted(folder.glob("*.json")):
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
            if not isinstance(record, dict):
                raise InvalidRequest("it is not an object")
            yield BrushPreset.from_dict(record)
        except (OSError, ValueError, RecursionError, KnownError) as error:
            _log.info("the preset %s is left out: %s", file.name, error)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UnreadableImage(f"{file} cannot be read ({error.strerror}).") from error


def _fits(value: Any, default: Any) -> bool:
    if isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, type(default))
