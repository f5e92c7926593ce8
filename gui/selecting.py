"""The Select and Mask menus, filling and clearing, and the canvas's size."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtWidgets import QMenu

from core.canvas import edges, filling, transforming
from core.canvas.document import Document
from core.canvas.interrupting import Check
from core.canvas.layers import Layer
from core.canvas.selection import Combination, everything, inverted
from core.canvas.tiles import TiledSurface
from core.canvas.working import MaskWork, SelectionWork, SurfaceEdit
from core.errors import KnownError
from core.geometry import Size
from gui.background import Background
from gui.canvas.tools.filling import BucketTool, GradientTool
from gui.canvas.tools.painting import PaintingTool
from gui.canvas.tools.selecting import combination_of
from gui.clipboard import put_on_clipboard
from gui.documents import DocumentController
from gui.generation import GenerationController
from gui.long_edits import LongEdits
from gui.main_window import MainWindow
from gui.panels.sheets import AmountSheet, CanvasSizeSheet, NameSheet

NOTHING_SELECTED = "Nothing is selected. Draw a selection first."
SELECT_ALL = "To select all, {select_all}."
NOTHING_MASKED = "Nothing is masked. Paint with the mask brush first."
EDITS: dict[str, tuple[str, str, edges.Edit]] = {
    "grow": ("Grow", "Growing", edges.grown),
    "shrink": ("Shrink", "Shrinking", edges.shrunk),
    "feather": ("Feather", "Feathering", edges.feathered),
    "smooth": ("Smooth", "Smoothing", edges.smoothed),
}


class SelectionController(QObject):
    """Does what the menus ask; what cannot be done is said in the strip.

    Attributes:
        edits: Runs what may take seconds.
    """

    def __init__(
        self,
        window: MainWindow,
        documents: DocumentController,
        generation: GenerationController,
        background: Background,
    ) -> None:
        super().__init__(window)
        self.edits = LongEdits(documents, window.messages, background)
        window.selection_settings.work = self.edits.start
        window.selection_settings.in_turn = self.edits.in_turn
        self._window = window
        self._documents = documents
        self._generation = generation
        self._amount: AmountSheet | None = None
        self._name: NameSheet | None = None
        self._size: CanvasSizeSheet | None = None
        self._kept = QMenu(window)
        self._kept.aboutToShow.connect(self._list_kept)
        window.actions_by_name["kept_masks"].setMenu(self._kept)
        self._connect()

    @Slot()
    def confirm_or_keep(self) -> None:
        """Enter: carry out the gesture that waits, else keep the new picture."""
        if not self._window.canvas.confirm_gesture():
            self._generation.keep()

    def take_back(self) -> bool:
        """Before anything is undone: a shape's last corner, else what is being worked at."""
        return self._window.canvas.take_back() or self.edits.cancel()

    @Slot()
    def discard_or_clear(self) -> None:
        """Del: put the new picture away, else clear what is selected."""
        if self._generation.has_proposal:
            self._generation.discard()
        else:
            self._on_clear()

    def _connect(self) -> None:
        actions = self._window.actions_by_name
        for name, slot in {
            "swap_colours": self._window.brush_settings.swap_colours,
            "reset_colours": self._window.brush_settings.reset_colours,
            "canvas_size": self._on_canvas_size,
            "select_holes": self._on_select_holes,
            "mask_holes": self._on_mask_holes,
            "keep_mask": self._on_keep_mask,
        }.items():
            actions[name].triggered.connect(slot)
        for name, act in {
            "cut": self._on_cut,
            "copy_piece": self._on_copy,
            "clear": self._on_clear,
            "fill": self._on_fill,
            "crop": self._on_crop,
            "select_all": self._on_select_all,
            "deselect": self._on_deselect,
            "reselect": self._on_reselect,
            "select_invert": self._on_invert,
            "select_layer": self._on_select_layer,
            "select_mask": self._on_select_mask,
            "clear_mask": self._on_clear_mask,
            "invert_mask": self._on_invert_mask,
            "mask_selection": self._on_mask_selection,
        }.items():
            actions[name].triggered.connect(partial(self._in_turn, act))
        for name in EDITS:
            actions[f"select_{name}"].triggered.connect(self._on_amount)
            actions[f"mask_{name}"].triggered.connect(self._on_amount)
        self._window.layers.list.shape_asked.connect(self._on_shape_asked)

    def _in_turn(self, act: Callable[[], object], _checked: bool = False) -> None:
        self.edits.in_turn(act)

    @property
    def _document(self) -> Document:
        return self._documents.document

    def _try(self, act: Callable[[], object]) -> bool:
        """Do it, or say what forbids it."""
        try:
            act()
        except KnownError as error:
            self._window.messages.warn(str(error))
            return False
        return True

    # --- what is selected --------------------------------------------------------------------

    @Slot()
    def _on_select_all(self) -> None:
        document = self._document
        document.selection.select(everything(document.size), "Select all")

    @Slot()
    def _on_deselect(self) -> None:
        self._document.selection.deselect()

    @Slot()
    def _on_reselect(self) -> None:
        if not self._document.selection.reselect():
            self._window.messages.tell("There is no earlier selection to bring back.")

    @Slot()
    def _on_invert(self) -> None:
        self._change_selection("Invert selection", inverted)

    @Slot()
    def _on_select_holes(self) -> None:
        words, name = "Filling the holes of the selection", "Fill holes of selection"
        self._work_on_selection(words, name, edges.without_holes)

    @Slot()
    def _on_select_layer(self) -> None:
        self._try(lambda: filling.select_alpha(self._document, self._document.active_layer))

    @Slot(object, object)
    def _on_shape_asked(self, layer: Layer, keys: Qt.KeyboardModifier) -> None:
        how = combination_of(keys)
        select = partial(filling.select_alpha, self._document, layer, how)
        self._in_turn(partial(self._try, select))

    @Slot()
    def _on_select_mask(self) -> None:
        self._try(lambda: filling.select_mask(self._document))

    def _change_selection(self, name: str, edit: Callable[[TiledSurface], TiledSurface]) -> None:
        if not self._document.selection.change(name, edit):
            self._window.messages.tell(NOTHING_SELECTED)

    def _work_on_selection(self, words: str, name: str, edit: SurfaceEdit) -> None:
        if self._document.selection.surface is None:
            self._window.messages.tell(NOTHING_SELECTED)
        else:
            self.edits.start(SelectionWork(self._document, words, name, edit))

    # --- the mask ----------------------------------------------------------------------------

    @Slot()
    def _on_clear_mask(self) -> None:
        self._document.clear_mask()

    @Slot()
    def _on_invert_mask(self) -> None:
        self._document.invert_mask()

    @Slot()
    def _on_mask_selection(self) -> None:
        self._try(lambda: filling.mask_from_selection(self._document))

    @Slot()
    def _on_mask_holes(self) -> None:
        words, name = "Filling the holes of the mask", "Fill holes of mask"
        self._work_on_mask(words, name, edges.without_holes)

    def _work_on_mask(self, words: str, name: str, edit: SurfaceEdit) -> None:
        if self._document.mask_is_empty:
            self._window.messages.tell(NOTHING_MASKED)
        else:
            self.edits.start(MaskWork(self._document, words, name, edit))

    @Slot()
    def _on_keep_mask(self) -> None:
        if self._document.mask_is_empty:
            self._window.messages.tell(NOTHING_MASKED)
            return
        if self._name is None:
            self._name = NameSheet(self._window, "Keep this mask", "Name of the mask", "Keep")
            self._name.asked.connect(self._on_mask_named)
        self._name.ask(f"Mask {len(self._document.kept_masks) + 1}")

    @Slot(str)
    def _on_mask_named(self, name: str) -> None:
        self._try(
            lambda: self._window.messages.tell(
                f"“{filling.keep_mask(self._document, name)}” is kept with the picture."
            )
        )

    @Slot()
    def _list_kept(self) -> None:
        """What can be done with each mask that was put by."""
        self._kept.clear()
        names = list(self._document.kept_masks)
        if not names:
            self._kept.addAction("Keep a mask first").setEnabled(False)
        for name in names:
            menu = QMenu(name.replace("&", "&&"), self._kept)
            for text, how in (
                ("&Instead of the mask", Combination.REPLACE),
                ("&Add to the mask", Combination.ADD),
                ("&Take away from the mask", Combination.SUBTRACT),
            ):
                menu.addAction(text).triggered.connect(partial(self._take_kept, name, how))
            menu.addSeparator()
            menu.addAction("&Forget it").triggered.connect(partial(self._forget_kept, name))
            self._kept.addMenu(menu)

    def _take_kept(self, name: str, how: Combination, _checked: bool = False) -> None:
        self.edits.in_turn(lambda: filling.take_mask(self._document, name, how))

    def _forget_kept(self, name: str, _checked: bool = False) -> None:
        filling.forget_mask(self._document, name)

    # --- by how much -------------------------------------------------------------------------

    @Slot()
    def _on_amount(self) -> None:
        what = self.sender().objectName()
        target, _, name = what.partition("_")
        is_mask = target == "mask"
        if is_mask and self._document.mask_is_empty:
            self._window.messages.tell(NOTHING_MASKED)
        elif not is_mask and self._document.selection.surface is None:
            self._window.messages.tell(NOTHING_SELECTED)
        else:
            if self._amount is None:
                self._amount = AmountSheet(self._window, edges.MOST_PIXELS)
                self._amount.asked.connect(self._on_amount_given)
            self._amount.ask(what, f"{EDITS[name][0]} {'mask' if is_mask else 'selection'}")

    @Slot(str, int)
    def _on_amount_given(self, what: str, pixels: int) -> None:
        target, _, name = what.partition("_")
        verb, doing, edit = EDITS[name]

        def by_that(surface: TiledSurface, check: Check) -> TiledSurface:
            return edit(surface, pixels, check)

        if target == "mask":
            self._work_on_mask(f"{doing} the mask", f"{verb} mask", by_that)
        else:
            self._work_on_selection(f"{doing} the selection", f"{verb} selection", by_that)

    # --- pixels and canvas -------------------------------------------------------------------

    @Slot()
    def _on_copy(self) -> None:
        if self._try(self._copy):
            self._window.messages.tell("Copied.")

    @Slot()
    def _on_cut(self) -> None:
        document = self._document
        if self._is_selected() and self._try(self._copy):
            self._try(lambda: filling.clear(document, document.active_layer, "Cut"))

    def _copy(self) -> None:
        rect, pixels = transforming.copied(self._document)
        put_on_clipboard(pixels, rect)

    @Slot()
    def _on_clear(self) -> None:
        if self._window.canvas.take_back():
            return
        if self._is_selected():
            self._try(lambda: filling.clear(self._document, self._target()))

    def _is_selected(self) -> bool:
        """Whether anything is; if not, it is said."""
        if self._document.selection.surface is not None:
            return True
        self._window.messages.tell(f"{NOTHING_SELECTED} {self._window.keymap.say(SELECT_ALL)}")
        return False

    @Slot()
    def _on_fill(self) -> None:
        brush, target = self._window.brush_settings, self._target()
        if target is not None:
            brush.remember_colour()
        self._try(lambda: filling.fill_selected(self._document, target, brush.colour))

    def _target(self) -> Layer | None:
        """The active layer; None, which is the mask, while a tool that paints it is in the hand."""
        tool = self._window.canvas.tool
        on_mask = isinstance(tool, PaintingTool) and tool.paints_mask and not tool.paints_colour
        if isinstance(tool, BucketTool | GradientTool):
            on_mask = self._window.selection_settings.fills_mask
        return None if on_mask else self._document.active_layer

    @Slot()
    def _on_crop(self) -> None:
        self._try(lambda: transforming.crop_to_selection(self._document))

    @Slot()
    def _on_canvas_size(self) -> None:
        if self._size is None:
            self._size = CanvasSizeSheet(self._window)
            self._size.asked.connect(self._on_size_given)
        self._size.ask(self._document.size)

    @Slot(int, int, float, float)
    def _on_size_given(self, width: int, height: int, across: float, down: float) -> None:
        size = Size(width, height)
        self._try(lambda: transforming.resize_canvas(self._document, size, (across, down)))
