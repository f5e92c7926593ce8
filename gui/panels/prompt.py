"""The prompt in the dock: its editor, how it fits the model, and what is to be said about that."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from gui.theme import Theme
from gui.widgets.form import label, mark, row
from gui.widgets.prompt_edit import PromptEdit

if TYPE_CHECKING:
    from gui.panels.token_table import TokenTable
    from gui.prompting import PromptFit, Reading


class PromptSection(QWidget):
    """The prompt's editor below its heading and counter.

    Signals:
        edited: The whole text, after the person changed it.
        recall_asked: +1 for an older prompt, -1 for a newer one.
        tokens_asked: The counter was pressed: `show_tokens` shall say what is read.
    """

    edited = Signal(str)
    recall_asked = Signal(int)
    tokens_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._edit = PromptEdit("Prompt", "What the picture shows", 3, most=10)
        self._counter = QPushButton()
        self._counter.setObjectName("counter")
        self._counter.setText("0 / 75")
        self._counter.setAutoDefault(False)
        self._counter.setToolTip("Tokens of the prompt, and room for them. Click to see each")
        self._counter.setAccessibleName("Tokens of the prompt: 0 / 75")
        self._table: TokenTable | None = None
        self._cut = label("")
        self._note = label("", quiet=True)
        self._cut.setProperty("warning", True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.setSizeConstraint(QVBoxLayout.SizeConstraint.SetMinAndMaxSize)
        column.addLayout(row(label("Prompt", section=True), None, self._counter))
        column.addWidget(self._edit)
        for said in (self._cut, self._note):
            said.setWordWrap(True)
            said.setTextFormat(Qt.TextFormat.PlainText)  # <lora:…> is no markup
            said.hide()
            column.addWidget(said)
        self._edit.edited.connect(self.edited)
        self._edit.recall_asked.connect(self.recall_asked)
        self._counter.clicked.connect(self.tokens_asked)

    def show_text(self, text: str) -> None:
        """Show the prompt without telling anybody."""
        self._edit.show_text(text)

    def type_text(self, text: str) -> None:
        """Replace the prompt, as typing would."""
        self._edit.setPlainText(text)

    def take_focus(self) -> None:
        """Put the cursor into the prompt."""
        self._edit.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def show_fit(self, fit: PromptFit) -> None:
        """Show how many tokens there are, where they are read anew, and what is not read."""
        self._show_count(fit)
        self._cut.setVisible(bool(fit.cut))
        self._cut.setText(f"Not read: “{_shortened(fit.cut)}”")
        self._cut.setToolTip(f"<p>{escape(fit.cut)}</p>" if fit.cut else "")
        self._note.setVisible(bool(fit.note))
        self._note.setText(fit.note)
        end = len(self._edit.toPlainText())
        unread = end if fit.cut_at is None else fit.cut_at
        self._edit.mark_unread(unread, self._theme.colour("accent"))
        self._edit.mark_breaks(fit.breaks, self._theme.colour("accent"))

    def _show_count(self, fit: PromptFit) -> None:
        about = "≈ " if fit.is_drawn else ""
        chunks = f"{len(fit.breaks) + 1} chunks · " if fit.breaks else ""
        text = f"{chunks}{about}{fit.count} / {fit.limit}"
        self._counter.setText(text)
        self._counter.setAccessibleName(f"Tokens of the prompt: {text}")
        mark(self._counter, "warning", bool(fit.cut))

    @Slot(list)
    def show_tokens(self, readings: list[Reading]) -> None:
        """Open the table of tokens beside the prompt; nothing where nobody reads."""
        from gui.panels.token_table import TokenTable  # not before the first paint

        if readings:
            self._table = self._table or TokenTable(self._theme, self)
            self._table.show_readings(readings)
            self._table.open_beside(self)


def _shortened(text: str, most: int = 88) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
