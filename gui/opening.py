"""What is in a file that is opened: a document, and what the file says about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core import metadata
from core.canvas.document import Document
from core.images import read_image
from core.projects import load_project


@dataclass(frozen=True)
class Opened:
    """A file's content.

    Attributes:
        facts: What a project says besides its document.
        notices: Sentences about what could not be taken over.
        made: How the picture was made: infotext (``text``) and ``record``; None if not known.
    """

    document: Document
    facts: dict[str, Any] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    made: dict[str, Any] | None = None


def read_document(file: Path) -> Opened:
    """Read a project or a picture.

    Raises:
        KnownError: what is wrong with it, in a sentence.
    """
    if file.suffix.lower() == ".ora":
        project = load_project(file)
        made = making(project.facts.get("made"))
        return Opened(project.document, project.facts, project.notices, made)
    document = Document.from_image(read_image(file), file.stem)
    told = {"text": metadata.read_infotext(file), "record": metadata.read_record(file)}
    return Opened(document, made=making(told))


def making(found: object) -> dict[str, Any] | None:
    """What was found about how a picture was made; None if that is not text and record."""
    if not isinstance(found, dict) or not isinstance(found.get("text"), str):
        return None
    return found if isinstance(found.get("record"), dict) else None
