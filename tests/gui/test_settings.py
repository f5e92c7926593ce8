"""The settings dialog: everything holds at once, and what cannot be is refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QLabel, QToolButton
from pytestqt.qtbot import QtBot

from core.canvas.brush import Brush
from core.canvas.document import Document
from core.canvas.strokes import StrokeTarget
from core.geometry import Size
from core.memory import installed
from core.settings import Paths, Settings
from gui.background import Background
from gui.documents import DocumentController
from gui.main_window import MainWindow
from gui.models import ModelController
from gui.panels.settings import SettingsDialog
from gui.sampling import Sampling
from gui.settings import SettingsController
from gui.undoing import UndoController
from gui.widgets.number_field import NumberField
from tests.helpers.desktop import LEFT, rest

HALF = installed() // 2**20 // 2


class Engine:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.megabytes = 256
        self.folders: tuple[Path, ...] = ()
        self.timeline_bytes = 84 * 2**20
        self.compiles = False

    def compile_models(self, compiles: bool) -> None:
        self.compiles = compiles

    def limit_timelines(self, megabytes: int) -> None:
        self.megabytes = megabytes

    def look_in(self, folders: list[Path]) -> None:
        self.folders = tuple(folders)


class Desk:
    """A window with the parts that settings change; what `gui.settings.Studio` asks for."""

    def __init__(
        self, window: MainWindow, sampling: Sampling, background: Background, tmp_path: Path
    ) -> None:
        self.window = window
        self.paths = Paths.find(tmp_path)
        self.settings = Settings()
        self.engine = Engine()
        self.models = ModelController(sampling, background, [tmp_path / "own"], window)
        self.documents = DocumentController(
            window.canvas, window.messages, sampling, self.paths, window
        )
        self.undo = UndoController(window, self.documents, self.settings.undo_megabytes)
        self.documents.show(Document(Size(64, 64)))
        self.kept = 0
        self.controller = SettingsController(self, self._keep)  # type: ignore[arg-type]

    def _keep(self) -> None:
        self.kept += 1

    @property
    def dialog(self) -> SettingsDialog:
        (dialog,) = self.window.findChildren(SettingsDialog)
        return dialog

    @property
    def words(self) -> list[str]:
        return [each.text() for each in self.dialog.findChildren(QLabel) if each.isVisible()]

    def field(self, name: str) -> NumberField:
        fields = self.dialog.findChildren(NumberField)
        return next(field for field in fields if field.accessibleName() == name)

    def type_into(self, name: str, megabytes: int) -> None:
        field = self.field(name)
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, str(megabytes))
        QTest.keyClick(field, Qt.Key.Key_Return)

    def button(self, name: str) -> QToolButton:
        buttons = self.dialog.findChildren(QToolButton)
        return next(button for button in buttons if button.accessibleName() == name)


@pytest.fixture
def desk(
    window: MainWindow, sampling: Sampling, background: Background, tmp_path: Path, qtbot: QtBot
) -> Desk:
    desk = Desk(window, sampling, background, tmp_path)
    window.actions_by_name["settings"].trigger()
    qtbot.waitUntil(desk.dialog.isActiveWindow)
    return desk


def test_it_shows_the_figures_and_what_is_in_use(desk: Desk) -> None:
    assert desk.field("Memory for undo").value() == 512
    assert "84 of 256 MB in use" in desk.words
    assert "0 of 512 MB in use" in desk.words
    stroke = desk.documents.document.begin_stroke(Brush(size=8), StrokeTarget.PAINT)
    stroke.move_to(20, 20)
    stroke.finish()
    used = desk.documents.document.undo_stack.bytes_used / 2**20
    assert f"{used:.1f} of 512 MB in use" in desk.words


def test_memory_holds_at_once(desk: Desk) -> None:
    desk.type_into("Memory for undo", 128)
    assert desk.documents.document.undo_stack.limit_bytes == 128 * 2**20
    desk.type_into("Memory for the timeline", 0)
    assert desk.engine.megabytes == 0
    assert (desk.settings.undo_megabytes, desk.settings.timeline_megabytes) == (128, 0)
    assert desk.kept == 2
    assert "Keeps none" in desk.words
    desk.documents.show(Document(Size(64, 64)))
    assert desk.documents.document.undo_stack.limit_bytes == 128 * 2**20


def test_what_was_typed_last_holds_when_it_is_closed(desk: Desk) -> None:
    field = desk.field("Memory for undo")
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "64")
    desk.dialog.close()
    assert desk.settings.undo_megabytes == 64


@pytest.mark.parametrize(
    ("name", "megabytes"),
    [("Memory for undo", 3), ("Memory for undo", HALF + 1), ("Memory for the timeline", HALF + 1)],
)
def test_a_figure_that_cannot_be_is_refused(desk: Desk, name: str, megabytes: int) -> None:
    before = desk.field(name).value()
    desk.type_into(name, megabytes)
    assert any(f"cannot take {megabytes} MB. Choose" in words for words in desk.words)
    assert desk.field(name).value() == before
    assert desk.settings == Settings()
    assert desk.kept == 0
    desk.type_into("Memory for undo", 100)
    assert not any("cannot take" in words for words in desk.words)


def test_the_theme_holds_at_once_and_follows_the_menu(desk: Desk) -> None:
    QTest.mouseClick(desk.button("Light"), LEFT)
    assert not desk.window.theme.is_dark
    assert desk.settings.theme == "light"
    desk.window.actions_by_name["theme"].trigger()
    assert desk.window.theme.is_dark
    assert desk.button("Dark").isChecked()
    assert desk.kept == 2


def test_folders_of_models_come_and_go(
    desk: Desk, tmp_path: Path, qtbot: QtBot, background: Background
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    desk.controller.add_folder(str(folder))
    assert desk.settings.model_folders == (str(folder),)
    assert desk.engine.folders == (tmp_path / "own", folder)
    qtbot.waitUntil(lambda: str(folder) in desk.words)
    desk.controller.add_folder(str(folder))
    assert f"Models are looked for in “{folder}” already." in desk.words
    QTest.mouseClick(desk.button(f"Remove {folder}"), LEFT)
    assert desk.settings.model_folders == ()
    assert desk.engine.folders == (tmp_path / "own",)
    assert str(folder) not in desk.words
    assert folder.is_dir()
    rest(qtbot, background)


def test_a_folder_that_is_not_there_is_refused(desk: Desk, tmp_path: Path) -> None:
    desk.controller.add_folder(str(tmp_path / "nowhere"))
    assert any(words.startswith("There is no folder") for words in desk.words)
    desk.dialog.close()
    desk.controller.add_folder(str(tmp_path / "nowhere"))
    assert desk.window.messages.text.startswith("There is no folder")
    assert desk.settings == Settings()


def test_models_are_compiled_where_it_is_wanted(desk: Desk) -> None:
    (box,) = desk.dialog.findChildren(QCheckBox)
    assert not box.isChecked()
    QTest.mouseClick(box, LEFT, pos=QPoint(8, box.height() // 2))
    assert desk.engine.compiles
    assert desk.settings.compile_models
    assert box.isChecked()
    assert desk.kept == 1
    QTest.mouseClick(box, LEFT, pos=QPoint(8, box.height() // 2))
    assert not desk.engine.compiles
    assert not desk.settings.compile_models
