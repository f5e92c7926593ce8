"""The picture as a file for others: flattened, or with its layers for Photoshop."""

from __future__ import annotations

from pathlib import Path

from core.canvas.document import Document
from core.geometry import Rect
from core.images import write_image
from core.projects.psd import export_psd
from gui.images import from_qimage, to_qimage

EXPORTABLE = "PNG (*.png);;JPEG (*.jpg);;WebP (*.webp);;Photoshop with layers (*.psd)"
_OPAQUE_FORMATS = (".jpg", ".jpeg")


def write_picture(document: Document, file: Path) -> None:
    """Write what is seen, without a word about how it was made; the ending decides the format.

    Raises:
        StorageFailed: the file cannot be written, or has an ending that Sfumato does not write.
    """
    if file.suffix.lower() == ".psd":
        export_psd(document, file)
        return
    pixels = document.flatten(Rect.of_size(document.size))
    if pixels[..., 3].min() == 255 or file.suffix.lower() in _OPAQUE_FORMATS:
        write_image(file, pixels[..., :3] + (255 - pixels[..., 3:]))
    else:
        write_image(file, from_qimage(to_qimage(pixels)))
