"""What is open is kept while it is worked on, without anybody closing anything."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from core.canvas.document import Document
from core.geometry import Rect, Size
from core.projects import load_project
from core.settings import Paths, Settings, load_settings
from gui.autosave import Autosave
from gui.background import Background
from gui.documents import DocumentController
from gui.panels.messages import MessageStrip
from gui.sampling import Sampling
from gui.theme import Theme
from tests.gui.conftest import Easel


class Kept:
    """Documents, settings and their autosave."""

    def __init__(self, canvas: Easel, theme: Theme, background: Background, box: QWidget) -> None:
        self.paths = Paths.find()
        self.paths.make()
        messages = MessageStrip(theme, box)
        self.documents = DocumentController(canvas, messages, Sampling(), self.paths, box)
        self.documents.show(Document(Size(64, 48)))
        self.settings = Settings()
        self.autosave = Autosave(self.documents, background, lambda: self.settings, box)

    @property
    def session(self) -> Document:
        return load_project(self.documents.session_file).document


@pytest.fixture
def kept(qtbot: QtBot, canvas: Easel, theme: Theme, background: Background) -> Kept:
    box = QWidget()
    qtbot.addWidget(box)
    return Kept(canvas, theme, background, box)


def test_what_was_done_is_kept_without_closing(kept: Kept, qtbot: QtBot) -> None:
    kept.documents.document.fill_mask(Rect(3, 3, 9, 9))
    kept.autosave.keep()
    qtbot.waitUntil(kept.documents.session_file.exists)

    assert kept.session.mask_pixels(Rect(0, 0, 64, 48)).sum() == 9 * 9 * 255


def test_the_snapshot_is_of_the_moment_it_was_taken(kept: Kept, qtbot: QtBot) -> None:
    document = kept.documents.document
    document.fill_mask(Rect(3, 3, 9, 9))
    kept.autosave.keep()
    document.clear_mask()
    qtbot.waitUntil(kept.documents.session_file.exists)

    assert kept.session.mask_touches(Rect(3, 3, 9, 9))


def test_later_work_replaces_earlier(kept: Kept, qtbot: QtBot) -> None:
    kept.documents.document.fill_mask(Rect(0, 0, 4, 4))
    kept.autosave.keep()
    qtbot.waitUntil(kept.documents.session_file.exists)
    kept.documents.document.clear_mask()

    def is_replaced() -> None:
        kept.autosave.keep()
        assert kept.session.mask_is_empty

    qtbot.waitUntil(is_replaced)


def test_nothing_is_written_when_nothing_was_done(kept: Kept, qtbot: QtBot) -> None:
    kept.autosave.keep()
    qtbot.waitUntil(kept.paths.settings_file.exists)

    assert not kept.documents.session_file.exists()


def test_the_settings_are_kept_with_it(kept: Kept, qtbot: QtBot) -> None:
    kept.settings = replace(kept.settings, prompts=("a red apple",))
    kept.autosave.keep()
    qtbot.waitUntil(kept.paths.settings_file.exists)

    assert load_settings(kept.paths.settings_file).prompts == ("a red apple",)
