"""What is dropped or pasted: files and pictures, each of which finds its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QPointF
from PySide6.QtGui import QImage

from core.canvas.document import Document
from core.errors import KnownError
from gui.images import from_qimage

if TYPE_CHECKING:
    from core.request import Pixels
    from gui.documents import DocumentController
    from gui.panels.messages import MessageStrip


def take_in(
    documents: DocumentController, messages: MessageStrip, content: QMimeData, at: QPointF | None
) -> bool:
    """Open it where nothing was done yet, and for projects; else make it a layer about `at`.

    What is too large, or was let go beside the canvas, is refused in words.

    Returns:
        False where there is no picture in it.
    """
    files = [url.toLocalFile() for url in content.urls() if url.isLocalFile()]
    for file in files:
        if documents.is_pristine or file.lower().endswith(".ora"):
            documents.ask_to_open(file)
        else:
            documents.place_file(file, at)
    image = content.imageData() if not files else None
    if not isinstance(image, QImage) or image.isNull():
        return bool(files)
    try:
        _take_in_pixels(documents, from_qimage(image), at)
    except KnownError as error:
        messages.warn(str(error))
    return True


def _take_in_pixels(documents: DocumentController, pixels: Pixels, at: QPointF | None) -> None:
    if documents.is_pristine:
        documents.show_unsaved(Document.from_image(pixels))
    else:
        documents.place(pixels, "Pasted", at)
