"""One axis of a grid: a field of the request, and the values it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from core.abilities import InpaintArea, MaskedContent
from core.errors import InvalidRequest
from core.request import GenerationRequest

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
_READERS: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "InpaintArea": InpaintArea,
    "MaskedContent": MaskedContent,
}
_NO_AXES = ("id", "written_prompt", "written_negative_prompt")


@dataclass(frozen=True)
class Axis:
    """A field and its values, in the order of the sheet.

    Attributes:
        field: Of `GenerationRequest`; empty for an axis of a single place that changes nothing.
        name: As the person wrote it.
    """

    field: str
    name: str
    values: tuple[Any, ...]

    @classmethod
    def of(cls, text: str | None) -> Axis:
        """From ``steps=10,20``; values with commas in them are separated by ``|`` instead.

        Raises:
            InvalidRequest: no such field, or a value is none of it.
        """
        if text is None:
            return cls("", "", (None,))
        name, equals, rest = text.partition("=")
        name = name.strip()
        field = _SHORT.get(name, name.replace("-", "_"))
        reader = _readers().get(field)
        words = _split(rest, "|")
        words = words if len(words) > 1 else _split(rest, ",")
        if reader is None:
            known = ", ".join(sorted([*_SHORT, *(set(_readers()) - set(_SHORT.values()))]))
            raise InvalidRequest(f"A grid has no axis “{name}”. It knows: {known}.")
        if not equals or not all(words):
            raise InvalidRequest(f"“{text}” names no values. Write them like steps=10,20.")
        return cls(field, name, tuple(_value(reader, name, word) for word in words))

    @property
    def labels(self) -> list[str]:
        """What stands at each place."""
        return [f"{self.name} {_said(value)}" if self.field else "" for value in self.values]

    @property
    def models(self) -> tuple[str, ...]:
        """The models that it names."""
        return self.values if self.field == "checkpoint" else ()

    def changes(self, place: int) -> dict[str, Any]:
        """The field's value at that place, to be replaced in a request."""
        return {self.field: self.values[place]} if self.field else {}


def _readers() -> dict[str, Callable[[str], Any]]:
    """Every field of a request that one word can say."""
    return {
        field.name: _READERS[str(field.type)]
        for field in fields(GenerationRequest)
        if str(field.type) in _READERS and field.name not in _NO_AXES
    }


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _split(text: str, mark: str) -> list[str]:
    """The parts between the marks, except marks inside braces, which are alternatives."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "{") - (character == "}")
        if character == mark and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _value(reader: Callable[[str], Any], name: str, word: str) -> Any:
    try:
        return reader(word)
    except ValueError as error:
        raise InvalidRequest(f"“{word}” is no value for {name}.") from error
