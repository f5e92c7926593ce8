"""sfumato/project.json: what a project holds besides its layers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.geometry import Rect, Size
from core.images import MAX_SIDE
from core.logs import logger
from core.metadata import SOFTWARE
from core.projects.archive import Flaw

SCHEMA = 1
RECORD = "sfumato/project.json"
_log = logger("projects")


@dataclass(frozen=True)
class ProjectRecord:
    """The record's content.

    Attributes:
        canvas: Size of the canvas when it was written.
        frame: Where the next picture is generated.
        active: Name of the active layer's PNG in the archive; empty if unknown.
        roles: Name of each layer's PNG: ``"paint"`` or ``"mask"``.
        facts: What other rooms asked to be kept with the project; JSON data.
    """

    canvas: Size
    frame: Rect
    active: str
    roles: Mapping[str, str]
    facts: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """The record as it is stored."""
        record = {
            "schema": SCHEMA,
            "software": SOFTWARE,
            "canvas": self.canvas,
            "frame": self.frame,
            "active": self.active,
            "roles": dict(self.roles),
            "facts": self.facts,
        }
        return json.dumps(record, indent=1).encode()

    @classmethod
    def from_json(cls, content: bytes) -> ProjectRecord | None:
        """Read a record; None if it makes no sense, because the layers can do without.

        Raises:
            Flaw: a later Sfumato wrote it, and saving would lose what only that one knows.
        """
        try:
            record = json.loads(content)
            _require_known(record["schema"])
            canvas = Size(*_integers(record["canvas"], 2))
            return cls(
                canvas,
                _frame(Rect(*_integers(record["frame"], 4)), canvas),
                str(record["active"]),
                {str(source): str(role) for source, role in record["roles"].items()},
                dict(record["facts"]),
            )
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            _log.info("the project's record is unusable: %s", type(error).__name__)
            return None


def _require_known(schema: object) -> None:
    if not isinstance(schema, int):
        raise TypeError("schema")
    if schema > SCHEMA:
        raise Flaw(
            f"a later Sfumato wrote it (schema {str(schema)[:9]}, this one knows {SCHEMA})",
            "Update Sfumato.",
        )


def _integers(values: list[Any], count: int) -> list[int]:
    if len(values) != count or not all(type(value) is int for value in values):
        raise ValueError("not whole numbers")
    return values


def _frame(frame: Rect, canvas: Size) -> Rect:
    """The frame, or all of the canvas instead of one that nobody could have drawn."""
    if frame.is_empty or max(frame.size) > MAX_SIDE or max(map(abs, frame)) > 4 * MAX_SIDE:
        return Rect.of_size(canvas)
    return frame
