"""Joins the settings dialog with what it changes; every change holds at once and is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFileDialog

from core.errors import KnownError
from core.memory import installed
from core.settings import Settings

if TYPE_CHECKING:
    from core.engine import InferenceThread
    from core.settings import Paths
    from gui.main_window import MainWindow
    from gui.models import ModelController
    from gui.panels.settings import SettingsDialog
    from gui.undoing import UndoController

MEBIBYTE = 2**20


class Studio(Protocol):
    """What the settings are about: the parts that they change."""

    window: MainWindow
    paths: Paths
    settings: Settings
    engine: InferenceThread | None
    models: ModelController
    undo: UndoController


class SettingsController(QObject):
    """Opens the dialog; refuses what cannot be, in a sentence there."""

    def __init__(self, studio: Studio, keep: Callable[[], None]) -> None:
        """Call `keep` when something was changed: it writes the studio's settings."""
        super().__init__(studio.window)
        self._studio = studio
        self._keep = keep
        self._dialog: SettingsDialog | None = None
        actions = studio.window.actions_by_name
        actions["settings"].triggered.connect(self.ask)
        actions["models"].triggered.connect(self.ask_for_folder)
        actions["theme"].triggered.connect(self._on_theme_switched)
        actions["undo"].changed.connect(self._show_use)  # named anew when a step was made
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_desktop_changed)
        self._show_theme()

    @Slot()
    def ask(self) -> None:
        """Show the dialog, in front."""
        dialog = self._dialog or self._make()
        dialog.show()
        self._show()
        dialog.raise_()
        dialog.activateWindow()

    @Slot()
    def ask_for_folder(self) -> None:
        """Let the person choose a folder of models."""
        front = self._dialog if self._dialog and self._dialog.isVisible() else self._studio.window
        dialog = QFileDialog(front, "Add a folder of models")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.add_folder)
        dialog.open()

    @Slot(str)
    def add_folder(self, name: str) -> None:
        """Find models in this folder too, now and at every later start; they are not copied."""
        folder, models = Path(name), self._studio.models
        if not folder.is_dir():
            self._refuse(f"There is no folder “{name}”. Choose one that is there.")
        elif folder in models.folders:
            self._refuse(f"Models are looked for in “{name}” already.")
        else:
            models.add_folder(folder)
            self._look_there()

    @Slot(str)
    def remove_folder(self, name: str) -> None:
        """Look for models in this folder no longer."""
        self._studio.models.remove_folder(Path(name))
        self._look_there()

    def _look_there(self) -> None:
        studio = self._studio
        own = tuple(str(folder) for folder in studio.models.folders[1:])
        if studio.engine is not None:
            studio.engine.look_in(studio.models.folders)
        self._take(replace(studio.settings, model_folders=own))

    @Slot(str)
    def choose_theme(self, choice: str) -> None:
        """Show the window in these colours."""
        self._studio.window.theme.choose(choice)
        self._show_theme()
        self._take(replace(self._studio.settings, theme=choice))

    @Slot()
    def _on_theme_switched(self) -> None:
        self.choose_theme("light" if self._studio.window.theme.is_dark else "dark")

    @Slot()
    def _on_desktop_changed(self) -> None:
        if self._studio.window.theme.choice == "system":
            self.choose_theme("system")

    def _show_theme(self) -> None:
        """Let the header's button show where it leads."""
        window = self._studio.window
        icon = "sun" if window.theme.is_dark else "moon"
        window.theme.set_icon(window.actions_by_name["theme"], icon)

    @Slot(int, int)
    def limit_memory(self, undo: int, timeline: int) -> None:
        """Let undo and timeline take that many megabytes, or refuse it."""
        studio = self._studio
        wanted = replace(studio.settings, undo_megabytes=undo, timeline_megabytes=timeline)
        try:
            wanted.check(installed() // MEBIBYTE)
        except KnownError as error:
            self._show()
            self._refuse(str(error))
            return
        studio.undo.limit(undo)
        if studio.engine is not None:
            studio.engine.limit_timelines(timeline)
        self._take(wanted)

    @Slot(bool)
    def compile_models(self, compiles: bool) -> None:
        """Let torch compile models from the next picture on, or not."""
        if self._studio.engine is not None:
            self._studio.engine.compile_models(compiles)
        self._take(replace(self._studio.settings, compile_models=compiles))

    def _take(self, settings: Settings) -> None:
        self._studio.settings = settings
        self._keep()
        self._show()
        if self._dialog is not None:
            self._dialog.refuse("")

    # --- the dialog ------------------------------------------------------------------------

    def _make(self) -> SettingsDialog:
        from gui.panels.settings import SettingsDialog

        window = self._studio.window
        self._dialog = SettingsDialog(window, window.theme, installed() // MEBIBYTE)
        self._dialog.theme_chosen.connect(self.choose_theme)
        self._dialog.memory_edited.connect(self.limit_memory)
        self._dialog.compiling_chosen.connect(self.compile_models)
        self._dialog.folder_asked.connect(self.ask_for_folder)
        self._dialog.folder_removed.connect(self.remove_folder)
        self._dialog.pictures_asked.connect(self._on_pictures_asked)
        self._dialog.keys_asked.connect(window.actions_by_name["keys"].trigger)
        window.theme.changed.connect(self._show)
        return self._dialog

    @Slot()
    def _show(self) -> None:
        if self._dialog is None:
            return
        studio = self._studio
        settings = studio.settings
        self._dialog.show_choices(
            studio.window.theme.choice, settings.undo_megabytes, settings.timeline_megabytes
        )
        self._dialog.show_compiling(settings.compile_models)
        folders = [str(folder) for folder in studio.models.folders[1:]]
        self._dialog.show_folders(folders, str(studio.paths.pictures))
        self._show_use()

    @Slot()
    def _show_use(self) -> None:
        if self._dialog is None or self._dialog.isHidden():
            return
        engine = self._studio.engine
        self._dialog.show_use(
            self._studio.undo.bytes_used, 0 if engine is None else engine.timeline_bytes
        )

    def _refuse(self, why: str) -> None:
        if self._dialog is not None and self._dialog.isVisible():
            self._dialog.refuse(why)
        else:
            self._studio.window.messages.warn(why)

    @Slot()
    def _on_pictures_asked(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._studio.paths.pictures)))
