"""What ControlNets follow: the canvas, or a picture of their own; as it is, or its edges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Lead(NamedTuple):
    """What one ControlNet follows.

    Attributes:
        picture: The file of the picture; empty for what the frame shows.
        edges: Whether its edges are drawn first.
    """

    picture: str = ""
    edges: bool = False


def lead_of(name: str, leads: Mapping[str, Lead]) -> Lead:
    """What is followed by the ControlNet of that name; by itself one for edges draws edges."""
    return leads.get(name) or Lead(edges="canny" in name.lower())


def read_leads(record: Any) -> dict[str, Lead]:
    """Those entries of a kept mapping that can be understood."""
    pairs = record.items() if isinstance(record, dict) else ()
    return {
        name: Lead(*lead)
        for name, lead in pairs
        if isinstance(lead, list | tuple) and [type(part) for part in lead] == [str, bool]
    }
