"""The View menu's part that is about the canvas: zoom, turn, mirror, compare."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QAction

from gui.canvas.view import CanvasView
from gui.panels.header import Header

NOTHING_TO_COMPARE = "There is no new picture in the frame to compare with the original."


class Looking(QObject):
    """Joins the actions that change how the document is seen with the canvas and the header."""

    def __init__(self, canvas: CanvasView, header: Header, actions: dict[str, QAction]) -> None:
        super().__init__(canvas)
        self._canvas = canvas
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
