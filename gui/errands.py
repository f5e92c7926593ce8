"""Pictures that are made beside the canvas: grids, larger ones, and kept ones made again."""

from __future__ import annotations

from PySide6.QtCore import QObject

from gui.background import Background
from gui.enlarging import EnlargingController
from gui.generation import GenerationController
from gui.grids import GridController
from gui.main_window import MainWindow
from gui.models import ModelController
from gui.reproducing import ReproductionController
from gui.results import ResultController
from gui.sampling import Sampling


class Errands(QObject):
    """Joins those who ask for them with the window, each when it is first wanted."""

    def __init__(
        self,
        window: MainWindow,
        sampling: Sampling,
        generation: GenerationController,
        models: ModelController,
        results: ResultController,
        background: Background,
    ) -> None:
        super().__init__(window)
        self.grids = GridController(window, sampling, generation, models, results, background)
        self.enlargements = EnlargingController(window, generation, models, results, background)
        self.reproductions = ReproductionController(window, generation, results, background)

    def close(self) -> None:
        """Keep what there is of grids that are not finished; after the background was closed."""
        self.grids.close()
