"""The layers panel and the Layer menu, joined with the open document."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QPoint, QTimer, Slot

from core.canvas import layering
from core.canvas.blend_modes import BlendMode
from core.canvas.document import Document
from core.canvas.layers import Layer
from core.errors import KnownError
from core.geometry import Rect
from gui.actions import pop_up_menu
from gui.documents import DocumentController
from gui.main_window import MainWindow
from gui.panels.layer_rows import Part

ROW_MENU = (
    ("layer_rename", "layer_duplicate", "layer_delete"),
    ("layer_visible", "layer_alone", "layer_locked", "select_layer"),
    ("layer_merge", "layer_flatten", "layer_clear"),
)
"""What the menu of a row offers, in groups."""
THUMBNAILS_AFTER_MS = 250
"""Thumbnails are drawn again when nothing was painted for so long."""


class LayerController(QObject):
    """Does to the document what panel, menu and keys ask; what it refuses is said in the strip."""

    def __init__(self, window: MainWindow, documents: DocumentController) -> None:
        super().__init__(window)
        self._window = window
        self._documents = documents
        self._document: Document | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(THUMBNAILS_AFTER_MS)
        self._later.timeout.connect(self.refresh_thumbnails)
        documents.opened.connect(self._on_opened)
        window.canvas.refused.connect(self._tell)
        self._connect_panel()
        self._connect_actions()

    @Slot()
    def refresh_thumbnails(self) -> None:
        """Draw the thumbnails that are out of date."""
        if self._document is not None:
            self._window.layers.list.rows.refresh_thumbnails(self._document.active_layer)

    def _connect_panel(self) -> None:
        panel = self._window.layers
        panel.mode_chosen.connect(self._on_mode_chosen)
        panel.opacity_edited.connect(self._on_opacity_edited)
        panel.list.chosen.connect(self._on_chosen)
        panel.list.part_clicked.connect(self._on_part_clicked)
        panel.list.alone_asked.connect(self._on_alone_asked)
        panel.list.delete_asked.connect(self._on_delete)
        panel.list.menu_asked.connect(self._on_menu_asked)
        self._window.keymap.share(panel.list)
        panel.list.rows.renamed.connect(self._on_renamed)
        panel.list.rows.moved.connect(self._on_moved)

    @Slot(QPoint)
    def _on_menu_asked(self, at: QPoint) -> None:
        pop_up_menu(self._window, self._window.actions_by_name, ROW_MENU, at)

    def _connect_actions(self) -> None:
        for name, slot in {
            "layer_new": self._on_new,
            "layer_duplicate": self._on_duplicate,
            "layer_rename": self._on_rename,
            "layer_delete": self._on_delete,
            "layer_clear": self._on_clear,
            "layer_visible": self._on_visible,
            "layer_alone": self._on_alone,
            "layer_locked": self._on_locked,
            "layer_above": self._on_above,
            "layer_below": self._on_below,
            "layer_up": self._on_up,
            "layer_down": self._on_down,
            "layer_merge": self._on_merge,
            "layer_flatten": self._on_flatten,
        }.items():
            self._window.actions_by_name[name].triggered.connect(slot)

    # --- the document is shown ---------------------------------------------------------------

    @Slot()
    def _on_opened(self) -> None:
        before, self._document = self._document, self._documents.document
        if before is not None:
            before.structure_changed.disconnect(self._show)
            before.changed.disconnect(self._on_changed)
        self._document.structure_changed.connect(self._show)
        self._document.changed.connect(self._on_changed)
        self._show()
        self.refresh_thumbnails()

    def _show(self) -> None:
        document = self._documents.document
        self._window.layers.show_layers(document.layers, document.active_layer)
        actions, place = self._window.actions_by_name, self._place
        last = len(document.layers) - 1
        for name in ("layer_merge", "layer_below", "layer_down"):
            actions[name].setEnabled(place > 0)
        for name in ("layer_above", "layer_up"):
            actions[name].setEnabled(place < last)
        for name in ("layer_delete", "layer_flatten"):
            actions[name].setEnabled(last > 0)
        self._later.start()

    def _on_changed(self, rect: Rect) -> None:
        self._later.start()

    # --- the document is changed -------------------------------------------------------------

    @property
    def _active(self) -> Layer:
        return self._documents.document.active_layer

    @property
    def _place(self) -> int:
        return self._documents.document.layers.index(self._active)

    def _do(self, act: Callable[..., object], *arguments: object) -> None:
        """Call `act` with the document; what forbids it is told."""
        try:
            act(self._documents.document, *arguments)
        except KnownError as error:
            self._tell(str(error))

    @Slot(str)
    def _tell(self, why: str) -> None:
        """Say why nothing happened; what is read already is not said again."""
        if self._window.messages.text != why:
            self._window.messages.tell(why)

    @Slot(object)
    def _on_chosen(self, layer: Layer) -> None:
        if layer in self._documents.document.layers:
            self._documents.document.active_layer = layer

    @Slot(object, object)
    def _on_part_clicked(self, layer: Layer, part: Part) -> None:
        if part is Part.EYE:
            self._do(layering.set_visible, layer, not layer.visible)
        else:
            self._do(layering.set_locked, layer, not layer.locked)

    @Slot(object)
    def _on_alone_asked(self, layer: Layer) -> None:
        self._do(layering.show_alone, layer)

    @Slot(object, str)
    def _on_renamed(self, layer: Layer, name: str) -> None:
        self._do(layering.rename_layer, layer, name)

    @Slot(object, int)
    def _on_moved(self, layer: Layer, index: int) -> None:
        self._do(layering.move_layer, layer, index)

    @Slot(str)
    def _on_mode_chosen(self, value: str) -> None:
        self._do(layering.set_blend_mode, self._active, BlendMode(value))

    @Slot(float)
    def _on_opacity_edited(self, opacity: float) -> None:
        self._do(layering.set_opacity, self._active, opacity)

    @Slot()
    def _on_new(self) -> None:
        self._do(layering.add_layer)

    @Slot()
    def _on_duplicate(self) -> None:
        self._do(layering.duplicate_layer, self._active)

    @Slot()
    def _on_rename(self) -> None:
        self._window.dock.choose("layers")
        rows = self._window.layers.list
        rows.setFocus()
        rows.edit(rows.currentIndex())

    @Slot()
    def _on_delete(self) -> None:
        self._do(layering.remove_layer, self._active)

    @Slot()
    def _on_clear(self) -> None:
        self._do(layering.clear_layer, self._active)

    @Slot()
    def _on_visible(self) -> None:
        self._on_part_clicked(self._active, Part.EYE)

    @Slot()
    def _on_alone(self) -> None:
        self._on_alone_asked(self._active)

    @Slot()
    def _on_locked(self) -> None:
        self._on_part_clicked(self._active, Part.LOCK)

    @Slot()
    def _on_above(self) -> None:
        self._on_chosen(self._documents.document.layers[self._place + 1])

    @Slot()
    def _on_below(self) -> None:
        self._on_chosen(self._documents.document.layers[self._place - 1])

    @Slot()
    def _on_up(self) -> None:
        self._do(layering.move_layer, self._active, self._place + 1)

    @Slot()
    def _on_down(self) -> None:
        self._do(layering.move_layer, self._active, self._place - 1)

    @Slot()
    def _on_merge(self) -> None:
        self._do(layering.merge_down, self._active)

    @Slot()
    def _on_flatten(self) -> None:
        self._do(layering.flatten_layers)
