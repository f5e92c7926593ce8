"""One axis of a grid: a setting of the request, and the values it takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from core.abilities import AddonKind, InpaintArea, MaskedContent
from core.addon import Addon
from core.errors import InvalidRequest
from core.geometry import Size
from core.inference.value_lists import split, spread
from core.request import GenerationRequest

REPLACE = "replace"
LORA = "lora:"
_SHORT = {
    "steps": "num_inference_steps",
    "guidance": "guidance_scale",
    "model": "checkpoint",
    "negative": "negative_prompt",
    "feather": "mask_feather",
    "padding": "area_padding",
    "content": "masked_content",
    "area": "inpaint_area",
}
_NO_AXES = ("id", "written_prompt", "written_negative_prompt", "denoising_size", "tile_overlap")


def _size(word: str) -> Size:
    """From ``512x768``, with a cross of any kind.

    Raises:
        ValueError: it is no size.
    """
    sides = re.fullmatch(r"\s*(\d{1,5})\s*[x×*]\s*(\d{1,5})\s*", word, re.IGNORECASE)
    if sides is None:
        raise ValueError(word)
    return Size(int(sides[1]), int(sides[2]))


_READERS: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "Size": _size,
    "InpaintArea": InpaintArea,
    "MaskedContent": MaskedContent,
}


@dataclass(frozen=True)
class Axis:
    """A setting and its values, in the order of the sheet.

    Attributes:
        field: A field of `GenerationRequest`; `REPLACE` for words of the prompt, of which the
            first value is looked for; `LORA` and a name for that LoRA's weight; empty for an
            axis of a single place that changes nothing.
        name: As the person knows it.
    """

    field: str
    name: str
    values: tuple[Any, ...]

    @classmethod
    def of(cls, text: str | None) -> Axis:
        """From ``steps=10,20``, as `reading` takes the values; None is an axis of one place.

        Raises:
            InvalidRequest: no such setting, or a value is none of it.
        """
        if text is None:
            return cls("", "", (None,))
        name, equals, words = text.partition("=")
        if not equals:
            raise InvalidRequest(f"“{text}” names no values. Write them like steps=10,20.")
        return cls.reading(name.strip(), name.strip(), words)

    @classmethod
    def reading(cls, setting: str, name: str, words: str) -> Axis:
        """From a list of values; those with commas in them are separated by ``|`` instead.

        Numbers may be ranges: ``1-4``, ``10-30 (+5)`` in steps of five, ``0-1 [5]`` five of them.

        Args:
            setting: A field of the request, or its short name.
            name: What to call it.

        Raises:
            InvalidRequest: no such setting, or a value is none of it.
        """
        field = setting if setting.startswith(LORA) else _SHORT.get(setting, _field_name(setting))
        reader = _reader(field)
        if reader is None:
            known = ", ".join(sorted([*_SHORT, REPLACE, *_plain_fields()]))
            raise InvalidRequest(f"A grid has no axis “{name}”. It knows: {known}.")
        parts = split(words)
        if not all(parts):
            raise InvalidRequest(f"“{name}” names no values. Write them like 10, 20.")
        if reader in (int, float):
            parts = [value for part in parts for value in spread(part, is_whole=reader is int)]
        return cls(field, name, tuple(_value(reader, name, part) for part in parts))

    @property
    def labels(self) -> list[str]:
        """What stands at each place of the sheet."""
        return [f"{self.name} {_said(value)}" if self.field else "" for value in self.values]

    @property
    def models(self) -> tuple[str, ...]:
        """The models that it names."""
        return self.values if self.field == "checkpoint" else ()

    def put(self, request: GenerationRequest, place: int) -> GenerationRequest:
        """The request with the value at that place.

        Raises:
            InvalidRequest: words that are to be replaced are not in the prompt.
        """
        value = self.values[place]
        if not self.field:
            return request
        if self.field == REPLACE:
            return _replaced(request, self.values[0], value)
        if self.field.startswith(LORA):
            return _weighted(request, self.field.removeprefix(LORA), value)
        if self.field == "size":
            return replace(request, size=value, denoising_size=value, frame=None)
        if self.field in ("prompt", "negative_prompt"):
            return replace(request, **{self.field: value, f"written_{self.field}": ""})
        return replace(request, **{self.field: value})


def _replaced(request: GenerationRequest, old: str, new: str) -> GenerationRequest:
    """Other words in both prompts, before alternatives are drawn."""
    prompt = request.written_prompt or request.prompt
    negative = request.written_negative_prompt or request.negative_prompt
    if old not in prompt and old not in negative:
        raise InvalidRequest(
            f"“{old}” is not in the prompt. The first of the values is the one that is replaced."
        )
    return replace(
        request,
        prompt=prompt.replace(old, new),
        negative_prompt=negative.replace(old, new),
        written_prompt="",
        written_negative_prompt="",
    )


def _weighted(request: GenerationRequest, name: str, weight: float) -> GenerationRequest:
    """That LoRA with another weight; put on where it was not."""
    addon = Addon(AddonKind.LORA, name, weight)
    others = [(a.kind, a.name) for a in request.addons]
    if (addon.kind, name) not in others:
        return replace(request, addons=(*request.addons, addon))
    place = others.index((addon.kind, name))
    before = request.addons[place]
    addons = [*request.addons]
    addons[place] = replace(before, weight=weight)
    return replace(request, addons=tuple(addons))


def _field_name(setting: str) -> str:
    return setting.replace("-", "_")


def _reader(field: str) -> Callable[[str], Any] | None:
    if field == REPLACE:
        return str
    if field.startswith(LORA):
        return float if field != LORA else None
    return _all_readers().get(field)


def _all_readers() -> dict[str, Callable[[str], Any]]:
    """Every field of a request that one word can say."""
    return {
        field.name: _READERS[str(field.type)]
        for field in fields(GenerationRequest)
        if str(field.type) in _READERS and field.name not in _NO_AXES
    }


def _plain_fields() -> set[str]:
    return set(_all_readers()) - set(_SHORT.values()) | {f"{LORA}NAME"}


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _value(reader: Callable[[str], Any], name: str, word: str) -> Any:
    try:
        return reader(word)
    except ValueError as error:
        raise InvalidRequest(f"“{word}” is no value for {name}.") from error
