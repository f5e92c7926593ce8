"""A small square that shows a picture, and takes another one by a click or a drop."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QImage,
    QImageReader,
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QToolButton

from gui.theme import Theme

SIDE = 26
ROUND = 4


class PictureButton(QToolButton):
    """The middle of a picture, or an empty place for one.

    Signals:
        dropped: A list of the files that were dropped here.
        removal_asked: The picture shall go.
    """

    dropped = Signal(list)
    removal_asked = Signal()

    def __init__(
        self, theme: Theme, name: str, hint: str = "Click to choose, or drop a picture here"
    ) -> None:
        """Call it `name`; `hint` says in the tool tip what can be done."""
        super().__init__()
        self._theme = theme
        self._name = name
        self._hint = hint
        self._file: str | None = None
        self._image = QImage()
        self.setFixedSize(SIDE, SIDE)
        self.setAcceptDrops(True)
        theme.set_icon(self, "image-plus", "text2")
        self.show_file("")

    def show_file(self, file: str) -> None:
        """Show the picture in that file; an empty name, or one that is no picture, shows none."""
        if file == self._file:
            return
        self._file = file
        self._image = _thumbnail(file) if file else QImage()
        what = Path(file).name if file else "none yet"
        lost = "" if self._image.isNull() == (not file) else " (not found)"
        self.setAccessibleName(f"{self._name}: {what}{lost}")
        self.setToolTip(f"{self._name}: {what}{lost}.\n{self._hint}.")
        self.update()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files are welcome, those from the results included."""
        if _dropped_files(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take the files, one or many."""
        if files := _dropped_files(event):
            event.acceptProposedAction()
            self.dropped.emit(files)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete takes the picture out."""
        if self._file and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removal_asked.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture with round corners, and a ring while it has the focus."""
        if self._image.isNull():
            super().paintEvent(event)
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setOpacity(1.0 if self.isEnabled() else 0.4)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        shape = QPainterPath()
        shape.addRoundedRect(box, ROUND, ROUND)
        painter.setClipPath(shape)
        painter.drawImage(box, self._image)
        painter.setClipping(False)
        colour = "accent" if self.hasFocus() or self.underMouse() else "line"
        painter.setPen(QPen(self._theme.colour(colour), 1))
        painter.drawRoundedRect(box, ROUND, ROUND)
        painter.end()


def _thumbnail(file: str) -> QImage:
    """The square in the middle, small; no image where there is none to be read."""
    reader = QImageReader(file)
    reader.setAutoTransform(True)
    size = reader.size()
    side = 3 * SIDE  # sharp on dense screens
    if size.isValid() and min(size.width(), size.height()) > 0:
        wide = QSize(side, side)
        reader.setScaledSize(size.scaled(wide, Qt.AspectRatioMode.KeepAspectRatioByExpanding))
    image = reader.read()
    left, top = (image.width() - side) // 2, (image.height() - side) // 2
    return image if image.isNull() else image.copy(left, top, side, side)


def _dropped_files(event: QDropEvent) -> list[str]:
    return [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
