"""The picture as a file for others: flattened, or with its layers for Photoshop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core import metadata
from core.canvas.document import Document
from core.geometry import Rect
from core.images import image_format, write_image
from core.projects.psd import export_psd
from core.result import GenerationResult
from gui.images import from_qimage, to_qimage

FILTERS = {
    "png": "PNG (*.png)",
    "jpg": "JPEG (*.jpg *.jpeg)",
    "webp": "WebP (*.webp)",
    "psd": "Photoshop with layers (*.psd)",
}
_OPAQUE_FORMATS = (".jpg", ".jpeg")


@dataclass(frozen=True)
class ExportChoice:
    """How a picture is exported.

    Attributes:
        format: ``"png"``, ``"jpg"``, ``"webp"`` or ``"psd"``.
        quality: 1 to 100, of a JPEG and of a WebP that is not lossless.
        lossless: Whether a WebP keeps every pixel.
        tells: Whether the file says with which prompt and settings the picture was made.
    """

    format: str = "png"
    quality: int = 92
    lossless: bool = True
    tells: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> ExportChoice:
        """What `to_dict` gave; what makes no sense is left out."""
        defaults = cls().to_dict()
        known: dict[str, Any] = {
            name: record[name]
            for name, default in defaults.items()
            if type(record.get(name)) is type(default)
        }
        choice = cls(**known)
        return choice if choice.format in FILTERS and 1 <= choice.quality <= 100 else cls()

    def options(self, format_name: str) -> dict[str, Any]:
        """Pillow's words for it, for a format by Pillow's name."""
        if format_name == "JPEG":
            return {"quality": self.quality, "subsampling": 0 if self.quality >= 90 else 2}
        if format_name == "WEBP" and not self.lossless:
            return {"lossless": False, "quality": self.quality, "method": 4}
        return {}


def write_picture(
    document: Document,
    file: Path,
    choice: ExportChoice | None = None,
    made: Mapping[str, Any] | None = None,
) -> None:
    """Write what is seen; the ending decides the format.

    Args:
        choice: Quality, and whether a word is said about how it was made; None says none.
        made: ``text`` and ``record`` that the file gets if the choice tells; a PSD gets neither.

    Raises:
        StorageFailed: the file cannot be written, or has an ending that Sfumato does not write.
    """
    if file.suffix.lower() == ".psd":
        export_psd(document, file)
        return
    format_name = image_format(file)
    options = choice.options(format_name) if choice else {}
    if choice is not None and choice.tells and made is not None:
        options |= metadata.embedded(format_name, made["text"], made["record"])
    pixels = document.flatten(Rect.of_size(document.size))
    if pixels[..., 3].min() == 255 or file.suffix.lower() in _OPAQUE_FORMATS:
        write_image(file, pixels[..., :3] + (255 - pixels[..., 3:]), options)
    else:
        write_image(file, from_qimage(to_qimage(pixels)), options)


def made_of(result: GenerationResult) -> dict[str, Any]:
    """Infotext and record of a result, as an exported picture would tell them."""
    now = datetime.now().astimezone()
    return {
        "text": metadata.infotext(result.request, result.facts),
        "record": metadata.record(result, result.request.id, now),
    }
