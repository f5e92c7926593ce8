"""The strip of results along the foot of the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedLayout, QVBoxLayout, QWidget

from gui.gallery.model import ITEM_ROLE, GalleryModel
from gui.keymap import say
from gui.theme import Theme

if TYPE_CHECKING:
    from PySide6.QtWidgets import QListView, QMenu

    from core.gallery import GalleryItem

HEIGHT = 112
EMPTY = "Pictures you make appear here. Write a prompt and {generate}."


class GalleryStrip(QWidget):
    """Thumbnails in one row, newest on the left.

    Signals:
        settings_asked: Bring the settings of this item back.
        show_asked: Show this item in the generation frame.
        copy_asked: Put its picture on the clipboard.
        folder_asked: Show its file in the desktop's file browser.
        again_asked: Make this item again and compare.
        enlarge_asked: Make it larger.
        delete_asked: Move it to the trash.
        compare_asked: Show these two beside each other, the older one first.
    """

    settings_asked = Signal(object)
    show_asked = Signal(object)
    copy_asked = Signal(object)
    folder_asked = Signal(object)
    again_asked = Signal(object)
    enlarge_asked = Signal(object)
    delete_asked = Signal(object)
    compare_asked = Signal(object, object)

    def __init__(self, theme: Theme, model: GalleryModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("strip")
        self.setAccessibleName("Results")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self._model = model
        self._theme = theme
        self._view: QListView | None = None
        self._count = QLabel("")
        self._count.setProperty("quiet", True)
        self._pages = QStackedLayout()
        self._hint = QLabel(say(EMPTY))
        self._hint.setProperty("quiet", True)
        self._pages.addWidget(self._hint)
        self._lay_out()
        for signal in (model.rowsInserted, model.rowsRemoved, model.modelReset):
            signal.connect(self._on_rows_changed)

    def show_hint(self, hint: str) -> None:
        """Say this as long as there is no picture."""
        self._hint.setText(hint)

    def select(self, item_id: str) -> None:
        """Mark an item as the chosen one, and bring it into view."""
        row = self._model.row_of(item_id)
        if row is not None:
            self.view.setCurrentIndex(self._model.index(row))
            self.view.scrollTo(self._model.index(row))

    @property
    def chosen(self) -> GalleryItem | None:
        """The item that is marked; None where there is none."""
        return self._model.item(self.view.currentIndex())

    @property
    def pair(self) -> tuple[GalleryItem, GalleryItem] | None:
        """The two items that are marked, the older one first; None unless there are two."""
        rows = sorted(index.row() for index in self.view.selectedIndexes())
        items = [self._model.item(self._model.index(row)) for row in rows]
        match items:
            case [newer, older] if newer is not None and older is not None:
                return older, newer
        return None

    @property
    def view(self) -> QListView:
        """The thumbnails; made when they are first asked for, which is after the first paint."""
        if self._view is None:
            from gui.gallery.film import make_film

            self._view = make_film(self._theme, self._model)
            self._view.clicked.connect(self._on_clicked)
            self._view.doubleClicked.connect(self._on_double_clicked)
            self._pages.addWidget(self._view)
        return self._view

    def _lay_out(self) -> None:
        side = QVBoxLayout()
        side.setContentsMargins(12, 12, 4, 12)
        side.setSpacing(2)
        title = QLabel("Results")
        title.setObjectName("section")
        side.addWidget(title)
        side.addWidget(self._count)
        side.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 1, 4, 0)
        row.setSpacing(8)
        row.addLayout(side)
        row.addLayout(self._pages, 1)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done with the item under the pointer."""
        at = self.view.viewport().mapFromGlobal(event.globalPos())
        item = self._model.item(self.view.indexAt(at))
        pair = self.pair
        if item is not None and pair is not None and item in pair:
            self._menu_of_two(*pair).popup(event.globalPos())
        elif item is not None:
            self._menu(item).popup(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter shows the chosen item, Delete puts it into the trash."""
        item = self._model.item(self.view.currentIndex())
        if item is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.settings_asked.emit(item)
        elif item is not None and event.key() == Qt.Key.Key_Delete:
            self.delete_asked.emit(item)
        else:
            super().keyPressEvent(event)

    def _menu_of_two(self, older: GalleryItem, newer: GalleryItem) -> QMenu:
        from PySide6.QtWidgets import QMenu

        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        action = menu.addAction("Compare these two")
        action.triggered.connect(lambda: self.compare_asked.emit(older, newer))
        return menu

    def _menu(self, item: GalleryItem) -> QMenu:
        from PySide6.QtWidgets import QMenu

        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        is_sheet = item.is_sheet
        for text, signal, is_offered in (
            ("Use its settings", self.settings_asked, True),
            ("Look at it" if is_sheet else "Show in the frame", self.show_asked, True),
            ("Enlarge…", self.enlarge_asked, not is_sheet),
            ("Make it again and compare", self.again_asked, not is_sheet),
            ("Copy the picture", self.copy_asked, True),
            ("Show the file", self.folder_asked, True),
            ("Move to the trash", self.delete_asked, True),
        ):
            if is_offered:
                action = menu.addAction(text)
                action.setData((signal, item))
        menu.triggered.connect(self._on_menu_chosen)
        return menu

    def _on_menu_chosen(self, action: Any) -> None:
        signal, item = action.data()
        signal.emit(item)

    def _on_clicked(self, index: QModelIndex) -> None:
        """Its settings come back, unless it is marked besides another one."""
        if len(self.view.selectedIndexes()) == 1:
            self.settings_asked.emit(index.data(ITEM_ROLE))

    def _on_double_clicked(self, index: QModelIndex) -> None:
        self.show_asked.emit(index.data(ITEM_ROLE))

    def _on_rows_changed(self) -> None:
        count = self._model.rowCount()
        if count:
            self._pages.setCurrentWidget(self.view)
        else:
            self._pages.setCurrentIndex(0)
        self._count.setText("" if not count else f"{count}" + ("+" if self._more() else ""))

    def _more(self) -> bool:
        return self._model.canFetchMore(QModelIndex())
