"""What the prompt's counter opens: each token, its chunk and weight, and what is not read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    Qt,
    Slot,
)
from PySide6.QtGui import QFont, QGuiApplication, QPainter, QPen
from PySide6.QtWidgets import (
    QFrame,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from gui.theme import Theme
from gui.widgets.form import label
from gui.widgets.segmented import Segmented

if TYPE_CHECKING:
    from core.prompts import WrittenToken
    from gui.prompting import Reading

WIDTH = 300
GAP = 16
ROW = 24
MOST_ROWS = 14
NUMBER, TOKEN, WEIGHT, CHUNK = range(4)
HEADINGS = ("", "Token", "Weight", "Chunk")
NOT_READ = "not read"
_Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class TokenRows(QAbstractTableModel):
    """The tokens of one reading, one a row; thousands of them cost what is seen."""

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tokens: tuple[WrittenToken, ...] = ()
        self._struck = QFont()
        self._struck.setStrikeOut(True)

    def show_tokens(self, tokens: tuple[WrittenToken, ...]) -> None:
        """Show these instead."""
        self.beginResetModel()
        self._tokens = tokens
        self.endResetModel()

    def begins_chunk(self, row: int) -> bool:
        """Whether the model reads anew there, or no longer."""
        return row > 0 and self._tokens[row].chunk != self._tokens[row - 1].chunk

    def rowCount(self, parent: _Index = _NOWHERE) -> int:
        """One for each token."""
        return 0 if parent.isValid() else len(self._tokens)

    def columnCount(self, parent: _Index = _NOWHERE) -> int:
        """Number, token, weight, chunk."""
        return 0 if parent.isValid() else len(HEADINGS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """What the columns are."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT if section == TOKEN else _RIGHT
        return HEADINGS[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text and look of one cell; what is not read is struck out."""
        token, column = self._tokens[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(index.row(), token, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT if column == TOKEN else _RIGHT
        if role == Qt.ItemDataRole.FontRole and token.chunk is None and column == TOKEN:
            return self._struck
        if role == Qt.ItemDataRole.ForegroundRole:
            if token.chunk is None and column != NUMBER:
                return self._theme.colour("accent")
            return self._theme.colour("text" if column == TOKEN else "text2")
        return None


class _ChunkLines(QStyledItemDelegate):
    """A dotted line where a chunk begins, as in the prompt itself."""

    def __init__(self, rows: TokenRows, theme: Theme) -> None:
        super().__init__(rows)
        self._rows, self._theme = rows, theme

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """The cell, and the line above it."""
        super().paint(painter, option, index)
        if self._rows.begins_chunk(index.row()):
            painter.setPen(QPen(self._theme.colour("accent"), 1, Qt.PenStyle.DotLine))
            painter.drawLine(option.rect.topLeft(), option.rect.topRight())


class TokenTable(QFrame):
    """Closes with Esc, or with a click elsewhere."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("popover")
        self.setAccessibleName("Tokens of the prompt")
        self.setFixedWidth(WIDTH)
        self._readings: dict[str, Reading] = {}
        self._encoders: Segmented | None = None
        self._said = label("", quiet=True)
        self._said.setWordWrap(True)
        self._rows = TokenRows(theme, self)
        self._table = self._make_table()
        self._table.setItemDelegate(_ChunkLines(self._rows, theme))
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 12, 12, 12)
        self._column.setSpacing(8)
        self._column.addWidget(label("Tokens", section=True))
        self._column.addWidget(self._said)
        self._column.addWidget(self._table)

    def show_readings(self, readings: Sequence[Reading]) -> None:
        """Show what each encoder reads; that which reads most comes first into view."""
        self._readings = {reading.encoder: reading for reading in readings}
        if self._encoders is not None:
            self._column.removeWidget(self._encoders)
            self._encoders.deleteLater()
            self._encoders = None
        if len(self._readings) > 1:
            choices = [(name, name, f"What {name} reads") for name in self._readings]
            self._encoders = Segmented("Text encoder", choices)
            self._encoders.chosen.connect(self._show)
            self._column.insertWidget(1, self._encoders)
        self._show(readings[-1].encoder)

    def open_beside(self, panel: QWidget) -> None:
        """Show it on the left of `panel`, so that the prompt can be seen with it."""
        corner = panel.mapToGlobal(QPoint(0, 0))
        screen = QGuiApplication.screenAt(corner) or QGuiApplication.primaryScreen()
        area = screen.availableGeometry()
        left = max(area.left(), corner.x() - self.width() - GAP)
        self.move(QPoint(left, max(area.top(), min(corner.y(), area.bottom() - self.height()))))
        self.show()
        self._table.setFocus(Qt.FocusReason.PopupFocusReason)

    @Slot(str)
    def _show(self, encoder: str) -> None:
        reading = self._readings[encoder]
        if self._encoders is not None:
            self._encoders.show_choice(encoder)
        self._said.setText(sentence(reading, list(self._readings.values())))
        self._rows.show_tokens(reading.tokens)
        weighed = any(token.weight != 1 for token in reading.tokens)
        self._table.setColumnHidden(WEIGHT, not weighed)
        self._table.setColumnHidden(CHUNK, len({token.chunk for token in reading.tokens}) < 2)
        self._table.setVisible(bool(reading.tokens))
        self._table.scrollToTop()
        lines = min(len(reading.tokens), MOST_ROWS) + 1  # with the heading
        self._table.setFixedHeight(ROW * lines + 2)
        self.adjustSize()

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self._rows)
        table.setAccessibleName("Tokens")
        table.setShowGrid(False)
        table.setFrameShape(QFrame.Shape.NoFrame)
        table.setSelectionMode(QTableView.SelectionMode.NoSelection)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(ROW)
        table.verticalHeader().setMinimumSectionSize(ROW)
        across = table.horizontalHeader()
        across.setFixedHeight(ROW)
        across.setHighlightSections(False)
        across.setSectionsClickable(False)
        across.setSectionResizeMode(TOKEN, QHeaderView.ResizeMode.Stretch)
        for column, width in ((NUMBER, 36), (WEIGHT, 64), (CHUNK, 88)):
            across.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            table.setColumnWidth(column, width)
        return table


def sentence(reading: Reading, others: Sequence[Reading]) -> str:
    """What there is to say about how one encoder reads the prompt."""
    count = len(reading.tokens)
    read = sum(token.chunk is not None for token in reading.tokens)
    if not count:
        return "The prompt is empty."
    if read < count:
        further = [o.encoder for o in others if o.limit > reading.limit]
        rest = f"{further[-1]} reads on." if further else "Say first what matters most."
        return f"The first {read} of {count} tokens are read. {rest}"
    chunks = len({token.chunk for token in reading.tokens})
    if reading.in_chunks and chunks > 1:
        return (
            f"{count} tokens in {chunks} chunks. The model reads up to {reading.limit} at a time; "
            "BREAK begins a new chunk earlier."
        )
    return f"{count} of {reading.limit} tokens; all are read."


def _text(row: int, token: WrittenToken, column: int) -> str:
    if column == NUMBER:
        return str(row + 1)
    if column == TOKEN:
        shown = token.text if token.text.isprintable() and token.text.strip() else _named(token)
        return shown if token.ends_word else f"{shown}-"
    if column == WEIGHT:
        return "" if token.weight == 1 else f"{token.weight:.4g}"
    return NOT_READ if token.chunk is None else str(token.chunk + 1)


def _named(token: WrittenToken) -> str:
    """A character that cannot be seen, such as the joiner inside an emoji."""
    return " ".join(f"U+{ord(character):04X}" for character in token.text) or "space"
