"""What the brush is set to; shared by the painting tools and by everything that shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from core.errors import KnownError
from core.logs import logger

if TYPE_CHECKING:
    from core.canvas.brush import Brush
    from core.canvas.dynamics import BrushDynamics, Response
    from core.canvas.presets import BrushPreset, BrushShelf
    from core.canvas.tips import Tip

LEAST_SIZE, MOST_SIZE = 1, 1000
SIZE_STOPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1000)
INK, PAPER = (0, 0, 0), (255, 255, 255)
MOST_RECENT = 11
_log = logger("brush")


class Target(StrEnum):
    """What a stroke changes."""

    PAINT = "paint"
    MASK = "mask"


class BrushSettings(QObject):
    """The brush in the hand. The rooms of core are imported when one first paints.

    Attributes:
        size: Diameter in document pixels.
        hardness, opacity, flow: 0 to 1.
        spacing: Distance of two dabs in diameters.
        smoothing: 0 to 1; how much a stroke is steadied.
        strength: 0 to 1; what the denoise brush makes of a mask.
        colour: Red, green, blue, 0 to 255.
        background: The second colour: gradients can end in it, and X exchanges the two.
        recent: Colours that were painted with, the last one first.
        tip: The picture of a dab; None is a disc.
        preset: Name of the preset that was chosen last.
        erasing: What the eraser takes away: the target of the brush that was used last.

    Signals:
        changed: One of them has another value.
    """

    KEPT = (
        "size", "hardness", "opacity", "flow", "spacing", "smoothing", "strength", "colour",
        "background", "recent", "preset",
    )  # fmt: skip
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.size = 32.0
        self.hardness = 0.8
        self.opacity = 1.0
        self.flow = 1.0
        self.spacing = 0.1
        self.smoothing = 0.0
        self.strength = 0.5
        self.colour = (217, 84, 61)
        self.background = PAPER
        self.recent: tuple[tuple[int, int, int], ...] = ()
        self.tip: Tip | None = None
        self.preset = ""
        self.erasing = Target.PAINT
        self._dynamics: BrushDynamics | None = None

    @property
    def dynamics(self) -> BrushDynamics:
        """How the brush follows the pen."""
        from core.canvas.dynamics import NATURAL

        return NATURAL if self._dynamics is None else self._dynamics

    @dynamics.setter
    def dynamics(self, dynamics: BrushDynamics) -> None:
        self._dynamics = dynamics

    def change(self, **values: object) -> None:
        """Set several at once and tell it once; sizes are kept within 1 to 1000."""
        for name, value in values.items():
            setattr(self, name, value)
        self.size = min(max(float(self.size), LEAST_SIZE), MOST_SIZE)
        self.changed.emit()

    def remember_colour(self) -> None:
        """The brush's colour is being painted with."""
        if self.recent[:1] != (self.colour,):
            others = (colour for colour in self.recent if colour != self.colour)
            self.change(recent=(self.colour, *others)[:MOST_RECENT])

    def swap_colours(self) -> None:
        """The second colour becomes the brush's, and the other way round."""
        self.change(colour=self.background, background=self.colour)

    def reset_colours(self) -> None:
        """Black on white."""
        self.change(colour=INK, background=PAPER)

    def respond(self, name: str, response: Response) -> None:
        """Let one property follow the pen in another way: size, opacity, flow or strength."""
        self.change(dynamics=replace(self.dynamics, **{name: response}))

    def step_size(self, direction: int) -> None:
        """The next round size, larger for +1."""
        if direction > 0:
            stop = next((s for s in SIZE_STOPS if s > self.size), MOST_SIZE)
        else:
            stop = next((s for s in reversed(SIZE_STOPS) if s < self.size), LEAST_SIZE)
        self.change(size=stop)

    def brush(self, target: Target, erases: bool, paints_strength: bool = False) -> Brush:
        """The brush as the canvas room wants it.

        A mask is painted whole, whatever opacity and flow say; with `paints_strength` it becomes
        as much as the strength says.
        """
        from core.canvas.brush import Brush

        own = {} if target is Target.MASK else {"opacity": self.opacity, "flow": self.flow}
        dynamics = self.dynamics
        if target is Target.MASK:
            dynamics = dynamics.for_mask if paints_strength else dynamics.for_plain_mask
        return Brush(
            size=self.size,
            hardness=self.hardness,
            spacing=self.spacing,
            colour=self.colour,
            erases=erases,
            strength=self.strength if paints_strength else 1.0,
            dynamics=dynamics,
            tip=self.tip,
            **own,
        )

    # --- presets, and the next start -----------------------------------------------------------

    def take(self, preset: BrushPreset, tip: Tip | None) -> None:
        """Be as a preset says; the colour stays."""
        self.change(
            size=preset.size,
            hardness=preset.hardness,
            opacity=preset.opacity,
            flow=preset.flow,
            spacing=preset.spacing,
            smoothing=preset.smoothing,
            dynamics=preset.dynamics,
            tip=tip,
            preset=preset.name,
        )

    def as_preset(self, name: str) -> BrushPreset:
        """A preset that says how the brush is now.

        Raises:
            InvalidRequest: the name cannot be a file's.
        """
        from core.canvas.presets import BrushPreset

        return BrushPreset(
            name=name.strip(),
            size=self.size,
            hardness=self.hardness,
            opacity=self.opacity,
            flow=self.flow,
            spacing=self.spacing,
            smoothing=self.smoothing,
            dynamics=self.dynamics,
            tip=self.tip.name if self.tip else "",
            turns=bool(self.tip and self.tip.turns),
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON data."""
        record = {name: getattr(self, name) for name in self.KEPT}
        tip = {"name": self.tip.name, "turns": self.tip.turns} if self.tip else None
        return record | {"dynamics": self.dynamics.to_dict(), "tip": tip}

    def restore(self, record: Mapping[str, Any], shelf: BrushShelf) -> None:
        """Be as `to_dict` said; a record that makes no sense changes nothing."""
        from core.canvas.dynamics import BrushDynamics

        before = {name: getattr(self, name) for name in (*self.KEPT, "dynamics", "tip")}
        try:
            names = (record.keys() & self.KEPT) - {"recent"}
            values = {name: _like(before[name], record[name]) for name in names}
            if len(_colours([values.get(name, INK) for name in ("colour", "background")])) < 2:
                raise ValueError("colour")
            values["recent"] = _colours(record.get("recent", ()))
            if record.get("tip"):
                values["tip"] = shelf.tip(str(record["tip"]["name"]), bool(record["tip"]["turns"]))
            if record.get("dynamics"):
                values["dynamics"] = BrushDynamics.from_dict(record["dynamics"])
            self.change(**values)
            self.as_preset("check")
            self.brush(Target.MASK, False, paints_strength=True)
        except (KnownError, LookupError, TypeError, ValueError, OverflowError) as error:
            _log.info("the brush starts fresh: %s", error)
            self.change(**before)


def _like(before: Any, value: Any) -> Any:
    """The value in the type of what is there."""
    if isinstance(before, tuple):
        return tuple(int(part) for part in value)
    return type(before)(value)


def _colours(record: Iterable[Iterable[Any]]) -> tuple[tuple[int, ...], ...]:
    """Those that are colours."""
    colours = (tuple(int(part) for part in parts) for parts in record)
    known = [each for each in colours if len(each) == 3 and all(0 <= part <= 255 for part in each)]
    return tuple(known[:MOST_RECENT])
