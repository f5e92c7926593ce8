"""The table below the prompt's counter: tokens, chunks, weights, and what is struck out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QFont
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QTableView, QToolButton
from pytestqt.qtbot import QtBot

from core.checkpoints import Checkpoint, describe
from core.prompts import WrittenToken
from gui.background import Background
from gui.panels.prompt import PromptSection
from gui.panels.token_table import CHUNK, TOKEN, WEIGHT, TokenTable, sentence
from gui.prompting import PromptController, Reading
from gui.sampling import Sampling
from gui.theme import Theme
from tests.helpers.desktop import PATIENCE_MS, rest


def words(count: int, read: int, weight: float = 1.0) -> tuple[WrittenToken, ...]:
    return tuple(
        WrittenToken(f"w{n}", weight, 3 * n, 0 if n < read else None, True) for n in range(count)
    )


CLIP = Reading("CLIP", words(80, 75), 75, in_chunks=False)
T5 = Reading("T5", words(90, 90), 255, in_chunks=False)


class Desk:
    """The prompt's section with its controller, as the studio joins them."""

    def __init__(
        self, qtbot: QtBot, theme: Theme, sampling: Sampling, background: Background
    ) -> None:
        self.qtbot, self.background, self.sampling = qtbot, background, sampling
        self.section = PromptSection(theme)
        qtbot.addWidget(self.section)
        self.section.show()
        self.owner = QObject()
        self.controller = PromptController(sampling, background, lambda: (), {}, self.owner)
        self.controller.counted.connect(self.section.show_fit)
        self.controller.told.connect(self.section.show_tokens)
        self.section.tokens_asked.connect(self.controller.tell_tokens)

    def read(self, model: Checkpoint, prompt: str) -> TokenTable:
        """Choose the model, write the prompt, press the counter."""
        self.sampling.prompt = prompt
        self.controller.use(model)
        rest(self.qtbot, self.background)
        QTest.mouseClick(self.counter, Qt.MouseButton.LeftButton)
        self.qtbot.waitUntil(lambda: self.table is not None, timeout=PATIENCE_MS)
        assert self.table is not None
        self.qtbot.waitUntil(self.table.isVisible, timeout=PATIENCE_MS)
        return self.table

    @property
    def counter(self) -> QPushButton:
        return self.section.findChild(QPushButton, "counter")

    @property
    def table(self) -> TokenTable | None:
        return self.section.findChild(TokenTable)


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, sampling: Sampling, background: Background) -> Iterator[Desk]:
    desk = Desk(qtbot, theme, sampling, background)
    yield desk
    if desk.table is not None:
        desk.table.hide()
    desk.owner.deleteLater()
    background.close()


@pytest.fixture
def table(qtbot: QtBot, theme: Theme) -> TokenTable:
    made = TokenTable(theme, None)
    qtbot.addWidget(made)
    return made


def cells(table: TokenTable, column: int) -> list[str]:
    rows = table.findChild(QTableView).model()
    return [rows.index(row, column).data() for row in range(rows.rowCount())]


def said(table: TokenTable) -> str:
    return table.findChildren(QLabel)[1].text()


def test_the_counter_opens_what_the_model_reads(desk: Desk, zoo: Callable[[str], Path]) -> None:
    table = desk.read(describe(zoo("sd15")), "a (red:1.3) cat BREAK zq")
    assert desk.counter.text() == "2 chunks · 5 / 150"
    assert cells(table, TOKEN) == ["a", "red", "cat", "z-", "q"]
    assert cells(table, WEIGHT) == ["", "1.3", "", "", ""]
    assert cells(table, CHUNK) == ["1", "1", "1", "2", "2"]
    assert said(table).startswith("5 tokens in 2 chunks.")


def test_each_encoder_has_its_own_view(desk: Desk, zoo: Callable[[str], Path]) -> None:
    table = desk.read(describe(zoo("flux-dev")), "castle " * 80)
    assert said(table).endswith("of 511 tokens; all are read.")
    button = next(b for b in table.findChildren(QToolButton) if b.text() == "CLIP")
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert said(table) == "The first 75 of 80 tokens are read. T5 reads on."
    assert cells(table, CHUNK)[74:76] == ["1", "not read"]


def test_before_a_model_is_chosen_nothing_opens(desk: Desk, qtbot: QtBot) -> None:
    QTest.mouseClick(desk.counter, Qt.MouseButton.LeftButton)
    rest(qtbot, desk.background)
    assert desk.table is None


def test_what_is_not_read_is_struck_out(table: TokenTable) -> None:
    table.show_readings([CLIP])
    rows = table.findChild(QTableView).model()
    fonts = [rows.index(row, TOKEN).data(Qt.ItemDataRole.FontRole) for row in (74, 75)]
    assert fonts[0] is None
    assert isinstance(fonts[1], QFont)
    assert fonts[1].strikeOut()


def test_columns_that_say_nothing_are_left_out(table: TokenTable) -> None:
    view = table.findChild(QTableView)
    table.show_readings([T5])
    assert (view.isColumnHidden(WEIGHT), view.isColumnHidden(CHUNK)) == (True, True)
    table.show_readings([Reading("CLIP", words(80, 75, 1.2), 75, in_chunks=False)])
    assert (view.isColumnHidden(WEIGHT), view.isColumnHidden(CHUNK)) == (False, False)


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (Reading("CLIP", (), 75, in_chunks=True), "The prompt is empty."),
        (Reading("CLIP", words(5, 5), 75, in_chunks=True), "5 of 75 tokens; all are read."),
        (CLIP, "The first 75 of 80 tokens are read. Say first what matters most."),
    ],
)
def test_one_sentence_says_how_it_fits(reading: Reading, words: str) -> None:
    assert sentence(reading, [reading]) == words


def test_what_cannot_be_seen_has_a_name(table: TokenTable) -> None:
    tokens = (WrittenToken("\u200d", 1.0, 0, 0, False), WrittenToken("", 1.0, 0, 0, True))
    table.show_readings([Reading("CLIP", tokens, 75, in_chunks=True)])
    assert cells(table, TOKEN) == ["U+200D-", "space"]
