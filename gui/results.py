"""What can be done with a result in the strip."""

from __future__ import annotations

from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices

from core.errors import KnownError
from core.gallery import Gallery, GalleryItem
from core.geometry import Rect
from core.images import read_image, without_alpha
from core.request import Pixels
from core.result import GenerationResult
from core.settings import Paths
from gui.background import Background
from gui.documents import DocumentController
from gui.generation import GenerationController
from gui.images import to_qimage
from gui.main_window import MainWindow


class ResultController(QObject):
    """Keeps strip and gallery in step; what it cannot do it says in the message strip."""

    def __init__(
        self, window: MainWindow, documents: DocumentController, generation: GenerationController
    ) -> None:
        super().__init__(window)
        self._window = window
        self._documents = documents
        self._generation = generation
        self._gallery: Gallery | None = None
        self._background: Background | None = None
        strip = window.strip
        window.gallery_model.failed.connect(window.messages.warn)
        strip.show_asked.connect(self._on_show_asked)
        strip.copy_asked.connect(self._on_copy_asked)
        strip.folder_asked.connect(self._on_folder_asked)
        strip.delete_asked.connect(self._on_delete_asked)

    def open(self, paths: Paths, background: Background) -> Gallery | None:
        """Open the gallery and list it; None, with a message, when it cannot be opened."""
        try:
            self._gallery = Gallery(paths)
        except KnownError as error:
            self._window.messages.warn(f"Results will not be kept. {error}")
            return None
        self._background = background
        self._window.gallery_model.show_gallery(self._gallery, background)
        return self._gallery

    def close(self) -> None:
        """Let the gallery go."""
        if self._gallery is not None:
            self._gallery.close()

    @property
    def gallery(self) -> Gallery | None:
        """Where results are kept; None where they cannot be."""
        return self._gallery

    @Slot(object)
    def add(self, item: GalleryItem) -> None:
        """Put a new result in front, chosen."""
        self._window.gallery_model.add(item)
        self._window.strip.select(item.id)

    @Slot(object)
    def _on_show_asked(self, item: GalleryItem) -> None:
        """Let it stand in the frame as if it had just been made; a sheet in a window of its own."""
        assert self._gallery is not None
        if item.is_sheet and self._background is not None:
            self._background.start(self._look_at_sheet(item))
            return
        try:
            request = self._gallery.request(item.id)
            image = read_image(item.path)
        except KnownError as error:
            self._window.messages.warn(str(error))
            return
        frame = self._documents.document.frame
        rect = Rect(frame.x, frame.y, image.shape[1], image.shape[0])
        result = GenerationResult(request=request, image=image[..., :3], seconds=0.0, steps=0)
        self._generation.show_result(rect, result)

    def look_at(self, pixels: Pixels, title: str, words: str) -> None:
        """Show a picture, uint8 (h, w, 3), in a window of its own."""
        from gui.panels.picture_windows import PictureWindow

        PictureWindow(self._window, self._window.theme, title).show_picture(
            to_qimage(pixels), words
        )

    async def _look_at_sheet(self, item: GalleryItem) -> None:
        assert self._background is not None
        try:
            pixels = await self._background.run(read_image, item.path)
        except KnownError as error:
            self._window.messages.warn(str(error))
            return
        self.look_at(without_alpha(pixels), " × ".join(item.varied), item.prompt)

    @Slot(object)
    def _on_copy_asked(self, item: GalleryItem) -> None:
        try:
            pixels = read_image(item.path)
        except KnownError as error:
            self._window.messages.warn(str(error))
            return
        self._documents.copy_pixels(pixels[..., :3])

    @Slot(object)
    def _on_folder_asked(self, item: GalleryItem) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(item.path.parent)))

    @Slot(object)
    def _on_delete_asked(self, item: GalleryItem) -> None:
        assert self._gallery is not None
        try:
            self._gallery.delete(item.id)
        except KnownError as error:
            self._window.messages.warn(str(error))
            return
        self._window.gallery_model.remove(item.id)
        self._window.messages.tell(
            "Moved to the trash.", "Bring it back", lambda: self._bring_back(item.id)
        )

    def _bring_back(self, item_id: str) -> None:
        assert self._gallery is not None
        try:
            self._gallery.restore(item_id)
        except KnownError as error:
            self._window.messages.warn(str(error))
            return
        self._window.gallery_model.reload()
