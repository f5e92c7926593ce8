"""The list of layers: what it holds, how a row is drawn, and what clicks and keys on it mean.

Imported when there is a document to show, which is after the first paint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QItemSelectionModel,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    Qt,
    Signal,
)
from PySide6.QtGui import QContextMenuEvent, QImage, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from gui.images import to_qimage
from gui.panels.layer_rows import BUTTON, THUMB, LayerRows, Part, spoken
from gui.theme import Theme

if TYPE_CHECKING:
    from core.canvas.layers import Layer

Index = QModelIndex | QPersistentModelIndex
DRAGGED = "application/x-sfumato-layer"
ALONE = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier
"""Either of them; many window managers keep a click with Alt for themselves."""
OWN_KEYS = frozenset(
    (Qt.Key.Key_Space, Qt.Key.Key_L, Qt.Key.Key_Delete, Qt.Key.Key_Return, Qt.Key.Key_Enter)
)


class LayerListModel(QAbstractListModel):
    """The document's layers, topmost first.

    Signals:
        renamed: A layer, and the name typed for it.
        moved: A layer, and its place in the new order, 0 at the bottom.
    """

    renamed = Signal(object, str)
    moved = Signal(object, int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._layers: list[Layer] = []
        self._thumbnails: dict[Layer, QImage] = {}
        self._seen: dict[Layer, object] = {}

    def show_layers(self, layers: Sequence[Layer]) -> None:
        """Show these, bottom first; rows that stay keep their thumbnails."""
        rows = list(reversed(layers))
        if rows != self._layers:
            self.beginResetModel()
            self._layers = rows
            self._thumbnails = {k: v for k, v in self._thumbnails.items() if k in rows}
            self._seen = {k: v for k, v in self._seen.items() if k in rows}
            self.endResetModel()
        else:
            self._tell(0, len(rows) - 1)

    def refresh_thumbnails(self, painted: Layer) -> None:
        """Draw again what looks different: `painted`, and layers that have other tiles."""
        for row, layer in enumerate(self._layers):
            look = frozenset((key, id(tile)) for key, tile in layer.surface.tiles.items())
            if layer is painted or self._seen.get(layer) != look:
                self._seen[layer] = look
                self._thumbnails[layer] = to_qimage(layer.thumbnail(2 * THUMB))
                self._tell(row, row)

    def row_of(self, layer: Layer) -> int:
        """The row in which a layer stands."""
        return self._layers.index(layer)

    def layer(self, index: Index) -> Layer | None:
        """The layer in that row; None where there is none."""
        return self._layers[index.row()] if index.isValid() else None

    def _tell(self, first: int, last: int) -> None:
        self.dataChanged.emit(self.index(first), self.index(last))

    # --- what Qt asks ------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's signature
        """One row for each layer."""
        return 0 if parent.isValid() else len(self._layers)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name, thumbnail, and what a screen reader says."""
        layer = self.layer(index)
        if layer is None:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole:
                return layer.name
            case Qt.ItemDataRole.ToolTipRole:
                return layer.name
            case Qt.ItemDataRole.DecorationRole:
                return self._thumbnails.get(layer)
            case Qt.ItemDataRole.AccessibleTextRole:
                return spoken(layer)
            case Qt.ItemDataRole.UserRole:
                return layer
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """A name was typed."""
        layer = self.layer(index)
        if layer is None or role != Qt.ItemDataRole.EditRole:
            return False
        self.renamed.emit(layer, str(value))
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Rows are chosen, renamed and dragged; they are dropped between rows."""
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        row = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return row | Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsDragEnabled

    def supportedDropActions(self) -> Qt.DropAction:
        """Rows move."""
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        """Only our own rows."""
        return [DRAGGED]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """The row that is dragged."""
        content = QMimeData()
        content.setData(DRAGGED, str(indexes[0].row()).encode())
        return content

    def dropMimeData(
        self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index
    ) -> bool:
        """A row was let go before `row`; -1 is below all.

        Qt would take the dragged row away afterwards; the document's own event does that.
        """
        if not data.hasFormat(DRAGGED):
            return False
        source = int(bytes(data.data(DRAGGED).data()))
        target = len(self._layers) if row < 0 else row
        target -= target > source  # the rows below have closed up
        self.moved.emit(self._layers[source], len(self._layers) - 1 - target)
        return False


class LayerList(QListView):
    """Rows with eye, thumbnail, name and lock.

    Signals:
        chosen: A layer was chosen to paint on.
        part_clicked: The eye or the lock of a layer.
        alone_asked: A layer shall be the only one that is shown; its eye, with Alt or Shift.
        shape_asked: What a layer covers shall be selected; its thumbnail, with Ctrl and these keys.
        delete_asked: The chosen layer shall go.
        done: The mouse has done something here, and the keys are for the canvas again.
        menu_asked: What can be done with it shall be shown, at that place of the screen.
    """

    chosen = Signal(object)
    part_clicked = Signal(object, object)
    alone_asked = Signal(object)
    shape_asked = Signal(object, object)
    delete_asked = Signal()
    menu_asked = Signal(QPoint)
    done = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Layers")
        self.rows = LayerListModel(self)
        self.setModel(self.rows)
        delegate = LayerRows(theme, self)
        delegate.part_clicked.connect(self._on_part_clicked)
        self.setItemDelegate(delegate)
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDropIndicatorShown(True)

    def show_layers(self, layers: Sequence[Layer], active: Layer) -> None:
        """Show these, bottom first, with `active` chosen."""
        self.rows.show_layers(layers)
        index = self.rows.index(self.rows.row_of(active))
        if self.currentIndex() != index:
            self.setCurrentIndex(index)
            self.scrollTo(index)

    def currentChanged(self, current: Index, previous: Index) -> None:
        """The person, or the document, has chosen another row."""
        super().currentChanged(current, previous)
        layer = self.rows.layer(current)
        if layer is not None:
            self.chosen.emit(layer)

    def selectionCommand(
        self, index: Index, event: QEvent | None = None
    ) -> QItemSelectionModel.SelectionFlag:
        """One layer is always chosen: Ctrl takes no choice away."""
        command = super().selectionCommand(index, event)
        flags = QItemSelectionModel.SelectionFlag
        return flags.NoUpdate if command & flags.Deselect else command

    def event(self, event: QEvent) -> bool:
        """The list's own keys come before those of the tools."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            is_plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
            if is_plain and event.key() in OWN_KEYS:
                event.accept()
                return True
        return super().event(event)

    def keyboardSearch(self, search: str) -> None:
        """No letter chooses a layer: one that was meant for a tool would."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A hand that has chosen a layer paints on; the space bar it holds then hides none."""
        super().mouseReleaseEvent(event)
        if self.state() != QAbstractItemView.State.EditingState:
            self.done.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for what can be done with the layer under the pointer, or with the chosen one."""
        at = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            row = self.visualRect(self.currentIndex())
            at = self.viewport().mapToGlobal(row.bottomLeft() + QPoint(BUTTON, 0))
        self.menu_asked.emit(at)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space shows or hides, L locks, Delete deletes, Enter renames."""
        if self.state() == QAbstractItemView.State.EditingState:
            super().keyPressEvent(event)  # what the field for the name left over
            return
        if event.isAutoRepeat() and event.key() in OWN_KEYS:
            return
        layer = self.rows.layer(self.currentIndex())
        match event.key():
            case Qt.Key.Key_Space:
                self.part_clicked.emit(layer, Part.EYE)
            case Qt.Key.Key_L:
                self.part_clicked.emit(layer, Part.LOCK)
            case Qt.Key.Key_Delete:
                self.delete_asked.emit()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.edit(self.currentIndex())
            case _:
                super().keyPressEvent(event)

    def _on_part_clicked(self, row: int, part: Part, keys: Qt.KeyboardModifier) -> None:
        layer = self.rows.layer(self.rows.index(row))
        if part is Part.THUMBNAIL:
            self.shape_asked.emit(layer, keys)
        elif part is Part.EYE and keys & ALONE:
            self.alone_asked.emit(layer)
        else:
            self.part_clicked.emit(layer, part)
