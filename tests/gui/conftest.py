"""What window tests share: a theme, models, a canvas, and a whole window on an offscreen screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.abilities import GenerationKind, ModelAbilities
from core.canvas.document import Document
from core.checkpoints import Checkpoint
from core.geometry import Size
from gui.background import Background
from gui.canvas.tools.painting import BrushSettings
from gui.canvas.view import CanvasView
from gui.main_window import MainWindow
from gui.sampling import Sampling
from gui.theme import Theme
from tests.helpers.desktop import in_background


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    """The dark theme, on the whole application."""
    theme = Theme(qapp)
    theme.choose("dark")
    yield theme
    theme.deleteLater()


@pytest.fixture
def sampling(qapp: QApplication) -> Sampling:
    return Sampling()


@pytest.fixture
def background(qapp: QApplication) -> Iterator[Background]:
    with in_background(qapp) as background:
        yield background


@pytest.fixture
def checkpoint() -> Checkpoint:
    """A model that is only spoken of: sizes in steps of 8, three schedulers."""
    abilities = ModelAbilities(
        family="sd1",
        kinds=frozenset(GenerationKind),
        size_multiple=8,
        native_size=Size(64, 64),
        schedulers=("Euler", "Euler a", "DDIM"),
        max_size=512,
    )
    return Checkpoint("starter", Path("nowhere"), "StableDiffusionPipeline", abilities, None)


class Easel(CanvasView):
    """A canvas with words for tests: positions are given in document pixels.

    Attributes:
        painted: Area in view pixels of every region that was painted.
    """

    def __init__(self, theme: Theme, brush: BrushSettings) -> None:
        super().__init__(theme, brush)
        self.painted: list[int] = []

    def paintEvent(self, event: QPaintEvent) -> None:
        bounds = event.region().boundingRect()
        self.painted.append(bounds.width() * bounds.height())
        super().paintEvent(event)

    def at(self, x: float, y: float) -> QPoint:
        """The view position of a document position."""
        return QPoint(*map(round, self.viewport.to_view(x, y)))

    def along(self, *points: tuple[float, float]) -> list[QPoint]:
        """View positions of several document positions."""
        return [self.at(*point) for point in points]

    @property
    def easel(self) -> Document:
        """The document, which a test's canvas always has."""
        assert self.document is not None
        return self.document


@pytest.fixture
def brush(qapp: QApplication) -> BrushSettings:
    """A hard red brush of 8 pixels."""
    brush = BrushSettings()
    brush.change(size=8.0, hardness=1.0, colour=(255, 0, 0))
    return brush


@pytest.fixture
def canvas(qtbot: QtBot, theme: Theme, brush: BrushSettings) -> Easel:
    """A white canvas of 64 x 64 document pixels at 400 %, shown on the screen."""
    canvas = Easel(theme, brush)
    qtbot.addWidget(canvas)
    canvas.resize(400, 400)
    canvas.show_document(Document(Size(64, 64)))
    canvas.show()
    qtbot.waitExposed(canvas)
    canvas.setFocus()
    return canvas


@pytest.fixture
def window(qtbot: QtBot, theme: Theme, sampling: Sampling) -> MainWindow:
    """The whole window, active, with a white document of 128 x 96 pixels on its canvas."""
    window = MainWindow(theme, sampling)
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.canvas.show_document(Document(Size(128, 96)))
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window
