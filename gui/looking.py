"""The View menu's part that is about the canvas: how it is seen, and what is shown with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QAction

from gui.canvas.view import CanvasView
from gui.panels.header import Header
from gui.theme import Theme

if TYPE_CHECKING:
    from gui.canvas.navigator import Navigator

NOTHING_TO_COMPARE = "There is no new picture in the frame to compare with the original."


class Looking(QObject):
    """Joins the actions that change how the document is seen with the canvas and the header.

    Signals:
        changed: Something that `to_dict` tells was switched on or off.
    """

    changed = Signal()

    def __init__(
        self, canvas: CanvasView, header: Header, actions: dict[str, QAction], theme: Theme
    ) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._theme = theme
        self._navigator: Navigator | None = None
        self._switches = {name: actions[name] for name in ("pixel_grid", "navigator")}
        actions["pixel_grid"].setChecked(canvas.shows_grid)
        actions["pixel_grid"].toggled.connect(self._on_pixel_grid)
        actions["navigator"].toggled.connect(self._on_navigator)
        for name, slot in {
            "fit": canvas.fit,
            "actual": self._on_actual_size,
            "zoom_in": self._on_zoom_in,
            "zoom_out": self._on_zoom_out,
            "turn_left": self._on_turn_left,
            "turn_right": self._on_turn_right,
            "upright": canvas.stand_upright,
            "mirror": canvas.mirror,
            "wipe": self._on_wipe,
        }.items():
            actions[name].triggered.connect(slot)
        canvas.zoom_changed.connect(header.show_zoom)
        canvas.turn_changed.connect(header.show_turn)
        header.upright_asked.connect(canvas.stand_upright)

    def to_dict(self) -> dict[str, Any]:
        """What is switched on and off, as JSON data."""
        return {name: action.isChecked() for name, action in self._switches.items()}

    def restore(self, record: Mapping[str, Any]) -> None:
        """Be as `to_dict` said; what makes no sense is left out."""
        for name, action in self._switches.items():
            if isinstance(record.get(name), bool):
                action.setChecked(record[name])

    @Slot(bool)
    def _on_pixel_grid(self, shown: bool) -> None:
        self._canvas.shows_grid = shown
        self.changed.emit()

    @Slot(bool)
    def _on_navigator(self, shown: bool) -> None:
        from gui.canvas.navigator import Navigator

        if self._navigator is None:
            self._navigator = Navigator(self._canvas, self._theme)
        self._navigator.setVisible(shown)
        self.changed.emit()

    @Slot()
    def _on_actual_size(self) -> None:
        self._canvas.zoom_to(1.0)

    @Slot()
    def _on_zoom_in(self) -> None:
        self._canvas.zoom_to(self._canvas.viewport.next_stop(1))

    @Slot()
    def _on_zoom_out(self) -> None:
        self._canvas.zoom_to(self._canvas.viewport.next_stop(-1))

    @Slot()
    def _on_turn_left(self) -> None:
        self._canvas.turn_to(self._canvas.viewport.next_turn(-1))

    @Slot()
    def _on_turn_right(self) -> None:
        self._canvas.turn_to(self._canvas.viewport.next_turn(1))

    @Slot()
    def _on_wipe(self) -> None:
        wipe = self._canvas.wipe
        if wipe.is_on or self._canvas.has_overlay:
            wipe.switch(not wipe.is_on)
        else:
            self._canvas.refused.emit(NOTHING_TO_COMPARE)
