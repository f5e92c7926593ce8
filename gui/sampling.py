"""The choices of the generation dock, as one observable model that widgets are bound to."""

from __future__ import annotations

import random
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Generic, TypeVar, overload

from PySide6.QtCore import QObject, Signal

from core.abilities import AddonKind, FreeU, InpaintArea, MaskedContent
from core.addon import Addon, read_addons, read_freeu
from gui.leads import Lead, read_leads

T = TypeVar("T")


class Mode(StrEnum):
    """What the next generation does with the canvas."""

    AUTO = "auto"
    NEW = "new"
    FROM_CANVAS = "from canvas"
    MASKED = "masked"


class Observed(Generic[T]):
    """An attribute that tells `changed` its name when it gets another value."""

    def __init__(self, default: T) -> None:
        self._default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Observed[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Observed[T] | T:
        if instance is None:
            return self
        value: T = instance.__dict__.get(self._name, self._default)
        return value

    def __set__(self, instance: Sampling, value: T) -> None:
        if value != self.__get__(instance, type(instance)):
            instance.__dict__[self._name] = value
            instance.changed.emit(self._name)


class Sampling(QObject):
    """What the person has chosen for the next generation.

    Attributes:
        width, height: The frame's size in document pixels.
        seed: Used as it is while `seed_locked`; otherwise a new one is drawn at each start.
        count: Pictures of one start, with seeds seed, seed + 1, ...
        draws_together: Whether they are computed in one batch.
        inpaint_area, area_padding, masked_content: As in `GenerationRequest`.
        hires: Whether a picture much larger than the model's own size is made in two passes.
        hires_strength: How far the second may go, 0 to 1.
        addons: What is put on the model, ControlNets and IP-Adapters included.
        unfit_addons: Kinds and names of those that the present model does not take; not kept.
        references: By the name of each IP-Adapter, the files of the pictures it reads.
        leads: By the name of each ControlNet, what it follows; those that are not there follow
            the canvas, as they were made for.
        clip_skip, freeu, pag_scale: As in `GenerationRequest`.
        refiner: Name of the model that finishes the pictures of SDXL; empty for none.
        refiner_start: From which part of the steps on it does, 0 to 1.

    Signals:
        changed: The name of the attribute that has another value now.
    """

    changed = Signal(str)

    checkpoint = Observed("")
    prompt = Observed("")
    negative_prompt = Observed("")
    mode = Observed(Mode.AUTO)
    scheduler = Observed("Euler")
    num_inference_steps = Observed(20)
    guidance_scale = Observed(7.5)
    strength = Observed(0.75)
    seed = Observed(31)
    seed_locked = Observed(False)
    count = Observed(1)
    draws_together = Observed(False)
    width = Observed(256)
    height = Observed(256)
    inpaint_area = Observed(InpaintArea.WHOLE_PICTURE)
    area_padding = Observed(32)
    masked_content = Observed(MaskedContent.ORIGINAL)
    hires = Observed(False)
    hires_strength = Observed(0.5)
    addons: Observed[tuple[Addon, ...]] = Observed(())
    unfit_addons: Observed[frozenset[tuple[AddonKind, str]]] = Observed(frozenset())
    clip_skip = Observed(1)
    freeu: Observed[FreeU | None] = Observed(None)
    references: Observed[Mapping[str, tuple[str, ...]]] = Observed(MappingProxyType({}))
    leads: Observed[Mapping[str, Lead]] = Observed(MappingProxyType({}))
    pag_scale = Observed(0.0)
    refiner = Observed("")
    refiner_start = Observed(0.8)

    KEPT = (
        "checkpoint", "prompt", "negative_prompt", "mode", "scheduler", "num_inference_steps",
        "guidance_scale", "strength", "seed", "seed_locked", "count", "width", "height",
        "draws_together",
        "inpaint_area", "area_padding", "masked_content", "hires", "hires_strength",
        "clip_skip", "addons", "freeu", "references", "leads", "pag_scale",
        "refiner", "refiner_start",
    )  # fmt: skip
    RANGES: ClassVar = {
        "num_inference_steps": (1, 200),
        "guidance_scale": (0, 50),
        "strength": (0, 1),
        "seed": (0, 2**32 - 1),
        "count": (1, 8),
        "width": (8, 16384),
        "height": (8, 16384),
        "area_padding": (0, 512),
        "hires_strength": (0.05, 1),
        "clip_skip": (1, 12),
        "pag_scale": (0, 20),
        "refiner_start": (0.05, 0.95),
    }
    """What `restore` takes; a damaged file may hold any number, NaN included."""

    def draw_seed(self) -> None:
        """Another seed, by chance."""
        self.seed = random.randrange(2**32)

    def to_dict(self) -> dict[str, Any]:
        """The choices as JSON data."""
        choices = {name: getattr(self, name) for name in self.KEPT}
        addons = [addon.to_dict() for addon in self.addons]
        return choices | {
            "addons": addons,
            "references": {name: list(files) for name, files in self.references.items()},
            "leads": {name: list(lead) for name, lead in self.leads.items()},
        }

    def restore(self, record: dict[str, Any]) -> None:
        """Take over what `to_dict` gave or a gallery record holds; a strange value is left out."""
        for name in self.KEPT:
            value = record.get(name)
            default = getattr(self, name)
            if name == "addons":
                self.addons = read_addons(record[name]) if name in record else default
            elif name == "freeu":
                self.freeu = read_freeu(value) if name in record else default
            elif name == "references":
                self.references = _files(value) if name in record else default
            elif name == "leads":
                self.leads = read_leads(value) if name in record else default
            elif isinstance(default, StrEnum):
                if value in tuple(type(default)):
                    setattr(self, name, type(default)(value))
            elif _fits(value, default, self.RANGES.get(name, (0, 0))):
                setattr(self, name, type(default)(value))


def _files(value: Any) -> dict[str, tuple[str, ...]]:
    """Those entries of a kept mapping that are names of files; once each had but one."""
    pairs = value.items() if isinstance(value, dict) else ()
    lists = {name: [files] if isinstance(files, str) else files for name, files in pairs}
    return {
        name: tuple(files)
        for name, files in lists.items()
        if isinstance(files, list) and all(isinstance(file, str) for file in (name, *files))
    }


def _fits(value: Any, default: Any, allowed: tuple[float, float]) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, (int, float)):
        return isinstance(value, (int, float)) and allowed[0] <= value <= allowed[1]
    return isinstance(value, str)
