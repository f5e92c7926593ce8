"""Which models there are, and what choosing one means for the dock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication

from core.checkpoints import Checkpoint, find_checkpoints, signature
from core.geometry import Size
from gui.background import Background
from gui.sampling import Sampling

Seen = frozenset[tuple[str, int, int]]


class ModelController(QObject):
    """Looks for models in the background and keeps the chosen one.

    Coming back to the window is when a download may have ended: it looks again then, and tells
    only what has changed.

    Signals:
        found: The models there are, by name.
        chosen: The model that the next picture is made with.
        missing: No model was found anywhere.
    """

    found = Signal(list, str)
    chosen = Signal(object)
    missing = Signal()

    def __init__(
        self, sampling: Sampling, background: Background, folders: list[Path], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._sampling = sampling
        self._background = background
        self._folders = folders
        self._models: dict[str, Checkpoint] = {}
        self._seen: Seen | None = None
        self._is_looking = False
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.applicationStateChanged.connect(self.on_state_changed)

    @property
    def folders(self) -> list[Path]:
        """Where models are looked for, the embedded one's folder first."""
        return self._folders

    @property
    def models(self) -> Mapping[str, Checkpoint]:
        """What was found, by name."""
        return self._models

    def look(self) -> None:
        """Look through the model folders."""
        self._background.start(self._look())

    def add_folder(self, folder: Path) -> None:
        """Look in one more folder, from now on."""
        if folder not in self._folders:
            self._folders.append(folder)
        self.look()

    def remove_folder(self, folder: Path) -> None:
        """Look there no longer; nothing is deleted."""
        self._folders.remove(folder)
        self.look()

    @Slot(Qt.ApplicationState)
    def on_state_changed(self, state: Qt.ApplicationState) -> None:
        """Look again if the window came to the front and something changed on disk."""
        is_due = self._seen is not None and not self._is_looking
        if is_due and state is Qt.ApplicationState.ApplicationActive:
            self._background.start(self._look_again())

    @Slot(str)
    def choose(self, name: str) -> None:
        """Make the next pictures with the model of that name."""
        checkpoint = self._models.get(name)
        if checkpoint is None:
            return
        self._adopt(self._models.get(self._sampling.checkpoint), checkpoint)
        self._sampling.checkpoint = name
        if self._sampling.scheduler not in checkpoint.abilities.schedulers:
            self._sampling.scheduler = checkpoint.abilities.schedulers[0]
        self.chosen.emit(checkpoint)

    def _adopt(self, before: Checkpoint | None, checkpoint: Checkpoint) -> None:
        """Numbers that were the last model's own become this one's; others are the person's."""
        if before is None:
            return
        for name in ("num_inference_steps", "guidance_scale"):
            if getattr(self._sampling, name) == getattr(before.abilities, name):
                setattr(self._sampling, name, getattr(checkpoint.abilities, name))

    async def _look_again(self) -> None:
        self._is_looking = True
        try:
            seen = await self._background.run(signature, tuple(self._folders))
        finally:
            self._is_looking = False
        if seen != self._seen:
            await self._look()

    async def _look(self) -> None:
        self._seen, models = await self._background.run(_find, tuple(self._folders))
        self._models = {model.name: model for model in models}
        if not self._models:
            self.missing.emit()
            return
        wanted = self._sampling.checkpoint
        name = wanted if wanted in self._models else next(iter(self._models))
        self.found.emit(list(self._models), name)
        self.choose(name)


def _find(folders: Sequence[Path]) -> tuple[Seen, list[Checkpoint]]:
    # In this order: what comes in between is found again.
    return signature(folders), find_checkpoints(folders)


def size_presets(checkpoint: Checkpoint, canvas: Size) -> list[tuple[str, int, int]]:
    """Sizes to offer: label, width, height; the model's own one first."""
    native, step = checkpoint.abilities.native_size, checkpoint.abilities.size_multiple
    long = Size(native.width * 3 // 2, native.height).rounded_to(step)
    double = Size(native.width * 2, native.height * 2)
    presets = [
        ("Model’s own", *native),
        ("Landscape 3 : 2", *long),
        ("Portrait 2 : 3", *long.swapped()),
        ("Whole canvas", *canvas),
    ]
    if max(double) <= checkpoint.abilities.max_size:
        presets.insert(3, ("Double", *double))
    return presets
